"""Rules that nft says as chains of their own treat every packet as before: verdict, logs and marks."""

from __future__ import annotations

import random

import pytest

from fwc.convert.chains import called
from fwc.convert.unless import unless
from fwc.ir.match import ALWAYS, Field, FieldIn, MaskedIn, Match, Not, Owner, all_of
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, RETURN, CopyMark, Goto, Jump, Log, SetField, Verdict
from fwc.ir.walk import match_nodes, rules
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.sim.netfilter import Simulator

MASKS = (0x1, 0x5, 0xF0, 0x1F, 0xFFFF0000, 0xFFFFFFFF)


def condition(rng: random.Random) -> Match:
    parts: list[Match] = []
    if rng.random() < 0.4:
        parts.append(Not(Owner("user", (rng.choice("ab"),))))
    if rng.random() < 0.2:
        parts.append(Not(Owner("group", ("g",))))
    if rng.random() < 0.5:
        parts.append(FieldIn(Field.DPORT, IntervalSet.range(low := rng.randrange(6), low + 2)))
    if rng.random() < 0.3:
        field = rng.choice((Field.MARK, Field.CT_MARK))
        mask = rng.choice((1, 5, 16))
        parts.append(MaskedIn(field, mask, IntervalSet.of(rng.choice((0, mask)))))
    return all_of(*parts) if parts else ALWAYS


def rule(rng: random.Random, later: list[str]) -> Rule:
    kind = rng.randrange(4)
    if kind == 0:
        copy = CopyMark(rng.choice(("save", "restore")), rng.choice(MASKS))
        return Rule(condition(rng), (copy,), CONTINUE)
    if kind == 1:
        field = rng.choice((Field.MARK, Field.CT_MARK))
        return Rule(condition(rng), (SetField(field, rng.getrandbits(8), 0xFF),), CONTINUE)
    verdicts: list[Verdict] = [ACCEPT, DROP, RETURN, CONTINUE]
    verdicts += [turn(name) for name in later for turn in (Jump, Goto)]
    return Rule(condition(rng), (Log("met"),) if rng.random() < 0.3 else (), rng.choice(verdicts))


def ruleset(rng: random.Random) -> Ruleset:
    names = ["output", "one", "two"]
    chains = []
    for at, name in enumerate(names):
        base = Base(Hook.OUTPUT, ChainType.FILTER, 0, rng.choice((ACCEPT, DROP))) if at == 0 else None
        chains.append(Chain(name, tuple(rule(rng, names[at + 1 :]) for _ in range(rng.randrange(2, 7))), base))
    return Ruleset((Table("t", chains=tuple(chains)),))


@pytest.mark.parametrize("seed", range(150))
def test_no_packet_notices(seed: int) -> None:
    rng = random.Random(seed)
    before = ruleset(rng)
    after = called(before, unless)
    old, new = Simulator(before), Simulator(after)
    for _ in range(60):
        packet = Packet(
            Family.V4, 6, 1, 2, 9, rng.randrange(9), oif="z", mark=rng.getrandbits(32), ct_mark=rng.getrandbits(32),
            user=rng.choice(("", "a", "b")), group=rng.choice(("", "g")),
        )  # fmt: skip
        want, got = old.simulate(packet, Hook.OUTPUT, trace=False), new.simulate(packet, Hook.OUTPUT, trace=False)
        assert (want.verdict, want.logs, want.packet) == (got.verdict, got.logs, got.packet), packet


def test_nothing_is_left_that_nft_cannot_say() -> None:
    for seed in range(40):
        after = called(ruleset(random.Random(seed)), unless)
        for _, _, _, each in rules(after):
            assert not any(isinstance(n, Not) and isinstance(n.match, Owner) for n in match_nodes(each.match))


def test_ten_thousand_rules_that_return_are_no_deep_recursion() -> None:
    each = Rule(Not(Owner("user", ("a",))), (), RETURN)
    base = Base(Hook.OUTPUT, ChainType.FILTER, 0, DROP)
    after = called(Ruleset((Table("t", chains=(Chain("output", (each,) * 10_000, base),)),)), unless)
    assert len(after.tables[0].chains) == 20_001
