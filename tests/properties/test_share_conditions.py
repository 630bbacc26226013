"""Sharing the zones that neighbouring rules begin with changes no packet's fate, and no action is done twice."""

from __future__ import annotations

import dataclasses
import random

import pytest
from tests.properties.test_merge_lookups import addresses, packets, traffic

from fwc.ir.match import AnyOf, Field, FieldIn, Match, all_of
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, RETURN, Count, Goto, Jump, Log
from fwc.net.hooks import ChainType, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.passes.share_conditions import share_conditions
from fwc.sim.netfilter import Simulator


def zones(rng: random.Random) -> Match:
    """A union of pairs of interface and network that may overlap, as `from lan, guest` compiles to."""
    pairs = [
        all_of(FieldIn(Field.IIF, IfaceSet.of([rng.choice("ab")])), FieldIn(Field.SADDR, addresses(rng), "zone"))
        for _ in range(rng.randint(1, 5))
    ]
    return pairs[0] if len(pairs) == 1 else AnyOf(tuple(pairs))


def ruleset(rng: random.Random) -> Ruleset:
    rules = []
    while len(rules) < 30:
        shared = zones(rng)
        for _ in range(rng.randint(1, 8)):
            verdict = rng.choices((ACCEPT, Goto("sub"), DROP, CONTINUE, RETURN), (4, 1, 3, 1, 1))[0]
            actions = (Log(f"{len(rules)}: "),) if rng.random() < 0.3 else (Count(),) if rng.random() < 0.2 else ()
            rules.append(Rule(all_of(shared, traffic(rng)), actions, verdict))
    base = Base(Hook.FORWARD, ChainType.FILTER, 0, DROP)
    last = [Rule(verdict=DROP)] if rng.random() < 0.5 else []
    sub = Chain("sub", (Rule(FieldIn(Field.DPORT, IntervalSet.range(0, 3)), (), ACCEPT), *last))
    return Ruleset((Table("t", chains=(Chain("forward", tuple(rules), base), sub)),))


@pytest.mark.parametrize("seed", range(60))
def test_no_packet_notices(seed: int) -> None:
    rng = random.Random(seed)
    before = ruleset(rng)
    old, new = Simulator(before), Simulator(share_conditions(before))
    for packet in packets(rng, 150):
        want, got = old.simulate(packet, Hook.FORWARD, trace=False), new.simulate(packet, Hook.FORWARD, trace=False)
        assert (want.verdict, want.logs, want.effects) == (got.verdict, got.logs, got.effects), packet


def test_a_repetition_becomes_a_chain_named_after_its_zones() -> None:
    lan = AnyOf(
        tuple(
            all_of(FieldIn(Field.IIF, IfaceSet.of([i])), FieldIn(Field.SPORT, IntervalSet.of(1)), name)
            for i, name in (("a", FieldIn(Field.SADDR, addresses(random.Random(1)), "lan")),)
        )
    )
    assert share_conditions(Ruleset()) == Ruleset()
    zone = AnyOf(
        tuple(
            all_of(FieldIn(Field.IIF, IfaceSet.of([i])), FieldIn(Field.SADDR, addresses(random.Random(1)), name))
            for i, name in (("a", "lan"), ("b", "guest"))
        )
    )
    rules = tuple(Rule(all_of(zone, FieldIn(Field.DPORT, IntervalSet.of(p))), (), ACCEPT) for p in range(6))
    base = Base(Hook.INPUT, ChainType.FILTER, 0, DROP)
    table = Table("t", chains=(Chain("input", rules, base),))
    after = share_conditions(Ruleset((table,))).tables[0]
    assert [c.name for c in after.chains] == ["input", "lan-guest-input"]
    assert [r.verdict for r in after.chains[0].rules] == [Jump("lan-guest-input")]
    assert len(after.chains[1].rules) == 6
    mixed = dataclasses.replace(table.chains[0], rules=(Rule(lan, (), ACCEPT), *rules[:1]))
    assert share_conditions(Ruleset((dataclasses.replace(table, chains=(mixed,)),))).tables[0].chains == (mixed,)
