"""A packet that a wanted region of a first-match list holds first."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.analysis.firstmatch import Region
from fwc.space.cover import NODES, BudgetSpent, search
from fwc.space.fields import Box, Dimensions, Point


def first_held(
    dimensions: Dimensions, regions: Sequence[Region], boxes: Sequence[Box], wanted: Sequence[bool], nodes: int = NODES
) -> tuple[Point, Region] | None:
    """A packet of `boxes` whose first region is wanted, with that region. None when there is none and when the budget ended."""
    for box in boxes:
        near: list[int] = []
        for number, region in enumerate(regions):
            met = dimensions.meet(region.box, box)
            if met is not None:
                near.append(number)
                if met == box:
                    break
        want = sum(1 << bit for bit, number in enumerate(near) if wanted[number])
        if not want:
            continue

        def decide(some: int, certain: int, want: int = want) -> bool | None:
            if certain:
                some &= ((certain & -certain) << 1) - 1
            if not some & want:
                return True
            return False if some & want == some else None

        try:
            point = search(dimensions, box, [regions[n].box for n in near], decide, nodes=nodes)
        except BudgetSpent:
            return None
        if point is not None:
            return point, regions[next(n for n in near if dimensions.holds(regions[n].box, point))]
    return None
