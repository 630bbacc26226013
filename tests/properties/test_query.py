"""`fwc query` says of every packet what the naive interpreter says, and names the rule that decides."""

from __future__ import annotations

from random import Random

import pytest
from tests.properties.small_rulesets import OPAQUE, SET, Packet, packets, random_ruleset, verdict_of

from fwc.ir.match import Field, FieldIn, Match, Not, all_of
from fwc.ir.verdict import Accept
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.query.answer import Verdict, answer
from fwc.query.question import parse_question

QUESTION = parse_question("can any reach self")
FIRST = [p for p in packets() if p[Field.CT_STATE] == 3 and p[Field.TCP_FLAGS] == (2 if p[Field.PROTOCOL] == 6 else 0)]


def exactly(packet: Packet) -> Match:
    """The condition that only this packet meets."""
    parts: list[Match] = [
        FieldIn(Field.PROTOCOL, IntervalSet.of(packet[Field.PROTOCOL])),  # type: ignore[arg-type]
        FieldIn(Field.SADDR, AddressSet(IntervalSet.of(packet[Field.SADDR]))),  # type: ignore[arg-type]
        FieldIn(Field.IIF, IfaceSet.of([str(packet[Field.IIF])])),
        SET if packet[SET] else Not(SET),
        OPAQUE if packet[OPAQUE] else Not(OPAQUE),
    ]
    if packet[Field.PROTOCOL] in (6, 17, 132):
        parts.append(FieldIn(Field.DPORT, IntervalSet.of(packet[Field.DPORT])))  # type: ignore[arg-type]
    return all_of(*parts)


@pytest.mark.parametrize("seed", range(4))
def test_one_packet_at_a_time(seed: int) -> None:
    rng = Random(seed)
    seen = set()
    for _ in range(6):
        ruleset = random_ruleset(rng, limits=False)
        for packet in rng.sample(FIRST, 30):
            found = answer(ruleset, QUESTION, [(Hook.INPUT, exactly(packet))], (Family.V4,))
            accepted = isinstance(verdict_of(ruleset, packet)[1], Accept)
            assert found.verdict is (Verdict.YES if accepted else Verdict.NO), (ruleset, packet)
            assert len(found.rows) == 1
            seen.add(accepted)
    assert seen == {True, False}


@pytest.mark.parametrize("seed", range(4))
def test_all_packets_at_once(seed: int) -> None:
    """`yes` when all are accepted, `no` when none is, `partly` otherwise."""
    rng = Random(seed)
    for _ in range(10):
        ruleset = random_ruleset(rng, limits=False)
        for protocol in (6, 17, 132):
            asked = [p for p in FIRST if p[Field.PROTOCOL] == protocol]
            accepted = {isinstance(verdict_of(ruleset, p)[1], Accept) for p in asked}
            match = FieldIn(Field.PROTOCOL, IntervalSet.of(protocol))
            found = answer(ruleset, QUESTION, [(Hook.INPUT, match)], (Family.V4,))
            expected = Verdict.PARTLY if len(accepted) == 2 else Verdict.YES if accepted == {True} else Verdict.NO
            assert found.verdict is expected, ruleset
