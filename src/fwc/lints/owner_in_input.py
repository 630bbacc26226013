"""A rule asks for the owner of a socket where packets have none yet.

## Why is this bad?

Which user sent a packet is known of packets that this machine sends. In `prerouting`, `input` and `forward` nft loads
the condition without a word, and it holds for no new connection; iptables refuses it when the rule is loaded.

## Example

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                meta skuid 1000 udp dport 53 drop
        }
}
```

## Use instead

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook output priority raw; policy accept;
                meta skuid 1000 udp dport 53 drop
        }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import Owner
from fwc.ir.walk import match_nodes
from fwc.lints._context import LintContext
from fwc.lints._hooks import hooks_of
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook

_WITHOUT_SOCKET = frozenset({Hook.INGRESS, Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})


@lint("FW708", "owner-in-input", Severity.WARNING, formats=("iptables-save", "nft"), needs=(Owner,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for table in context.ruleset.tables:
        hooks = hooks_of(table)
        for chain in table.chains:
            called = hooks.get(chain.name, frozenset())
            if not called or not called <= _WITHOUT_SOCKET or context.is_foreign(chain):
                continue
            for rule in chain.rules:
                if rule.origin.span is not None and any(isinstance(n, Owner) for n in match_nodes(rule.match)):
                    where = " and ".join(sorted(h.value for h in called))
                    yield lint.finding(
                        f"the owner of a socket is not known of packets in {where}",
                        rule.origin.span,
                        label="matches no new connection",
                        help="ask for the owner in output or postrouting, where this machine's own packets pass",
                    )
