"""`iif` or `oif` names an interface that may not exist while the file is loaded.

## Why is this bad?

`iif` stores the number of the interface, so it must exist: if `ppp0` comes up after the firewall, the whole ruleset
is refused at boot.

## Example

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                iif "ppp0" udp dport 137 drop
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
                iifname "ppp0" udp dport 137 drop
        }
}
```

## Exceptions

`lo`, and names that do not sound like an interface that comes and goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.nft import tree as nft
from fwc.lints._context import LintContext
from fwc.lints._nft import rules
from fwc.lints._registry import Lint, lint

_INDEX = frozenset({"iif", "oif", "meta iif", "meta oif"})
_DYNAMIC = re.compile(r"(?:ppp|wg|tun|tap|veth|docker|utun|virbr|vnet|l2tp|sit|gre)\d+|br-[0-9a-f]{12}")


@lint("FW027", "iif-absent-at-load", Severity.ERROR, formats=("nft",), reads_tree=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    tree = context.tree
    if not isinstance(tree, nft.Tree):
        return
    dynamic = {name for each in context.settings.interfaces if each.dynamic for name in each.names}
    for rule in rules(tree):
        for statement in rule.statements:
            if not isinstance(statement, nft.Compare) or not isinstance(statement.left, nft.Selector):
                continue
            if statement.left.text not in _INDEX:
                continue
            for name in nft.literals(statement.right):
                if name in dynamic or _DYNAMIC.fullmatch(name):
                    word = statement.left.text
                    yield lint.finding(
                        f"`{word}` needs {name} to exist while the file is loaded, or all of it is refused",
                        tree.span(rule.start, rule.end),
                        help=f"write `{word}name`, which compares names",
                    )
