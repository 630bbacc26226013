"""Long lists of value combinations as a tree of chains: iptables has no lookup of its own.

Each chain holds a few rules and a few branches, disjoint prefixes of addresses or ranges of ports, so that a packet meets some
tens of rules where a list has thousands (docs/performance.md). A branch only leads on, and the rules at the end hold the whole
condition: how the tree is cut decides nothing. What does matter is that packets do not come back from the last branches of a
chain, so these are disjoint and nothing may stand behind them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from heapq import heappop, heappush
from operator import itemgetter

from fwc.ir.match import Field
from fwc.net.intervals import Run
from fwc.records import Record

LEAF = 8
"""So many rules stand one after the other."""
FAN = 4
"""Branches of one chain: with more a packet meets more rules on its way, with fewer it enters more chains."""
WIDE = 16
"""Branches where the chains are deep already, or where one branch of a few would have most of the cells."""
DEEPEST = 10
"""Levels of chains below the first. The kernel's nf_tables takes 16 nested chains, and the policy's own count too."""
DEEP = 5
"""So many of the levels at the bottom are of WIDE chains."""

_ADDRESSES = (Field.SADDR, Field.DADDR)
_PORTS = (Field.SPORT, Field.DPORT)

Cell = tuple[Run, ...]
"""One run of values per field."""


class Branch(Record):
    """Packets whose `field` is in `run`, a prefix where the field is an address."""

    field: Field
    run: Run
    node: Node


class Node(Record):
    """Cells to be tested one after the other, then branches. Of the last `apart` branches at most one holds a packet: behind it
    there is nothing for the packet here."""

    cells: tuple[Cell, ...]
    branches: tuple[Branch, ...] = ()
    apart: int = 0


def tree(fields: tuple[Field, ...], cells: Sequence[Cell], below: int = DEEPEST) -> Node:
    """A tree whose leaves hold every cell once, with at most `below` levels of chains below its root."""
    if len(cells) <= LEAF or not below:
        return Node(tuple(cells))
    for at in _selective(fields, cells):
        field = fields[at]
        fan = FAN if below > DEEP else WIDE
        blocks, kept = _prefixes(cells, at, fan) if field in _ADDRESSES else _ranges(cells, at, fan)
        if len(blocks) < 2 or len(kept) > len(cells) // 2:
            continue
        branches = [Branch(field, run, tree(fields, block, below - 1)) for run, block in blocks]
        rest = tree(fields, kept, below - 1)
        return Node(rest.cells, (*rest.branches, *branches), len(branches))
    return Node(tuple(cells))


def _selective(fields: tuple[Field, ...], cells: Sequence[Cell]) -> list[int]:
    """The fields that cells can be told apart by, the one with the most values first. Ranges of ports reach over others, and do
    not count."""
    found: list[tuple[int, int]] = []
    for at, column in enumerate(zip(*cells, strict=True)):
        different = set(column)
        if len(different) > 1 and fields[at] in _ADDRESSES:
            found.append((-len(different), at))
        elif len(different) > 1 and fields[at] in _PORTS and _one_protocol(fields, cells):
            found.append((-sum(low == high for low, high in different), at))
    return [at for _, at in sorted(found)]


def _one_protocol(fields: tuple[Field, ...], cells: Sequence[Cell]) -> bool:
    """Ports can be tested after a single protocol only."""
    if Field.PROTOCOL not in fields:
        return False
    at = fields.index(Field.PROTOCOL)
    low, high = cells[0][at]
    return low == high and all(cell[at] == (low, high) for cell in cells)


Blocks = list[tuple[Run, list[Cell]]]


def _prefixes(cells: Sequence[Cell], at: int, fan: int) -> tuple[Blocks, list[Cell]]:
    """The cells by up to `fan` disjoint prefixes, the fullest halved again and again, or more where one has most of them; and
    those in no half."""
    kept: list[Cell] = []
    runs = [cell[at] for cell in cells]
    lows = [low for low, _ in runs]
    heap: list[_Half] = []
    _push(heap, runs, sorted(range(len(cells)), key=runs.__getitem__))
    done: list[_Half] = []
    while heap and len(heap) + len(done) < (fan if -heap[0][0] * 2 <= len(cells) else WIDE):
        half = heappop(heap)
        _, base, size, numbers = half
        if len(numbers) <= LEAF or size == 0:
            done.append(half)
            continue
        middle = base + (1 << size - 1)
        where = bisect_left(numbers, middle, key=lows.__getitem__)
        low, high = numbers[:where], numbers[where:]
        if any(runs[number][1] >= middle for number in low):
            kept.extend([cells[number] for number in sorted(low) if runs[number][1] >= middle])
            low = [number for number in low if runs[number][1] < middle]
        for each in (low, high):
            if each:
                _push(heap, runs, each)
    done.extend(heap)
    done.sort(key=itemgetter(1))
    return [((base, base + (1 << size) - 1), [cells[n] for n in sorted(each)]) for _, base, size, each in done], kept


_Half = tuple[int, int, int, list[int]]
"""The number of cells, negated; the base and size in bits of their prefix; their places in the list, ordered by value."""


def _push(heap: list[_Half], runs: Sequence[Run], numbers: list[int]) -> None:
    low, high = runs[numbers[0]][0], max([runs[number][1] for number in numbers])
    size = (low ^ high).bit_length()
    heappush(heap, (-len(numbers), low >> size << size, size, numbers))


def _ranges(cells: Sequence[Cell], at: int, fan: int) -> tuple[Blocks, list[Cell]]:
    """The cells by up to `fan` ranges of equal weight; and those that reach from one range into the next."""
    ordered = sorted(cells, key=lambda cell: cell[at])
    count = min(fan, -(-len(ordered) // LEAF))
    starts = sorted({ordered[number * len(ordered) // count][at][0] for number in range(count)})
    blocks: Blocks = []
    kept: list[Cell] = []
    position = 0
    for number, start in enumerate(starts):
        end = starts[number + 1] - 1 if number + 1 < len(starts) else (1 << 16) - 1
        block: list[Cell] = []
        while position < len(ordered) and ordered[position][at][0] <= end:
            cell = ordered[position]
            (block if cell[at][1] <= end else kept).append(cell)
            position += 1
        if block:
            blocks.append(((start, max(cell[at][1] for cell in block)), block))
    return blocks, kept
