"""Long lists of value combinations as a tree of chains: iptables has no lookup of its own.

Each chain holds a few rules and a few branches, disjoint prefixes of addresses or ranges of ports, so that a packet meets some
tens of rules where a list has thousands (docs/performance.md). A branch only leads on: the rules at the end hold the whole
condition, so it does not matter to the meaning how the tree is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from fwc.ir.match import Field
from fwc.net.hooks import Family
from fwc.net.intervals import Run
from fwc.records import record

LEAF = 8
"""So many rules stand one after the other."""
FAN = 8
"""Branches of one chain."""
DEEPEST = 10
"""Nested chains; nf_tables takes 16, and the policy's own count too."""

_ADDRESSES = (Field.SADDR, Field.DADDR)
_PORTS = (Field.SPORT, Field.DPORT)

Cell = tuple[Run, ...]
"""One run of values per field."""


@record
class Branch:
    """Packets whose `field` is in `run`, a prefix where the field is an address."""

    field: Field
    run: Run
    node: Node


@record
class Node:
    """Cells to be tested one after the other, then branches of which at most one per field holds a packet."""

    cells: tuple[Cell, ...]
    branches: tuple[Branch, ...] = ()


def tree(fields: tuple[Field, ...], cells: Sequence[Cell], family: Family, depth: int = 0) -> Node:
    """A tree whose leaves hold every cell once."""
    if len(cells) <= LEAF or depth == DEEPEST:
        return Node(tuple(cells))
    for at in _selective(fields, cells):
        field = fields[at]
        blocks, kept = _prefixes(cells, at, family.bits) if field in _ADDRESSES else _ranges(cells, at)
        if len(blocks) < 2 or len(kept) > len(cells) // 2:
            continue
        branches = [Branch(field, run, tree(fields, block, family, depth + 1)) for run, block in blocks]
        rest = tree(fields, kept, family, depth + 1)
        return Node(rest.cells, (*rest.branches, *branches))
    return Node(tuple(cells))


def _selective(fields: tuple[Field, ...], cells: Sequence[Cell]) -> list[int]:
    """The fields that cells can be told apart by, the one with the most values first."""
    found: list[tuple[int, int]] = []
    for at, column in enumerate(zip(*cells, strict=True)):
        count = len(set(column))
        if count > 1 and (fields[at] in _ADDRESSES or (fields[at] in _PORTS and _one_protocol(fields, cells))):
            found.append((-count, at))
    return [at for _, at in sorted(found)]


def _one_protocol(fields: tuple[Field, ...], cells: Sequence[Cell]) -> bool:
    """Ports can be tested after a single protocol only."""
    if Field.PROTOCOL not in fields:
        return False
    at = fields.index(Field.PROTOCOL)
    low, high = cells[0][at]
    return low == high and all(cell[at] == (low, high) for cell in cells)


Blocks = list[tuple[Run, list[Cell]]]


def _prefixes(cells: Sequence[Cell], at: int, bits: int) -> tuple[Blocks, list[Cell]]:
    """The cells by up to FAN disjoint prefixes, the fullest halved again and again; and those in no half."""
    kept: list[Cell] = []
    heap: list[tuple[int, int, int, list[Cell]]] = []
    _push(heap, list(cells), at)
    done: list[tuple[int, int, list[Cell]]] = []
    while heap and len(heap) + len(done) < FAN:
        _, base, size, block = heappop(heap)
        if len(block) <= LEAF or size == 0:
            done.append((base, size, block))
            continue
        middle = base + (1 << size - 1)
        low = [cell for cell in block if cell[at][1] < middle]
        high = [cell for cell in block if cell[at][0] >= middle]
        if len(low) + len(high) < len(block):
            kept.extend(cell for cell in block if cell[at][0] < middle <= cell[at][1])
        for half in (low, high):
            if half:
                _push(heap, half, at)
    done.extend((base, size, block) for _, base, size, block in heap)
    done.sort(key=lambda item: item[0])
    return [((base, base + (1 << size) - 1), block) for base, size, block in done], kept


def _push(heap: list[tuple[int, int, int, list[Cell]]], block: list[Cell], at: int) -> None:
    low, high = min(cell[at][0] for cell in block), max(cell[at][1] for cell in block)
    size = (low ^ high).bit_length()
    heappush(heap, (-len(block), low >> size << size, size, block))


def _ranges(cells: Sequence[Cell], at: int) -> tuple[Blocks, list[Cell]]:
    """The cells by up to FAN ranges of equal weight; and those that reach from one range into the next."""
    ordered = sorted(cells, key=lambda cell: cell[at])
    count = min(FAN, -(-len(ordered) // LEAF))
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
