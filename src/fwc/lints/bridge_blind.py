"""A rule of FORWARD is about packets that stay within one bridge.

## Why is this bad?

What a bridge passes from port to port never gets to IP hooks, unless the module br_netfilter is loaded and
`net.bridge.bridge-nf-call-iptables` is 1. Docker and Kubernetes load it, a plain system does not: there the rule never matches.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN -m conntrack --ctstate NEW -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -p tcp -m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN -m conntrack --ctstate NEW -j DROP
-A FORWARD -i br0 -o br0 -p tcp -m tcp --dport 445 -j ACCEPT
COMMIT
```

## Use instead

```nft
table bridge lan
delete table bridge lan
table bridge lan {
  chain forward {
    type filter hook forward priority filter; policy accept;
    tcp dport 445 drop
  }
}
```

## Exceptions

Chains of Docker and other programs.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.ir.match import Field
from fwc.lints._conditions import required
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.interfaces import IfaceSet

_BRIDGES = ("br", "bridge", "virbr", "vmbr", "lxdbr", "lxcbr")


@lint("FW704", "bridge-blind", Severity.INFO, Persona.AUDITOR, formats=("iptables-save", "nft"), needs=(Field.IIF,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, table, _, _, rule, span in authored(context):
        into, out = required(rule.match, Field.IIF), required(rule.match, Field.OIF)
        if into is None or into != out or not isinstance(into, IfaceSet) or table.family == "bridge":
            continue
        if into.negated or into.prefixes or len(into.names) != 1:
            continue
        (name,) = into.names
        if name.rstrip("0123456789-").startswith(_BRIDGES):
            yield lint.finding(
                f"packets from {name} to {name} stay within the bridge: only br_netfilter brings them here", span,
                help="filter them in a table of family bridge",
            )  # fmt: skip
