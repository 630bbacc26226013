"""Loading this file twice gives every rule twice: nothing empties its table first.

## Why is this bad?

`nft -f` adds to what is there. After a second load each rule stands twice, counters and limits count twice, and a
rule taken out of the file stays in force.

## Example

```nft
#!/usr/sbin/nft -f
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 192.0.2.0/24 drop
        }
}
```

## Use instead

```nft
#!/usr/sbin/nft -f
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 192.0.2.0/24 drop
        }
}
```

## Exceptions

Only files that say that they are loaded by themselves (their first line is `#!/usr/sbin/nft -f`) and include no other
file are reported: a listing, or a file that another one includes, need not empty anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.nft import tree as nft
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint


@lint("FW902", "reload-duplicates", Severity.WARNING, formats=("nft",), reads_tree=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    tree = context.tree
    if not isinstance(tree, nft.Tree) or tree.file is None or not _loaded_by_itself(tree.file.line_text(1)):
        return
    emptied: set[tuple[str, str]] = set()
    chains: set[tuple[str, str, str]] = set()
    for item in tree.items:
        if isinstance(item, nft.Include):
            return
        if isinstance(item, nft.Command) and item.verb in ("flush", "delete", "destroy"):
            if item.object == "ruleset":
                return
            if item.object == "table":
                emptied.add((item.family or "ip", item.table))
            elif item.object == "chain":
                chains.add((item.family or "ip", item.table, item.name))
        elif isinstance(item, nft.TableNode):
            key = (item.family or "ip", item.name)
            with_rules = [c.name for c in item.items if isinstance(c, nft.ChainNode) and c.rules]
            if key in emptied or not with_rules or all((*key, name) in chains for name in with_rules):
                continue
            emptied.add(key)
            head = tree.file.text.find("{", item.start)
            yield lint.finding(
                f"loading this file again adds every rule of table {item.name} a second time",
                tree.span(item.start, head if head > 0 else item.end),
                help=f"write `table {key[0]} {item.name}` and `delete table {key[0]} {item.name}` above it",
            )


def _loaded_by_itself(line: str) -> bool:
    return line.startswith("#!") and "nft" in line
