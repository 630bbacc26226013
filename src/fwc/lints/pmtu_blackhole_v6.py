"""TCP passes over IPv6, but "packet too big" does not: large packets vanish on any path with a smaller MTU.

## Why is this bad?

IPv6 routers never fragment: the sender must hear ICMPv6 type 2 to send smaller packets (RFC 4890 section 4.3.1: must not be
dropped). Without it connections open and then hang at the first full-sized packet.

## Example

```nft
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        meta nfproto ipv4 ct state established,related accept
        ct state established accept
        icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
        tcp dport 22 accept
    }
}
```

## Use instead

```nft
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        ct state established,related accept
        icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
        tcp dport 22 accept
    }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._icmp import black_holes
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family


@lint("FW402", "pmtu-blackhole-v6", Severity.ERROR, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for hole in black_holes(context):
        if hole.family is Family.V6 and hole.drop is None:
            lost = (
                [Label(hole.lost, "loses the ICMPv6 message")]
                if hole.lost not in (None, hole.passes) and hole.lost
                else []
            )
            yield lint.finding(
                f"{hole.hook} passes TCP but loses ICMPv6 \"packet too big\": large packets hang on smaller paths",
                hole.passes, label="passes the connection", secondary=lost,
                help="accept RELATED next to ESTABLISHED, or icmpv6 packet-too-big by itself",
                witness={"text": hole.text},
            )  # fmt: skip
