"""A set of packets of one family as a value: & | - ~ and exact questions, over boxes."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.space.boxes import MAX_BOXES
from fwc.space.complement import complement
from fwc.space.cover import NODES, uncovered
from fwc.space.fields import Box, Dimensions, Point, simplify


class Space:
    """An immutable union of boxes. Two spaces can only be combined when they share their `dimensions`.

    Operations raise `TooManyBoxes` beyond `MAX_BOXES` boxes, questions raise `BudgetSpent`.
    """

    __slots__ = ("boxes", "dimensions")

    def __init__(self, dimensions: Dimensions, boxes: Iterable[Box] = ()) -> None:
        self.dimensions = dimensions
        self.boxes = simplify(dimensions, boxes)

    @classmethod
    def everything(cls, dimensions: Dimensions) -> Space:
        return cls(dimensions, ((),))

    def __and__(self, other: Space) -> Space:
        met = [self.dimensions.meet(a, b) for a in self.boxes for b in other.boxes]
        return Space(self.dimensions, [box for box in met if box is not None])

    def __or__(self, other: Space) -> Space:
        return Space(self.dimensions, (*self.boxes, *other.boxes))

    def __invert__(self) -> Space:
        return Space(self.dimensions, complement(self.dimensions, self.boxes, MAX_BOXES))

    def __sub__(self, other: Space) -> Space:
        return self & ~other

    def __bool__(self) -> bool:
        return bool(self.boxes)

    def __le__(self, other: Space) -> bool:
        """Whether every packet of this space is in the other."""
        return self.outside(other) is None

    def outside(self, other: Space, nodes: int = NODES) -> Point | None:
        """A packet that is here but not in `other`."""
        for box in self.boxes:
            point = uncovered(self.dimensions, box, other.boxes, nodes)
            if point is not None:
                return point
        return None

    def contains(self, point: Point) -> bool:
        return any(self.dimensions.holds(box, point) for box in self.boxes)

    def witness(self) -> Point | None:
        """The lowest corner of the first box, None for the empty space."""
        return self.dimensions.corner(self.boxes[0]) if self.boxes else None
