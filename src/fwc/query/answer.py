"""What a ruleset does with the packets of a question: which are accepted, which are not, and which rules decide."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from fwc.analysis.fates import fate_text
from fwc.analysis.firstmatch import NEXT, NOWHERE, Outcome, Region, first_match
from fwc.analysis.program import Place, ProgramTooLarge, Source, base_chains, unfold
from fwc.analysis.programs import translators
from fwc.analysis.witness import point_packet, point_text
from fwc.diff.changes import passes
from fwc.diff.regions import Line, line_of
from fwc.ir.match import CtState, Field, FieldIn, MaskedIn, Match, all_of, any_of, negate, state_in
from fwc.ir.model import Chain, Ruleset
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.query.question import Asked, Question
from fwc.records import Record
from fwc.space.cover import NODES, BudgetSpent, uncovered
from fwc.space.fields import SHIFT, Box, Dimensions, Kind, Point
from fwc.space.index import Index, bits_of, index_of
from fwc.space.pieces import Piece, joined, written_out
from fwc.space.words import words

MOST_LINES = 40
MOST_REGIONS = 5_000
"""Regions that one part of a question may meet."""

_TCP = FieldIn(Field.PROTOCOL, IntervalSet.of(6))
FIRST_PACKETS = all_of(state_in(CtState.NEW), any_of(negate(_TCP), MaskedIn(Field.TCP_FLAGS, 0xFF, IntervalSet.of(2))))
"""A question is about new connections: what is established was let in before."""

WAYS = {
    Hook.INPUT: (Hook.PREROUTING, Hook.INPUT),
    Hook.FORWARD: (Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING),
    Hook.OUTPUT: (Hook.OUTPUT, Hook.POSTROUTING),
}
"""The hooks that a packet passes, translations left out: a question names addresses as they are behind them."""

PF_WAYS = {Hook.INPUT: (Hook.PF_IN,), Hook.FORWARD: (Hook.PF_IN, Hook.PF_OUT), Hook.OUTPUT: (Hook.PF_OUT,)}


class Verdict(StrEnum):
    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNDECIDED = "undecided"


class Row(Record):
    """Packets that one rule decides: `packets` are lines that together hold them, `more` counts those left out."""

    family: Family
    hook: str
    accepted: bool
    fate: str
    packets: tuple[str, ...]
    more: int
    exact: bool
    line: Line
    witness: Packet
    witness_text: str


class Answer(Record):
    question: Question
    verdict: Verdict
    rows: tuple[Row, ...]
    undecided: tuple[str, ...]
    notes: tuple[str, ...]


def answer(
    ruleset: Ruleset,
    question: Question,
    packets: Sequence[tuple[Hook, Match]],
    families: Sequence[Family],
) -> Answer:
    """The rows in order of family, hook and the rules' order. Refused packets have rows only where the question is `can`."""
    rows: list[Row] = []
    undecided: list[str] = []
    spoken = False
    for family in families:
        source = Source(ruleset, translators(ruleset, Dimensions(family)), family)
        for hook, match in packets:
            for name, chains in _ways(ruleset, family, hook):
                try:
                    found = _part(ruleset, source, family, name, chains, match)
                except (ProgramTooLarge, BudgetSpent):
                    undecided.append(f"IPv{family.value} {name}")
                    continue
                spoken = True
                rows.extend(found)
    rows = list(dict.fromkeys(rows))
    verdict = _verdict(rows, undecided, spoken)
    shown = [row for row in rows if row.accepted or question.asked is Asked.CAN]
    return Answer(question, verdict, tuple(shown), tuple(undecided), tuple(_notes(ruleset)))


def _verdict(rows: list[Row], undecided: list[str], spoken: bool) -> Verdict:
    kinds = {row.accepted for row in rows}
    if kinds == {True, False}:
        return Verdict.PARTLY
    if undecided or not spoken:
        return Verdict.UNDECIDED
    return Verdict.YES if kinds == {True} else Verdict.NO


def _ways(ruleset: Ruleset, family: Family, hook: Hook) -> list[tuple[str, list[tuple[int, Chain]]]]:
    """The base chains on the way, in order; for pf each crossing on its own, as a forwarded packet must pass both."""
    known = base_chains(ruleset, family)
    if ruleset.source == "pf":
        return [(each.value, known.get(("ip", each, ""), [])) for each in PF_WAYS[hook]]
    chains = [
        item
        for each in WAYS[hook]
        for item in known.get(("ip", each, ""), [])
        if item[1].base is not None and item[1].base.type is not ChainType.NAT
    ]
    return [(hook.value, chains)]


def _notes(ruleset: Ruleset) -> list[str]:
    translated = any(
        chain.rules and chain.base is not None and chain.base.type is ChainType.NAT
        for table in ruleset.tables
        for chain in table.chains
    )
    return ["addresses are those behind the translations of the ruleset, as a server sees them"] if translated else []


def _part(
    ruleset: Ruleset, source: Source, family: Family, hook: str, chains: list[tuple[int, Chain]], match: Match
) -> list[Row]:
    dimensions = next(iter(source.translators.values())).dimensions
    table = chains[0][0] if chains else next(iter(source.translators))
    asked = source.translators[table].boxes(all_of(match, FIRST_PACKETS))
    if not asked:
        return []
    regions = first_match(unfold(source, chains)) if chains else [Region((), NEXT, NOWHERE)]
    index = index_of(dimensions, [region.box for region in regions])
    groups: dict[tuple[bool, Place, str], list[tuple[Piece, Point]]] = {}
    for box in asked:
        for number, piece, point in _held(dimensions, regions, index, box):
            region = regions[number]
            key = (passes(region.outcome), region.place, fate_text(Outcome((), region.outcome.verdict)))
            groups.setdefault(key, []).append((piece, point))
    common = _common(dimensions, asked)
    return [
        _row(ruleset, dimensions, family, hook, key, [p for p, _ in members], members[0][1], common)
        for key, members in groups.items()
    ]


def _held(dimensions: Dimensions, regions: list[Region], index: Index, box: Box) -> list[tuple[int, Piece, Point]]:
    """The regions that hold a packet of `box` first, with those packets and one of them. Raises BudgetSpent."""
    overlap = index.overlap(box, index.every)
    container = index.contain(box, overlap)
    if container:
        overlap &= ((container & -container) << 1) - 1
    if overlap.bit_count() > MOST_REGIONS:
        raise BudgetSpent
    out = []
    for number in bits_of(overlap):
        both = dimensions.meet(box, regions[number].box)
        if both is None:
            continue
        earlier = index.overlap(both, (1 << number) - 1)
        if earlier and index.contain(both, earlier):
            continue
        holes = tuple(dict.fromkeys(regions[k].box for k in bits_of(earlier)))
        point = uncovered(dimensions, both, holes, NODES)
        if point is not None:
            out.append((number, Piece(both, holes), point))
    return out


def _common(dimensions: Dimensions, asked: Sequence[Box]) -> frozenset[int]:
    """Constraints that the question itself puts on every packet: not worth repeating in the answer."""
    shared = set(asked[0]).intersection(*asked[1:])
    for box in asked:
        for c in box:
            dimension = dimensions.dimensions[c >> SHIFT]
            if dimension.kind is Kind.BIT or dimension.key is Field.CT_STATE:
                shared.add(c)
    return frozenset(shared)


def _row(
    ruleset: Ruleset, dimensions: Dimensions, family: Family, hook: str, key: tuple[bool, Place, str],
    pieces: list[Piece], point: Point, common: frozenset[int],
) -> Row:  # fmt: skip
    boxes: list[Box] = []
    rough: list[Box] = []
    for piece in pieces:
        written = written_out(dimensions, piece)
        if written is None:
            rough.append(piece.box)
        else:
            boxes.extend(written)
    boxes = joined(dimensions, boxes)
    texts = [words(dimensions, box, common) for box in boxes[:MOST_LINES]]
    texts += [f"{words(dimensions, box, common)}, less what earlier rules decide" for box in rough[:MOST_LINES]]
    shown = list(dict.fromkeys(texts))[:MOST_LINES]
    total = len(boxes) + len(rough)
    return Row(
        family, hook, key[0], key[2], tuple(shown), max(0, total - MOST_LINES), not rough, line_of(ruleset, key[1]),
        point_packet(dimensions, point), point_text(dimensions, point),
    )  # fmt: skip
