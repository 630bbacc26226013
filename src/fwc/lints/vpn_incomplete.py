"""The key exchange of a VPN is open to the internet, its packets are not.

## Why is this bad?

IPsec needs UDP 500 for the keys and then ESP (protocol 50), or UDP 4500 behind NAT. PPTP needs TCP 1723 and GRE (protocol 47).
Without the second half a tunnel is agreed upon, and what the other side sends first is lost.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m udp --dport 500 -j ACCEPT
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
-A INPUT -p udp -m udp --dport 500 -j ACCEPT
-A INPUT -p udp -m udp --dport 4500 -j ACCEPT
-A INPUT -p esp -j ACCEPT
COMMIT
```

## Exceptions

A key exchange that is limited to some peers, and one that no rule names by its port. A ruleset that assigns the PPTP helper:
GRE is related then.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.match import Field, FieldIn, Match, all_of
from fwc.ir.verdict import AssignHelper
from fwc.ir.walk import rules
from fwc.lints._conditions import names_field
from fwc.lints._conntrack import EPHEMERAL, TCP, UDP, place_span, protocol
from fwc.lints._context import LintContext
from fwc.lints._exposure import denies_by_default, new_from_stranger
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet

_ESP, _AH, _GRE = 50, 51, 47


def _port(number: int, port: int) -> Match:
    return all_of(protocol(number), FieldIn(Field.DPORT, IntervalSet.of(port)))


_VPNS = (
    ("IKE (UDP 500)", _port(UDP, 500), (protocol(_ESP), protocol(_AH), _port(UDP, 4500)), "ESP nor UDP 4500",
     "accept protocol esp and UDP 4500 as well"),
    ("PPTP (TCP 1723)", all_of(_port(TCP, 1723), FieldIn(Field.SPORT, EPHEMERAL)), (protocol(_GRE),), "GRE",
     "accept protocol gre as well; better, use another VPN: PPTP is broken"),
)  # fmt: skip


@lint("FW418", "vpn-incomplete", Severity.WARNING, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if Family.V4 not in context.facts.families or not denies_by_default(context, Family.V4, Hook.INPUT):
        return
    helped = any(
        isinstance(a, AssignHelper) and a.name == "pptp" for *_, r in rules(context.ruleset) for a in r.actions
    )
    for name, first, second, words, help in _VPNS:
        opened = new_from_stranger(context, Family.V4, Hook.INPUT, first)
        span = place_span(context, opened.some_by)
        rule = context.facts.rule(opened.some_by) if opened.some_by is not None else None
        if opened.some is None or span is None or rule is None or not names_field(rule.match, Field.DPORT):
            continue
        if helped and "PPTP" in name:
            continue
        answers = [new_from_stranger(context, Family.V4, Hook.INPUT, each) for each in second]
        if any(not answer.none or answer.undetermined for answer in answers):
            continue
        by = place_span(context, answers[0].others_by)
        yield lint.finding(
            f"{name} is open to everybody, but {'neither ' if ' nor ' in words else 'not '}{words}", span,
            label="accepts the key exchange" if "IKE" in name else "accepts the control connection",
            secondary=[Label(by, "refuses the packets of the tunnel")] if by is not None and by != span else [],
            help=help, witness={"text": answers[0].others_text},
        )  # fmt: skip
