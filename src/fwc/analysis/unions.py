"""The cheap part of a proof: first-match lists whose runs of one outcome hold the same packets, and lists cut into cells.

Inside a run of neighbouring regions with one outcome the order decides nothing: the run holds the union of its boxes. When two
lists have the same outcomes run by run, and partners hold the same packets, but for those that runs before them hold, every
packet is first held by partners. Unions are compared as sets of boxes, then as sets of cells (boxes of one interval in every
dimension), which is how a compiled lookup and the rules it was made from spell the same packets; only cells that one side alone
has are searched for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, product

from fwc.analysis.firstmatch import Outcome, Region
from fwc.space.cover import BudgetSpent, uncovered
from fwc.space.fields import SHIFT, Box, Dimensions
from fwc.space.index import bits_of, index_of

_MORE = 8
"""How many times more cells than boxes are written out at most."""

_FEW = 1000


def same_runs(dimensions: Dimensions, left: Sequence[Region], right: Sequence[Region], nodes: int) -> bool:
    """True only when both lists give every packet the same outcome. False says nothing."""
    mine, other = _runs(left), _runs(right)
    if len(mine) != len(other) or any(a[0] != b[0] for a, b in zip(mine, other, strict=True)):
        return False
    cells = _Cells(dimensions)
    before_mine: list[Box] = []
    before_other: list[Box] = []
    for (_, a), (_, b) in zip(mine, other, strict=True):
        if not _same_union(cells, a, b, before_mine, before_other, nodes):
            return False
        before_mine += a
        before_other += b
    return True


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


def _runs(regions: Sequence[Region]) -> list[tuple[Outcome, list[Box]]]:
    """Neighbours of one outcome together, up to the first region that holds every packet."""
    out: list[tuple[Outcome, list[Box]]] = []
    outcome: Outcome | None = None
    boxes: list[Box] = []
    for region in regions:
        if outcome is None or (region.outcome is not outcome and region.outcome != outcome):
            outcome, boxes = region.outcome, []
            out.append((outcome, boxes))
        boxes.append(region.box)
        if not region.box:
            break
    return out


def _same_union(
    cells: _Cells, left: list[Box], right: list[Box], before_left: list[Box], before_right: list[Box], nodes: int
) -> bool:
    """Whether the two runs hold the same packets, of those that no run before them holds."""
    if not left[-1] or not right[-1]:
        return left[-1] == right[-1]  # every packet; a union that is everything without saying so is left to the search
    mine, other = set(left), set(right)
    mine, other = mine - other, other - mine
    if not mine and not other:
        return True
    most = _MORE * (len(mine) + len(other)) + _FEW
    mine_cells, other_cells = cells.of(mine, most), cells.of(other, most)
    if mine_cells is None or other_cells is None:
        return False
    covered = _covered(cells.dimensions, mine_cells - other_cells, right + before_right, nodes)
    return covered and _covered(cells.dimensions, other_cells - mine_cells, left + before_left, nodes)


class _Cells:
    """Boxes cut into cells. Each constraint is cut once."""

    def __init__(self, dimensions: Dimensions) -> None:
        self.dimensions = dimensions
        self._parts: dict[int, tuple[int, ...]] = {}

    def of(self, boxes: Iterable[Box], most: int) -> set[Box] | None:
        """The cells of the boxes; None when they are more than `most`."""
        parts = self._parts
        for constraint in set(chain.from_iterable(boxes)).difference(parts):
            parts[constraint] = self._cut(constraint)
        out: set[Box] = set()
        for box in boxes:
            cut = [parts[constraint] for constraint in box]
            size = 1
            for each in cut:
                size *= len(each)
            most -= size
            if most < 0:
                return None
            if size == 1:
                out.add(box)
            else:
                out.update(product(*cut))
        return out

    def _cut(self, constraint: int) -> tuple[int, ...]:
        runs = self.dimensions.runs[constraint]
        if len(runs) == 1:
            return (constraint,)
        dimension = self.dimensions.dimensions[constraint >> SHIFT]
        return tuple([self.dimensions.constraint(dimension, (run,)) for run in runs])


def _covered(dimensions: Dimensions, cells: set[Box], boxes: list[Box], nodes: int) -> bool:
    """Is every packet of the cells in one of the boxes?"""
    if not cells:
        return True
    index = index_of(dimensions, boxes)
    for cell in sorted(cells):
        near = index.overlap(cell, index.every)
        if not near:
            return False
        if index.contain(cell, near):
            continue
        try:
            if uncovered(dimensions, cell, [boxes[bit] for bit in bits_of(near)], nodes) is not None:
                return False
        except BudgetSpent:
            return False
    return True
