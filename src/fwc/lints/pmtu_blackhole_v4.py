"""TCP passes, but "fragmentation needed" does not: large packets vanish on any path with a smaller MTU.

## Why is this bad?

A sender learns the MTU of a path from ICMP type 3 code 4. Where that is dropped, connections open and small requests work, and
the first full-sized packet behind a tunnel, PPPoE or VPN hangs until a timeout.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
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
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Exceptions

A hook that passes no TCP. Where a rule drops ICMP before an accept of RELATED, FW406 says so instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._icmp import black_holes
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family


@lint("FW401", "pmtu-blackhole-v4", Severity.ERROR, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for hole in black_holes(context):
        if hole.family is Family.V4 and hole.drop is None:
            lost = (
                [Label(hole.lost, "loses the ICMP message")]
                if hole.lost not in (None, hole.passes) and hole.lost
                else []
            )
            yield lint.finding(
                f"{hole.hook} passes TCP but loses ICMP \"fragmentation needed\": large packets hang on smaller paths",
                hole.passes, label="passes the connection", secondary=lost,
                help="accept RELATED next to ESTABLISHED, or icmp type 3 code 4 by itself", witness={"text": hole.text},
            )  # fmt: skip
