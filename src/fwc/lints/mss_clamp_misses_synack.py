"""An MSS clamp matches the SYN but not the SYN-ACK, so one direction is never clamped.

## Why is this bad?

`--syn` and `tcp flags == syn` ask that ACK is off, so the answer of the handshake passes unchanged: what the side behind the
tunnel sends keeps its full size, and large uploads hang.

## Example

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
```

## Use instead

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.verdict import ClampMss
from fwc.lints._clamps import SYN, SYN_ACK, clamps, covers
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint


@lint("FW409", "mss-clamp-misses-synack", Severity.ERROR, formats=("iptables-save", "nft"), needs=(ClampMss,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = list(clamps(context))
    if any(covers(context, clamp, SYN_ACK) for clamp in found):
        return
    for clamp in found:
        if covers(context, clamp, SYN):
            yield lint.finding(
                "the MSS clamp never sees a SYN-ACK: only one direction of each connection is clamped", clamp.span,
                label="asks that ACK is off", help="match SYN whatever ACK is: `--tcp-flags SYN,RST SYN`, "
                "or `tcp flags syn / syn,rst` in nftables",
            )  # fmt: skip
