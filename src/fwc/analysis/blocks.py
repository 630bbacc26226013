"""Dead rules of very long flat lists: the same questions as `reach`, asked without bitsets as long as the list.

Most rules of a long list are told apart by one dimension, as the source of each is another host. There a rule has few
neighbours, which are looked at one by one (`near`). What is left is asked of one block of earlier rules after the other, so that
memory grows with the length of the list and not with its square.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from fwc.analysis.near import Neighbours
from fwc.analysis.program import Entry, Kind, Program
from fwc.space.cover import BudgetSpent, covering, share
from fwc.space.fields import SHIFT, Box, Dimensions, Point
from fwc.space.index import Index, bits_of, mask_of

LONG = 15000
"""Boxes from which on the list is worked through in blocks."""

_BLOCK = 12_000
_FEW_BOXES = 24
_FEW_QUESTIONS = 4
"""Boxes, and questions of many boxes, that are not worth an index."""

_AXES = 2
"""Dimensions along which neighbours are looked for."""


def is_long_and_flat(program: Program) -> bool:
    return len(program.entries) > LONG and not any(entry.kind is Kind.SKIP for entry in program.entries)


class Question:
    """Is `box` covered by the boxes of terminals before position `at`, which are the first `before`? `probe` is a packet that
    nothing has taken so far, `single` the first box that holds all of it; `candidates` are positions of boxes with the bits of
    those that overlap it."""

    __slots__ = ("at", "before", "box", "candidates", "cover", "probe", "single")

    def __init__(self, box: Box, at: int) -> None:
        self.box = box
        self.at = at
        self.before = 0
        self.probe: Point | None = None
        self.single: int | None = None
        self.cover: tuple[int, ...] | None = None
        self.candidates: list[tuple[Sequence[int], int]] = []


def ask(dimensions: Dimensions, blockers: list[Box], owners: list[int], questions: list[Question], nodes: int) -> None:
    """Answers every question: `cover` holds the owners (program positions) of covering boxes, or `probe` is a packet.

    `owners` is ascending.
    """
    used = {c >> SHIFT for box in blockers for c in box}
    highest = {dimension: dimensions.full(dimension)[1] for dimension in used}
    for question in questions:
        question.before = bisect_left(owners, question.at)
        question.probe = highest | dimensions.corner(question.box)
    axes = _telling(blockers)
    _Pass(dimensions, blockers, collect=False).ask(questions, range(len(blockers)), axes)
    doubtful = [q for q in questions if q.single is None and q.probe is None]
    _Pass(dimensions, blockers, collect=True).ask(doubtful, range(len(blockers)), axes)
    shares = [share(dimensions, each) for each in blockers] if doubtful else []
    for question in doubtful:
        _search(dimensions, blockers, owners, shares, question, nodes)
    for question in questions:
        if question.single is not None:
            question.cover = (owners[question.single],)


def _telling(blockers: list[Box]) -> list[int]:
    """The dimensions with most different constraints."""
    distinct: dict[int, int] = {}
    for constraint in {c for box in blockers for c in box}:
        distinct[constraint >> SHIFT] = distinct.get(constraint >> SHIFT, 0) + 1
    return sorted(distinct, key=lambda d: (-distinct[d], d))[:_AXES]


def _search(
    dimensions: Dimensions, blockers: list[Box], owners: list[int], shares: list[float], question: Question, nodes: int
) -> None:
    box = question.box
    candidates = sorted(position for block, mask in question.candidates for position in _chosen(block, mask))
    boxes = [blockers[position] for position in candidates]
    try:
        found, chosen = covering(dimensions, box, boxes, nodes, [shares[position] for position in candidates])
    except BudgetSpent:
        left = (p for p in _corners(dimensions, box, boxes) if not any(dimensions.holds(each, p) for each in boxes))
        question.probe = next(left, None)
        return
    if found is not None:
        question.probe = found
    else:
        question.cover = tuple(sorted({owners[candidates[k]] for k in chosen}))


def _corners(dimensions: Dimensions, box: Box, boxes: Sequence[Box]) -> Iterator[Point]:
    """The lowest and the highest packet."""
    used = {c >> SHIFT for each in boxes for c in each}
    yield dict.fromkeys(used, 0) | dimensions.corner(box)
    yield {d: dimensions.full(d)[1] for d in used} | {c >> SHIFT: dimensions.runs[c][-1][1] for c in box}


class _Pass:
    """Brings every question together with the boxes that may overlap it: their `single` and `probe` follow, or with `collect`
    their `candidates`."""

    def __init__(self, dimensions: Dimensions, blockers: list[Box], *, collect: bool) -> None:
        self.dimensions = dimensions
        self.blockers = blockers
        self.collect = collect

    def ask(self, questions: Sequence[Question], positions: Sequence[int], axes: Sequence[int]) -> None:
        """Ask the boxes at `positions`, which are ascending; `axes` may tell neighbours."""
        if len(questions) <= _FEW_QUESTIONS or len(positions) <= _FEW_BOXES:
            for question in questions:
                self._one_by_one(question, positions)
            return
        if not axes:
            self._in_blocks(questions, positions)
            return
        near = Neighbours(self.dimensions, axes[0], self.blockers, positions)
        elsewhere = []
        if near.broad is positions:
            elsewhere = list(questions)
        else:
            told = []
            for question in questions:
                found = near.of(question.box)
                if found is None:
                    elsewhere.append(question)
                    continue
                told.append(question)
                if found:
                    self._one_by_one(question, found)
            self.ask(told, near.broad, axes[1:])
        self.ask(elsewhere, positions, axes[1:])

    def _one_by_one(self, question: Question, positions: Sequence[int]) -> None:
        dimensions = self.dimensions
        before = question.before if question.single is None else question.single
        if self.collect:
            bits = [
                bit
                for bit in range(bisect_left(positions, before))
                if dimensions.meet(self.blockers[positions[bit]], question.box) is not None
            ]
            question.candidates.append((positions, mask_of(bits)))
            return
        for position in positions:
            if position >= before:
                return
            other = self.blockers[position]
            if question.probe is not None and dimensions.holds(other, question.probe):
                question.probe = None
            if question.probe is None and dimensions.contains(other, question.box):
                question.single = position
                return

    def _in_blocks(self, questions: Sequence[Question], positions: Sequence[int]) -> None:
        for start in range(0, len(positions), _BLOCK):
            block = positions[start : start + _BLOCK]
            asked = [q for q in questions if q.before > block[0] and (q.single is None or q.single > block[0])]
            if asked:
                self._block(asked, block)

    def _block(self, questions: list[Question], block: Sequence[int]) -> None:
        index = Index(self.dimensions, [self.blockers[p] for p in block])
        for question in questions:
            before = question.before if question.single is None else question.single
            overlap = index.overlap(question.box, (1 << bisect_left(block, before)) - 1)
            if not overlap:
                continue
            if self.collect:
                question.candidates.append((block, overlap))
                continue
            single = index.contain(question.box, overlap)
            if single:
                question.single = block[(single & -single).bit_length() - 1]
                question.probe = None
            elif question.probe is not None and index.stab(question.probe, overlap):
                question.probe = None


def _chosen(positions: Sequence[int], mask: int) -> Iterator[int]:
    return (positions[bit] for bit in bits_of(mask))


def terminals(entries: list[Entry]) -> list[tuple[int, Entry]]:
    return [(at, entry) for at, entry in enumerate(entries) if entry.kind is Kind.TERMINAL]
