"""Looking for a first packet that meets a fate on its way: at each group that writes fields, whether and how it is rewritten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fwc.analysis.firstmatch import NOWHERE, Region
from fwc.analysis.program import written
from fwc.analysis.witness import point_packet, point_text, with_values
from fwc.ir.match import CtState, Field
from fwc.ir.verdict import Accept, CopyMark, Dnat, Netmap, NoTrack, Redirect, SetField
from fwc.lints._journey import DNAT_BIT, Found, Journey, Mapping, Step, Wanted, usual
from fwc.net.addresses import format_address
from fwc.net.hooks import Hook
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.space.boxes import BITWISE, iface_values
from fwc.space.cover import BudgetSpent, search
from fwc.space.fields import SHIFT, Box, Dimensions, Point
from fwc.space.index import bits_of

MOST_QUESTIONS = 20_000
"""Combinations of translations that one question may lead through; beyond it BudgetSpent."""


def find(
    journey: Journey,
    hook: Hook,
    sent: Sequence[Box],
    delivered: Sequence[Box],
    wanted: Wanted,
    implicit: Sequence[Box] = (),
) -> Found | None:
    """A first packet of `sent` that meets the fate `wanted`, and is in `delivered` at `hook` (for ACCEPTED) when its
    destination has been translated. Packets of `implicit` at the hook count neither way. Raises BudgetSpent."""
    asker = _Asker(journey, wanted, tuple(implicit))
    for box in sent:
        asker.box = box
        found = asker.explore(hook, 0, journey.way(hook), box, (), (), delivered)
        if found is not None:
            return found
    return None


class _Asker:
    """One question: walks the groups, choosing at each that writes fields whether and how the packet is rewritten."""

    def __init__(self, journey: Journey, wanted: Wanted, implicit: tuple[Box, ...]) -> None:
        self.journey = journey
        self.wanted = wanted
        self.implicit = implicit
        self.asked = 0
        self.box: Box = ()
        self.later: dict[tuple[int, ...], frozenset[Field]] = {}

    def explore(
        self,
        hook: Hook,
        at: int,
        way: tuple[int, ...],
        box: Box,
        mapping: Mapping,
        steps: tuple[Step, ...],
        delivered: Sequence[Box],
        view: Mapping = (),
    ) -> Found | None:
        """Ask about the packets of `box` that have come through `steps`; `at` is the next group of `way`, `view` the packet as
        the hook sees it that the question speaks of."""
        if at and self.journey.groups[way[at - 1]].hook in (Hook.PREROUTING, Hook.OUTPUT):
            view = mapping
        if at == len(way):
            return None if self.wanted is Wanted.REFUSED else self._end(hook, box, view, steps, delivered)
        group = self.journey.groups[way[at]]
        plain: list[int] = []
        refused: list[int] = []
        writing: list[int] = []
        for number, region in enumerate(group.regions):
            if not isinstance(region.outcome.verdict, Accept):
                refused.append(number)
            elif self._relevant(region, way[at + 1 :]):
                writing.append(number)
            else:
                plain.append(number)
        if self.wanted is Wanted.REFUSED and refused:
            found = self._ask(box, view, (*steps, Step(way[at], frozenset(refused), mapping)))
            if found is not None:
                return found
        if plain:
            step = Step(way[at], frozenset(plain), mapping)
            found = self.explore(hook, at + 1, way, box, mapping, (*steps, step), delivered, view)
            if found is not None:
                return found
        for number in writing:
            found = self._written(hook, at, way, box, mapping, steps, delivered, number, view)
            if found is not None:
                return found
        return None

    def _relevant(self, region: Region, later: tuple[int, ...]) -> bool:
        """Whether the region rewrites what a later group or the question reads."""
        effects = region.outcome.effects
        if not effects:
            return False
        if any(isinstance(e, Dnat | Redirect) or (isinstance(e, Netmap) and e.field is Field.DADDR) for e in effects):
            return True
        fields = {f for e in effects for f in written(e)}
        read = self.later.get(later)
        if read is None:
            read = self.later[later] = self._read(later)
        return bool(fields & read)

    def _read(self, groups: tuple[int, ...]) -> frozenset[Field]:
        out: set[Field] = set()
        for number in groups:
            for region in self.journey.groups[number].regions:
                for c in region.box:
                    key = self.journey.dimensions.dimensions[c >> SHIFT].key
                    field = key[0] if isinstance(key, tuple) else key
                    if isinstance(field, Field):
                        out.add(field)
        return frozenset(out)

    def _written(
        self,
        hook: Hook,
        at: int,
        way: tuple[int, ...],
        box: Box,
        mapping: Mapping,
        steps: tuple[Step, ...],
        delivered: Sequence[Box],
        number: int,
        view: Mapping,
    ) -> Found | None:
        journey = self.journey
        region = journey.groups[way[at]].regions[number]
        here = journey.dimensions.meet(box, journey.moved(region.box, dict(mapping)))
        if here is None:
            return None
        step = Step(way[at], frozenset({number}), mapping)
        for target in self._images(region, here, mapping, len(steps), way[at]):
            after, image, new_hook = target
            onward, position = way, at + 1
            if new_hook is not None and new_hook is not hook and hook is not Hook.OUTPUT:
                if self.wanted is Wanted.ACCEPTED:
                    continue  # delivered elsewhere: not the hook that the question speaks of
                onward = journey.way(new_hook)
                position = sum(1 for g in way[: at + 1] if journey.groups[g].hook is Hook.PREROUTING)
            found = self.explore(
                new_hook if new_hook is not None and hook is not Hook.OUTPUT else hook,
                position, onward, image, after, (*steps, step), delivered, view,
            )  # fmt: skip
            if found is not None:
                return found
        return None

    def _images(
        self, region: Region, box: Box, mapping: Mapping, depth: int, group: int
    ) -> Iterator[tuple[Mapping, Box, Hook | None]]:
        """What becomes of the packets of `box`: the present dimensions, the box with their values, and the hook that a
        translated destination leads to."""
        values: list[dict[object, IntervalSet | None]] = [{}]
        hooks: list[Hook | None] = [None]
        for effect in region.outcome.effects:
            if isinstance(effect, SetField):
                for each in values:
                    each.update(_set_field(effect))
            elif isinstance(effect, CopyMark):
                field = Field.CT_MARK if effect.direction == "save" else Field.MARK
                for each in values:
                    each.update({(field, "bit", n): None for n in range(32)})
            elif isinstance(effect, NoTrack):
                for each in values:
                    each[Field.CT_STATE] = IntervalSet.of(CtState.UNTRACKED.value)
            elif isinstance(effect, Dnat | Redirect) or (isinstance(effect, Netmap) and effect.field is Field.DADDR):
                outcomes = list(self._translated(effect, box, mapping))
                values = [{**each, **extra} for each in values for extra, _ in outcomes]
                hooks = [h for _ in hooks for _, h in outcomes]
        for each, hook in zip(values, hooks, strict=False):
            yield (*self._assign(each, box, mapping, (depth, group)), hook)

    def _assign(
        self, values: dict[object, IntervalSet | None], box: Box, mapping: Mapping, step: tuple[int, int]
    ) -> tuple[Mapping, Box]:
        dimensions = self.journey.dimensions
        now = dict(mapping)
        constraints: list[int] = list(box)
        for key, value in values.items():
            known = dimensions.known(key)
            if known is None:
                continue
            new = dimensions.dimension(("after", step, known.key), known.name, known.kind, known.top)
            now[known.index] = new.index
            if value is not None and value.runs != ((0, new.top),) and value.runs:
                constraints.append(dimensions.constraint(new, value.runs))
        return tuple(sorted(now.items())), tuple(sorted(constraints))

    def _translated(
        self, effect: Dnat | Redirect | Netmap, box: Box, mapping: Mapping
    ) -> Iterator[tuple[dict[object, IntervalSet | None], Hook]]:
        """New values of the fields that a translation writes, one for each target, and where the packet goes."""
        family = self.journey.family
        base: dict[object, IntervalSet | None] = {(Field.CT_STATUS, "bit", DNAT_BIT): IntervalSet.of(1)}
        base[Field.CT_ORIG_DPORT] = self._runs(Field.DPORT, box, mapping)
        base[Field.CT_ORIG_DADDR] = self._runs(Field.DADDR, box, mapping)
        base[Field.CT_ORIG_SADDR] = self._runs(Field.SADDR, box, mapping)
        if isinstance(effect, Redirect):
            base[Field.DADDR] = None
            if effect.ports:
                base[Field.DPORT] = IntervalSet.range(*effect.ports)
            yield base, Hook.INPUT
            return
        if isinstance(effect, Netmap):
            if effect.family is family:
                size = 1 << (family.bits - effect.length)
                yield from self._to(base, _mapped(effect.low, size, self._runs(Field.DADDR, box, mapping)))
            return
        for target in effect.targets:
            if target.family is not None and target.family is not family:
                continue
            values = dict(base)
            if target.ports is not None:
                values[Field.DPORT] = IntervalSet.range(*target.ports)
            if target.family is None:
                yield values, Hook.INPUT
                continue
            yield from self._to(values, IntervalSet.range(target.low, target.high))

    def _to(
        self, values: dict[object, IntervalSet | None], addresses: IntervalSet
    ) -> Iterator[tuple[dict[object, IntervalSet | None], Hook]]:
        own = self.journey.routes.own.family(self.journey.family)
        if addresses & own:
            yield {**values, Field.DADDR: addresses & own}, Hook.INPUT
        if addresses - own:
            there = addresses - own
            egress: dict[object, IntervalSet | None] = {Field.OIF: self._egress(there)}
            yield {**values, Field.DADDR: there, **(egress if self.wanted is not Wanted.ACCEPTED else {})}, Hook.FORWARD

    def _egress(self, addresses: IntervalSet) -> IntervalSet | None:
        packet = Packet(self.journey.family, 6, 0, addresses.runs[0][0])
        zone = self.journey.routes.zone_of(packet)
        return iface_values(zone.ifaces) if zone is not None and not zone.ifaces.is_any else None

    def _runs(self, field: Field, box: Box, mapping: Mapping) -> IntervalSet | None:
        known = self.journey.dimensions.known(field)
        if known is None:
            return None
        present = dict(mapping).get(known.index, known.index)
        found = next((c for c in box if c >> SHIFT == present), None)
        return None if found is None else IntervalSet.trusted(self.journey.dimensions.runs[found])

    # ----- the question itself -----------------------------------------------

    def _end(
        self, hook: Hook, box: Box, view: Mapping, steps: tuple[Step, ...], delivered: Sequence[Box]
    ) -> Found | None:
        if not steps:  # no chain at all on the way: everything is accepted, by nobody
            return self._unfiltered(hook, box, delivered)
        if self.wanted is not Wanted.ACCEPTED:
            return self._ask(box, view, steps)
        for each in delivered:
            inside = self.journey.dimensions.meet(box, self.journey.moved(each, dict(view)))
            if inside is not None:
                found = self._ask(inside, view, steps)
                if found is not None:
                    return found
        return None

    def _unfiltered(self, hook: Hook, box: Box, delivered: Sequence[Box]) -> Found | None:
        dimensions = self.journey.dimensions
        for each in delivered:
            inside = dimensions.meet(box, each)
            if inside is not None:
                point = self._ordinary(dimensions.corner(inside), inside, [], [])
                return Found(point_packet(dimensions, point), _text(dimensions, point, ()), NOWHERE, hook)
        return None

    def _ask(self, box: Box, mapping: Mapping, steps: tuple[Step, ...]) -> Found | None:
        self.asked += 1
        if self.asked > MOST_QUESTIONS:
            raise BudgetSpent
        journey, dimensions = self.journey, self.journey.dimensions
        boxes: list[Box] = []
        parts: list[tuple[int, int]] = []  # for each list of candidates its bits, and the wanted ones among them
        replace = dict(mapping)
        if self.implicit:
            bits = 0
            for each in self.implicit:
                moved = journey.moved(each, replace)
                if dimensions.meet(moved, box) is not None:
                    bits |= 1 << len(boxes)
                    boxes.append(moved)
            if bits:
                bits |= 1 << len(boxes)
                boxes.append(())
                parts.append((bits, 1 << len(boxes) - 1))
        certain = self.wanted is Wanted.CERTAIN
        shown: list[tuple[int, int, int]] = []  # group, region, bit
        for step in steps:
            regions, index = journey.candidates(step.group, step.mapping, certain)
            overlap = index.overlap(box, index.every)
            container = index.contain(box, overlap)
            own = want = 0
            for number in bits_of(overlap):
                accepts = isinstance(journey.groups[step.group].regions[number].outcome.verdict, Accept)
                if certain and accepts and not journey.usable(step.group, number):
                    continue
                bit = 1 << len(boxes)
                boxes.append(regions[number])
                shown.append((step.group, number, bit))
                own |= bit
                if number in step.wanted:
                    want |= bit
                if container >> number & 1:
                    break
            if not want:
                return None
            if own != want:
                parts.append((own, want))
        point = self._search(box, boxes, parts)
        if point is None:
            return None
        point = self._ordinary(point, box, boxes, parts)
        holds = [dimensions.holds(b, point) for b in boxes]
        group, number = self._decider(steps, shown, holds)
        place = journey.groups[group].regions[number].place
        return Found(
            point_packet(dimensions, point), _text(dimensions, point, mapping), place, journey.groups[group].hook
        )

    def _search(self, box: Box, boxes: list[Box], parts: list[tuple[int, int]]) -> Point | None:
        if not parts:
            return self.journey.dimensions.corner(box)

        def decide(some: int, certain: int) -> bool | None:
            sure = True
            for own, want in parts:
                mine = some & own
                fixed = certain & own
                if fixed:
                    mine &= ((fixed & -fixed) << 1) - 1
                if not mine & want:
                    return True
                if mine & want != mine:
                    sure = False
            return False if sure else None

        def exact(some: int, certain: int) -> bool | None:
            found = decide(some, certain)
            if found is None and some == certain:
                return not all(_first(some & own) & want for own, want in parts)
            return found

        return search(self.journey.dimensions, box, boxes, exact, nodes=self.journey.nodes)

    def _ordinary(self, point: Point, box: Box, boxes: list[Box], parts: list[tuple[int, int]]) -> Point:
        """The point with usual values wherever the answer stays the same."""
        dimensions = self.journey.dimensions

        def same(changed: Point) -> bool:
            if not dimensions.holds(box, changed):
                return False
            hits = sum(1 << n for n, b in enumerate(boxes) if dimensions.holds(b, changed))
            return all(_first(hits & own) & want for own, want in parts)

        return with_values(dimensions, point, usual(dimensions.family), same)

    def _decider(
        self, steps: tuple[Step, ...], shown: list[tuple[int, int, int]], holds: list[bool]
    ) -> tuple[int, int]:
        """The region that is to blame: of the filter hooks the one that accepts, else the last that was asked."""
        best: tuple[int, int] | None = None
        for step in steps:
            hit = next((n for g, n, bit in shown if g == step.group and holds[bit.bit_length() - 1]), None)
            if hit is None:
                continue
            hook = self.journey.groups[step.group].hook
            if best is None or self.wanted is Wanted.REFUSED or hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT):
                best = (step.group, hit)
        return best if best is not None else (steps[-1].group, next(iter(sorted(steps[-1].wanted))))


def _first(mask: int) -> int:
    return mask & -mask


def _set_field(effect: SetField) -> dict[object, IntervalSet | None]:
    if effect.field not in BITWISE:
        return {effect.field: IntervalSet.of(effect.value)}
    out: dict[object, IntervalSet | None] = {}
    for bit in range(BITWISE[effect.field]):
        if effect.mask >> bit & 1:
            out[effect.field, "bit", bit] = IntervalSet.of(effect.value >> bit & 1)
        elif effect.value >> bit & 1:
            out[effect.field, "bit", bit] = None  # toggled
    return out


def _mapped(low: int, size: int, sent: IntervalSet | None) -> IntervalSet:
    """Where a prefix translation takes the addresses: the same host bits behind another prefix."""
    whole = IntervalSet.range(low, low + size - 1)
    if sent is None:
        return whole
    runs = []
    for first, last in sent.runs:
        if first // size != last // size:
            return whole
        runs.append((low + first % size, low + last % size))
    return IntervalSet(runs)


def _text(dimensions: Dimensions, point: Point, mapping: Mapping) -> str:
    text = point_text(dimensions, point)
    now = dict(mapping)
    daddr = dimensions.known(Field.DADDR)
    if daddr is None or daddr.index not in now or now[daddr.index] not in point:
        return text
    address = format_address(dimensions.family, point[now[daddr.index]])
    dport = dimensions.known(Field.DPORT)
    port = point.get(now[dport.index]) if dport is not None and dport.index in now else None
    return f"{text}, delivered to {address}" + (f" port {port}" if port is not None else "")
