"""The boxes that one dimension tells apart: those that share its values with few others, by where they lie on it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from fwc.net.intervals import Run
from fwc.space.fields import SHIFT, Box, Dimensions

CROWD = 64
"""Boxes that may begin within the values of one box; where they are more its neighbours are not looked at one by one."""


class Neighbours:
    """Some of `blockers`, those at `positions`, along dimension `axis`.

    Boxes whose values overlap, directly or over others, are one group. `broad` are the positions of boxes that belong to no
    group, since they hold too many values or are in too large a group; `positions` itself when most do.
    """

    def __init__(self, dimensions: Dimensions, axis: int, blockers: Sequence[Box], positions: Sequence[int]) -> None:
        self._dimensions = dimensions
        self._axis = axis
        self.broad: Sequence[int] = positions
        self._lows: list[int] = []
        self._highs: list[int] = []
        self._groups: list[list[int]] = []
        runs = [self._run(blockers[position]) for position in positions]
        self._begins = sorted([run[0] for run in runs if run is not None])
        if len(self._begins) * 2 < len(positions):
            return
        broad: list[int] = []
        narrow: list[tuple[int, int, int]] = []
        for position, run in zip(positions, runs, strict=True):
            if run is None or self._is_crowded(run):
                broad.append(position)
            else:
                narrow.append((*run, position))
        narrow.sort()
        self._group(narrow, broad)
        if len(broad) * 2 < len(positions):
            broad.sort()
            self.broad = broad

    def of(self, box: Box) -> list[int] | None:
        """The positions of boxes that may overlap `box`, ascending, those in `broad` aside; None when they could be many."""
        run = self._run(box)
        if run is None or self._is_crowded(run):
            return None
        low, high = run
        first, last = bisect_left(self._highs, low), bisect_right(self._lows, high)
        if last - first == 1:
            return self._groups[first]
        return sorted([position for group in self._groups[first:last] for position in group])

    def _run(self, box: Box) -> Run | None:
        """The values of the box along the axis, None when they are not one run or all values."""
        for constraint in box:
            if constraint >> SHIFT == self._axis:
                runs = self._dimensions.runs[constraint]
                return runs[0] if len(runs) == 1 else None
        return None

    def _is_crowded(self, run: Run) -> bool:
        low, high = run
        begins = self._begins
        first = bisect_left(begins, low)
        return first + CROWD < len(begins) and begins[first + CROWD] <= high

    def _group(self, narrow: list[tuple[int, int, int]], broad: list[int]) -> None:
        """Groups of overlapping runs; the members of a large one go to `broad`."""
        at = 0
        while at < len(narrow):
            low, high, position = narrow[at]
            members = [position]
            at += 1
            while at < len(narrow) and narrow[at][0] <= high:
                high = max(high, narrow[at][1])
                members.append(narrow[at][2])
                at += 1
            if len(members) > 2 * CROWD:
                broad.extend(members)
                continue
            members.sort()
            self._lows.append(low)
            self._highs.append(high)
            self._groups.append(members)
