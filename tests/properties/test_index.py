"""An index answers as looking at every box does: few atoms or many, one index or blocks."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.space.fields import Box, Dimensions, Kind, Point
from fwc.space.index import Index, LongIndex


def random_box(rng: Random, dimensions: Dimensions, atoms: int) -> Box:
    """Some fields of 0..15 and some atoms."""
    out: Box = ()
    for name in rng.sample(("a", "b", "c"), rng.randrange(3)):
        runs = IntervalSet.of(*rng.sample(range(16), rng.randrange(1, 5)))
        (part,) = dimensions.box(dimensions.dimension(name, name, Kind.VALUE, 15), runs)
        out += part
    for number in rng.sample(range(atoms), rng.randrange(min(3, atoms + 1))):
        out += dimensions.atom(("atom", number), f"atom {number}", rng.randrange(2), unstable=False)
    return tuple(sorted(out))


@pytest.mark.parametrize("kind", [Index, LongIndex])
@pytest.mark.parametrize("atoms", [0, 5, 80])
@given(seed=st.integers(0, 10**6))
def test_agrees_with_every_box(kind: type[Index], atoms: int, seed: int) -> None:
    rng = Random(seed)
    dimensions = Dimensions(Family.V4)
    boxes = [random_box(rng, dimensions, atoms) for _ in range(rng.randrange(1, 60))]
    index = kind(dimensions, boxes)
    among = rng.getrandbits(len(boxes))
    for _ in range(5):
        box = random_box(rng, dimensions, atoms)
        point: Point = {each.index: rng.randrange(each.top + 1) for each in dimensions.dimensions if rng.random() < 0.7}
        chosen = [bit for bit in range(len(boxes)) if among >> bit & 1]
        assert index.overlap(box, among) == sum(1 << b for b in chosen if dimensions.meet(box, boxes[b]) is not None)
        assert index.contain(box, among) == sum(1 << b for b in chosen if dimensions.contains(boxes[b], box))
        assert index.stab(point, among) == sum(1 << b for b in chosen if dimensions.holds(boxes[b], point))
