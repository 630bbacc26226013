"""TCP is forwarded through a tunnel with a smaller MTU, and nothing lowers the MSS.

## Why is this bad?

PPPoE, WireGuard, GRE and IPsec carry less than 1500 bytes. Hosts behind the router do not know; they depend on ICMP messages from
every router on the way, and wherever one is filtered, large transfers hang. A clamp makes TCP independent of that.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o ppp0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -i eth1 -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth1 -o ppp0 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o ppp0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -i eth1 -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth1 -o ppp0 -j ACCEPT
COMMIT
```

## Exceptions

`tun` and `tap` interfaces: OpenVPN clamps by itself. A box that forwards nothing through the tunnel, and one that masquerades
nothing there: other routers on the way may clamp.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import CtState, Field
from fwc.ir.verdict import Masquerade, OpaqueAction, Snat
from fwc.lints._clamps import SYN, clamps, on
from fwc.lints._conditions import required
from fwc.lints._conntrack import ask, authored, filtered, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet

_TUNNELS = ("ppp", "pppoe", "wg", "gre", "vti", "ipsec", "sit", "l2tp")
_ETHERNET = 1500


@lint("FW407", "missing-mss-clamp", Severity.WARNING, formats=("iptables-save", "nft", "fwc"), needs=(Masquerade, Snat))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if next(clamps(context), None) is not None or not filtered(context, Family.V4, Hook.FORWARD):
        return
    if context.holds(OpaqueAction) and any(
        isinstance(a, OpaqueAction) and "mss" in a.text.lower() for _, _, r in context.rules() for a in r.actions
    ):
        return
    small = {n for i in context.settings.interfaces if i.mtu is not None and i.mtu < _ETHERNET for n in i.names}
    small |= {n for z in context.ruleset.zones if z.mtu is not None and z.mtu < _ETHERNET for n in z.ifaces.names}
    for _, _, _, _, rule, span in authored(context):
        if not isinstance(rule.verdict, Masquerade | Snat):
            continue
        values = required(rule.match, Field.OIF)
        if not isinstance(values, IfaceSet) or values.negated:
            continue
        names = [n for n in [*sorted(values.names), *(f"{p}0" for p in sorted(values.prefixes))] if _tunnel(n, small)]
        for name in names:
            sent = ask(context, Family.V4, Hook.FORWARD, SYN, state(CtState.NEW), on(Field.OIF, name))
            if sent.some is not None:
                yield lint.finding(
                    f"TCP is forwarded into {name}, whose MTU is smaller than 1500, and no rule clamps the MSS", span,
                    label="the network behind this router talks through the tunnel",
                    help="clamp the MSS of both directions: `clamp mss to pmtu for tcp from any to ZONE`, "
                    "`-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`, or "
                    "`tcp flags syn / syn,rst tcp option maxseg size set rt mtu`",
                    witness={"text": sent.some_text},
                )  # fmt: skip
                return


def _tunnel(name: str, small: set[str]) -> bool:
    return name in small or name.rstrip("0123456789").startswith(_TUNNELS)
