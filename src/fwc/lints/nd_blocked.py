"""IPv6 is accepted, but neighbour discovery is not: nobody on the link can reach this machine over IPv6.

## Why is this bad?

Neighbour solicitation and advertisement (ICMPv6 135, 136) are IPv6's ARP. Connection tracking calls them UNTRACKED, so no accept
of NEW, ESTABLISHED or RELATED covers them: they need a rule of their own.

## Example

```nft
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        ct state established,related accept
        tcp dport 22 accept
    }
}
```

## Use instead

```nft
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        ct state established,related accept
        icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
        tcp dport 22 accept
    }
}
```

## Exceptions

A machine whose rules accept nothing over IPv6: there it is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.match import CtState, Field, FieldIn
from fwc.lints._conntrack import TCP, UDP, ask, filtered, place_span, protocol, state
from fwc.lints._context import LintContext
from fwc.lints._icmp import icmp
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet

_NEEDED = {135: "neighbour solicitation", 136: "neighbour advertisement"}


@lint("FW403", "nd-blocked", Severity.ERROR, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for hook in (Hook.INPUT, Hook.OUTPUT):
        chains = filtered(context, Family.V6, hook)
        if not chains or any(context.is_foreign(chain) for _, chain in chains):
            continue
        states = state(CtState.ESTABLISHED, CtState.NEW)
        talks = ask(context, Family.V6, hook, protocol(TCP, UDP), states)
        if talks.some is None:
            continue
        hop_limit = FieldIn(Field.TTL, IntervalSet.of(255))
        lost = []
        for kind, name in _NEEDED.items():
            answer = ask(context, Family.V6, hook, icmp(Family.V6, kind << 8), hop_limit, state(CtState.UNTRACKED))
            if answer.none and not answer.undetermined:
                lost.append((name, answer))
        span = place_span(context, lost[0][1].others_by) if lost else None
        if span is None:
            continue
        passes = place_span(context, talks.some_by)
        yield lint.finding(
            f"{hook} loses IPv6 {' and '.join(name for name, _ in lost)}: IPv6 cannot work on a link", span,
            label="loses it", secondary=[Label(passes, "IPv6 is accepted here")] if passes not in (None, span) and passes else [],
            help="accept icmpv6 types 133 to 136 with hop limit 255, before any rule on connection states",
            witness={"text": lost[0][1].others_text},
        )  # fmt: skip
