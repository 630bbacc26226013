"""A chain for each pair of interfaces changes no packet's fate: not its verdict, its logs, or the order of its effects."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from tests.properties.test_merge_lookups import addresses, traffic

from fwc.ir.match import Field, FieldIn, Match, WithinRate, all_of
from fwc.ir.model import Base, Chain, Role, Rule, Ruleset, Table, Zone
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, RETURN, Count, Jump, Log, VerdictMap
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.packet import Packet
from fwc.passes.dispatch_interfaces import BREAK_EVEN, dispatch_interfaces_by_map, dispatch_interfaces_by_rules
from fwc.sim.netfilter import Simulator

NAMES = "abcdef"
PASSES = (dispatch_interfaces_by_map, dispatch_interfaces_by_rules)


def interfaces(rng: random.Random) -> IfaceSet:
    kind = rng.random()
    if kind < 0.002:
        return IfaceSet.of(["a*"])
    if kind < 0.004:
        return ~IfaceSet.of([rng.choice(NAMES)])
    return IfaceSet.of(rng.sample(NAMES, 1 if kind < 0.8 else rng.randint(2, 3)))


def rule(rng: random.Random) -> Rule:
    parts: list[Match] = [FieldIn(Field.IIF, interfaces(rng))]
    if rng.random() < 0.995:
        parts.append(FieldIn(Field.OIF, interfaces(rng)))
    if rng.random() < 0.8:
        parts.append(FieldIn(Field.SADDR, addresses(rng)))
    if rng.random() < 0.02:
        parts.append(WithinRate(1, 3600, 1000))
    parts.append(traffic(rng))
    verdict = rng.choices((ACCEPT, DROP, CONTINUE, Jump("sub"), RETURN), (500, 400, 100, 50, 4))[0]
    actions = (Log(f"{rng.randrange(9)}: "),) if rng.random() < 0.2 else (Count(),) if rng.random() < 0.05 else ()
    role = Role.DEFAULT if rng.random() < 0.003 else Role.USER
    return Rule(all_of(*parts), actions, verdict, role=role)


def ruleset(rng: random.Random, size: int) -> Ruleset:
    base = Base(Hook.FORWARD, ChainType.FILTER, 0, DROP)
    sub = Chain("sub", (Rule(traffic(rng), (Log("sub: "),), ACCEPT), Rule(traffic(rng), (), RETURN)))
    chain = Chain("forward", tuple(rule(rng) for _ in range(size)), base)
    zones = (Zone("lan", IfaceSet.of(["a"])), Zone("wan", IfaceSet.of(["b", "c"])))
    return Ruleset((Table("t", chains=(chain, sub)),), zones)


def packets(rng: random.Random, count: int) -> list[Packet]:
    return [
        Packet(
            rng.choice(list(Family)),
            rng.choice((6, 17, 1)),
            rng.randrange(18),
            rng.randrange(18),
            rng.randrange(8),
            rng.randrange(9),
            iif=rng.choice(NAMES),
            oif=rng.choice(NAMES),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("run", PASSES)
@pytest.mark.parametrize("seed", range(30))
def test_no_packet_notices(seed: int, run: Callable[[Ruleset], Ruleset]) -> None:
    rng = random.Random(seed)
    before = ruleset(rng, rng.choice((400, 600)))
    after = run(before)
    assert len(after.tables[0].chains) > 2
    old, new = Simulator(before), Simulator(after)
    for packet in packets(rng, 200):
        want, got = old.simulate(packet, Hook.FORWARD, trace=False), new.simulate(packet, Hook.FORWARD, trace=False)
        assert (want.verdict, want.logs, want.effects) == (got.verdict, got.logs, got.effects), packet


def test_short_lists_and_few_pairs_stay_as_they_are() -> None:
    few = ruleset(random.Random(1), BREAK_EVEN - 1)
    match = all_of(FieldIn(Field.IIF, IfaceSet.of(["a"])), FieldIn(Field.OIF, IfaceSet.of(["b"])))
    base = Base(Hook.FORWARD, ChainType.FILTER, 0, DROP)
    one = Ruleset((Table("t", chains=(Chain("forward", (Rule(match, (), ACCEPT),) * 100, base),)),))
    for run in PASSES:
        assert run(few) is few
        assert run(one) is one


def test_a_rule_with_a_bucket_is_never_copied() -> None:
    """Two copies of a rate are two buckets."""
    rng = random.Random(2)
    before = ruleset(rng, 300)
    for run in PASSES:
        rates = [r for c in run(before).tables[0].chains for r in c.rules if WithinRate(1, 3600, 1000) in _parts(r)]
        assert len(rates) == sum(WithinRate(1, 3600, 1000) in _parts(r) for r in before.tables[0].chains[0].rules) > 0


def _parts(each: Rule) -> tuple[Match, ...]:
    return getattr(each.match, "parts", (each.match,))


def test_a_map_leads_to_chains_named_after_the_zones() -> None:
    after = dispatch_interfaces_by_map(ruleset(random.Random(3), 200)).tables[0]
    maps = [r.verdict for r in after.chains[0].rules if isinstance(r.verdict, VerdictMap)]
    assert maps and maps[0].fields == (Field.IIF, Field.OIF)
    assert "lan-wan" in {chain.name for chain in after.chains}
