"""A port is redirected to this machine, and INPUT does not accept it there.

## Why is this bad?

REDIRECT rewrites the destination to this machine; the packets then meet INPUT with the new port, and are refused.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth1 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128
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
-A PREROUTING -i eth1 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -i eth1 -p tcp -m tcp --dport 3128 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._dnat import lost
from fwc.lints._registry import Lint, lint


@lint("FW309", "redirect-not-accepted", Severity.ERROR, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for each in lost(context):
        if each.redirect and each.old is None:
            labels = [Label(each.by, "refuses them")] if each.by is not None else []
            yield lint.finding(
                f"INPUT accepts none of the packets that this rule redirects to {each.where}",
                each.span,
                label="rewrites the destination",
                secondary=labels,
                help="accept the port that the packets have after the redirect", witness={"text": each.text},
            )  # fmt: skip
