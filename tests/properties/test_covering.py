"""A cover that is put together one by one: the same answer as looking at every packet."""

from __future__ import annotations

from random import Random

import pytest

from fwc.net.hooks import Family
from fwc.space.cover import MANY, covering, uncovered
from fwc.space.fields import Box, Dimensions, Kind

SIDE = 24


def random_box(dimensions: Dimensions, axes: list[int], draw: Random, widest: int) -> Box:
    out: list[int] = []
    for axis in axes:
        if draw.random() < 0.85:
            low = draw.randrange(SIDE)
            high = min(SIDE - 1, low + draw.randrange(widest))
            out.append(dimensions.constraint(dimensions.dimensions[axis], ((low, high),)))
    return tuple(sorted(out))


@pytest.mark.parametrize("seed", range(60))
def test_agrees_with_every_packet(seed: int) -> None:
    draw = Random(seed)
    dimensions = Dimensions(Family.V4)
    axes = [dimensions.dimension(n, str(n), Kind.VALUE, SIDE - 1).index for n in range(2)]
    cover = [random_box(dimensions, axes, draw, draw.choice((2, 4, 9))) for _ in range(MANY + draw.randrange(200))]
    cover = [each for each in cover if len(each) == 2]
    cover += cover[: max(0, MANY + 1 - len(cover))]
    box = random_box(dimensions, axes, draw, SIDE)
    point, chosen = covering(dimensions, box, cover)
    assert (point is None) == (uncovered(dimensions, box, cover) is None)

    def inside(boxes: list[Box], x: int, y: int) -> bool:
        return any(dimensions.holds(each, {axes[0]: x, axes[1]: y}) for each in boxes)

    bare = [(x, y) for x in range(SIDE) for y in range(SIDE) if inside([box], x, y) and not inside(cover, x, y)]
    assert (point is not None) == bool(bare)
    if point is not None:
        assert (point.get(axes[0], 0), point.get(axes[1], 0)) in bare
    else:
        few = [cover[k] for k in chosen]
        assert all(inside(few, x, y) for x in range(SIDE) for y in range(SIDE) if inside([box], x, y))
