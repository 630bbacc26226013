"""Local traffic is recognised by the address 127.0.0.1 instead of the loopback interface.

## Why is this bad?

What a machine sends to its own outer address also goes over the loopback interface, with that address on both ends: the rule
misses it, and programs that use the host's name or address hang.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 127.0.0.1/32 -d 127.0.0.1/32 -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import CtState, Field, all_of, state_in
from fwc.lints._conditions import required
from fwc.lints._conntrack import TCP, place_span, protocol
from fwc.lints._context import LintContext
from fwc.lints._exposure import UNUSUAL
from fwc.lints._loopback import LOOPBACK, OWN, on_lo
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook


@lint("FW508", "loopback-by-address", Severity.WARNING, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    facts = context.facts
    for family in facts.families:
        base = (on_lo(context.ruleset, Hook.INPUT), state_in(CtState.NEW), protocol(TCP), UNUSUAL)
        inner = facts.accepts(family, Hook.INPUT, facts.boxes(family, all_of(*base, *LOOPBACK)))
        outer = facts.accepts(family, Hook.INPUT, facts.boxes(family, all_of(*base, *OWN)))
        rule = facts.rule(inner.some_by) if inner.some_by is not None else None
        if not inner.all or not outer.none or outer.undetermined or rule is None:
            continue
        if required(rule.match, Field.SADDR) is None and required(rule.match, Field.DADDR) is None:
            continue
        yield lint.finding(
            "only packets from 127.0.0.0/8 are accepted on the loopback interface, not those between own addresses",
            place_span(context, inner.some_by), label="recognises local traffic by its address",
            help="accept the interface: `-i lo -j ACCEPT` (nftables: `iif lo accept`)",
            witness={"text": outer.others_text},
        )  # fmt: skip
