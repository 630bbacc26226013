"""Long flat lists are asked in another way than short ones; the answers are the same."""

from __future__ import annotations

import random

import pytest

from fwc.analysis import blocks, near
from fwc.analysis.facts import Facts
from fwc.analysis.near import Neighbours
from fwc.ir.match import Field, FieldIn, all_of
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Drop
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import EMPTY, IntervalSet
from fwc.space.fields import Dimensions, Kind


def _run(rng: random.Random, bits: int, widest: int) -> IntervalSet:
    """A prefix, one value as a rule; sometimes two runs."""
    size = 1 << rng.choice((0, 0, 0, 2, widest))
    low = rng.randrange(1 << bits) // size * size
    more = [(low + 3 * size, low + 3 * size)] if rng.random() < 0.1 else []
    return IntervalSet([(low, low + size - 1), *more])


def _ruleset(rng: random.Random, rules: int, wide: float) -> Ruleset:
    made = []
    for _ in range(rules):
        parts = []
        for field in (Field.SADDR, Field.DADDR):
            if rng.random() > wide:
                parts.append(FieldIn(field, AddressSet(_run(rng, 8, 5), EMPTY)))
        if rng.random() < 0.7:
            parts.append(FieldIn(Field.DPORT, _run(rng, 3, 3)))
        made.append(Rule(all_of(*parts), (), rng.choice((Accept(), Drop()))))
    if not wide:
        made.append(Rule())
    chain = Chain("forward", tuple(made), Base(Hook.FORWARD, ChainType.FILTER, 0, Drop()))
    return Ruleset((Table("filter", "ip", (chain,)),))


@pytest.mark.parametrize("wide", [0.0, 0.05, 0.4])
@pytest.mark.parametrize("seed", range(4))
def test_the_same_rules_are_dead(seed: int, wide: float, monkeypatch: pytest.MonkeyPatch) -> None:
    ruleset = _ruleset(random.Random(seed), 300, wide)
    short = {dead.place: len(dead.cover) == 1 for dead in Facts(ruleset).dead()}
    monkeypatch.setattr(blocks, "LONG", 10)
    monkeypatch.setattr(blocks, "_BLOCK", 50)
    monkeypatch.setattr(near, "CROWD", 6)
    long = Facts(ruleset)
    assert {dead.place: len(dead.cover) == 1 for dead in long.dead()} == short
    assert short
    assert not long.undetermined()


def test_neighbours_are_those_that_overlap() -> None:
    dimensions = Dimensions(Family.V4)
    dimension = dimensions.dimension("d", "d", Kind.VALUE, 999)

    def box(*runs: tuple[int, int]) -> tuple[int, ...]:
        return (dimensions.constraint(dimension, runs),)

    boxes = [box((0, 0)), box((5, 9)), box((9, 20)), box((30, 30)), box((30, 30)), (), box((1, 1), (30, 40))]
    near_by = Neighbours(dimensions, 0, boxes, range(len(boxes)))
    assert list(near_by.broad) == [5, 6]
    assert near_by.of(box((1, 4))) == []
    assert near_by.of(box((0, 4))) == [0]
    assert near_by.of(box((20, 25))) == [1, 2], "a group is told as a whole"
    assert near_by.of(box((7, 30))) == [1, 2, 3, 4]
    assert near_by.of(()) is None
    assert near_by.of(box((0, 1), (3, 3))) is None


def test_neighbours_of_boxes_that_lie_anywhere_are_not_told() -> None:
    dimensions = Dimensions(Family.V4)
    dimension = dimensions.dimension("d", "d", Kind.VALUE, 999)
    boxes = [(), (), (), (dimensions.constraint(dimension, ((1, 1),)),)]
    positions = range(4)
    assert Neighbours(dimensions, 0, boxes, positions).broad is positions
