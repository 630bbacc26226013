"""Neighbour discovery is accepted, multicast listener queries are not.

## Why is this bad?

A switch with MLD snooping asks who listens (ICMPv6 130) and forgets who does not answer. Neighbour solicitations are multicast:
after some minutes the machine is unreachable over IPv6. RFC 4890 4.4.1 lists these messages as "must not be dropped".

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 133 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 134 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j ACCEPT
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
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 133 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 134 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT
COMMIT
```

## Exceptions

A ruleset that loses neighbour discovery itself (FW403).
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Persona, Severity
from fwc.ir.match import CtState, Field, FieldIn
from fwc.lints._conntrack import ask, filtered, place_span, state
from fwc.lints._context import LintContext
from fwc.lints._icmp import icmp
from fwc.lints._registry import Lint, lint
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet

_QUERY, _SOLICITATION = 130 << 8, 135 << 8
_LINK_LOCAL = FieldIn(Field.SADDR, AddressSet(v6=IntervalSet.of(0xFE80 << 112 | 1)))


@lint("FW405", "mld-blocked", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    chains = filtered(context, Family.V6, Hook.INPUT)
    if not chains or any(context.is_foreign(chain) for _, chain in chains):
        return
    untracked = state(CtState.UNTRACKED)
    near = FieldIn(Field.TTL, IntervalSet.of(255))
    found = ask(context, Family.V6, Hook.INPUT, icmp(Family.V6, _SOLICITATION), near, untracked, _LINK_LOCAL)
    if found.some is None:
        return
    hop = FieldIn(Field.TTL, IntervalSet.of(1))
    lost = ask(context, Family.V6, Hook.INPUT, icmp(Family.V6, _QUERY), hop, untracked, _LINK_LOCAL)
    span = place_span(context, lost.others_by)
    if not lost.none or lost.undetermined or span is None:
        return
    passes = place_span(context, found.some_by)
    labels = [Label(passes, "neighbour discovery is accepted here")] if passes is not None and passes != span else []
    yield lint.finding(
        "INPUT loses multicast listener queries: behind a switch with MLD snooping IPv6 stops after a while", span,
        label="loses them", secondary=labels,
        help="accept icmpv6 types 130 to 132 and 143 from fe80::/10", witness={"text": lost.others_text},
    )  # fmt: skip
