"""Lists of elements of lookups that follow each other, as elements of which no packet is in two."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import compress, pairwise
from operator import not_

from fwc.ir.match import TupleIn
from fwc.ir.walk import columns_of
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import Run
from fwc.records import Record
from fwc.space.fields import Dimensions, Kind
from fwc.space.index import Index, bits_of, index_of, mask_of

Cell = tuple[Run, ...]
"""One run of values per field of the lookup."""

Owned = tuple[Cell, int]
"""A cell and the list that decides its packets."""


class Apart(Record):
    """Exact elements, which a hash set holds, and the others. With `split` the exact ones are asked first, so that the others
    may hold their packets too; without, no packet is in two."""

    points: tuple[Owned, ...]
    wide: tuple[Owned, ...]


def cells_of(match: TupleIn, family: Family) -> tuple[Cell, ...] | None:
    """The elements of a lookup as cells; None when a value is not one run of numbers. Each value is looked at once."""
    columns: list[list[Run]] = []
    for column, different in columns_of(match.elements):
        runs: dict[int, Run] = {}
        for number, values in different.items():
            numbers = values.family(family) if isinstance(values, AddressSet) else values
            if isinstance(numbers, IfaceSet) or len(numbers.runs) != 1:
                return None
            runs[number] = numbers.runs[0]
        columns.append(list(map(runs.__getitem__, map(id, column))))
    return tuple(zip(*columns, strict=True))


def which_are_points(cells: Collection[Cell]) -> list[bool]:
    """For each cell whether it is one value in every field."""
    exact = {run for run in set().union(*cells) if run[0] == run[1]}
    return list(map(exact.issuperset, cells))


def apart(lists: Sequence[Sequence[Cell]], split: bool = False) -> Apart | None:
    """Every packet with the first list that holds it. None when the cuts would multiply."""
    owner: dict[Cell, int] = dict.fromkeys(lists[0], 0)
    for number, more in enumerate(lists[1:], 1):
        for cell in more:
            owner.setdefault(cell, number)
    cells = list(owner)
    points = which_are_points(cells)
    if all(points) or all(_flat(column) for column in zip(*cells, strict=True)):
        return Apart(tuple(compress(owner.items(), points)), tuple(compress(owner.items(), map(not_, points))))
    return _cut_apart(cells, list(owner.values()), points, split)


def _cut_apart(cells: Sequence[Cell], owners: Sequence[int], points: Sequence[bool], split: bool) -> Apart | None:
    index = _index(cells)
    last = owners[-1]
    # for each list the wide cells of it and of those before
    upto = [mask_of([n for n, at in enumerate(owners) if at <= k and not points[n]]) for k in range(last + 1)]
    exact: list[Owned] = []
    wide: list[Owned] = []
    taken = 0  # cells that later ones are cut by
    most = 4 * len(cells) + 1000
    for number, (cell, own) in enumerate(zip(cells, owners, strict=True)):
        box = index.boxes[number]
        if index.contain(box, upto[own] & ~(1 << number)):
            continue
        if points[number]:
            exact.append((cell, own))
            if not split:
                taken |= 1 << number
            continue
        pieces = [cell]
        for other in bits_of(index.overlap(box, taken)):
            pieces = [rest for piece in pieces for rest in _cut(piece, cells[other])]
            if len(pieces) > most:
                return None
        taken |= 1 << number
        wide.extend([(piece, own) for piece in pieces])
        if len(wide) > most:
            return None
    return Apart(tuple(exact), tuple(wide))


def _flat(column: Sequence[Run]) -> bool:
    """Are the distinct runs of one field pairwise disjoint? When every field's are, cells overlap only when equal."""
    runs = sorted(set(column))
    return all(left[1] < right[0] for left, right in pairwise(runs))


def _index(cells: Sequence[Cell]) -> Index:
    dimensions = Dimensions(Family.V6)
    axes = [
        dimensions.dimension(("cell", at), f"field {at}", Kind.VALUE, (1 << 128) - 1) for at in range(len(cells[0]))
    ]
    boxes = [
        tuple(dimensions.constraint(axis, (run,)) for axis, run in zip(axes, cell, strict=True) if run != (0, axis.top))
        for cell in cells
    ]
    return index_of(dimensions, boxes)


def _cut(cell: Cell, hole: Cell) -> Iterator[Cell]:
    """What is left of `cell` outside `hole`, as disjoint cells."""
    if any(a[0] > b[1] or b[0] > a[1] for a, b in zip(cell, hole, strict=True)):
        yield cell
        return
    rest = list(cell)
    for at, ((low, high), (hole_low, hole_high)) in enumerate(zip(cell, hole, strict=True)):
        if low < hole_low:
            yield (*rest[:at], (low, hole_low - 1), *rest[at + 1 :])
        if high > hole_high:
            yield (*rest[:at], (hole_high + 1, high), *rest[at + 1 :])
        rest[at] = (max(low, hole_low), min(high, hole_high))
