"""The dimensions of the packet space of one family, and the interned constraints that boxes are made of.

A dimension is a range of integers. Fields with ordered values are one dimension each; fields that rules test under masks
(TCP flags, marks, ct status) are one dimension per bit; an interface name is the integer of its bytes, so that a prefix is
an interval; every condition that the packet alone does not decide is a dimension of two values, its "atom".
Dimensions are treated as independent. Where reality ties them together (a mark after it was set), the product is larger than
reality: "covered everywhere" stays right, and only a difference may name a packet that cannot occur.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from enum import Enum

from fwc.ir.match import Field
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet, Run

Runs = tuple[Run, ...]
Box = tuple[int, ...]
"""Constraints in order of their dimensions, at most one for each; `()` holds every packet."""

Point = dict[int, int]
"""Values by dimension; dimensions left out may have any value."""

SHIFT = 32
"""A constraint is `dimension << SHIFT | serial`, so sorted constraints are sorted by dimension."""

IFACE_BYTES = 32
"""Interface names have at most 15 bytes on Linux and macOS; longer ones never match a packet but must not collide."""


class Kind(Enum):
    VALUE = "value"
    ADDRESS = "address"
    IFACE = "iface"
    BIT = "bit"
    ATOM = "atom"


class Dimension:
    """`key` identifies it: a field, (field, bit), or the condition of an atom. Its values are 0..`top`.

    `unstable` atoms are conditions that may answer differently each time they are asked (rates, quotas), so they never
    hide a later rule. `exact` is False for a view of a field that has another dimension as well (an address under a mask
    that is no prefix).
    """

    __slots__ = ("exact", "index", "key", "kind", "name", "top", "unstable")

    def __init__(self, index: int, key: Hashable, name: str, kind: Kind, top: int, unstable: bool, exact: bool) -> None:
        self.index = index
        self.key = key
        self.name = name
        self.kind = kind
        self.top = top
        self.unstable = unstable
        self.exact = exact

    def __repr__(self) -> str:
        return f"Dimension({self.index}, {self.name})"


def is_clock(dimension: Dimension) -> bool:
    """Whether it is about when, not about the packet: its key is one of `clock_key`."""
    return isinstance(dimension.key, tuple) and dimension.key[:1] == ("clock",)


def clock_key(part: str, utc: bool) -> Hashable:
    """The dimension of the second of the week ("week") or the second since 1970 ("date"); UTC and local time have two."""
    return ("clock", part, utc)


class Dimensions:
    """The dimensions met so far in one family, and its constraints. Grows as conditions are translated; never shrinks."""

    def __init__(self, family: Family, whole: Callable[[Field], bool] | None = None) -> None:
        """`whole` tells of a field that is told apart bit by bit otherwise whether no condition asks for some of its bits alone:
        then it is one dimension, and what is left of it beside some values is two runs, not a box for each bit."""
        self.family = family
        self._whole = whole
        self._whole_fields: dict[Field, bool] = {}
        self.dimensions: list[Dimension] = []
        self.runs: dict[int, Runs] = {}
        self.unstable: set[int] = set()
        self._by_key: dict[Hashable, Dimension] = {}
        self._ids: list[dict[Runs, int]] = []
        self._meets: dict[tuple[int, int], int] = {}
        self.shares: dict[int, float] = {}  # of constraints: about which part of the dimension's values they hold

    def dimension(
        self, key: Hashable, name: str, kind: Kind, top: int, *, unstable: bool = False, exact: bool = True
    ) -> Dimension:
        """The dimension of `key`, made on first use."""
        found = self._by_key.get(key)
        if found is None:
            found = Dimension(len(self.dimensions), key, name, kind, top, unstable, exact)
            self.dimensions.append(found)
            self._by_key[key] = found
            self._ids.append({})
            if unstable:
                self.unstable.add(found.index)
        return found

    def is_whole(self, field: Field) -> bool:
        if self._whole is None:
            return False
        found = self._whole_fields.get(field)
        if found is None:
            found = self._whole_fields[field] = self._whole(field)
        return found

    def known(self, key: Hashable) -> Dimension | None:
        return self._by_key.get(key)

    def full(self, dimension: int) -> Run:
        return 0, self.dimensions[dimension].top

    def constraint(self, dimension: Dimension, runs: Runs) -> int:
        """The id of "the value lies in `runs`"; `runs` must be canonical, neither empty nor the whole range."""
        ids = self._ids[dimension.index]
        found = ids.get(runs)
        if found is None:
            found = dimension.index << SHIFT | len(ids)
            ids[runs] = found
            self.runs[found] = runs
        return found

    def box(self, dimension: Dimension, values: IntervalSet) -> tuple[Box, ...]:
        """The packets whose value is in `values`: no box when there is none, the full box when all are."""
        runs = values.runs
        if not runs:
            return ()
        top = dimension.top
        if runs[-1][1] > top:
            runs = (values & IntervalSet(((0, top),))).runs
            if not runs:
                return ()
        if runs == ((0, top),):
            return ((),)
        return ((self.constraint(dimension, runs),),)

    def atom(self, key: Hashable, name: str, value: int, *, unstable: bool) -> Box:
        """The box in which the condition `key` holds (1) or does not (0)."""
        dimension = self.dimension(key, name, Kind.ATOM, 1, unstable=unstable)
        return (self.constraint(dimension, ((value, value),)),)

    def meet_constraints(self, left: int, right: int) -> int:
        """The intersection of two constraints of one dimension, -1 when it is empty."""
        if left == right:
            return left
        found = self._meets.get((left, right))
        if found is None:
            values = IntervalSet.trusted(self.runs[left]) & IntervalSet.trusted(self.runs[right])
            found = self.constraint(self.dimensions[left >> SHIFT], values.runs) if values.runs else -1
            self._meets[left, right] = found
        return found

    def meet(self, left: Box, right: Box) -> Box | None:
        """The intersection of two boxes, None when it is empty."""
        if not left or left == right:
            return right
        if not right:
            return left
        merged = {c >> SHIFT: c for c in left}
        for c in right:
            dimension = c >> SHIFT
            other = merged.get(dimension)
            if other is None or other == c:
                merged[dimension] = c
            else:
                both = self._meets.get((other, c))
                if both is None:
                    both = self.meet_constraints(other, c)
                if both < 0:
                    return None
                merged[dimension] = both
        return tuple(sorted(merged.values()))

    def apart(self, left: Box, right: Box) -> bool:
        """Whether no packet is in both boxes. Quicker than `meet` where it is so."""
        mine = {c >> SHIFT: c for c in left}
        for c in right:
            other = mine.get(c >> SHIFT)
            if other is not None and other != c:
                a, b = self.runs[other], self.runs[c]
                if a[-1][1] < b[0][0] or b[-1][1] < a[0][0]:
                    return True
                if len(a) + len(b) > 2 and self.meet_constraints(other, c) < 0:
                    return True
        return False

    def meet_each(self, left: Box, boxes: Iterable[Box]) -> list[Box]:
        """The intersections of one box with each of the others, without those that are empty."""
        own = {c >> SHIFT for c in left}
        out: list[Box] = []
        for box in boxes:
            if own.isdisjoint([c >> SHIFT for c in box]):
                out.append(tuple(sorted(left + box)))
            elif (both := self.meet(left, box)) is not None:
                out.append(both)
        return out

    def contains(self, outer: Box, inner: Box) -> bool:
        """Whether every packet of `inner` is in `outer`."""
        if not outer:
            return True
        mine = {c >> SHIFT: c for c in inner}
        for c in outer:
            other = mine.get(c >> SHIFT)
            if other is None or (other != c and self.meet_constraints(other, c) != other):
                return False
        return True

    def opposite(self, constraint: int) -> int:
        """The complement of one constraint within its dimension."""
        dimension = self.dimensions[constraint >> SHIFT]
        values = IntervalSet.range(0, dimension.top) - IntervalSet.trusted(self.runs[constraint])
        return self.constraint(dimension, values.runs)

    def subtract(self, box: Box, hole: Box) -> list[Box]:
        """`box` without `hole`, as disjoint boxes, at most one for each constraint of `hole`."""
        out: list[Box] = []
        rest = box
        for c in hole:
            outside = self.meet(rest, (self.opposite(c),))
            if outside is not None:
                if outside == rest:
                    return [box]
                out.append(outside)
            inside = self.meet(rest, (c,))
            if inside is None:
                return [box]
            rest = inside
        return out

    def holds(self, box: Box, point: Point) -> bool:
        """Whether `point` lies in `box`; a dimension that the point leaves open counts as its lowest value."""
        all_runs = self.runs
        for c in box:
            value = point.get(c >> SHIFT, 0)
            runs = all_runs[c]
            if not runs[0][0] <= value <= runs[-1][1]:
                return False
            if len(runs) > 1 and not any(low <= value <= high for low, high in runs):
                return False
        return True

    def corner(self, box: Box) -> Point:
        return {c >> SHIFT: self.runs[c][0][0] for c in box}

    def stable(self, box: Box) -> bool:
        """Whether no unstable atom is among the constraints."""
        return not self.unstable or not any(c >> SHIFT in self.unstable for c in box)

    def loosen(self, box: Box) -> Box:
        """The box with its unstable atoms taken as true."""
        return tuple(c for c in box if c >> SHIFT not in self.unstable)


def iface_run(name: str, *, prefix: bool) -> Run:
    """The interval of an interface name, or of every name that begins so."""
    raw = name.encode("utf-8", "surrogateescape")[:IFACE_BYTES]
    low = int.from_bytes(raw.ljust(IFACE_BYTES, b"\0"), "big")
    if not prefix:
        return low, low
    return low, low | (1 << 8 * (IFACE_BYTES - len(raw))) - 1


def iface_name(value: int) -> str:
    """The name of an integer of `iface_run`; values between names get a printable one from their first bytes."""
    raw = value.to_bytes(IFACE_BYTES, "big").rstrip(b"\0")
    return "".join(chr(b) if 32 < b < 127 else "?" for b in raw[:15])


def simplify(dimensions: Dimensions, boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Drops boxes that are twice there or inside another one (only against the others when they are few)."""
    unique = list(dict.fromkeys(boxes))
    if () in unique:
        return ((),)
    if 1 < len(unique) <= 24:
        unique = [
            b
            for i, b in enumerate(unique)
            if not any(i != j and dimensions.contains(o, b) for j, o in enumerate(unique))
        ]
    return tuple(unique)
