"""The conditions of a rule contradict each other: it matches nothing.

## Why is this bad?

The rule loads and never does anything. Two ports written one behind the other must both hold; a list of them is
written differently.

## Example

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                tcp dport 22 tcp dport 80 drop
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
                tcp dport { 22, 80 } drop
        }
}
```

## Exceptions

Conditions that fwc does not model, and sets that are filled at run time, are never taken to contradict anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach import reach
from fwc.lints._registry import Lint, lint


@lint("FW010", "contradictory-match", Severity.ERROR, formats=("iptables-save", "nft", "pf"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).contradictory:
        yield lint.finding(
            "the conditions of this rule contradict each other: no packet meets all of them",
            dead.span,
            label="matches nothing",
            help="write alternatives as a list in one condition, or as several rules",
            affects=(dead.span, *dead.affects),
        )
