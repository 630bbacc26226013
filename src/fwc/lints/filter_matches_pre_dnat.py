"""A filter rule accepts the destination or port from before a translation; afterwards the packets do not match it.

## Why is this bad?

The filter hooks come after DNAT and see the translated address and port. An accept of the published port never matches.

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
-A FORWARD -i eth0 -p tcp -m tcp --dport 8080 -j ACCEPT
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
-A FORWARD -i eth0 -d 192.168.1.10/32 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
```

## Exceptions

Rules that ask for the original destination: `--ctorigdstport`, `ct original`, `ct status dnat`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._dnat import lost
from fwc.lints._registry import Lint, lint


@lint("FW301", "filter-matches-pre-dnat", Severity.ERROR, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for each in lost(context):
        if each.old is not None:
            yield lint.finding(
                f"this rule of {each.hook} accepts packets as they were sent, but a translation before it changes them", each.old,
                label="accepts the original destination", secondary=[Label(each.span, "rewrites it before")],
                help=f"accept {each.where}, or ask for the original one: `--ctorigdstport`, `ct original proto-dst`",
                witness={"text": each.text},
            )  # fmt: skip
