"""Every packet that two rulesets treat differently, as regions: what happened before, what happens now, and who decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from fwc.analysis.equivalence import RegionPairs, differ, ordinary
from fwc.analysis.firstmatch import NEXT, NOWHERE, Outcome, Region, first_match
from fwc.analysis.program import NAT, Place, ProgramTooLarge, Source, base_chains, unfold
from fwc.analysis.programs import translators
from fwc.analysis.witness import point_packet, point_text
from fwc.ir.model import Chain, Ruleset
from fwc.ir.verdict import Accept, OpaqueVerdict
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.packet import Packet
from fwc.passes.comparable import comparable
from fwc.records import Record
from fwc.space.cover import NODES, BudgetSpent
from fwc.space.fields import Dimensions, Point
from fwc.space.pieces import Piece

MOST_PAIRS = 4_000
"""Pairs of regions that differ; what lies beyond is not listed, and the result says so."""

MOST_TRIED = 40_000
"""Pairs of regions that are looked at."""


class Effect(StrEnum):
    """What a change means for who gets through."""

    WIDENS = "newly accepted"
    NARROWS = "newly refused"
    OTHER = "treated otherwise"


class Changed(Record):
    """Packets first held by one region on each side. `point` is one of them."""

    piece: Piece
    before: Outcome
    after: Outcome
    old_place: Place
    new_place: Place
    point: tuple[tuple[int, int], ...]

    @property
    def effect(self) -> Effect:
        return effect_of(self.before, self.after)


class HookChanges(Record):
    """All changes of one hook and family. `complete` is False when the budget ended: then there may be more, and widening ones
    too unless `no_widening` is set."""

    family: Family
    layer: str
    hook: Hook
    device: str
    dimensions: Dimensions
    changed: tuple[Changed, ...]
    complete: bool = True
    no_widening: bool = False

    def packet(self, changed: Changed) -> Packet:
        return point_packet(self.dimensions, dict(changed.point))

    def text(self, changed: Changed) -> str:
        return point_text(self.dimensions, dict(changed.point))


def passes(outcome: Outcome) -> bool:
    """Whether the packet goes on: accepted, translated, or handed to something that fwc does not know."""
    return isinstance(outcome.verdict, (Accept, OpaqueVerdict, *NAT))


def effect_of(before: Outcome, after: Outcome) -> Effect:
    """A verdict that fwc does not know counts as "may let through" in the new text and as "may stop" in the old one."""
    if passes(after) and (not passes(before) or (isinstance(before.verdict, OpaqueVerdict) and after != before)):
        return Effect.WIDENS
    if passes(before) and not passes(after):
        return Effect.NARROWS
    return Effect.OTHER


def changes(old: Ruleset, new: Ruleset, families: Sequence[Family], *, respelled: bool = False) -> list[HookChanges]:
    """What differs, by family and hook; hooks without any difference are left out.

    `respelled` is for sides of different kinds: targets write `-` in the names of sets and buckets as `_`.
    """
    out: list[HookChanges] = []
    for family in families:
        dimensions = Dimensions(family)
        left, right = (comparable(each, family, plain_name if respelled else str) for each in (old, new))
        mine = Source(left, translators(left, dimensions), family)
        other = Source(right, translators(right, dimensions), family)
        lefts, rights = base_chains(left, family), base_chains(right, family)
        for layer, hook, device in sorted(lefts.keys() | rights.keys(), key=_hook_order):
            a = [item for item in lefts.get((layer, hook, device), []) if not _idle(item[1])]
            b = [item for item in rights.get((layer, hook, device), []) if not _idle(item[1])]
            changed, complete, no_widening = _hook(dimensions, mine, other, a, b)
            if changed or not complete:
                out.append(HookChanges(family, layer, hook, device, dimensions, changed, complete, no_widening))
    return out


def plain_name(name: str) -> str:
    """The name of a set or bucket as targets spell it."""
    return name.replace("-", "_")


def _hook_order(key: tuple[str, Hook, str]) -> tuple[str, int, str]:
    return key[0], list(Hook).index(key[1]), key[2]


def _idle(chain: Chain) -> bool:
    return not chain.rules and chain.base is not None and isinstance(chain.base.policy, Accept)


Chains = Sequence[tuple[int, Chain]]
Found = tuple[tuple[Changed, ...], bool, bool]


def _hook(dimensions: Dimensions, left: Source, right: Source, a: Chains, b: Chains) -> Found:
    """Chain by chain where both sides have as many (a difference in one is shown without what the others do); all of them in
    sequence where they differ in number."""
    if not a and not b:
        return (), True, True
    if len(a) == len(b) and all(_is_nat(x) == _is_nat(y) for (_, x), (_, y) in zip(a, b, strict=True)):
        found = [_chains(dimensions, left, right, [x], [y]) for x, y in zip(a, b, strict=True)]
        touched = [each for each in found if each[0] or not each[1]]
        if len(touched) <= 1 and len(a) == 1:
            return touched[0] if touched else ((), True, True)
        if not touched:
            return (), True, True
    return _chains(dimensions, left, right, a, b)


def _is_nat(chain: Chain) -> bool:
    return chain.base is not None and chain.base.type is ChainType.NAT


def _chains(dimensions: Dimensions, left: Source, right: Source, a: Chains, b: Chains) -> Found:
    nothing = [Region((), NEXT, NOWHERE)]
    try:
        mine = first_match(unfold(left, a)) if a else nothing
        other = first_match(unfold(right, b)) if b else nothing
        if differ(dimensions, mine, other) is None:
            return (), True, True
    except (ProgramTooLarge, BudgetSpent):
        return (), False, False
    return _pairs(dimensions, mine, other)


def _pairs(dimensions: Dimensions, left: list[Region], right: list[Region]) -> Found:
    """Widening pairs first, so that the question whether anything is newly accepted is answered even when much differs."""
    pairs = RegionPairs(dimensions, left, right, NODES)
    found: list[Changed] = []
    tried = 0
    no_widening = True
    by_effect: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for i, j in pairs.candidates():
        widens = effect_of(left[i].outcome, right[j].outcome) is Effect.WIDENS
        by_effect[widens].append((i, j))
        if len(by_effect[True]) + len(by_effect[False]) >= MOST_TRIED * 4:
            return tuple(found), False, False
    for widens, i, j in _ordered(by_effect):
        tried += 1
        if tried > MOST_TRIED or len(found) >= MOST_PAIRS:
            return tuple(found), False, no_widening and not widens
        try:
            point = pairs.witness(i, j)
        except BudgetSpent:
            return tuple(found), False, False
        if point is None:
            continue
        no_widening = no_widening and not widens
        found.append(_changed(dimensions, pairs, left, right, i, j, point))
    return tuple(found), True, no_widening


def _ordered(by_effect: dict[bool, list[tuple[int, int]]]) -> Iterator[tuple[bool, int, int]]:
    for widens in (True, False):
        for i, j in sorted(by_effect[widens]):
            yield widens, i, j


def _changed(
    dimensions: Dimensions, pairs: RegionPairs, left: list[Region], right: list[Region], i: int, j: int, point: Point
) -> Changed:
    box, holes = pairs.shape(i, j)
    shown = ordinary(dimensions, point, box, holes)
    return Changed(
        Piece(box, holes),
        left[i].outcome,
        right[j].outcome,
        left[i].place,
        right[j].place,
        tuple(sorted(shown.items())),
    )
