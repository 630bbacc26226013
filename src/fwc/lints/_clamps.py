"""Rules that lower the MSS of TCP handshakes, and which handshake packets they see."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.program import Place, sees
from fwc.ir.match import ALWAYS, Field, FieldIn, MaskedIn, Match, all_of
from fwc.ir.model import Chain, Rule
from fwc.ir.verdict import ClampMss
from fwc.lints._conntrack import TCP, authored, protocol
from fwc.lints._context import LintContext
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record
from fwc.source import Span

_SYN, _ACK = 2, 16
SYN = all_of(protocol(TCP), FieldIn(Field.TCP_FLAGS, IntervalSet.of(_SYN)))
SYN_ACK = all_of(protocol(TCP), FieldIn(Field.TCP_FLAGS, IntervalSet.of(_SYN | _ACK)))
FROM_SYN = MaskedIn(Field.TCP_FLAGS, _SYN, IntervalSet.of(_SYN))


class Clamp(Record):
    """A rule that sets the MSS, at its place."""

    place: Place
    chain: Chain
    rule: Rule
    span: Span
    families: tuple[Family, ...]


def clamps(context: LintContext) -> Iterator[Clamp]:
    for number, table, chain, index, rule, span in authored(context) if context.holds(ClampMss) else ():
        if any(isinstance(action, ClampMss) for action in rule.actions):
            families = tuple(f for f in context.facts.families if sees(table, f))
            yield Clamp(Place(number, chain.name, index), chain, rule, span, families)


def covers(context: LintContext, clamp: Clamp, *parts: Match) -> bool:
    """Whether the rule's condition can hold for a packet that meets all `parts`."""
    query = all_of(*parts) if parts else ALWAYS
    facts = context.facts
    for family in clamp.families:
        dimensions = facts.dimensions(family)
        wanted = facts.boxes(family, query)
        own = facts.boxes(family, clamp.rule.match, clamp.place.table)
        if any(dimensions.meet(a, b) is not None for a in wanted for b in own):
            return True
    return False


def on(field: Field, name: str) -> Match:
    return FieldIn(field, IfaceSet(frozenset({name})))
