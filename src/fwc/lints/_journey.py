"""First packets on their whole way: through every base chain of prerouting, input or forward, and postrouting, with the
translations and marks of one chain seen by the next.

A way is a list of groups of base chains; a group ends after a chain that writes something a later one reads. Where a group
writes a field (a DNAT, a mark, notrack), what follows is asked about a dimension of its own, so the packet that was sent and
the packet that is delivered are both in the question.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from enum import Enum

from fwc.analysis.firstmatch import Region, first_match
from fwc.analysis.program import Place, Source, base_chains, unfold
from fwc.analysis.programs import translators
from fwc.ir.match import CtState, CtStatus, Field, Match, ReversePathFails
from fwc.ir.model import Chain, Ruleset
from fwc.ir.verdict import Accept, CopyMark, Dnat, Netmap, NoTrack, Redirect, SetField
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.records import Record
from fwc.sim.routing import Routes
from fwc.space.boxes import BITWISE, Translator, iface_values, same_name
from fwc.space.cover import NODES
from fwc.space.fields import SHIFT, Box, Dimension, Dimensions, Kind, is_clock
from fwc.space.index import Index, index_of

_WAYS = {
    Hook.INPUT: (Hook.PREROUTING, Hook.INPUT),
    Hook.FORWARD: (Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING),
    Hook.OUTPUT: (Hook.OUTPUT, Hook.POSTROUTING),
}
_HOST_ONLY = {Family.V4: IntervalSet.range(127 << 24, (128 << 24) - 1), Family.V6: IntervalSet.of(1)}
DNAT_BIT = CtStatus.DNAT.bit_length() - 1


class Wanted(Enum):
    """What is looked for: a packet that may be accepted, one that may be refused, one that is accepted for certain."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CERTAIN = "certain"


class Group:
    """Base chains of one hook that are asked together. `dropping` tells whether any region refuses."""

    def __init__(self, hook: Hook, regions: list[Region]) -> None:
        self.hook = hook
        self.regions = regions
        self.dropping = any(not isinstance(r.outcome.verdict, Accept) for r in regions)


class Found(Record):
    """A packet with the rule that decides its fate; `delivered` is the packet after translation of its destination, None
    without one. `text` has both."""

    packet: Packet
    text: str
    place: Place
    hook: Hook


Mapping = tuple[tuple[int, int], ...]
"""For each dimension that was written on the way: the dimension that holds its present value."""


class Step(Record):
    """One group of the question: which of its regions are wanted (by number), seen under `mapping`."""

    group: int
    wanted: frozenset[int]
    mapping: Mapping


class Journey:
    """The ways of one family's first packets through a ruleset. Raises ProgramTooLarge when a chain is too large."""

    def __init__(
        self, ruleset: Ruleset, family: Family, set_name: Callable[[str], str] = same_name, nodes: int = NODES
    ) -> None:
        self.ruleset = ruleset
        self.family = family
        self.nodes = nodes
        self.dimensions = Dimensions(family)
        self.translators: dict[int, Translator] = translators(ruleset, self.dimensions, set_name)
        self.source = Source(ruleset, self.translators, family)
        self.routes = Routes(ruleset)
        self.groups: list[Group] = []
        self._ways: dict[Hook, tuple[int, ...]] = {}
        self._of_hook: dict[Hook, list[int]] = {}
        self._lists: dict[tuple[int, Mapping, bool], tuple[list[Box], Index]] = {}
        chains = base_chains(ruleset, family)
        for hook in (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING):
            self._of_hook[hook] = list(self._split(hook, chains.get(("ip", hook, ""), [])))

    def boxes(self, match: Match) -> tuple[Box, ...]:
        return self.translators[0].boxes(match)

    def _split(self, hook: Hook, chains: Sequence[tuple[int, Chain]]) -> Iterator[int]:
        batch: list[tuple[int, Chain]] = []
        for at, (table, chain) in enumerate(chains):
            batch.append((table, chain))
            if at == len(chains) - 1 or _writes(self.ruleset, table, chain):
                self.groups.append(Group(hook, first_match(unfold(self.source, batch))))
                yield len(self.groups) - 1
                batch = []

    def way(self, hook: Hook) -> tuple[int, ...]:
        """The groups that a packet of the hook passes, in order."""
        return tuple(g for each in _WAYS[hook] for g in self._of_hook[each])

    def candidates(self, group: int, mapping: Mapping, certain: bool) -> tuple[list[Box], Index]:
        """The boxes of a group's regions with written dimensions replaced, and their index. With `certain` conditions
        outside the packet are taken the worse way: an accept that needs one is left out (an empty list entry is not
        possible, so it becomes a box that is never asked: see `_usable`), a refusal that needs one counts as met."""
        key = (group, mapping, certain)
        found = self._lists.get(key)
        if found is None:
            replace = dict(mapping)
            boxes = []
            for region in self.groups[group].regions:
                box = self.moved(region.box, replace)
                if certain and not isinstance(region.outcome.verdict, Accept):
                    box = tuple(c for c in box if not self._uncertain(c >> SHIFT))
                boxes.append(box)
            found = self._lists[key] = (boxes, index_of(self.dimensions, boxes))
        return found

    def _uncertain(self, dimension: int) -> bool:
        each = self.dimensions.dimensions[dimension]
        return (each.kind is Kind.ATOM or is_clock(each)) and not is_reverse_path(each)

    def usable(self, group: int, number: int) -> bool:
        """Whether an accept depends on nothing outside the packet."""
        region = self.groups[group].regions[number]
        return not any(self._uncertain(c >> SHIFT) for c in region.box)

    def moved(self, box: Box, replace: dict[int, int]) -> Box:
        if not replace or not any(c >> SHIFT in replace for c in box):
            return box
        dimensions = self.dimensions
        out = []
        for c in box:
            new = replace.get(c >> SHIFT)
            if new is None:
                out.append(c)
            else:
                out.append(dimensions.constraint(dimensions.dimensions[new], dimensions.runs[c]))
        return tuple(sorted(out))

    def first_packets(self, others: bool, strictly: bool) -> tuple[Box, ...]:
        """New connections: state new, and with `strictly` only what starts one properly (a bare SYN, no fragment, a source
        that the reverse path check accepts). Without `others` nobody else has translated the destination."""
        dimensions = self.dimensions
        known = dimensions.known(Field.CT_STATE)
        boxes: list[Box] = [(dimensions.constraint(known, ((CtState.NEW.value,) * 2,)),)] if known else [()]
        limits: list[tuple[object, int]] = []
        if not others:
            limits.append(((Field.CT_STATUS, "bit", DNAT_BIT), 0))
        if strictly:
            limits.append((Field.FRAGMENT, 0))
        for key, value in limits:
            each = dimensions.known(key)
            if each is not None:
                boxes = [(*b, dimensions.constraint(each, ((value, value),))) for b in boxes]
        if strictly:
            for each in dimensions.dimensions:
                if is_reverse_path(each):
                    boxes = [(*b, dimensions.constraint(each, ((0, 0),))) for b in boxes]
        boxes = [tuple(sorted(b)) for b in boxes]
        return tuple(b for box in boxes for b in self._syn(box)) if strictly else tuple(boxes)

    def addressed(self, hook: Hook, box: Box) -> tuple[Box, ...]:
        """What arrives for this machine was sent to one of its addresses, where they are stated and nothing else is."""
        daddr = self.dimensions.known(Field.DADDR)
        if hook is not Hook.INPUT or daddr is None or not self.routes.own_known(self.family):
            return (box,)
        if any(c >> SHIFT == daddr.index for c in box):
            return (box,)
        own = self.routes.own.family(self.family) - _HOST_ONLY[self.family]
        met = [self.dimensions.meet(box, each) for each in self.dimensions.box(daddr, own)]
        return tuple(each for each in met if each is not None)

    def _syn(self, box: Box) -> list[Box]:
        """tcp only with a bare SYN, and all that is not tcp."""
        dimensions = self.dimensions
        protocol = dimensions.known(Field.PROTOCOL)
        bits = [(n, dimensions.known((Field.TCP_FLAGS, "bit", n))) for n in range(BITWISE[Field.TCP_FLAGS])]
        if protocol is None or not any(each for _, each in bits):
            return [box]
        rest = dimensions.meet(box, (dimensions.constraint(protocol, ((0, 5), (7, protocol.top))),))
        syn: Box | None = dimensions.meet(box, (dimensions.constraint(protocol, ((6, 6),)),))
        for number, each in bits:
            if each is not None and syn is not None:
                value = 1 if number == 1 else 0
                syn = dimensions.meet(syn, (dimensions.constraint(each, ((value, value),)),))
        return [b for b in (syn, rest) if b is not None]


def is_reverse_path(dimension: Dimension) -> bool:
    """A condition on spoofed sources: who starts a connection from where he is does not meet it."""
    return isinstance(dimension.key, ReversePathFails)


def _writes(ruleset: Ruleset, table: int, chain: Chain) -> bool:
    """Whether the chain, or one it may lead to, writes what later chains may read. The whole table stands for those."""
    if not chain.rules:
        return False
    return any(
        isinstance(a, SetField | CopyMark | NoTrack)
        for each in ruleset.tables[table].chains
        for rule in each.rules
        for a in rule.actions
    ) or any(
        isinstance(rule.verdict, Dnat | Redirect | Netmap)
        for each in ruleset.tables[table].chains
        for rule in each.rules
    )


def usual(family: Family) -> list[tuple[Hashable, int]]:
    """Values that make an example look like an ordinary packet, by dimension."""
    source = 0xC6336407 if family is Family.V4 else 0x20010DB8 << 96 | 7
    eth0 = iface_values(IfaceSet.of(["eth0"])).runs[0][0]
    flags = [((Field.TCP_FLAGS, "bit", n), 1 if n == 1 else 0) for n in range(8)]
    return [
        (Field.PROTOCOL, 6), *flags, (Field.SADDR, source), (Field.DADDR, source + 2), (Field.SPORT, 40000), (Field.DPORT, 22),
        (Field.DPORT, 80), (Field.TTL, 64), (Field.LENGTH, 60), (Field.FRAGMENT, 0), (Field.PKTTYPE, 0), (Field.IIF, eth0),
    ]  # fmt: skip
