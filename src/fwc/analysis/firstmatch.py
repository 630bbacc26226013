"""Programs as first-match lists: each region a box and everything that happens to a packet that is first held by it.

RETURN and goto become smaller boxes for the rules that they jump over, effects become part of the outcome of what follows.
"""

from __future__ import annotations

from fwc.analysis.program import Effect, Kind, Place, Program, ProgramTooLarge
from fwc.ir.verdict import Accept, ClampMss, CopyMark, NoTrack, SetField
from fwc.records import Record
from fwc.space.fields import Box, Dimensions
from fwc.space.index import bits_of, index_of

MAX_REGIONS = 400_000
"""Of any program; of a small one those that `_Work` reckons, since most that grow beyond them end nowhere."""
MAX_STEPS = 4_000_000
"""Box intersections spent on effects and returns of one program."""


class Outcome(Record):
    """What happens to a packet: the effects in order (logs, marks, translations), then the verdict."""

    effects: tuple[Effect, ...]
    verdict: Effect


NEXT = Outcome((), Accept())
"""An accept without effect."""


class Region(Record):
    box: Box
    outcome: Outcome
    place: Place


NOWHERE = Place(-1, "", -1)


def first_match(program: Program, steps: int = MAX_STEPS) -> list[Region]:
    """Every packet's outcome: the region that holds it first. The last region holds every packet.

    Raises ProgramTooLarge when the effects or returns of the program overlap too much to be written out, in `steps`
    intersections of boxes.
    """
    bounds = [0, *program.bounds, len(program.entries)]
    rest: list[Region] = [Region((), NEXT, NOWHERE)]
    work = _Work(program, steps)
    for number in range(len(bounds) - 2, -1, -1):
        last = number == len(bounds) - 2
        own = work.segment(bounds[number], bounds[number + 1])
        rest = own if last and own and own[-1].box == () else _compose(program.dimensions, own, rest)
    return rest


def _compose(dimensions: Dimensions, own: list[Region], rest: list[Region]) -> list[Region]:
    """The list of a chain followed by what its accepted packets meet next."""
    out: list[Region] = []
    for region in own:
        if not isinstance(region.outcome.verdict, Accept):
            out.append(region)
            continue
        for after in rest:
            box = dimensions.meet(region.box, after.box)
            if box is None:
                continue
            effects = region.outcome.effects + after.outcome.effects
            place = region.place if _passes_only(after) and region.place.index >= 0 else after.place
            out.append(Region(box, Outcome(effects, after.outcome.verdict), place))
            if box == region.box:
                break
        if len(out) > MAX_REGIONS:
            raise ProgramTooLarge
    if not out or out[-1].box != ():
        out.extend(rest)
    return out


_MANY = 4096
"""Pairs of effects and boxes from which an index over the effects is worth its making."""


Met = tuple[Box, Effect, int]
"""The packets of an effect, the effect, and the position of its entry in the program."""


class _Near:
    """The effects by where they are: a lookup with thousands of elements logs and then accepts each of them."""

    def __init__(self, dimensions: Dimensions, effects: list[Met]) -> None:
        self._effects = effects
        self._index = index_of(dimensions, [met[0] for met in effects])

    def of(self, box: Box) -> list[Met]:
        """The effects that packets of the box may have met, in order."""
        return [self._effects[bit] for bit in bits_of(self._index.overlap(box, self._index.every))]


def _changes_nothing(effect: Effect, met: tuple[Effect, ...]) -> bool:
    """Doing this once more after `met` leaves the packet as it is: alternatives of one rule may overlap in a target's text."""
    match effect:
        case NoTrack() | ClampMss():
            return effect in met
        case SetField(field, _, 0xFFFFFFFF):
            last = next((e for e in reversed(met) if isinstance(e, SetField) and e.field is field), None)
            return last == effect and not any(isinstance(e, CopyMark) for e in met)
        case _:
            return False


def _passes_only(after: Region) -> bool:
    """A later chain's policy that accepts decides nothing: the rule that accepted before is what let the packet through."""
    return after.place == NOWHERE or (after.place.index < 0 and isinstance(after.outcome.verdict, Accept))


class _Work:
    def __init__(self, program: Program, steps: int) -> None:
        self.program = program
        self.dimensions = program.dimensions
        self.steps = steps
        self.most = min(MAX_REGIONS, 50_000 + 20 * sum(len(entry.boxes) for entry in program.entries))
        self._outcomes: dict[tuple[tuple[Effect, ...], Effect], Outcome] = {}

    def segment(self, start: int, end: int) -> list[Region]:
        """The first-match list of one base chain; a SKIP to its end is an accept."""
        out: list[Region] = []
        effects: list[Met] = []
        skips: list[tuple[Box, int]] = []
        meet = self.dimensions.meet
        for at in range(start, end):
            entry = self.program.entries[at]
            if not effects and not skips and entry.kind is Kind.TERMINAL:
                assert entry.outcome is not None
                outcome = self._outcome((), entry.outcome)
                out.extend([Region(box, outcome, entry.place) for box in entry.boxes])
                continue
            if skips:
                skips = [skip for skip in skips if skip[1] > at]
            holes = skips
            if skips and entry.kind is Kind.SKIP and entry.target < end:
                # who has already jumped as far or farther may count as jumping here: it keeps the boxes whole
                holes = [skip for skip in skips if skip[1] < entry.target]
            near = _Near(self.dimensions, effects) if len(effects) * len(entry.boxes) > _MANY else None
            for whole in entry.boxes:
                for box in self._without(whole, holes) if holes else (whole,):
                    if entry.kind is Kind.EFFECT:
                        assert entry.outcome is not None
                        effects.append((box, entry.outcome, at))
                    elif entry.kind is Kind.SKIP and entry.target < end:
                        if entry.target > at + 1:
                            skips = self._with_skip(skips, box, entry.target)
                    else:
                        verdict = entry.outcome if entry.kind is Kind.TERMINAL else NEXT.verdict
                        assert verdict is not None
                        self._region(out, box, near.of(box) if near else effects, verdict, entry.place)
            if not effects or skips or entry.kind is Kind.EFFECT:
                continue
            if entry.kind is Kind.TERMINAL or entry.target >= end:
                ended = set(entry.boxes)
                effects = [e for e in effects if e[0] not in ended]
                for box in ended if len(ended) <= 64 else ():
                    effects = [e for e in effects if meet(e[0], box) != e[0]]
        if effects:
            self._region(out, (), effects, NEXT.verdict, NOWHERE)
        return out

    def _region(self, out: list[Region], box: Box, effects: list[Met], verdict: Effect, place: Place) -> None:
        """One region for each combination of the effects that packets of the box have met, the most special first."""
        if not effects:
            out.append(Region(box, self._outcome((), verdict), place))
            return
        pieces: list[tuple[Box, tuple[Effect, ...], int]] = [(box, (), -1)]
        meet = self.dimensions.meet
        for where, effect, at in effects:
            if meet(where, box) is None:
                self._spend(1)
                continue
            self._spend(len(pieces))
            split: list[tuple[Box, tuple[Effect, ...], int]] = []
            for piece, met, last in pieces:
                # the boxes of one entry may overlap: who has met the effect through one does not meet it again
                both = meet(piece, where) if last != at else None
                if both is not None:
                    split.append((both, met if _changes_nothing(effect, met) else (*met, effect), at))
                if both != piece:
                    split.append((piece, met, last))
            pieces = split
            if len(out) + len(pieces) > self.most:
                raise ProgramTooLarge
        out.extend(Region(piece, self._outcome(met, verdict), place) for piece, met, _ in pieces)
        if len(out) > self.most:
            raise ProgramTooLarge

    def _outcome(self, effects: tuple[Effect, ...], verdict: Effect) -> Outcome:
        key = (effects, verdict)
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcomes[key] = Outcome(effects, verdict)
        return found

    def _without(self, box: Box, skips: list[tuple[Box, int]]) -> list[Box]:
        """The box without what jumped over the current position."""
        pieces = [box]
        for hole, _ in skips:
            self._spend(len(pieces))
            if len(pieces) == 1 and self.dimensions.meet(pieces[0], hole) is None:
                continue
            pieces = [
                rest
                for piece in pieces
                for rest in (
                    [piece] if self.dimensions.meet(piece, hole) is None else self.dimensions.subtract(piece, hole)
                )
            ]
            if not pieces:
                break
        return pieces

    def _with_skip(self, skips: list[tuple[Box, int]], box: Box, target: int) -> list[tuple[Box, int]]:
        """`skips` and one more, without those inside it: a `goto` jumps over what the calls below it jumped over."""
        self._spend(len(skips))
        kept = [skip for skip in skips if skip[1] > target or not self.dimensions.contains(box, skip[0])]
        kept.append((box, target))
        return kept

    def _spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise ProgramTooLarge
