"""Dead rules of very long flat lists: the same questions as `reach`, asked of one block of earlier rules after the other, so that
memory grows with the length of the list and not with its square."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwc.analysis.program import Entry, Kind, Program
from fwc.space.cover import BudgetSpent, covering
from fwc.space.fields import SHIFT, Box, Dimensions, Point
from fwc.space.index import Index, bits_of

if TYPE_CHECKING:
    from random import Random

LONG = 15000
"""Boxes from which on the list is worked through in blocks."""

_BLOCK = 12_000
_PROBES = 3
_SEED = 21


def is_long_and_flat(program: Program) -> bool:
    return len(program.entries) > LONG and not any(entry.kind is Kind.SKIP for entry in program.entries)


class Question:
    """Is `box` covered by the boxes of terminals before position `at`? `probes` are packets that nothing has taken so far."""

    __slots__ = ("at", "box", "candidates", "cover", "probes", "undetermined")

    def __init__(self, box: Box, at: int) -> None:
        self.box = box
        self.at = at
        self.probes: list[Point] = []
        self.cover: tuple[int, ...] | None = None
        self.candidates: list[int] = []
        self.undetermined = False


def ask(dimensions: Dimensions, blockers: list[Box], owners: list[int], questions: list[Question], nodes: int) -> None:
    """Answers every question: `cover` holds the owners (program positions) of covering boxes, or `probes` a packet.

    `owners` is ascending; questions are in order of `at`.
    """
    from random import Random

    rng = Random(_SEED)
    used = sorted({c >> SHIFT for box in blockers for c in box})
    for question in questions:
        question.probes = [_probe(dimensions, used, question.box, turn, rng) for turn in range(_PROBES)]
    _pass(dimensions, blockers, owners, questions, collect=False)
    doubtful = [q for q in questions if q.cover is None and not q.probes]
    _pass(dimensions, blockers, owners, doubtful, collect=True)
    for question in doubtful:
        try:
            point, chosen = covering(dimensions, question.box, [blockers[b] for b in question.candidates], nodes)
        except BudgetSpent:
            question.undetermined = True
            continue
        if point is not None:
            question.probes = [point]
        else:
            question.cover = tuple(sorted({owners[question.candidates[k]] for k in chosen}))


def _probe(dimensions: Dimensions, used: list[int], box: Box, turn: int, rng: Random) -> Point:
    own = {c >> SHIFT: dimensions.runs[c] for c in box}
    point: Point = {}
    for dimension in used:
        runs = own.get(dimension) or (dimensions.full(dimension),)
        if turn == 0:
            point[dimension] = runs[0][0]
        elif turn == 1:
            point[dimension] = runs[-1][1]
        else:
            low, high = runs[0] if len(runs) == 1 else rng.choice(runs)
            point[dimension] = low if low == high else rng.randint(low, high)
    for dimension, runs in own.items():
        point.setdefault(dimension, runs[0][0])
    return point


def _pass(
    dimensions: Dimensions, blockers: list[Box], owners: list[int], questions: list[Question], *, collect: bool
) -> None:
    first = 0
    for start in range(0, len(blockers), _BLOCK):
        block = blockers[start : start + _BLOCK]
        index = Index(dimensions, block)
        while first < len(questions) and questions[first].at <= owners[start]:
            first += 1
        before = 0
        for number in range(first, len(questions)):
            question = questions[number]
            if question.cover is not None:
                continue
            while before < len(block) and owners[start + before] < question.at:
                before += 1
            overlap = index.overlap(question.box, (1 << before) - 1)
            if not overlap:
                continue
            if collect:
                question.candidates.extend(start + b for b in bits_of(overlap))
                continue
            single = index.contain(question.box, overlap)
            if single:
                question.cover = (owners[start + (single & -single).bit_length() - 1],)
                question.probes = []
            elif question.probes:
                question.probes = [p for p in question.probes if not index.stab(p, overlap)]


def terminals(entries: list[Entry]) -> list[tuple[int, Entry]]:
    return [(at, entry) for at, entry in enumerate(entries) if entry.kind is Kind.TERMINAL]
