"""Which rules of a program a packet can reach: dead rules with what hides them, live ones with a packet.

Most rules are live, and one packet shows it; the exact search is left to the few that no probe decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Sequence
from dataclasses import field
from itertools import islice
from typing import TYPE_CHECKING

from fwc.analysis.blocks import Question, ask, is_long_and_flat, terminals
from fwc.analysis.program import Entry, Kind, Place, Program
from fwc.records import Record
from fwc.space.complement import TooManyBoxes, complement
from fwc.space.cover import MANY, NODES, BudgetSpent, minimal_cover, search, uncovered
from fwc.space.fields import SHIFT, Box, Dimensions, Point
from fwc.space.fields import Kind as DimensionKind
from fwc.space.index import Index, bits_of

if TYPE_CHECKING:
    from random import Random

_PROBES = 12
_SEED = 20
_WAYS = 1000
_KILLERS = 16
_TURNED = 64
"""Killers of which an atom is turned after each packet that did not get past."""


_ANYWHERE: Point = {}


class Fate(Record):
    """What became of one rule in one program: `dead` in all its boxes, or `alive` in one of them, or neither when the budget
    ended. `hidden_by` are the program positions that overlap it, for the cover; `boxes` its packets."""

    place: Place
    boxes: tuple[Box, ...]
    alive: Box | None = None
    past: Point = field(default_factory=dict)
    """Where in the box `alive` a packet gets past all earlier rules. Rules may share it."""
    dead: bool = False
    hidden_by: tuple[int, ...] = ()

    @property
    def undetermined(self) -> bool:
        return self.alive is None and not self.dead

    def witness(self, dimensions: Dimensions) -> Point:
        """A packet that reaches the rule, which is alive, and its condition."""
        return {**dimensions.corner(self.alive or ()), **self.past}


class Blockers:
    """The boxes of a program that end or divert a packet's way for certain or perhaps, one bit each, in program order.

    A SKIP that leads beyond a rule hides the rule as a terminal does; one that leads to before it may jump over terminals.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        dimensions = program.dimensions
        self.boxes: list[Box] = []
        self.entry: list[int] = []
        self.certain: list[bool] = []
        self.start = [0] * (len(program.entries) + 1)
        for at, entry in enumerate(program.entries):
            self.start[at] = len(self.boxes)
            if entry.kind is Kind.EFFECT:
                continue
            if len(entry.boxes) == 1 and not dimensions.unstable:
                self.boxes.append(entry.boxes[0])
                self.entry.append(at)
                self.certain.append(True)
            else:
                self._add(dimensions, at, entry)
        self.start[len(program.entries)] = len(self.boxes)
        self.skips = [b for b, at in enumerate(self.entry) if program.entries[at].kind is Kind.SKIP]

    def _add(self, dimensions: Dimensions, at: int, entry: Entry) -> None:
        boxes = entry.boxes
        if not dimensions.unstable or all(dimensions.stable(box) for box in boxes):
            self._extend(boxes, at, certain=True)
            return
        self._extend(certain_boxes(dimensions, boxes), at, certain=True)
        if entry.kind is Kind.SKIP:
            self._extend(tuple(dimensions.loosen(box) for box in boxes), at, certain=False)

    def _extend(self, boxes: tuple[Box, ...], at: int, *, certain: bool) -> None:
        self.boxes.extend(boxes)
        self.entry.extend(at for _ in boxes)
        self.certain.extend(certain for _ in boxes)

    def target(self, bit: int) -> int:
        return self.program.entries[self.entry[bit]].target


def certain_boxes(dimensions: Dimensions, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
    """The packets that the boxes hold whatever their unstable atoms answer: what no answer leaves outside."""
    if not dimensions.unstable:
        return boxes
    if len(boxes) == 1:
        return boxes if dimensions.stable(boxes[0]) else ()
    try:
        outside = [dimensions.loosen(box) for box in complement(dimensions, boxes, 2000)]
        return tuple(complement(dimensions, list(dict.fromkeys(outside)), 2000))
    except TooManyBoxes:
        return tuple(box for box in boxes if dimensions.stable(box))


def fates(program: Program, index: Callable[[list[Box]], Index], nodes: int = NODES) -> list[Fate]:
    """The fate of every rule in every activation, in program order. `index` makes an index or knows one."""
    if is_long_and_flat(program):
        return _long(program, nodes)
    return _Reach(program, index, nodes).run()


def _long(program: Program, nodes: int) -> list[Fate]:
    dimensions = program.dimensions
    boxes: list[Box] = []
    owners: list[int] = []
    for at, entry in terminals(program.entries):
        for box in certain_boxes(dimensions, entry.boxes):
            boxes.append(box)
            owners.append(at)
    asked = [[Question(dimensions.loosen(box), head.at) for box in head.boxes] for head in program.heads]
    ask(dimensions, boxes, owners, [q for questions in asked for q in questions], nodes)
    out: list[Fate] = []
    for head, questions in zip(program.heads, asked, strict=True):
        for box, question in zip(head.boxes, questions, strict=True):
            if question.probe is not None:
                out.append(Fate(head.place, head.boxes, box, question.probe))
                break
        else:
            dead = all(q.cover is not None for q in questions)
            by = tuple(sorted({at for q in questions for at in q.cover or ()})) if dead else ()
            out.append(Fate(head.place, head.boxes, dead=dead, hidden_by=by))
    return out


def first_cover(program: Program, fate: Fate) -> list[Place]:
    """A minimal set of rules that together hide a dead rule, earliest preferred."""
    dimensions = program.dimensions
    groups: dict[Place, list[Box]] = {}
    for at in fate.hidden_by:
        entry = program.entries[at]
        groups.setdefault(entry.place, []).extend(certain_boxes(dimensions, entry.boxes))
    places = list(groups)
    needed: set[int] = set()
    for box in fate.boxes:
        loose = dimensions.loosen(box)
        needed.update(minimal_cover(dimensions, loose, [groups[p] for p in places]))
    return [places[k] for k in sorted(needed)]


class _Reach:
    def __init__(self, program: Program, index: Callable[[list[Box]], Index], nodes: int) -> None:
        self.program = program
        self.dimensions = program.dimensions
        self.nodes = nodes
        self.blockers = Blockers(program)
        self.index = index(self.blockers.boxes)
        self._random: Random | None = None
        self.killers = 0  # bits that hide the current rule for certain
        self.jumps = 0  # skips that lead to the current rule or before it
        self._ways: dict[int, Point] = {}  # past killers that many rules overlap
        self._got_past: Point = {}  # the packet of the last rule that was reached: its state and mark may do again

    def _new_random(self) -> Random:
        from random import Random

        self._random = Random(_SEED)
        return self._random

    def run(self) -> list[Fate]:
        out: list[Fate] = []
        blockers, entries = self.blockers, self.program.entries
        ending: dict[int, int] = {}
        at = 0
        for head in self.program.heads:
            while at < head.at:
                low, high = blockers.start[at], blockers.start[at + 1]
                if high - low == 1:
                    bits = 1 << low if blockers.certain[low] else 0
                else:
                    bits = sum(1 << b for b in range(low, high) if blockers.certain[b])
                if entries[at].kind is Kind.SKIP:
                    every = ((1 << high) - 1) ^ ((1 << low) - 1)
                    ending[entries[at].target] = ending.get(entries[at].target, 0) | every
                self.killers |= bits
                at += 1
                if ending:
                    self._land(ending, at)
            out.append(self._fate(head.place, head.boxes, head.at))
        return out

    def _land(self, ending: dict[int, int], at: int) -> None:
        for target in [t for t in ending if t <= at]:
            bits = ending.pop(target)
            self.killers &= ~bits
            self.jumps |= bits

    def _fate(self, place: Place, boxes: tuple[Box, ...], at: int) -> Fate:
        hidden: set[int] = set()
        dead = True
        for box in boxes:
            loose = self.dimensions.loosen(box) if self.dimensions.unstable else box
            try:
                past, by = self._reaches(loose, at)
            except BudgetSpent:
                dead = False
                continue
            if past is not None:
                return Fate(place, boxes, box, past)
            hidden.update(self.blockers.entry[b] for b in bits_of(by))
        return Fate(place, boxes, dead=dead, hidden_by=tuple(sorted(hidden)) if dead else ())

    def _reaches(self, box: Box, at: int) -> tuple[Point | None, int]:
        """Where in the box a packet reaches position `at`, or None and the bits that hide it."""
        overlap = self.index.overlap(box, self.killers)
        if not overlap:
            return _ANYWHERE, 0
        past = self._ways.get(overlap) if not self.jumps else None
        if past is not None and not any(c >> SHIFT in past for c in box):
            return past, 0
        over = self._jumped(self.index.overlap(box, self.jumps), overlap) if self.jumps else {}
        single = self.index.contain(box, overlap)
        for bit in bits_of(single):
            if not any(low <= bit < high for low, high in over.values()):
                return None, 1 << bit
        point = self._probe(box, overlap, over)
        if point is not None:
            self._keep_way(box, overlap, point)
            return point, 0
        return self._search(box, overlap, over), overlap

    def _keep_way(self, box: Box, killers: int, point: Point) -> None:
        """What of `point` gets it past each killer, if the box has no part in that: any other box that overlaps the same killers,
        mostly the first few rules on states, has a packet there too."""
        if len(self._ways) >= _WAYS or killers.bit_count() > _KILLERS:
            return
        own = {c >> SHIFT for c in box}
        past: Point = {}
        for bit in bits_of(killers):
            for c in self.blockers.boxes[bit]:
                if c >> SHIFT not in own and not self.dimensions.holds((c,), point):
                    past[c >> SHIFT] = point.get(c >> SHIFT, 0)
                    break
            else:
                return
        self._ways[killers] = past

    def _jumped(self, skips: int, killers: int) -> dict[int, tuple[int, int]]:
        """The skips that could jump over a killer, with the range of bits that they jump over."""
        out = {}
        for bit in bits_of(skips):
            low, high = bit + 1, self.blockers.start[self.blockers.target(bit)]
            if killers >> low & (1 << max(0, high - low)) - 1:
                out[bit] = (low, high)
        return out

    def _probe(self, box: Box, killers: int, over: dict[int, tuple[int, int]]) -> Point | None:
        own = {c >> SHIFT: self.dimensions.runs[c] for c in box}
        skips = sum(1 << b for b in over)
        atoms: Point = {}  # those that must be otherwise, as it turned out
        for turn in range(_PROBES + 2):
            point: Point = {d: runs[0][0] for d, runs in own.items()} | atoms
            for dimension in self.index.axes():
                runs = own.get(dimension) or (self.dimensions.full(dimension),)
                low, high = runs[0][0], runs[-1][1]
                if turn == 0:
                    point[dimension] = low if dimension in own else self._got_past.get(dimension, low)
                elif turn == 1:
                    point[dimension] = high
                else:
                    rng = self._random or self._new_random()
                    low, high = runs[rng.randrange(len(runs))]
                    point[dimension] = rng.randint(low, high)
            hits = self.index.stab(point, killers | skips)
            if self._passes(hits, killers, over):
                self._got_past = point
                return point
            self._turn_atoms(atoms, hits & killers, own)
        return None

    def _turn_atoms(self, atoms: Point, hits: int, own: Container[int]) -> None:
        """Turn an atom of each killer that held a packet: the next packet gets past that one."""
        for bit in islice(bits_of(hits), _TURNED):
            for c in self.blockers.boxes[bit]:
                dimension = c >> SHIFT
                if self.dimensions.dimensions[dimension].kind is DimensionKind.ATOM and dimension not in own:
                    atoms[dimension] = 0 if self.dimensions.runs[c][0][0] else 1
                    break

    def _passes(self, hits: int, killers: int, over: dict[int, tuple[int, int]]) -> bool:
        """Whether a packet that the blockers `hits` hold for can get past all of them."""
        if not hits & killers:
            return True
        if not over:
            return False
        positions = {0}
        order = list(bits_of(hits))
        while positions:
            position = min(positions)
            positions.remove(position)
            at = bisect_left(order, position)
            if at == len(order):
                return True
            bit = order[at]
            if bit in over:
                positions.add(over[bit][1])
                if not self.blockers.certain[bit]:
                    positions.add(bit + 1)
            elif not killers >> bit & 1:
                positions.add(bit + 1)
        return False

    def _search(self, box: Box, killers: int, over: dict[int, tuple[int, int]]) -> Point | None:
        asked = killers
        for bit in over:
            asked |= 1 << bit
        bits = list(bits_of(asked))
        local = [self.blockers.boxes[b] for b in bits]
        kill = sum(1 << k for k, b in enumerate(bits) if killers >> b & 1)
        jumped = [
            (1 << k, (1 << bisect_left(bits, over[b][1])) - (1 << bisect_left(bits, over[b][0])))
            for k, b in enumerate(bits)
            if b in over
        ]

        def decide(some: int, certain: int) -> bool | None:
            if not some & kill:
                return False
            sure = certain & kill
            if sure:
                for bit, mask in jumped:
                    if some & bit:
                        sure &= ~mask
                if sure:
                    return True
            if some != certain:
                return None
            return not self._passes(_spread(some, bits), killers, over)

        if not jumped and len(local) > MANY:
            return uncovered(self.dimensions, box, local, self.nodes)
        return search(self.dimensions, box, local, decide, monotone=not jumped, nodes=self.nodes)


def _spread(local: int, bits: Sequence[int]) -> int:
    return sum(1 << bits[k] for k in bits_of(local))
