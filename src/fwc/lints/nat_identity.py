"""A translation replaces an address and port by themselves.

## Why is this bad?

It does nothing; another target was meant, or the rule is left over from a change.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 192.0.2.10:443
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -d 192.0.2.10/32 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.0.0.10:443
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -d 10.0.0.10/32 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
```

## Exceptions

A translation before a wider one may be there as an exemption from it: it is reported when no later rule of its chain
translates.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import Field, Match
from fwc.ir.verdict import Dnat, Masquerade, Netmap, Redirect, Snat
from fwc.ir.walk import target_chains
from fwc.lints._conditions import ports, required
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.addresses import AddressSet


@lint("FW313", "nat-identity", Severity.WARNING, formats=("iptables-save", "nft"), needs=(Dnat, Snat))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, _, chain, index, rule, span in authored(context):
        if not isinstance(rule.verdict, Dnat | Snat):
            continue
        side, port = (Field.DADDR, Field.DPORT) if isinstance(rule.verdict, Dnat) else (Field.SADDR, Field.SPORT)
        if not _is_identity(rule.match, rule.verdict, side, port):
            continue
        later = chain.rules[index + 1 :]
        if any(isinstance(r.verdict, Dnat | Snat | Masquerade | Redirect | Netmap) for r in later):
            continue
        if any(next(target_chains(r.verdict), None) for r in later) or chain.base is None:
            continue
        yield lint.finding(
            "this translation gives every packet the address and port that it has", span,
            help="name another target, or delete the rule",
        )  # fmt: skip


def _is_identity(match: Match, verdict: Dnat | Snat, side: Field, port: Field) -> bool:
    targets = verdict.targets if isinstance(verdict, Dnat) else (verdict.target,)
    if len(targets) != 1 or targets[0].family is None:
        return False
    target = targets[0]
    family = target.family
    values = required(match, side)
    if family is None or not isinstance(values, AddressSet):
        return False
    if values.family(family).runs != ((target.low, target.high),) or target.low != target.high:
        return False
    wanted = ports(match, port)
    return target.ports is None or (wanted is not None and wanted.runs == (target.ports,))
