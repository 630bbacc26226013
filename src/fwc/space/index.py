"""Which of many boxes overlap, contain or are hit by something: bitsets in Python integers, one bit for each box.

For each dimension and each distinct lower bound the set of boxes that begin at or before it, and for each upper bound
the set of those that end at or after it: an overlap query is two bisections and one AND for each dimension.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from fwc.net.intervals import Run
from fwc.space.fields import SHIFT, Box, Dimensions, Kind, Point, Runs

_KNOWN = 1000
"""Values of a dimension whose boxes are kept: rules that name the same networks ask for the same values."""

_LAYERS = 8  # values of up to so many runs are indexed run by run, larger ones (named groups) one by one


def mask_of(bits: Sequence[int]) -> int:
    """The integer with these bits set."""
    if len(bits) < 48:
        mask = 0
        for bit in bits:
            mask |= 1 << bit
        return mask
    raw = bytearray((max(bits) >> 3) + 1)
    for bit in bits:
        raw[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(raw, "little")


def bits_of(mask: int) -> Iterator[int]:
    """The set bits, lowest first."""
    text = bin(mask)[:1:-1]
    at = text.find("1")
    while at >= 0:
        yield at
        at = text.find("1", at + 1)


class _Layer:
    """One run of each of some boxes."""

    __slots__ = ("begins", "ends", "high", "low")

    def __init__(self, runs: list[tuple[int, int, int]]) -> None:
        by_low: dict[int, int] = {}
        by_high: dict[int, int] = {}
        for low, high, mask in runs:
            by_low[low] = by_low.get(low, 0) | mask
            by_high[high] = by_high.get(high, 0) | mask
        self.low = sorted(by_low)
        self.high = sorted(by_high)
        self.begins: list[int] = []
        seen = 0
        for value in self.low:
            seen |= by_low[value]
            self.begins.append(seen)
        self.ends = [0] * len(self.high)
        seen = 0
        for at in range(len(self.high) - 1, -1, -1):
            seen |= by_high[self.high[at]]
            self.ends[at] = seen

    def between(self, from_value: int, to_value: int) -> int:
        """The runs that begin at or before `from_value` and end at or after `to_value`."""
        first = bisect_right(self.low, from_value)
        last = bisect_left(self.high, to_value)
        return self.begins[first - 1] & self.ends[last] if first and last < len(self.ends) else 0


class _Axis:
    """One dimension of the index. `free` are the boxes that it does not constrain."""

    __slots__ = ("_contain", "_stab", "big", "free", "layers", "overlaps")

    def __init__(self, groups: dict[int, list[int]], every: int, runs_of: dict[int, Runs]) -> None:
        layered: list[list[tuple[int, int, int]]] = []
        self.big: list[tuple[Runs, int]] = []
        constrained = 0
        for constraint, bits in groups.items():
            mask = mask_of(bits)
            constrained |= mask
            runs = runs_of[constraint]
            if len(runs) > _LAYERS:
                self.big.append((runs, mask))
                continue
            while len(layered) < len(runs):
                layered.append([])
            for at, (low, high) in enumerate(runs):
                layered[at].append((low, high, mask))
        self.layers = [_Layer(runs) for runs in layered]
        self.free = every & ~constrained
        self.overlaps: dict[int, int] = {}
        self._contain: dict[int, int] = {}
        self._stab: dict[int, int] = {}

    def overlap(self, constraint: int, runs: Runs) -> int:
        """Of a constraint that is not yet among `overlaps`."""
        found = self.free
        for low, high in runs:
            for layer in self.layers:
                found |= layer.between(high, low)
        for other, mask in self.big:
            if mask & ~found and _touch(runs, other):
                found |= mask
        self.overlaps[constraint] = found
        return found

    def contain(self, constraint: int, runs: Runs) -> int:
        found = self._contain.get(constraint)
        if found is None:
            found = -1
            for low, high in runs:
                inside = 0
                for layer in self.layers:
                    inside |= layer.between(low, high)
                found &= inside
                if not found:
                    break
            found |= self.free
            for other, mask in self.big:
                if _inside(runs, other):
                    found |= mask
            self._contain[constraint] = found
        return found

    def stab(self, value: int) -> int:
        found = self._stab.get(value)
        if found is not None:
            return found
        found = self.free
        for layer in self.layers:
            found |= layer.between(value, value)
        for runs, mask in self.big:
            if _has(runs, value):
                found |= mask
        if len(self._stab) < _KNOWN:
            self._stab[value] = found
        return found


def _has(runs: Runs, value: int) -> bool:
    at = bisect_right(runs, value, key=_low) - 1
    return at >= 0 and runs[at][1] >= value


def _low(run: Run) -> int:
    return run[0]


def _touch(small: Runs, large: Runs) -> bool:
    if len(small) > len(large):
        small, large = large, small
    for low, high in small:
        at = bisect_right(large, high, key=_low) - 1
        if at >= 0 and large[at][1] >= low:
            return True
    return False


def _inside(inner: Runs, outer: Runs) -> bool:
    for low, high in inner:
        at = bisect_right(outer, low, key=_low) - 1
        if at < 0 or outer[at][1] < high:
            return False
    return True


class Index:
    """An immutable index over `boxes`; bit i stands for `boxes[i]`."""

    def __init__(self, dimensions: Dimensions, boxes: Sequence[Box]) -> None:
        self.dimensions = dimensions
        self.boxes = boxes
        self.every = (1 << len(boxes)) - 1
        groups: dict[int, dict[int, list[int]]] = {}
        for bit, box in enumerate(boxes):
            for constraint in box:
                axis = groups.get(constraint >> SHIFT)
                if axis is None:
                    axis = groups[constraint >> SHIFT] = {}
                bits = axis.get(constraint)
                if bits is None:
                    axis[constraint] = [bit]
                else:
                    bits.append(bit)
        runs = dimensions.runs
        order = sorted(groups, key=lambda d: (-len(groups[d]), d))
        self._axes = {d: _Axis(groups[d], self.every, runs) for d in order}
        self._only: dict[tuple[int, ...], int] = {}
        atoms = [d for d in order if dimensions.dimensions[d].kind is Kind.ATOM]
        self._atoms = frozenset(atoms if len(atoms) > _MANY_ATOMS else ())
        self._plain = [(d, axis) for d, axis in self._axes.items() if d not in self._atoms]
        self._unasked = self.every  # the boxes that hold where every atom is 0
        for d in self._atoms:
            self._unasked &= self._axes[d].stab(0)

    def overlap(self, box: Box, among: int) -> int:
        """The boxes of `among` that share a packet with `box`."""
        axes, runs = self._axes, self.dimensions.runs
        for constraint in box:
            axis = axes.get(constraint >> SHIFT)
            if axis is not None:
                found = axis.overlaps.get(constraint)
                among &= axis.overlap(constraint, runs[constraint]) if found is None else found
                if not among:
                    return 0
        return among

    def contain(self, box: Box, among: int) -> int:
        """The boxes of `among` that contain `box` alone."""
        axes, runs = self._axes, self.dimensions.runs
        own = tuple([c >> SHIFT for c in box])
        only = self._only.get(own)
        if only is None:
            only = self.every
            for dimension, axis in axes.items():
                if dimension not in own:
                    only &= axis.free
            self._only[own] = only
        among &= only
        if not among:
            return 0
        for constraint in box:
            found = axes.get(constraint >> SHIFT)
            if found is not None:
                among &= found.contain(constraint, runs[constraint])
                if not among:
                    return 0
        return among

    def stab(self, point: Point, among: int) -> int:
        """The boxes of `among` that hold `point`, which must give a value for every dimension that they constrain."""
        for dimension, axis in self._plain:
            among &= axis.stab(point.get(dimension, 0))
            if not among:
                return 0
        return self._by_atoms(point, among) if self._atoms else among

    def _by_atoms(self, point: Point, among: int) -> int:
        """As `stab` goes through thousands of atoms of which nearly all are 0."""
        found, asked = among & self._unasked, 0
        for dimension in self._atoms.intersection(point):
            if point[dimension]:
                axis = self._axes[dimension]
                found &= axis.stab(point[dimension])
                asked |= self.every & ~axis.stab(0)
        for bit in bits_of(among & asked & ~found):
            if self.dimensions.holds(self.boxes[bit], point):
                found |= 1 << bit
        return found

    def axes(self) -> Iterator[int]:
        """The dimensions that any box constrains, but not atoms where they are many: those are 0 unless a point says so."""
        return (dimension for dimension, _ in self._plain)


_MANY_ATOMS = 32
"""Atoms from which on they are not gone through one by one."""

LONG = 16_000
"""Boxes from which on an index is made of blocks."""

_BLOCK = 2_000


class LongIndex(Index):
    """An index of many boxes in blocks, so that its memory grows with their number and not with its square."""

    def __init__(self, dimensions: Dimensions, boxes: Sequence[Box]) -> None:
        self.dimensions = dimensions
        self.boxes = boxes
        self.every = (1 << len(boxes)) - 1
        self._blocks = [Index(dimensions, boxes[at : at + _BLOCK]) for at in range(0, len(boxes), _BLOCK)]

    def overlap(self, box: Box, among: int) -> int:
        return self._joined([block.overlap(box, part) for block, part in self._parts(among)]) & among

    def contain(self, box: Box, among: int) -> int:
        return self._joined([block.contain(box, part) for block, part in self._parts(among)]) & among

    def stab(self, point: Point, among: int) -> int:
        return self._joined([block.stab(point, part) for block, part in self._parts(among)]) & among

    def axes(self) -> Iterator[int]:
        return iter(dict.fromkeys(axis for block in self._blocks for axis in block.axes()))

    def _parts(self, among: int) -> Iterator[tuple[Index, int]]:
        raw = among.to_bytes((len(self.boxes) >> 3) + 1, "little")
        width = _BLOCK >> 3
        for number, block in enumerate(self._blocks):
            yield block, int.from_bytes(raw[number * width : (number + 1) * width], "little")

    @staticmethod
    def _joined(parts: list[int]) -> int:
        width = _BLOCK >> 3
        return int.from_bytes(b"".join(part.to_bytes(width + 1, "little")[:width] for part in parts), "little")


def index_of(dimensions: Dimensions, boxes: Sequence[Box]) -> Index:
    """The index that suits the number of boxes."""
    return LongIndex(dimensions, boxes) if len(boxes) > LONG else Index(dimensions, boxes)
