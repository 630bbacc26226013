"""The MSS is clamped in one direction of a tunnel only: transfers in the other direction still hang.

## Why is this bad?

A clamp on the SYN limits what the *other* side may send; what this side sends is limited by the MSS of the SYN-ACK, which passes
the tunnel the other way. A rule with `-o ppp0` never sees it, so large uploads hang where downloads work.

## Example

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD -o ppp0 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
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
from fwc.ir.match import Field
from fwc.ir.verdict import ClampMss
from fwc.lints._clamps import FROM_SYN, SYN_ACK, clamps, covers, on
from fwc.lints._conditions import required
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.interfaces import IfaceSet

_OTHER = {Field.OIF: Field.IIF, Field.IIF: Field.OIF}
_WORDS = {Field.OIF: "leaving by", Field.IIF: "coming in by"}


@lint("FW408", "mss-clamp-one-way", Severity.WARNING, formats=("iptables-save", "nft"), needs=(ClampMss,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = list(clamps(context))
    for clamp in found:
        limits = {f: required(clamp.rule.match, f) for f in _OTHER}
        named = [(f, v) for f, v in limits.items() if isinstance(v, IfaceSet) and not v.negated]
        if len(named) != 1 or any(v is not None and not isinstance(v, IfaceSet) for v in limits.values()):
            continue
        field, values = named[0]
        if not covers(context, clamp, SYN_ACK):
            continue  # FW409 says the worse thing
        name = min(values.names) if values.names else f"{min(values.prefixes)}0"
        back = on(_OTHER[field], name)
        if any(covers(context, other, FROM_SYN, back) for other in found if other is not clamp):
            continue
        yield lint.finding(
            f"the MSS is clamped only in packets {_WORDS[field]} {name}, not in those of the other direction", clamp.span,
            label="sees one half of every handshake",
            help=f"drop the condition on {name}, or add the same rule for packets {_WORDS[_OTHER[field]]} {name}",
        )  # fmt: skip
