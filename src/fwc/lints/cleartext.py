"""A service that sends passwords in clear text is open to the internet.

## Why is this bad?

Whoever sits on the way reads names and passwords of FTP, POP3, IMAP and LDAP, and TFTP asks for none at all. Each has a protected
form on another port, or demands TLS by configuration, which a packet filter cannot see.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p udp -m udp --dport 123 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
```

```fwc
zone wan { iface eth0 }
allow ssh from any to self
allow ftp from wan to self
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
-A INPUT -s 10.0.0.0/8 -p udp -m udp --dport 123 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 990 -j ACCEPT
COMMIT
```

## Exceptions

Telnet and the r-services are FW503. A service that is limited to some sources or to an inner interface.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.ir.match import Field
from fwc.lints._conntrack import TCP, UDP
from fwc.lints._context import LintContext
from fwc.lints._exposure import open_rules, values
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.net.intervals import IntervalSet
from fwc.source import Span
from fwc.space.fields import Box, Dimensions

_SERVICES = {
    (TCP, 21): "FTP", (UDP, 69): "TFTP", (TCP, 110): "POP3", (TCP, 143): "IMAP", (TCP, 389): "LDAP",
}  # fmt: skip
_PORTS = IntervalSet.of(*(port for _, port in _SERVICES))


@lint("FW522", "cleartext", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[tuple[Span, str]] = set()

    def wanted(dimensions: Dimensions, box: Box) -> bool:
        ports = values(dimensions, box, Field.DPORT)
        return ports is not None and ports.size() <= context.settings.wide_ports and not ports.isdisjoint(_PORTS)

    for each in open_rules(context, wanted, Hook.INPUT):
        dimensions = context.facts.dimensions(each.family)
        ports, numbers = values(dimensions, each.box, Field.DPORT), values(dimensions, each.box, Field.PROTOCOL)
        for (number, port), name in _SERVICES.items():
            if ports is None or numbers is None or port not in ports or number not in numbers:
                continue
            if (each.span, name) not in seen:
                seen.add((each.span, name))
                yield lint.finding(
                    f"{name} sends passwords in clear text, and is open to the whole internet", each.span,
                    help="use its form with TLS, or limit it to the networks that need it", witness={"text": each.text},
                )  # fmt: skip
