"""MASQUERADE or SNAT without an interface or address rewrites everything that is forwarded.

## Why is this bad?

It also hides the clients of inbound connections (every log shows the router) and rewrites traffic between internal networks,
the loopback and containers.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -j MASQUERADE
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
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
COMMIT
```

## Exceptions

A rule limited by source, destination or mark.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import Field
from fwc.ir.verdict import Masquerade, Snat
from fwc.lints._context import LintContext
from fwc.lints._dnat import translations
from fwc.lints._exposure import limits
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.source import Span

_NO_LIMIT = {Field.PROTOCOL, Field.CT_STATE}


@lint("FW306", "masquerade-too-wide", Severity.WARNING, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()
    for each in translations(context, Hook.POSTROUTING, Masquerade, Snat):
        limited = limits(context.facts.dimensions(each.family), each.region.box)
        if each.span not in seen and limited <= _NO_LIMIT:
            seen.add(each.span)
            yield lint.finding(
                "this rule rewrites the source of everything that leaves, whatever the interface", each.span,
                label="no condition on the way out",
                help="limit it to the outer interface: `-o eth0` (nftables: `oifname \"eth0\"`)",
            )  # fmt: skip
