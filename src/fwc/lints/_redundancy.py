"""Rules that change no packet although packets get to them: what follows decides the same (downward redundancy).

A rule is redundant when for each of its packets an earlier rule decides, or the first later one does the same. Rules are looked
at from the last to the first and leave the list when they are redundant, so all that are found may go together. Conditions that
may answer differently each time they are asked hide nothing and are relied upon for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.firstmatch import Region
from fwc.analysis.program import Place, base_chains
from fwc.ir.match import ALWAYS, CtState, WithinConnections, WithinRate
from fwc.ir.model import Rule
from fwc.ir.verdict import Accept, Drop, Reject
from fwc.ir.walk import match_nodes
from fwc.lints._conntrack import authored, state_values
from fwc.lints._context import LintContext
from fwc.net.hooks import ChainType
from fwc.records import Record
from fwc.source import Span
from fwc.space.cover import BudgetSpent, search
from fwc.space.fields import Box, Dimensions
from fwc.space.index import Index, bits_of, index_of, mask_of

MOST_NODES = 5_000
"""Of one search; what it leaves undecided is not reported."""

MOST_WORK = 50_000_000
"""Steps for one ruleset (machine words of the lookups, regions looked at sixteen times as much); then nothing more is asked."""

_REGION = 16

_PROBES = 8


class Unneeded(Record):
    """A rule of the author and the rules (or policies) that do the same with its packets."""

    place: Place
    rule: Rule
    span: Span
    by: tuple[Place, ...]


class _Chain:
    """The first-match list of one base chain in one family; `gone` are the regions of rules found redundant."""

    def __init__(self, dimensions: Dimensions, regions: list[Region]) -> None:
        self.dimensions = dimensions
        self.regions = regions
        self.index: Index = index_of(dimensions, [r.box for r in regions])
        self.alive = self.index.every
        self.unstable = 0
        self.of_place: dict[Place, list[int]] = {}
        for number, region in enumerate(regions):
            self.of_place.setdefault(region.place, []).append(number)
            if not dimensions.stable(region.box):
                self.unstable |= 1 << number


class Redundancy(Record):
    """`complete` is False when the budget ended before every rule was asked about."""

    rules: tuple[Unneeded, ...]
    complete: bool


def redundancy(context: LintContext) -> Redundancy:
    """The rules that may be left out, all of them together, in file order."""
    units = dict(_units(context))
    if not units:
        return Redundancy((), True)
    chains = list(_chains(context))
    out: list[Unneeded] = []
    work = 0
    for span, places in sorted(units.items(), key=lambda unit: unit[0].start, reverse=True):
        if work > MOST_WORK:
            return Redundancy(tuple(reversed(out)), False)
        by, cost = _without(chains, places)
        work += cost
        if by:
            rule = context.facts.rule(places[0])
            assert rule is not None
            out.append(Unneeded(places[0], rule, span, by))
            for chain in chains:
                for number in _numbers(chain, places):
                    chain.alive &= ~(1 << number)
    return Redundancy(tuple(reversed(out)), True)


def _units(context: LintContext) -> Iterator[tuple[Span, list[Place]]]:
    """For each line that may be asked about, the rules that it became."""
    dead = {each.place for each in context.facts.dead()}  # also tells which chains are too large
    found: dict[Span, list[Place]] = {}
    other: set[Span] = set()
    for number, table, chain, index, rule, span in authored(context):
        if chain.name in context.facts.unentered(number):
            continue
        place = Place(number, chain.name, index)
        if table.kind not in ("", "filter", "raw", "mangle", "security") or place in dead or not _is_plain(rule):
            other.add(span)
        found.setdefault(span, []).append(place)
    for span, places in found.items():
        if span not in other:
            yield span, places


def _is_plain(rule: Rule) -> bool:
    """A verdict and nothing else: no trace, no limit; not the end of a chain, which says what the policy is, nor the accept of
    established connections, which stands early because it is fast."""
    if not isinstance(rule.verdict, Accept | Drop | Reject) or rule.actions or rule.comment or rule.label:
        return False
    if rule.match == ALWAYS or any(isinstance(n, WithinRate | WithinConnections) for n in match_nodes(rule.match)):
        return False
    states = state_values(rule)
    return states is None or CtState.ESTABLISHED.value not in states


def _chains(context: LintContext) -> Iterator[_Chain]:
    facts = context.facts
    for family in facts.families:
        for chains in base_chains(context.ruleset, family).values():
            for table, chain in chains:
                if chain.base is None or chain.base.type is not ChainType.FILTER or not chain.rules:
                    continue
                if chain.name not in facts.too_large:
                    regions = facts.chain_regions(family, table, chain)
                    if regions is not None:
                        yield _Chain(facts.dimensions(family), regions)
                    else:
                        facts.too_large.add(chain.name)


def _numbers(chain: _Chain, places: list[Place]) -> list[int]:
    return [number for place in places for number in chain.of_place.get(place, ())]


def _without(chains: list[_Chain], places: list[Place]) -> tuple[tuple[Place, ...], int]:
    """Who does the same with the packets of the rules, empty when somebody else does otherwise; and the work it took."""
    by: dict[Place, None] = {}
    work = 1
    for chain in chains:
        numbers = _numbers(chain, places)
        own = mask_of(numbers)
        for number in numbers:
            found, cost = _same(chain, number, chain.alive & ~own)
            work += cost
            if found is None:
                return (), work
            by.update((chain.regions[n].place, None) for n in found)
    return tuple(by), work


def _same(chain: _Chain, number: int, others: int) -> tuple[list[int] | None, int]:
    """The later regions that take the packets of a region and do the same, None when it is not so or not known."""
    box, outcome = chain.regions[number].box, chain.regions[number].outcome
    overlap = chain.index.overlap(box, others)
    later = overlap >> (number + 1) << (number + 1)
    before = overlap & ((1 << number) - 1) & ~chain.unstable
    if container := chain.index.contain(box, later & ~chain.unstable):
        later &= ((container & -container) << 1) - 1
    after = list(bits_of(later))
    cost = _REGION * len(after) + len(chain.regions) // 64
    differing = [n for n in after if chain.regions[n].outcome != outcome]
    alike = [n for n in after if chain.regions[n].outcome == outcome and not chain.unstable >> n & 1]
    if chain.index.contain(box, before):
        return [], cost
    if not differing:
        return (alike or None), cost
    meet = chain.dimensions.meet
    for other in differing[:_PROBES]:
        both = meet(box, chain.regions[other].box)
        if both is not None:
            first = chain.index.stab(chain.dimensions.corner(both), before | later)
            if first and (first & -first) == 1 << other:
                return None, cost
    earlier = list(bits_of(before))
    cost += 4 * _REGION * (len(earlier) + len(after))
    return (alike if _proved(chain, box, earlier, alike, differing) else None), cost


def _proved(chain: _Chain, box: Box, earlier: list[int], alike: list[int], differing: list[int]) -> bool:
    """Whether no packet of the box passes all of `earlier` and then meets one of `differing` first."""
    bad, before = set(differing), set(earlier)
    order = sorted((*earlier, *alike, *differing))
    loosen = chain.dimensions.loosen
    boxes = [loosen(chain.regions[n].box) if n in bad else chain.regions[n].box for n in order]
    hidden = mask_of([k for k, n in enumerate(order) if n in before])
    wrong = mask_of([k for k, n in enumerate(order) if n in bad])

    def decide(some: int, certain: int) -> bool | None:
        if certain & hidden:
            return True
        after = some & ~hidden
        if sure := certain & ~hidden:
            after &= ((sure & -sure) << 1) - 1
        if not after & wrong:
            return True
        return False if not some & hidden and after & wrong == after else None

    try:
        return search(chain.dimensions, box, boxes, decide, nodes=MOST_NODES) is None
    except BudgetSpent:
        return False
