"""A router with NAT forwards packets that belong to no connection.

## Why is this bad?

NAT acts on connections. A packet in state INVALID is forwarded with its inner source address: it leaks the internal network,
and the answer never comes back (connections end with "reset by peer").

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
COMMIT
```

## Exceptions

A ruleset that rewrites no source address, and one that does not deny by default.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Persona, Severity
from fwc.ir.match import CtState
from fwc.ir.verdict import Accept, Masquerade, Snat
from fwc.lints._conntrack import TCP, ask, authored, filtered, place_span, protocol, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook


@lint(
    "FW205",
    "invalid-not-dropped",
    Severity.INFO,
    Persona.PEDANTIC,
    formats=("iptables-save", "nft"),
    needs=(Snat, Masquerade),
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    translations = [s for _, _, _, _, rule, s in authored(context) if isinstance(rule.verdict, Snat | Masquerade)]
    if not translations or Family.V4 not in context.facts.families:
        return
    chains = filtered(context, Family.V4, Hook.FORWARD)
    if not any(c.base is not None and not isinstance(c.base.policy, Accept) for _, c in chains):
        return
    answer = ask(context, Family.V4, Hook.FORWARD, protocol(TCP), state(CtState.INVALID))
    span = place_span(context, answer.some_by)
    if answer.some is None or span is None:
        return
    yield lint.finding(
        "FORWARD accepts packets of state INVALID, which NAT does not translate", span, label="accepts them",
        secondary=[Label(translations[0], "only translates connections")],
        help="drop INVALID at the top of FORWARD", witness={"text": answer.some_text},
    )  # fmt: skip
