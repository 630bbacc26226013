"""ICMP is dropped before the rule that accepts RELATED, so errors of accepted connections are lost.

## Why is this bad?

A blanket drop of ICMP placed above the accept of ESTABLISHED,RELATED takes "fragmentation needed" and "packet too big" as well:
connections open and hang at the first large packet.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p icmp -j DROP
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
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
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._icmp import black_holes
from fwc.lints._registry import Lint, lint


@lint("FW406", "icmp-dropped-before-related", Severity.ERROR, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for hole in black_holes(context):
        span = hole.drop.origin.span if hole.drop is not None else None
        if span is not None:
            yield lint.finding(
                f"ICMP errors of accepted connections are dropped in {hole.hook} before RELATED is accepted", span,
                label="drops the errors too", secondary=[Label(hole.passes, "passes the connection they belong to")],
                help="put this rule below the accept of ESTABLISHED,RELATED, or drop echo-request only",
                witness={"text": hole.text},
            )  # fmt: skip
