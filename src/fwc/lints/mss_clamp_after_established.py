"""An MSS clamp stands behind the accept of established connections, so the SYN-ACK never gets to it.

## Why is this bad?

The SYN-ACK is the first packet in state ESTABLISHED. Where that is accepted before the clamp, the answer of every handshake
passes unclamped, and large transfers in that direction hang.

## Example

```nft
flush ruleset
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        tcp flags syn / syn,rst tcp option maxseg size set rt mtu
        iifname "eth1" oifname "ppp0" accept
    }
}
```

## Use instead

```nft
flush ruleset
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        tcp flags syn / syn,rst tcp option maxseg size set rt mtu
        ct state established,related accept
        iifname "eth1" oifname "ppp0" accept
    }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.program import Place
from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.graph import reachable
from fwc.ir.match import CtState, all_of, state_in
from fwc.ir.verdict import ClampMss
from fwc.lints._clamps import SYN, SYN_ACK, Clamp, clamps, covers
from fwc.lints._conntrack import place_span
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.lints._search import first_held
from fwc.net.hooks import Hook


@lint("FW410", "mss-clamp-after-established", Severity.ERROR, formats=("iptables-save", "nft"), needs=(ClampMss,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = list(clamps(context))
    for clamp in found:
        if not covers(context, clamp, SYN_ACK) or clamp.chain.base is None:
            continue
        if clamp.chain.base.hook not in (Hook.FORWARD, Hook.POSTROUTING, Hook.PREROUTING):
            continue
        if clamp.chain.name not in reachable(context.ruleset.tables[clamp.place.table]):
            continue
        place = _taken_before(context, clamp)
        if place is None:
            continue
        span = place_span(context, place)
        yield lint.finding(
            "the MSS clamp comes after the accept of established connections: no SYN-ACK gets to it", clamp.span,
            label="sees only the SYN", secondary=[Label(span, "accepts the SYN-ACK")] if span is not None else [],
            help="put the clamp first in the chain, or into a chain of an earlier priority (mangle)",
        )  # fmt: skip


def _taken_before(context: LintContext, clamp: Clamp) -> Place | None:
    """The rule that takes the SYN-ACKs, when the clamp sees SYNs and none of them. None also when it is not known."""
    facts = context.facts
    answer = all_of(SYN_ACK, state_in(CtState.ESTABLISHED), clamp.rule.match)
    begin = all_of(SYN, state_in(CtState.NEW), clamp.rule.match)
    taken: Place | None = None
    for family in clamp.families:
        regions = facts.chain_regions(family, clamp.place.table, clamp.chain)
        if regions is None:
            return None
        dimensions = facts.dimensions(family)
        clamped = [any(isinstance(e, ClampMss) for e in r.outcome.effects) for r in regions]
        answers = facts.boxes(family, answer, clamp.place.table)
        begins = facts.boxes(family, begin, clamp.place.table)
        if first_held(dimensions, regions, answers, clamped) is not None:
            return None
        if first_held(dimensions, regions, begins, clamped) is None:
            continue
        other = first_held(dimensions, regions, answers, [not each for each in clamped])
        if other is not None:
            taken = other[1].place
    return taken
