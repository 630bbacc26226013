"""What can be known of a ruleset without running it, computed when asked for: dead rules and their causes, and what a hook does
with the packets of a box."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fwc.analysis.firstmatch import NEXT, Outcome, Region
from fwc.analysis.program import Kind, Place, Program, ProgramTooLarge, Source, base_chains, sees, unfold_chain
from fwc.analysis.programs import Programs
from fwc.analysis.reach import Fate, fates, first_cover
from fwc.analysis.witness import point_packet, point_text
from fwc.ir.graph import calls, reachable
from fwc.ir.match import CtState, Field, Match
from fwc.ir.model import Chain, Rule, Ruleset
from fwc.ir.verdict import Accept, OpaqueVerdict
from fwc.net.hooks import Family, Hook
from fwc.net.packet import Packet
from fwc.records import Record
from fwc.space.cover import NODES, BudgetSpent, search
from fwc.space.fields import Box, Dimensions, Point
from fwc.space.index import Index, bits_of, mask_of


class Dead(Record):
    """A rule that no packet reaches in any context. `cover` are the rules that together take its packets, a minimal set; empty
    with `never` set when its own condition can hold for no packet that gets into its chain."""

    place: Place
    cover: tuple[Place, ...]
    never: bool = False


Example = tuple[Point, Place | None]
"""A packet, and the rule that decides what becomes of it."""


class Answer(Record):
    """What a hook does with the packets of a query. `some` and `others` are points of packets that are accepted and that are not,
    each with the rule that decides; they become text when a message shows them.

    `all` and `none` are False both when that hangs on a condition outside the packet (a run-time set, a rate) and when the budget
    ended: then `undetermined` is set.
    """

    all: bool
    none: bool
    undetermined: bool = False
    dimensions: Dimensions | None = None
    some: Example | None = None
    others: Example | None = None

    @property
    def some_text(self) -> str:
        return self._text(self.some)

    @property
    def some_by(self) -> Place | None:
        return self.some[1] if self.some else None

    @property
    def others_text(self) -> str:
        return self._text(self.others)

    @property
    def others_by(self) -> Place | None:
        return self.others[1] if self.others else None

    def _text(self, found: Example | None) -> str:
        return point_text(self.dimensions, found[0]) if self.dimensions and found else ""


class Facts:
    """Facts of one ruleset. Everything is cached; the ruleset must not change."""

    def __init__(
        self, ruleset: Ruleset, families: Sequence[Family] = (Family.V4, Family.V6), nodes: int = NODES
    ) -> None:
        self.ruleset = ruleset
        self.families = tuple(families)
        self.nodes = nodes
        self._programs: dict[Family, Programs] = {}
        self._alive: dict[tuple[int, str, int], tuple[Program, Fate]] | None = None  # by place, the first that is
        self._others: dict[Place, list[tuple[Program, Fate]]] = {}
        self._indices: dict[int, Index] = {}
        self._dead: tuple[Dead, ...] | None = None
        self._empty: set[Place] = set()
        self._reachable: list[frozenset[str]] | None = None
        self._steps = 300_000  # entries looked at to say who decides an example
        self.too_large: set[str] = set()  # chains whose programs were too large: only chain-local facts

    # ----- places ------------------------------------------------------------

    def rule(self, place: Place) -> Rule | None:
        """The rule at a place, None for a chain's policy."""
        chain = self.chain(place)
        return chain.rules[place.index] if chain is not None and place.index >= 0 else None

    def chain(self, place: Place) -> Chain | None:
        return self.ruleset.tables[place.table].chain(place.chain) if place.table >= 0 else None

    def unentered(self, table: int) -> frozenset[str]:
        """Chains of a table that no base chain leads to."""
        if self._reachable is None:
            self._reachable = [reachable(each) for each in self.ruleset.tables]
        return frozenset(c.name for c in self.ruleset.tables[table].chains) - self._reachable[table]

    def programs(self, family: Family) -> Programs:
        found = self._programs.get(family)
        if found is None:
            found = self._programs[family] = Programs(self.ruleset, Dimensions(family))
        return found

    def source(self, family: Family) -> Source:
        return self.programs(family).source

    def dimensions(self, family: Family) -> Dimensions:
        return self.programs(family).dimensions

    # ----- reachability ------------------------------------------------------

    @property
    def searched(self) -> bool:
        """Whether reachability was asked for, so that `undetermined` costs nothing."""
        return self._alive is not None

    def dead(self) -> tuple[Dead, ...]:
        """Rules of entered chains that are dead in every context, every base chain and every family, in file order."""
        if self._dead is None:
            self._dead = tuple(self._find_dead())
        return self._dead

    def undetermined(self) -> tuple[Place, ...]:
        """Rules for which the budget ended before a packet or a cover was found."""
        alive = self._run()
        return tuple(
            place
            for place, found in self._others.items()
            if place not in alive and any(fate.undetermined for _, fate in found)
        )

    def witness(self, place: Place) -> tuple[Packet, str] | None:
        """A packet that reaches the rule and its condition, None when there is none or none was found."""
        found = self._run().get(place)
        if found is None:
            return None
        dimensions = found[0].dimensions
        point = found[1].witness(dimensions)
        return point_packet(dimensions, point), point_text(dimensions, point)

    def example(self, place: Place) -> tuple[Packet, str, Place | None] | None:
        """A packet that gets into the rule's chain and meets its condition, though it gets no further than some earlier rule, and
        the rule that decides it (None when that was not worked out)."""
        self._run()
        for program, fate in self._others.get(place, ()):
            if fate.boxes:
                point = program.dimensions.corner(fate.boxes[0])
                text = point_text(program.dimensions, point)
                packet = point_packet(program.dimensions, point)
                return packet, text, self._decider(program, _filled(program.dimensions, point, packet))
        return None

    def _decider(self, program: Program, point: Point) -> Place | None:
        at = 0
        while at < len(program.entries) and self._steps > 0:
            entry = program.entries[at]
            self._steps -= 1
            at += 1
            if entry.kind is Kind.EFFECT or not any(program.dimensions.holds(box, point) for box in entry.boxes):
                continue
            if entry.kind is Kind.TERMINAL:
                return entry.place
            at = max(at, entry.target)
        return None

    def _find_dead(self) -> Iterator[Dead]:
        alive = self._run()
        for table, each in enumerate(self.ruleset.tables):
            if not any(sees(each, f) for f in self.families):
                continue
            skip = self.unentered(table)
            for chain in each.chains:
                if chain.name in skip:
                    continue
                name = chain.name
                for index in range(len(chain.rules)):
                    if (table, name, index) in alive:
                        continue
                    place = Place(table, name, index)
                    found = self._others.get(place)
                    if found is None:
                        if self._decided(place):
                            yield self._explain(place, [])
                    elif all(fate.dead for _, fate in found):
                        yield self._explain(place, found)

    def _decided(self, place: Place) -> bool:
        """Whether a rule without any activation is known to have none: unfolding finished, or its own condition is empty."""
        return place in self._empty or not self.too_large

    def _explain(self, place: Place, found: list[tuple[Program, Fate]]) -> Dead:
        cover: dict[Place, None] = {}
        for program, fate in found:
            cover.update((p, None) for p in first_cover(program, fate))
        return Dead(place, tuple(cover), never=not found)

    def _run(self) -> Mapping[tuple[int, str, int], tuple[Program, Fate]]:
        if self._alive is None:
            self._alive = {}
            for family in self.families:
                programs = self.programs(family)
                for chains in base_chains(self.ruleset, family).values():
                    for table, chain in chains:
                        self._program(programs, table, chain)
        return self._alive

    def _program(self, programs: Programs, table: int, chain: Chain) -> None:
        try:
            program = programs.program([(table, chain)], answered=True)
        except ProgramTooLarge:
            self.too_large.add(chain.name)
            self._local(programs, table, chain)
            return
        self._empty |= program.empty
        self._note(programs, program)

    def _note(self, programs: Programs, program: Program) -> None:
        assert self._alive is not None
        for fate in fates(program, programs.index, self.nodes):
            if fate.alive is not None:
                self._alive.setdefault(fate.place, (program, fate))
            else:
                self._others.setdefault(fate.place, []).append((program, fate))

    def _local(self, programs: Programs, table: int, chain: Chain) -> None:
        """Every chain that the base chain may lead to, each on its own."""
        graph = calls(self.ruleset.tables[table])
        names, stack = {chain.name}, [chain.name]
        while stack:
            for name in graph.get(stack.pop(), {}):
                if name not in names:
                    names.add(name)
                    stack.append(name)
        for each in self.ruleset.tables[table].chains:
            if each.name in names:
                try:
                    program = unfold_chain(programs.source, table, each)
                except ProgramTooLarge:
                    continue
                self._note(programs, program)

    # ----- verdicts ----------------------------------------------------------

    def regions(self, family: Family, hook: Hook, device: str = "", layer: str = "ip") -> list[Region] | None:
        """What happens to every packet at a hook, over all its base chains, as a first-match list; None when it is too large."""
        chains = base_chains(self.ruleset, family).get((layer, hook, device), [])
        try:
            return self.programs(family).regions(chains) if chains else []
        except ProgramTooLarge:
            return None

    def chain_regions(self, family: Family, table: int, chain: Chain) -> list[Region] | None:
        """What one base chain alone does with every packet, its policy last; None when it is too large."""
        try:
            return self.programs(family).regions([(table, chain)])
        except ProgramTooLarge:
            return None

    def boxes(self, family: Family, match: Match, table: int = 0) -> tuple[Box, ...]:
        return self.source(family).translators[table].boxes(match)

    def accepts(self, family: Family, hook: Hook, query: Match | tuple[Box, ...], device: str = "") -> Answer:
        """Whether the base chains of the hook accept the packets of `query`; with no base chain they all are."""
        boxes = query if isinstance(query, tuple) else self.boxes(family, query)
        return self._answer(family, self.regions(family, hook, device), boxes)

    def chain_accepts(self, family: Family, table: int, chain: Chain, boxes: tuple[Box, ...]) -> Answer:
        """Whether one base chain, for itself, accepts the packets of the boxes."""
        return self._answer(family, self.chain_regions(family, table, chain), boxes)

    def _answer(self, family: Family, regions: list[Region] | None, boxes: tuple[Box, ...]) -> Answer:
        if regions is None:
            return Answer(False, False, undetermined=True)
        dimensions = self.dimensions(family)
        try:
            good = self._find(family, regions, boxes, accepted=True)
            bad = self._find(family, regions, boxes, accepted=False)
            perhaps = good is None and self._perhaps(family, regions, boxes)
        except BudgetSpent:
            return Answer(False, False, undetermined=True)
        return Answer(bad is None, good is None and not perhaps, dimensions=dimensions, some=good, others=bad)

    def _perhaps(self, family: Family, regions: list[Region], boxes: Sequence[Box]) -> bool:
        """Whether a packet of the boxes meets a verdict that is not modelled (a queue, a rule that could not be read): it may be
        accepted there."""
        if not any(isinstance(region.outcome.verdict, OpaqueVerdict) for region in regions):
            return False
        taken = [Region(r.box, NEXT, r.place) if isinstance(r.outcome.verdict, OpaqueVerdict) else r for r in regions]
        dimensions, index = self.dimensions(family), self._index(family, regions)  # of the same boxes
        return any(region_search(dimensions, taken, index, box, True, self.nodes) is not None for box in boxes)

    def _index(self, family: Family, regions: list[Region]) -> Index:
        found = self._indices.get(id(regions))
        if found is None:
            found = self._indices[id(regions)] = self.programs(family).index([r.box for r in regions])
        return found

    def _find(
        self, family: Family, regions: list[Region], boxes: Sequence[Box], *, accepted: bool
    ) -> tuple[Point, Place | None] | None:
        """A packet of the boxes whose verdict is accept (or is not), with the rule that decides it."""
        dimensions = self.dimensions(family)
        if not regions:
            return (dimensions.corner(boxes[0]), None) if boxes and accepted else None
        index = self._index(family, regions)
        for box in boxes:
            found = region_search(dimensions, regions, index, box, accepted, self.nodes)
            if found is not None:
                return found
        return None


_TRIES = 12
"""Regions whose lowest packet is tried before the exact search."""


def region_search(
    dimensions: Dimensions, regions: Sequence[Region], index: Index, box: Box, accepted: bool, nodes: int = NODES
) -> tuple[Point, Place] | None:
    """A packet of `box` whose first region accepts (or does not), with that region's place. Raises BudgetSpent."""
    overlap = index.overlap(box, index.every)
    container = index.contain(box, overlap)
    if container:
        overlap &= ((container & -container) << 1) - 1
    bits = list(bits_of(overlap))
    wanted = mask_of([k for k, b in enumerate(bits) if is_accept(regions[b].outcome) is accepted])
    if not wanted:
        return None
    candidates = [b for k, b in enumerate(bits) if wanted >> k & 1]
    for b in (*candidates[:_TRIES], *candidates[_TRIES:][-_TRIES:]):
        both = dimensions.meet(box, regions[b].box)
        if both is not None:
            point = dimensions.corner(both)
            first = index.stab(point, overlap)
            at = (first & -first).bit_length() - 1
            if first and is_accept(regions[at].outcome) is accepted:
                return point, regions[at].place

    def decide(some: int, certain: int) -> bool | None:
        if certain:
            some &= ((certain & -certain) << 1) - 1
        if not some & wanted:
            return True
        if some & wanted == some:
            return False
        return None

    found = search(dimensions, box, [regions[b].box for b in bits], decide, nodes=nodes)
    if found is None:
        return None
    place = next(regions[b].place for b in bits if dimensions.holds(regions[b].box, found))
    return found, place


def _filled(dimensions: Dimensions, point: Point, packet: Packet) -> Point:
    """The point with what it leaves open as in the packet that is shown for it."""
    shown = {
        Field.SADDR: packet.saddr,
        Field.DADDR: packet.daddr,
        Field.PROTOCOL: packet.protocol,
        Field.SPORT: packet.sport,
        Field.DPORT: packet.dport,
        Field.TTL: packet.ttl,
        Field.LENGTH: packet.length,
        Field.CT_STATE: CtState[packet.state.upper()].value,
    }
    out = dict(point)
    for field, value in shown.items():
        known = dimensions.known(field)
        if known is not None:
            out.setdefault(known.index, value)
    for bit in range(8):
        known = dimensions.known((Field.TCP_FLAGS, "bit", bit))
        if known is not None:
            out.setdefault(known.index, packet.flags >> bit & 1)
    return out


def is_accept(outcome: Outcome) -> bool:
    return isinstance(outcome.verdict, Accept)
