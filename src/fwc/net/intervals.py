"""Sets of integers as canonical runs: the value type of ports, protocols, marks and addresses."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

Run = tuple[int, int]


class IntervalSet:
    """An immutable set of non-negative integers.

    `runs` are inclusive (low, high) pairs, sorted, disjoint and not adjacent, so equal sets are equal tuples.
    """

    __slots__ = ("_hash", "runs")
    runs: tuple[Run, ...]

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self.runs = _canonical(runs)
        self._hash = -1

    @classmethod
    def of(cls, *values: int) -> IntervalSet:
        """The set of exactly these values."""
        return cls((v, v) for v in values)

    @classmethod
    def range(cls, low: int, high: int) -> IntervalSet:
        """All of low..high, both included."""
        return cls(((low, high),))

    @classmethod
    def full(cls, bits: int) -> IntervalSet:
        """Every value of a field `bits` wide."""
        return cls(((0, (1 << bits) - 1),))

    @classmethod
    def trusted(cls, runs: tuple[Run, ...]) -> IntervalSet:
        """From runs that are known to be canonical."""
        new = cls.__new__(cls)
        new.runs = runs
        new._hash = -1
        return new

    def __bool__(self) -> bool:
        return bool(self.runs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSet) and self.runs == other.runs

    def __hash__(self) -> int:
        if self._hash == -1:
            self._hash = hash(self.runs)
        return self._hash

    def __iter__(self) -> Iterator[int]:
        for low, high in self.runs:
            yield from range(low, high + 1)

    def size(self) -> int:
        """How many values it holds (`len` would overflow for IPv6)."""
        return sum(high - low + 1 for low, high in self.runs)

    def __contains__(self, value: int) -> bool:
        at = bisect_right(self.runs, (value, float("inf"))) - 1
        return at >= 0 and self.runs[at][1] >= value

    def __or__(self, other: IntervalSet) -> IntervalSet:
        if not other.runs:
            return self
        if not self.runs:
            return other
        few, many = sorted((self.runs, other.runs), key=len)
        if len(few) * _FEW > len(many):
            return IntervalSet(few + many)
        for low, high in few:
            first = bisect_left(many, low - 1, key=_high)
            last = bisect_right(many, high + 1, key=_low)
            if first < last:
                low, high = min(low, many[first][0]), max(high, many[last - 1][1])
            many = (*many[:first], (low, high), *many[last:])
        return IntervalSet.trusted(many)

    def __and__(self, other: IntervalSet) -> IntervalSet:
        out: list[Run] = []
        left, right = self.runs, other.runs
        i = j = 0
        while i < len(left) and j < len(right):
            low = max(left[i][0], right[j][0])
            high = min(left[i][1], right[j][1])
            if low <= high:
                out.append((low, high))
            if left[i][1] < right[j][1]:
                i += 1
            else:
                j += 1
        return IntervalSet.trusted(tuple(out))

    def __sub__(self, other: IntervalSet) -> IntervalSet:
        out: list[Run] = []
        right = other.runs
        j = 0
        for low, high in self.runs:
            while j < len(right) and right[j][1] < low:
                j += 1
            k = j
            while k < len(right) and right[k][0] <= high:
                if right[k][0] > low:
                    out.append((low, right[k][0] - 1))
                low = right[k][1] + 1
                k += 1
            if low <= high:
                out.append((low, high))
        return IntervalSet.trusted(tuple(out))

    def complement(self, bits: int) -> IntervalSet:
        """Every value of a field `bits` wide that is not in the set."""
        return IntervalSet.full(bits) - self

    def __le__(self, other: IntervalSet) -> bool:
        return not (self - other)

    def isdisjoint(self, other: IntervalSet) -> bool:
        return not (self & other)

    def __repr__(self) -> str:
        return "IntervalSet(" + ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in self.runs) + ")"


_FEW = 32
"""How many times fewer runs are put into others one by one: a set that grows address by address is not sorted anew each time."""

_low, _high = itemgetter(0), itemgetter(1)


def _canonical(runs: Iterable[Run]) -> tuple[Run, ...]:
    ordered = sorted(runs)
    if len(ordered) < 2:
        return tuple(ordered)
    out: list[Run] = [ordered[0]]
    for low, high in ordered[1:]:
        last_low, last_high = out[-1]
        if low <= last_high + 1:
            if high > last_high:
                out[-1] = (last_low, high)
        else:
            out.append((low, high))
    return tuple(out)


EMPTY = IntervalSet()
