"""Do two rulesets treat every packet alike? The proof behind `compile`, `convert` and `diff`.

Both sides become first-match lists. A packet that they treat differently is held first by some region i of the left and j of the
right with another outcome, so it suffices to look at such pairs, and each pair may be looked at from its narrower side. Most
lists are seen to be equal run by run (`unions`); of the others equal regions in the same order, equal outcomes and containers
rule out nearly all pairs, and only the rest is searched.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from fwc.analysis.fates import fate_text
from fwc.analysis.firstmatch import MAX_STEPS, NEXT, NOWHERE, Outcome, Region
from fwc.analysis.program import Place, Program, ProgramTooLarge, base_chains
from fwc.analysis.programs import Chains, Programs
from fwc.analysis.unions import in_cells, same_runs
from fwc.analysis.witness import point_packet, point_text, stays_first, with_values
from fwc.ir.match import CtState, Field, MaskedIn
from fwc.ir.model import Chain, Ruleset
from fwc.ir.verdict import Accept
from fwc.ir.walk import match_nodes, rules
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.packet import Packet
from fwc.records import Record
from fwc.space.boxes import same_name
from fwc.space.cover import NODES, BudgetSpent, uncovered
from fwc.space.fields import Box, Dimensions, Point
from fwc.space.index import Index, bits_of, index_of

_BROAD = 40  # regions with more conflicting partners are looked at from the partners' side


class Difference(Record):
    """A packet that the two sides treat differently. `undecided` means that the budget ended before either was shown; the sides
    must then be taken as different."""

    family: Family
    hook: Hook
    packet: Packet
    text: str
    left: Outcome
    right: Outcome
    left_place: Place
    right_place: Place
    undecided: bool = False

    def describe(self) -> str:
        if self.undecided:
            return f"whether IPv{self.family.value} {self.hook} is the same on both sides could not be decided"
        left, right = fate_text(self.left), fate_text(self.right)
        return f"IPv{self.family.value} {self.hook}: {self.text}: {left} on the left, {right} on the right"

    def sides(self, left: str, right: str) -> tuple[str, ...]:
        """The same in a sentence for the packet and one for each side, which are called `left` and `right`."""
        if self.undecided:
            return (self.describe(),)
        fates = (f"{left}: {fate_text(self.left)}", f"{right}: {fate_text(self.right)}")
        return (f"for instance at IPv{self.family.value} {self.hook}: {self.text}", *fates)


def compare(
    left: Ruleset,
    right: Ruleset,
    *,
    families: Sequence[Family] = (Family.V4, Family.V6),
    left_set: Callable[[str], str] = same_name,
    right_set: Callable[[str], str] = same_name,
    nodes: int = NODES,
    known: Mapping[Family, Programs] = MappingProxyType({}),
    steps: int = MAX_STEPS,
) -> Difference | None:
    """None when every packet of `families` meets the same effects and verdict at every hook of both rulesets.

    `left_set` and `right_set` map the names of run-time sets to common ones. `known` is what was worked out of `left` before.
    `nodes` and `steps` bound the search for packets and the lists of what each ruleset does.
    """
    for family in families:
        found = _compare_family(left, right, family, left_set, right_set, nodes, known.get(family), steps)
        if found is not None:
            return found
    return None


def _compare_family(
    left: Ruleset,
    right: Ruleset,
    family: Family,
    left_set: Callable[[str], str],
    right_set: Callable[[str], str],
    nodes: int,
    known: Programs | None,
    steps: int,
) -> Difference | None:
    if known is not None and known.ruleset is left and left_set is same_name and not _asks_marks(known.dimensions):
        mine = known
    else:
        whole = Dimensions(family, lambda field: field in _MARKS and not _in_part(field, left, right))
        mine = Programs(left, whole, left_set, steps)
    other = Programs(right, mine.dimensions, right_set, steps)
    lefts, rights = base_chains(left, family), base_chains(right, family)
    for key in sorted(lefts.keys() | rights.keys(), key=lambda k: (k[0], list(Hook).index(k[1]), k[2])):
        a = [item for item in lefts.get(key, []) if not _idle(item[1])]
        b = [item for item in rights.get(key, []) if not _idle(item[1])]
        found = _compare_hook(mine, other, a, b, key[1], nodes)
        if found is not None:
            return found
        other.forget()
        if mine is not known:
            mine.forget()
    return None


_MARKS = frozenset((Field.MARK, Field.CT_MARK))
_WHOLE_MARK = 0xFFFFFFFF


def _asks_marks(dimensions: Dimensions) -> bool:
    """Whether marks are among the dimensions: here they are one dimension each where that is possible, elsewhere always bits."""
    return any((each.key[0] if isinstance(each.key, tuple) else each.key) in _MARKS for each in dimensions.dimensions)


def _in_part(field: Field, *rulesets: Ruleset) -> bool:
    """Whether some condition asks for a part of the field's bits."""
    return any(
        isinstance(node, MaskedIn) and node.field is field and node.mask & _WHOLE_MARK != _WHOLE_MARK
        for ruleset in rulesets
        for _, _, _, rule in rules(ruleset)
        for node in match_nodes(rule.match)
    )


def _idle(chain: Chain) -> bool:
    return not chain.rules and chain.base is not None and isinstance(chain.base.policy, Accept)


def _compare_hook(left: Programs, right: Programs, a: Chains, b: Chains, hook: Hook, nodes: int) -> Difference | None:
    """Chain by chain where both sides have as many; all of them in sequence when that shows a difference."""
    if not a and not b:
        return None
    if len(a) == len(b) and all(_kind(x) == _kind(y) for (_, x), (_, y) in zip(a, b, strict=True)):
        pairs = [_compare_chains(left, right, [x], [y], hook, nodes) for x, y in zip(a, b, strict=True)]
        first = next((d for d in pairs if d is not None), None)
        if first is None or len(a) == 1:
            return first
    return _compare_chains(left, right, a, b, hook, nodes)


def _kind(chain: Chain) -> bool:
    return chain.base is not None and chain.base.type is ChainType.NAT


def _compare_chains(left: Programs, right: Programs, a: Chains, b: Chains, hook: Hook, nodes: int) -> Difference | None:
    dimensions = left.dimensions
    nothing = [Region((), NEXT, NOWHERE)]
    try:
        if a and b and _same_steps(left.program(a), right.program(b)):
            return None
        mine = left.regions(a) if a else nothing
        other = right.regions(b) if b else nothing
        found = differ(dimensions, mine, other, nodes)
    except (ProgramTooLarge, BudgetSpent):
        packet = point_packet(dimensions, {})
        return Difference(dimensions.family, hook, packet, "", NEXT, NEXT, NOWHERE, NOWHERE, undecided=True)
    if found is None:
        return None
    point, one, two = found
    both = dimensions.meet(one.box, two.box)
    assert both is not None
    point = ordinary(dimensions, point, both, [*_before(mine, one), *_before(other, two)])
    packet, text = point_packet(dimensions, point), point_text(dimensions, point)
    return Difference(dimensions.family, hook, packet, text, one.outcome, two.outcome, one.place, two.place)


def _same_steps(left: Program, right: Program) -> bool:
    """The same boxes lead to the same effects in the same order: nothing needs to be multiplied out to see it."""
    return (
        left.bounds == right.bounds
        and len(left.entries) == len(right.entries)
        and all(
            a.kind is b.kind and a.target == b.target and a.boxes == b.boxes and a.outcome == b.outcome
            for a, b in zip(left.entries, right.entries, strict=True)
        )
    )


def differ(
    dimensions: Dimensions, left: Sequence[Region], right: Sequence[Region], nodes: int = NODES
) -> tuple[Point, Region, Region] | None:
    """A packet with its two regions when the lists differ. Both lists end in a region that holds every packet.

    Raises BudgetSpent.
    """
    if len(left) == len(right) and all(
        a.box == b.box and (a.outcome is b.outcome or a.outcome == b.outcome) for a, b in zip(left, right, strict=True)
    ):
        return None
    if same_runs(dimensions, left, right, nodes):
        return None
    point = RegionPairs(dimensions, in_cells(dimensions, left), in_cells(dimensions, right), nodes).run()
    if point is None:
        return None
    one, two = _held_first(dimensions, left, point), _held_first(dimensions, right, point)
    assert one is not None and two is not None
    return point, one, two


_ORDINARY = ((Field.CT_STATE, CtState.NEW.value), (Field.PROTOCOL, 6))


def ordinary(dimensions: Dimensions, point: Point, box: Box, before: Sequence[Box]) -> Point:
    """The point with a new connection and plain tcp where it says anything else, as far as it then stays in the box and outside
    those before it."""
    given = [(f, v) for f, v in _ORDINARY if (known := dimensions.known(f)) is not None and known.index in point]
    return with_values(dimensions, point, given, stays_first(dimensions, box, before))


def _before(regions: Sequence[Region], last: Region) -> Iterator[Box]:
    for region in regions:
        if region is last:
            return
        yield region.box


def _held_first(dimensions: Dimensions, regions: Sequence[Region], point: Point) -> Region | None:
    return next((region for region in regions if dimensions.holds(region.box, point)), None)


class _Side:
    """One list: where each (box, outcome) stands first, the bits of each outcome, and an index made when it is needed."""

    def __init__(self, dimensions: Dimensions, regions: Sequence[Region], numbers: dict[Outcome, int]) -> None:
        self.dimensions = dimensions
        self.regions = regions
        self.boxes = [region.box for region in regions]
        by_identity: dict[int, int] = {}
        self.outcomes: list[int] = []
        for region in regions:
            number = by_identity.get(id(region.outcome))
            if number is None:
                number = by_identity[id(region.outcome)] = numbers.setdefault(region.outcome, len(numbers))
            self.outcomes.append(number)
        self.first: dict[tuple[Box, int], int] = {}
        for at, key in enumerate(zip(self.boxes, self.outcomes, strict=True)):
            self.first.setdefault(key, at)
        self.every = (1 << len(regions)) - 1
        self.matched = 0
        self.next_match: list[int] = []
        self._same: dict[int, int] = {}
        self._index: Index | None = None

    def other_outcome(self, number: int) -> int:
        """The regions whose outcome is not `number`."""
        found = self._same.get(number)
        if found is None:
            raw = bytearray(len(self.regions) // 8 + 1)
            for at, own in enumerate(self.outcomes):
                if own != number:
                    raw[at >> 3] |= 1 << (at & 7)
            found = self._same[number] = int.from_bytes(raw, "little")
        return found

    @property
    def index(self) -> Index:
        if self._index is None:
            self._index = index_of(self.dimensions, self.boxes)
        return self._index

    def conflicts(self, box: Box, outcome: int, aligned: int) -> int:
        """The regions of this side that may hold a packet of `box` first with another outcome, when `box` is a region of the
        other side with `outcome`; those matched in order before position `aligned` cannot."""
        limit = self.first.get((box, outcome))
        bad = self.other_outcome(outcome)
        if limit is not None:
            bad &= (1 << limit) - 1
        if self.matched:
            bad &= ~(self.matched & (1 << aligned) - 1)
        if not bad:
            return 0
        bad = self.index.overlap(box, bad)
        if bad and limit is None:
            container = self.index.contain(box, self.every)
            if container:
                bad &= ((container & -container) << 1) - 1
        return bad


class RegionPairs:
    """Two first-match lists and the pairs of their regions that may differ."""

    def __init__(self, dimensions: Dimensions, left: Sequence[Region], right: Sequence[Region], nodes: int) -> None:
        numbers: dict[Outcome, int] = {}
        self.dimensions = dimensions
        self.nodes = nodes
        self.left = _Side(dimensions, left, numbers)
        self.right = _Side(dimensions, right, numbers)
        self._align()

    def _align(self) -> None:
        """The longest sequence of equal regions that stand in the same order on both sides."""
        pairs = _longest_common(self.left, self.right.first)
        for own, at in ((self.left, 0), (self.right, 1)):
            raw = bytearray(len(own.regions) // 8 + 1)
            for pair in pairs:
                raw[pair[at] >> 3] |= 1 << (pair[at] & 7)
            own.matched = int.from_bytes(raw, "little")
        # for a region of one side: everything matched before this position of the other side has its partner before the region
        self.left_aligned = _partners(pairs, len(self.left.regions), len(self.right.regions))
        swapped = [(j, i) for i, j in pairs]
        self.right_aligned = _partners(swapped, len(self.right.regions), len(self.left.regions))

    def run(self) -> Point | None:
        """A packet that the lists treat differently. Raises BudgetSpent."""
        return next((point for i, j in self.candidates() if (point := self.witness(i, j)) is not None), None)

    def candidates(self) -> Iterator[tuple[int, int]]:
        """Every pair of regions that may hold a packet first with different outcomes, each pair once."""
        left, right = self.left, self.right
        broad = 0
        for i, (box, outcome) in enumerate(zip(left.boxes, left.outcomes, strict=True)):
            bad = right.conflicts(box, outcome, self.left_aligned[i])
            if not bad:
                continue
            if bad.bit_count() > _BROAD:
                broad |= 1 << i
                continue
            for j in bits_of(bad):
                yield i, j
        if not broad:
            return
        for j, (box, outcome) in enumerate(zip(right.boxes, right.outcomes, strict=True)):
            if not broad & left.other_outcome(outcome):
                continue
            for i in bits_of(left.conflicts(box, outcome, self.right_aligned[j]) & broad):
                yield i, j

    def witness(self, i: int, j: int) -> Point | None:
        """A packet that region i of the left and region j of the right hold first. Raises BudgetSpent."""
        box = self.dimensions.meet(self.left.boxes[i], self.right.boxes[j])
        if box is None:
            return None
        before_left = self.left.index.overlap(box, (1 << i) - 1)
        if before_left and self.left.index.contain(box, before_left):
            return None
        before_right = self.right.index.overlap(box, (1 << j) - 1)
        if before_right and self.right.index.contain(box, before_right):
            return None
        return uncovered(self.dimensions, box, self._earlier(before_left, before_right), self.nodes)

    def shape(self, i: int, j: int) -> tuple[Box, tuple[Box, ...]]:
        """The packets of both regions, and the boxes of earlier regions that overlap them: what `witness` found is in the first
        and in none of the others."""
        box = self.dimensions.meet(self.left.boxes[i], self.right.boxes[j])
        assert box is not None
        before_left = self.left.index.overlap(box, (1 << i) - 1)
        before_right = self.right.index.overlap(box, (1 << j) - 1)
        return box, tuple(self._earlier(before_left, before_right))

    def _earlier(self, before_left: int, before_right: int) -> list[Box]:
        boxes = {self.left.boxes[k]: None for k in bits_of(before_left)}
        boxes.update((self.right.boxes[k], None) for k in bits_of(before_right))
        return list(boxes)


def _longest_common(left: _Side, right_first: Mapping[tuple[Box, int], int]) -> list[tuple[int, int]]:
    """Pairs of equal regions, increasing on both sides, as many as possible (patience sorting)."""
    tails: list[int] = []
    ends: list[tuple[int, int]] = []
    before: dict[int, tuple[int, int] | None] = {}
    for i, key in enumerate(zip(left.boxes, left.outcomes, strict=True)):
        j = right_first.get(key)
        if j is None or left.first[key] != i:
            continue
        at = bisect_left(tails, j)
        before[i] = ends[at - 1] if at else None
        if at == len(tails):
            tails.append(j)
            ends.append((i, j))
        else:
            tails[at] = j
            ends[at] = (i, j)
    out: list[tuple[int, int]] = []
    pair = ends[-1] if ends else None
    while pair is not None:
        out.append(pair)
        pair = before[pair[0]]
    out.reverse()
    return out


def _partners(pairs: Sequence[tuple[int, int]], size: int, other: int) -> list[int]:
    """For each position of one side the partner of the first matched region at or after it."""
    out = [other] * size
    at = other
    known = dict(pairs)
    for position in range(size - 1, -1, -1):
        at = known.get(position, at)
        out[position] = at
    return out
