"""Joining lookups changes no packet's fate, and leaves elements that nftables takes: none overlaps another."""

from __future__ import annotations

import random

import pytest
from tests.properties.test_merge_lookups import EFFECTS

from fwc.ir.match import Field, FieldIn, TupleIn, Values, all_of
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import DROP, Reject, VerdictMap
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.passes.map_verdicts import map_verdicts
from fwc.passes.merge_lookups import merge_lookups
from fwc.sim.netfilter import Simulator

SPACE = 400
"""Addresses; so few that rules of different effects overlap, so many that most do not."""


def one_rule(rng: random.Random, ranges: float) -> Rule:
    low = rng.randrange(SPACE)
    high = min(SPACE - 1, low + rng.choice((1, 3, 15))) if rng.random() < ranges else low
    port = rng.randrange(8)
    ports = IntervalSet.range(port, min(7, port + 2)) if rng.random() < ranges / 4 else IntervalSet.of(port)
    match = all_of(
        FieldIn(Field.IIF, IfaceSet.of(["a"])),
        FieldIn(Field.SADDR, AddressSet(v4=IntervalSet.range(low, high))),
        FieldIn(Field.PROTOCOL, rng.choice((IntervalSet.of(6), IntervalSet.of(17), IntervalSet.of(6, 17)))),
        FieldIn(Field.DPORT, ports),
    )
    actions, verdict = rng.choice(EFFECTS[:3]) if rng.random() < 0.98 else EFFECTS[3]
    return Rule(match, actions, Reject() if isinstance(verdict, Reject) else verdict)


def dense(rng: random.Random, size: int) -> Ruleset:
    """Rules of one interface with the effects accept, drop and reject, and few logs in between."""
    ranges = rng.choice((0.0, 0.1, 0.5, 1.0))
    base = Base(Hook.FORWARD, ChainType.FILTER, 0, DROP)
    rules = tuple(one_rule(rng, ranges) for _ in range(size))
    return Ruleset((Table("t", chains=(Chain("forward", rules, base),)),))


def packets(rng: random.Random, count: int) -> list[Packet]:
    return [
        Packet(
            Family.V4,
            rng.choice((6, 17)),
            rng.randrange(SPACE),
            1,
            1,
            rng.randrange(8),
            iif=rng.choice("aaab"),
            oif="z",
        )
        for _ in range(count)
    ]


def lookups(after: Ruleset) -> list[list[tuple[Values, ...]]]:
    out = []
    for each in after.tables[0].chains[0].rules:
        found = [part for part in getattr(each.match, "parts", (each.match,)) if isinstance(part, TupleIn)]
        out.extend([list(part.elements) for part in found])
        if isinstance(each.verdict, VerdictMap):
            out.append([values for values, _ in each.verdict.entries])
    return out


@pytest.mark.parametrize("seed", range(60))
def test_no_packet_notices(seed: int) -> None:
    rng = random.Random(seed)
    before = dense(rng, rng.choice((80, 200, 400)))
    after = map_verdicts(merge_lookups(before))
    old, new = Simulator(before), Simulator(after)
    for packet in packets(rng, 400):
        want, got = old.simulate(packet, Hook.FORWARD, trace=False), new.simulate(packet, Hook.FORWARD, trace=False)
        assert (want.verdict, want.reject, want.logs) == (got.verdict, got.reject, got.logs), packet


@pytest.mark.parametrize("seed", range(20))
def test_elements_of_a_lookup_share_no_packet(seed: int) -> None:
    after = map_verdicts(merge_lookups(dense(random.Random(seed), 300)))
    found = lookups(after)
    assert found
    for elements in found:
        for number, left in enumerate(elements):
            for right in elements[:number]:
                assert not all(bool(a & b) for a, b in zip(left, right, strict=True))  # type: ignore[operator]


def test_different_verdicts_become_one_map() -> None:
    """The pass does something: among twenty policies there are maps with several verdicts, and exact elements of their own."""
    after = [map_verdicts(merge_lookups(dense(random.Random(seed), 400))) for seed in range(20)]
    rules = [each for one in after for each in one.tables[0].chains[0].rules]
    maps = [each.verdict for each in rules if isinstance(each.verdict, VerdictMap)]
    assert maps and all(len({verdict for _, verdict in each.entries}) > 1 for each in maps)
    assert any(each.comment.startswith("exact values") for each in rules)


def test_without_lookups_nothing_changes() -> None:
    before = dense(random.Random(1), 15)
    assert map_verdicts(before) == before
