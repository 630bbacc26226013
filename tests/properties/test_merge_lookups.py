"""Merging rules into lookups changes no packet's fate: not its verdict, not its reject kind, not its log lines."""

from __future__ import annotations

import random

import pytest

from fwc.ir.match import AnyOf, Field, FieldIn, Match, TupleIn, all_of
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, DROP, Action, Log, Reject, RejectKind, Verdict
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.passes.merge_lookups import merge_lookups
from fwc.sim.netfilter import Simulator

EFFECTS: tuple[tuple[tuple[Action, ...], Verdict], ...] = (
    ((), ACCEPT),
    ((), DROP),
    ((), Reject(RejectKind.ADMIN_PROHIBITED)),
    ((Log("a: "),), ACCEPT),
)


def addresses(rng: random.Random) -> AddressSet:
    """Up to two runs among 16 addresses, of one family or both."""

    def runs() -> IntervalSet:
        out = []
        for _ in range(rng.randint(1, 2)):
            low = rng.randrange(16)
            out.append((low, min(15, low + rng.choice((0, 0, 0, 3, 7)))))
        return IntervalSet(out)

    kind = rng.random()
    if kind < 0.7:
        return AddressSet(v4=runs())
    return AddressSet(v6=runs()) if kind < 0.85 else AddressSet(runs(), runs())


def traffic(rng: random.Random) -> Match:
    def box(protocols: IntervalSet) -> Match:
        low = rng.randrange(8)
        ports = IntervalSet.range(low, min(7, low + rng.choice((0, 0, 0, 1, 4))))
        return all_of(FieldIn(Field.PROTOCOL, protocols), FieldIn(Field.DPORT, ports))

    if rng.random() < 0.2:
        return AnyOf((box(IntervalSet.of(6)), box(IntervalSet.of(17))))
    return box(rng.choice((IntervalSet.of(6), IntervalSet.of(6), IntervalSet.of(17), IntervalSet.of(6, 17))))


def rule(rng: random.Random, effects: int) -> Rule:
    parts: list[Match] = [FieldIn(Field.IIF, IfaceSet.of([rng.choice(("a", "a", "b"))]))] if rng.random() < 0.8 else []
    if rng.random() < 0.95:
        parts.append(FieldIn(Field.SADDR, addresses(rng)))
    if rng.random() < 0.7:
        parts.append(FieldIn(Field.DADDR, addresses(rng)))
    parts.append(traffic(rng))
    actions, verdict = EFFECTS[rng.randrange(effects)]
    return Rule(all_of(*parts), actions, verdict, comment="c" * rng.randrange(3))


def ruleset(rng: random.Random, size: int, effects: int) -> Ruleset:
    base = Base(Hook.FORWARD, ChainType.FILTER, 0, DROP)
    chain = Chain("forward", tuple(rule(rng, effects) for _ in range(size)), base)
    return Ruleset((Table("t", chains=(chain,)),))


def packets(rng: random.Random, count: int) -> list[Packet]:
    return [
        Packet(
            rng.choice(list(Family)),
            rng.choice((6, 17, 1)),
            rng.randrange(18),
            rng.randrange(18),
            rng.randrange(8),
            rng.randrange(9),
            iif=rng.choice("abc"),
            oif="z",
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(60))
def test_no_packet_notices(seed: int) -> None:
    rng = random.Random(seed)
    before = ruleset(rng, rng.choice((20, 60, 150)), 1 + seed % len(EFFECTS))
    after = merge_lookups(before)
    old, new = Simulator(before), Simulator(after)
    for packet in packets(rng, 150):
        want, got = old.simulate(packet, Hook.FORWARD, trace=False), new.simulate(packet, Hook.FORWARD, trace=False)
        assert (want.verdict, want.reject, want.logs) == (got.verdict, got.reject, got.logs), packet


@pytest.mark.parametrize("seed", range(10))
def test_long_runs_become_few_rules_with_disjoint_elements(seed: int) -> None:
    """The pass does something: 150 rules of one effect are a handful of lookups, and no two elements share a packet."""
    after = merge_lookups(ruleset(random.Random(seed), 150, 1))
    rules = after.tables[0].chains[0].rules
    assert len(rules) < 100
    lookups = [part for r in rules for part in getattr(r.match, "parts", (r.match,)) if isinstance(part, TupleIn)]
    assert lookups
    for lookup in lookups:
        for number, left in enumerate(lookup.elements):
            for right in lookup.elements[:number]:
                assert not all(bool(a & b) for a, b in zip(left, right, strict=True))  # type: ignore[operator]


def test_short_lists_stay_as_they_are() -> None:
    before = ruleset(random.Random(1), 15, 4)
    assert merge_lookups(before) == before
