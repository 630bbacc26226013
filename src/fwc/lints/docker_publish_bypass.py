"""A denial in INPUT names a port that Docker publishes: its packets never get to INPUT.

## Why is this bad?

Docker translates the destination before routing, so packets for a published port are forwarded to the container. The
rule in INPUT looks like protection, and everybody reaches the container.

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
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 8080 -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
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
:OUTPUT ACCEPT [0:0]
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
from fwc.ir.match import Field
from fwc.ir.verdict import Dnat
from fwc.lints._conditions import required
from fwc.lints._context import LintContext
from fwc.lints._docker import denials, published
from fwc.lints._hooks import hooks_of
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.net.interfaces import IfaceSet


@lint("FW905", "docker-publish-bypass", Severity.ERROR, formats=("iptables-save", "nft"), needs=(Dnat,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = published(context)
    if not found:
        return
    for table in context.ruleset.tables:
        hooks = hooks_of(table)
        for chain in table.chains:
            if hooks.get(chain.name) != frozenset({Hook.INPUT}) or context.is_foreign(chain):
                continue
            for rule, denied in denials(chain):
                span = rule.origin.span
                iface = required(rule.match, Field.IIF)
                if isinstance(iface, IfaceSet) and iface.names == {"lo"} and not iface.negated:
                    continue
                hit = [p for p in found if p.port in denied]
                if span is None or not hit or denied.size() > 64:
                    continue
                first = hit[0]
                yield lint.finding(
                    f"Docker publishes port {first.port}: its packets are forwarded and never meet this rule",
                    span,
                    label="INPUT does not see them",
                    secondary=[Label(first.span, "translated here, before routing")] if first.span else (),
                    help="put the denial into DOCKER-USER, with "
                    f"`-m conntrack --ctorigdstport {first.port}` for the port as it was published",
                )
