"""A box without other boxes, written out as disjoint boxes where they stay few, and boxes joined where that makes one of two."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fwc.net.intervals import IntervalSet, Run
from fwc.records import Record
from fwc.space.fields import SHIFT, Box, Dimensions, Point

MOST_BOXES = 64
"""Disjoint boxes of one piece that are still worth writing out."""

MOST_JOINED = 600
"""Boxes that are still compared with each other to join them."""


class Piece(Record):
    """The packets of `box` that are in none of `holes`."""

    box: Box
    holes: tuple[Box, ...] = ()

    def holds(self, dimensions: Dimensions, point: Point) -> bool:
        return dimensions.holds(self.box, point) and not any(dimensions.holds(hole, point) for hole in self.holes)


def written_out(dimensions: Dimensions, piece: Piece, most: int = MOST_BOXES) -> list[Box] | None:
    """The piece as disjoint boxes, None when that takes more than `most`."""
    boxes = [piece.box]
    for hole in piece.holes:
        boxes = [
            rest
            for box in boxes
            for rest in ([box] if dimensions.meet(box, hole) is None else dimensions.subtract(box, hole))
        ]
        if len(boxes) > most:
            return None
    return boxes


def joined(dimensions: Dimensions, boxes: Sequence[Box]) -> list[Box]:
    """The same packets in fewer boxes: boxes that differ in one dimension only become one."""
    found = list(dict.fromkeys(boxes))
    while 1 < len(found) <= MOST_JOINED:
        shorter = _pass(dimensions, found)
        if len(shorter) == len(found):
            break
        found = shorter
    return found


def _pass(dimensions: Dimensions, boxes: list[Box]) -> list[Box]:
    used = sorted({c >> SHIFT for box in boxes for c in box})
    for dimension in used:
        boxes = joined_along(dimensions, boxes, dimension)
    return boxes


def joined_along(dimensions: Dimensions, boxes: Collection[Box], dimension: int) -> list[Box]:
    """The same packets, with boxes that differ in this dimension only as one."""
    groups: dict[Box, list[Run]] = {}
    for box in boxes:
        rest = tuple([c for c in box if c >> SHIFT != dimension])
        own = next((c for c in box if c >> SHIFT == dimension), None)
        groups.setdefault(rest, []).extend((dimensions.full(dimension),) if own is None else dimensions.runs[own])
    if len(groups) == len(boxes):
        return list(boxes)
    out: list[Box] = []
    for rest, runs in groups.items():
        for own_box in dimensions.box(dimensions.dimensions[dimension], IntervalSet(runs)):
            out.append(tuple(sorted((*rest, *own_box))))
    return out
