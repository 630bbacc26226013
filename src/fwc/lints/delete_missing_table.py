"""`delete table` fails when the table is not there, as on the first boot.

## Why is this bad?

The whole file is refused. `table inet NAME` before it makes an empty table if there is none; `destroy` does both, but
only new versions know it.

## Example

```nft
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 192.0.2.0/24 drop
        }
}
```

## Use instead

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 192.0.2.0/24 drop
        }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.nft import tree as nft
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint


@lint("FW029", "delete-missing-table", Severity.ERROR, formats=("nft",), reads_tree=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    tree = context.tree
    if not isinstance(tree, nft.Tree):
        return
    known: set[tuple[str, str]] = set()
    for item in tree.items:
        if isinstance(item, nft.Include):
            return
        if isinstance(item, nft.TableNode):
            known.add((item.family or "ip", item.name))
        elif isinstance(item, nft.Command):
            key = (item.family or "ip", item.table)
            if item.object == "table" and item.verb == "delete" and item.table and key not in known:
                yield lint.finding(
                    f"table {key[0]} {item.table} may not be there yet: then the whole file is refused",
                    tree.span(item.start, item.end),
                    help=f"write `table {key[0]} {item.table}` before it",
                )
            elif item.verb in ("add", "create"):
                known.add(key)
