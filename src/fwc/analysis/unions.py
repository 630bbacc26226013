"""The cheap part of a proof: first-match lists whose runs of one outcome hold the same packets, and lists cut into cells.

Inside a run of neighbouring regions with one outcome the order decides nothing: the run holds the union of its boxes. When two
lists have the same outcomes run by run, and partners hold the same packets, but for those that runs before them hold, every
packet is first held by partners. Unions are compared as sets of boxes, then as sets of cells (boxes of one interval in every
dimension), which is how a compiled lookup and the rules it was made from spell the same packets; only cells that one side alone
has are searched for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, product
from math import prod

from fwc.analysis.firstmatch import Outcome, Region
from fwc.space.cover import BudgetSpent, uncovered
from fwc.space.fields import SHIFT, Box, Dimensions
from fwc.space.index import Index, bits_of, index_of
from fwc.space.pieces import joined_along

_MORE = 8
"""How many times more cells than boxes are written out at most."""

_FEW = 1000

_JOINED = 3
"""Dimensions along which cells are joined."""

_SOME = 1000
"""Pairs of a cell and a box that are looked at one by one; for more an index is worth its making. Most chains begin with a few
rules on states, which the policy may spell with one rule and a target with two."""


def same_runs(dimensions: Dimensions, left: Sequence[Region], right: Sequence[Region], nodes: int) -> bool:
    """True only when both lists give every packet the same outcome. False says nothing."""
    mine, other = _Runs(dimensions, left), _Runs(dimensions, right)
    if mine.outcomes != other.outcomes:
        return False
    cells = _Cells(dimensions)
    return all(_same_union(cells, mine, other, number, nodes) for number in range(len(mine.outcomes)))


def in_cells(dimensions: Dimensions, regions: Sequence[Region]) -> Sequence[Region]:
    """The same first-match list with every region cut into cells, each once; as it was when they would be too many."""
    cells = _Cells(dimensions)
    done: set[Box] = set()
    out: list[Region] = []
    left = _MORE * len(regions) + _FEW
    for region in regions:
        own = cells.of((region.box,), left)
        if own is None:
            return regions
        left -= len(own)
        new = own - done
        done |= new
        out.extend(Region(box, region.outcome, region.place) for box in sorted(new))
    return out


class _Runs:
    """Neighbours of one outcome together, up to the first region that holds every packet."""

    def __init__(self, dimensions: Dimensions, regions: Sequence[Region]) -> None:
        self.dimensions = dimensions
        self.boxes: list[Box] = []
        self.outcomes: list[Outcome] = []
        self.starts: list[int] = []
        self._index: Index | None = None
        for region in regions:
            if not self.outcomes or (region.outcome is not self.outcomes[-1] and region.outcome != self.outcomes[-1]):
                self.outcomes.append(region.outcome)
                self.starts.append(len(self.boxes))
            self.boxes.append(region.box)
            if not region.box:
                break
        self.starts.append(len(self.boxes))

    def of(self, number: int) -> list[Box]:
        return self.boxes[self.starts[number] : self.starts[number + 1]]

    def cover(self, cells: set[Box], number: int, nodes: int) -> bool:
        """Is every packet of the cells in a box of this run or of one before it?"""
        if not cells:
            return True
        end = self.starts[number + 1]
        if len(cells) * end > _SOME and self._index is None:
            self._index = index_of(self.dimensions, self.boxes)
        try:
            return not any(
                uncovered(self.dimensions, cell, self._near(cell, end), nodes) is not None for cell in sorted(cells)
            )
        except BudgetSpent:
            return False

    def _near(self, cell: Box, end: int) -> list[Box]:
        """The boxes before `end` that decide what of the cell is covered: one that holds it, or all that touch it."""
        if self._index is None:
            meet = self.dimensions.meet
            return [box for box in self.boxes[:end] if meet(box, cell) is not None]
        touching = self._index.overlap(cell, (1 << end) - 1)
        holding = self._index.contain(cell, touching)
        return [self.boxes[bit] for bit in bits_of(holding & -holding or touching)]


def _same_union(cells: _Cells, left: _Runs, right: _Runs, number: int, nodes: int) -> bool:
    """Whether run `number` of both holds the same packets, of those that no run before it holds."""
    mine_all, other_all = left.of(number), right.of(number)
    if not mine_all[-1] or not other_all[-1]:
        return mine_all[-1] == other_all[-1]  # every packet; what is everything without saying so is left to the search
    mine, other = set(mine_all), set(other_all)
    mine, other = mine - other, other - mine
    if not mine and not other:
        return True
    most = _MORE * (len(mine) + len(other)) + _FEW
    mine_cells, other_cells = cells.of(mine, most), cells.of(other, most)
    if mine_cells is None or other_cells is None:
        return False
    mine_only, other_only = mine_cells - other_cells, other_cells - mine_cells
    if mine_only and other_only and cells.joined_alike(mine_cells, other_cells):
        return True
    return right.cover(mine_only, number, nodes) and left.cover(other_only, number, nodes)


class _Cells:
    """Boxes cut into cells. Each constraint is cut once."""

    def __init__(self, dimensions: Dimensions) -> None:
        self.dimensions = dimensions
        self._parts: dict[int, tuple[int, ...]] = {}

    def of(self, boxes: Collection[Box], most: int) -> set[Box] | None:
        """The cells of the boxes; None when they are more than `most`."""
        parts = self._parts
        different = set(chain.from_iterable(boxes))
        for constraint in different.difference(parts):
            parts[constraint] = self._cut(constraint)
        several = {constraint for constraint in different if len(parts[constraint]) > 1}
        out = {box for box in boxes if several.isdisjoint(box)}
        most -= len(out)
        for box in boxes:
            if not several.isdisjoint(box):
                cut = [parts[constraint] for constraint in box]
                most -= prod(map(len, cut))
                if most < 0:
                    return None
                out.update(product(*cut))
        return out if most >= 0 else None

    def joined_alike(self, left: set[Box], right: set[Box]) -> bool:
        """Whether both are the same cells once neighbours in one dimension are one, as those of networks that make up a larger
        one are. False says nothing."""
        values: dict[int, int] = {}
        for c in set(chain.from_iterable(left)).union(*right):
            values[c >> SHIFT] = values.get(c >> SHIFT, 0) + 1
        for dimension in sorted(values, key=lambda d: (-values[d], d))[:_JOINED]:
            left = set(joined_along(self.dimensions, left, dimension))
            right = set(joined_along(self.dimensions, right, dimension))
            if left == right:
                return True
        return False

    def _cut(self, constraint: int) -> tuple[int, ...]:
        runs = self.dimensions.runs[constraint]
        if len(runs) == 1:
            return (constraint,)
        dimension = self.dimensions.dimensions[constraint >> SHIFT]
        return tuple([self.dimensions.constraint(dimension, (run,)) for run in runs])
