"""A rule in DOCKER-USER names the published port; there the packet has the container's port already.

## Why is this bad?

DOCKER-USER is called in FORWARD, behind the translation of the destination: `--dport 8080` never matches a packet
that Docker has sent on to port 80 of the container.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER-USER ! -s 192.0.2.0/24 -i eth0 -p tcp -m tcp --dport 8080 -j DROP
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER-USER ! -s 192.0.2.0/24 -i eth0 -p tcp -m conntrack --ctorigdstport 8080 -j DROP
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.verdict import Dnat
from fwc.lints._context import LintContext
from fwc.lints._docker import denials, original_port_named, published
from fwc.lints._registry import Lint, lint


@lint("FW907", "docker-user-noop", Severity.ERROR, formats=("iptables-save", "nft"), needs=(Dnat,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = published(context)
    inner = {p.target for p in found}
    for table in context.ruleset.tables:
        chain = table.chain("DOCKER-USER")
        for rule, denied in denials(chain) if chain else ():
            if original_port_named(context, rule.match):
                continue
            hit = [p for p in found if p.port in denied and p.port not in inner and p.target not in denied]
            if not hit:
                continue
            first = hit[0]
            yield lint.finding(
                f"port {first.port} is the published one; here its packets have the container's port {first.target}",
                rule.origin.span,
                label="never matches them",
                secondary=[Label(first.span, "translated here")] if first.span else (),
                help=f"write `-m conntrack --ctorigdstport {first.port}`, or the container's port {first.target}",
            )
