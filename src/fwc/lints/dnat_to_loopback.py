"""A destination is translated to 127.0.0.0/8 for packets from the network.

## Why is this bad?

The kernel drops packets for 127.0.0.0/8 that come in on another interface ("martians", RFC 1122 3.2.1.3), unless
`net.ipv4.conf.*.route_localnet` is 1. With it every local service is open to neighbours that route to 127.0.0.1.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:8080
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT
COMMIT
```

## Exceptions

Packets of the machine itself (OUTPUT, `-i lo`).
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import Field
from fwc.ir.verdict import Dnat
from fwc.lints._conditions import required
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet

_LOOPBACK = IntervalSet.range(127 << 24, (128 << 24) - 1)


@lint("FW312", "dnat-to-loopback", Severity.WARNING, formats=("iptables-save", "nft"), needs=(Dnat,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, table, chain, _, rule, span in authored(context):
        if not isinstance(rule.verdict, Dnat):
            continue
        if not any(t.family is Family.V4 and t.low in _LOOPBACK for t in rule.verdict.targets):
            continue
        iface = required(rule.match, Field.IIF)
        if isinstance(iface, IfaceSet) and not iface.negated and iface.names <= {"lo"} and not iface.prefixes:
            continue
        if not any(base.hook is Hook.PREROUTING for base in bases_of(table).get(chain.name, ())):
            continue
        yield lint.finding(
            "packets from the network that are sent to 127.0.0.0/8 are dropped, unless `route_localnet` is set", span,
            label="translates to the loopback",
            help="let the service listen on an outer address and use REDIRECT"
            if context.kind == "iptables-save"
            else "let the service listen on an outer address and use `redirect to :PORT`",
        )  # fmt: skip
