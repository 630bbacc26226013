"""The target does not work in this table or chain.

## Why is this bad?

`iptables-restore --test` and `nft -c` accept several of these; the real load then fails, and with it the whole file.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -j MASQUERADE
COMMIT
```

## Use instead

```iptables-save
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.verdict import Dnat, Masquerade, Redirect, Reject, Snat, Verdict
from fwc.lints._context import LintContext
from fwc.lints._hooks import hooks_of
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook

_OF_SOURCE = frozenset({Hook.POSTROUTING, Hook.INPUT})
_OF_DESTINATION = frozenset({Hook.PREROUTING, Hook.OUTPUT})
_ANSWER = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.INGRESS})


@lint(
    "FW005",
    "wrong-hook-target",
    Severity.ERROR,
    formats=("iptables-save", "nft"),
    needs=(Masquerade, Snat, Dnat, Redirect, Reject),
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    """iptables' own targets are checked while reading; these are the statements of nft, which `nft -c` accepts."""
    if context.kind != "nft":
        return
    for table in context.ruleset.tables:
        hooks = hooks_of(table)
        for chain in table.chains:
            for rule in chain.rules:
                word, allowed = _allowed(rule.verdict)
                wrong = hooks.get(chain.name, frozenset()) - allowed
                if word and wrong and rule.origin.span is not None:
                    yield lint.finding(
                        f"{word} does not work in {' and '.join(sorted(h.value for h in wrong))}: the kernel refuses the ruleset",
                        rule.origin.span,
                        help=f"{word} belongs into {' or '.join(sorted(h.value for h in allowed))}",
                    )


def _allowed(verdict: Verdict) -> tuple[str, frozenset[Hook]]:
    """The statement's word and where it may stand; an empty word for those that may stand anywhere."""
    match verdict:
        case Masquerade():
            return "masquerade", frozenset({Hook.POSTROUTING})
        case Snat():
            return "snat", _OF_SOURCE
        case Dnat():
            return "dnat", _OF_DESTINATION
        case Redirect():
            return "redirect", _OF_DESTINATION
        case Reject():
            return "reject", _ANSWER
        case _:
            return "", frozenset()
