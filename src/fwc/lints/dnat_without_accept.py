"""A destination is translated, and no rule accepts the packets afterwards.

## Why is this bad?

DNAT only rewrites; the translated packets still have to pass FORWARD. Without an accept the published service is
unreachable.

## Example

```iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.168.1.10:80
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
-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.168.1.10:80
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
-A FORWARD -d 192.168.1.10/32 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
```

## Exceptions

A target that may be an address of this machine itself, where INPUT accepts it.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._dnat import lost
from fwc.lints._registry import Lint, lint


@lint("FW302", "dnat-without-accept", Severity.ERROR, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for each in lost(context):
        if not each.redirect and each.old is None:
            labels = [Label(each.by, "refuses them")] if each.by is not None else []
            yield lint.finding(
                f"{each.hook} accepts none of the packets that this rule translates", each.span, label="rewrites the destination",
                secondary=labels,
                help="accept the translated destination: `-d ADDRESS -p PROTOCOL --dport PORT -j ACCEPT`, "
                "with the port after translation", witness={"text": each.text},
            )  # fmt: skip
