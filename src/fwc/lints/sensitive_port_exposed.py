"""A database, a remote desktop or another internal service is open to the whole internet.

## Why is this bad?

These ports (`sensitive-ports` in the configuration) belong to services that are made for trusted networks: many have no
authentication by default, and all of them are scanned for within minutes.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 3306 -j ACCEPT
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
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 3306 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import Field
from fwc.lints._context import LintContext
from fwc.lints._exposure import open_rules, values
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.source import Span
from fwc.space.fields import Box, Dimensions

_UDP_TOO = frozenset({137, 138, 514, 2049, 11211})
_TCP, _UDP = 6, 17


@lint("FW503", "sensitive-port-exposed", Severity.WARNING, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found: dict[Span, tuple[set[str], str]] = {}

    def wanted(dimensions: Dimensions, box: Box) -> bool:
        ports = values(dimensions, box, Field.DPORT)
        return ports is not None and any(port in ports for port in context.settings.sensitive_ports)

    for each in open_rules(context, wanted, Hook.INPUT):
        dimensions = context.facts.dimensions(each.family)
        ports, protocols = values(dimensions, each.box, Field.DPORT), values(dimensions, each.box, Field.PROTOCOL)
        if ports is None or protocols is None or any(b - a >= context.settings.wide_ports for a, b in ports.runs):
            continue
        names = {f"tcp {p}" for p in context.settings.sensitive_ports if p in ports and _TCP in protocols}
        names |= {
            f"udp {p}" for p in context.settings.sensitive_ports if p in ports and _UDP in protocols and p in _UDP_TOO
        }
        if names:
            found.setdefault(each.span, (set(), each.text))[0].update(names)
    for span, (names, text) in found.items():
        listed = ", ".join(sorted(names, key=lambda n: (n[:3], int(n[4:]))))
        yield lint.finding(
            f"{listed} is open to the whole internet", span, label="accepts it from anywhere",
            help="limit it to the networks that need it, or to an interface", witness={"text": text},
        )  # fmt: skip
