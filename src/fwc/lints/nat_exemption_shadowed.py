"""An exemption from NAT stands behind the rule that translates its packets.

## Why is this bad?

In a nat chain the first match decides. Traffic that should keep its source (a VPN, an internal network) is masqueraded
before the exemption is looked at.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
-A POSTROUTING -d 10.8.0.0/24 -o eth0 -j ACCEPT
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
-A POSTROUTING -d 10.8.0.0/24 -o eth0 -j ACCEPT
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
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach import reach
from fwc.lints._reach_words import cause_labels, witness_of
from fwc.lints._registry import Lint, lint


@lint("FW307", "nat-exemption-shadowed", Severity.ERROR, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).exemptions:
        labels, notes = cause_labels(context, dead)
        yield lint.finding(
            "this exemption from NAT never applies: its packets are translated before", dead.span, label="too late",
            secondary=labels, notes=notes, help="move it above the rule that translates",
            affects=[dead.span, *dead.affects], witness=witness_of(context, dead),
        )  # fmt: skip
