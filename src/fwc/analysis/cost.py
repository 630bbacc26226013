"""What a packet meets at each hook: rules, lookups, nanoseconds, for the worst and the typical new packet and for an
established one.

The packets are taken from the rules themselves: one that a rule holds, and one beside it that misses by its port. Every chain
has an index over its rules, so the rules that hold a packet are found without asking all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from fwc.analysis.cost_table import HANDFUL, PRICES, Prices, lookup_price
from fwc.analysis.program import base_chains, fixed_sets
from fwc.ir.match import AllOf, AnyOf, CtState, Field, FieldIn, Match, Not, SetRef, TupleIn, Values, all_of
from fwc.ir.model import Chain, Rule, Ruleset
from fwc.ir.verdict import Accept, Continue, Goto, Jump, Return, Verdict, VerdictMap
from fwc.ir.walk import match_nodes
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.records import Record
from fwc.space.boxes import Translator
from fwc.space.fields import SHIFT, Box, Dimensions, Point
from fwc.space.index import bits_of, index_of

MOST_SAMPLES = 400
"""Rules of a hook from which packets are taken."""

_DEEPEST = 64
_UNKNOWN_MEMBERS = 1000  # of a set that is filled at run time


class Cost(Record):
    """`nanoseconds` is None where the target was not measured. Connection tracking is not in it."""

    rules: int
    lookups: int
    nanoseconds: float | None


class HookCost(Record):
    family: Family
    hook: Hook
    rules: int
    """Rules of the base chains and of all that they lead to."""
    worst: Cost
    typical: Cost
    established: Cost


def costs(ruleset: Ruleset, target: str) -> list[HookCost]:
    """One entry for each hook and family with a rule. `target` decides the prices."""
    out: list[HookCost] = []
    for family in Family:
        for (layer, hook, _), chains in sorted(
            base_chains(ruleset, family).items(),
            key=lambda item: (list(Hook).index(item[0][1]), item[0][0], item[0][2]),
        ):
            if layer == "ip" and any(chain.rules for _, chain in chains):
                out.append(_Hook(ruleset, family, chains, PRICES.get(target)).cost(hook))
    return out


class _Hook:
    """The base chains that packets of one family meet at one hook."""

    def __init__(
        self, ruleset: Ruleset, family: Family, chains: Sequence[tuple[int, Chain]], prices: Prices | None
    ) -> None:
        self.family = family
        self.chains = chains
        dimensions = Dimensions(family)
        self.dimensions = dimensions
        first = Translator(dimensions)
        self.state, self.port, self.protocol = (
            first.dimension(field).index for field in (Field.CT_STATE, Field.DPORT, Field.PROTOCOL)
        )
        self.tables = {
            at: _Chains(ruleset.tables[at].chains, Translator(dimensions, fixed_sets(ruleset.tables[at])), prices)
            for at in {at for at, _ in chains}
        }

    def cost(self, hook: Hook) -> HookCost:
        for at, chain in self.chains:
            self.tables[at].reach(chain.name)
        hits, misses = self._points()
        points = [*hits, *misses]
        new = [self._walk(point) for point in points]
        typical = sorted(new[: len(hits)] or new, key=_weight)
        known = [{**point, self.state: CtState.ESTABLISHED.value} for point in points]
        established = max((self._walk(point) for point in known), key=_weight)
        rules = sum(len(chain.rules) for table in self.tables.values() for chain in table.reached.values())
        return HookCost(self.family, hook, rules, max(new, key=_weight), typical[len(typical) // 2], established)

    def _points(self) -> tuple[list[Point], list[Point]]:
        """New packets: for sampled rules one that the rule holds and one with a port that nobody uses; and a stranger. Their
        lists are the hits and the misses."""
        common: Point = {self.state: CtState.NEW.value, self.protocol: 6, self.port: 65535}
        boxes = [box for table in self.tables.values() for box in table.samples()]
        step = max(1, len(boxes) // MOST_SAMPLES)
        hits: list[Point] = []
        misses: list[Point] = [common]
        for box in [*boxes[::step], *boxes[-1:]]:
            if not _may_be_new(self.dimensions, box, self.state):
                continue
            point = {**common, **self.dimensions.corner(box), self.state: CtState.NEW.value}
            hits.append(point)
            misses.append({**point, self.port: 65535})
        return hits, misses

    def _walk(self, point: Point) -> Cost:
        meter = _Meter()
        for at, chain in self.chains:
            table = self.tables[at]
            meter.add(table.prices.chain if table.prices else 0)
            verdict = table.walk(chain.name, point, meter, 0)
            base = chain.base
            ended = verdict if verdict is not None else base.policy if base is not None else None
            if not isinstance(ended, Accept | Return | None):
                break
        measured = all(table.prices is not None for table in self.tables.values())
        return Cost(meter.rules, meter.lookups, round(meter.nanoseconds) if measured else None)


def _may_be_new(dimensions: Dimensions, box: Box, state: int) -> bool:
    return not any(c >> SHIFT == state for c in box) or any(
        low <= CtState.NEW.value <= high for c in box if c >> SHIFT == state for low, high in dimensions.runs[c]
    )


def _weight(cost: Cost) -> tuple[float, int, int]:
    return cost.nanoseconds or 0.0, cost.rules, cost.lookups


class _Meter:
    def __init__(self) -> None:
        self.rules = 0
        self.lookups = 0
        self.nanoseconds = 0.0

    def add(self, nanoseconds: float) -> None:
        self.nanoseconds += nanoseconds


class _Chains:
    """The chains of one table, prepared when a packet may reach them."""

    def __init__(self, chains: Sequence[Chain], translate: Translator, prices: Prices | None) -> None:
        self.prices = prices
        self.reached: dict[str, Chain] = {}
        self.prepared: dict[str, _Prepared] = {}
        self._contexts: dict[str, Box] = {}
        self._chains = {chain.name: chain for chain in chains}
        self._translate = translate

    def reach(self, name: str) -> None:
        """Prepare a base chain and all that it leads to."""
        todo: list[tuple[str, Box]] = [(name, ())]
        while todo:
            current, context = todo.pop()
            chain = self._chains.get(current)
            if chain is None or current in self.reached:
                continue
            self.reached[current] = chain
            prepared = self.prepared[current] = _Prepared(chain, self._translate)
            self._contexts[current] = context
            for number, rule in enumerate(chain.rules):
                for verdict, fields, values in _verdicts(rule.verdict):
                    if isinstance(verdict, Jump | Goto):
                        box = self._meet(context, prepared.first_box(number))
                        (entry,) = self._translate.elements(fields, [values])
                        todo.append((verdict.chain, self._meet(box, entry[0] if entry else None)))

    def _meet(self, context: Box, box: Box | None) -> Box:
        met = self._translate.dimensions.meet(context, box) if box is not None else None
        return context if met is None else met

    def samples(self) -> list[Box]:
        """Packets that a rule holds, of those that get to its chain by the first jump to it."""
        meet = self._translate.dimensions.meet
        out = []
        for name, prepared in self.prepared.items():
            context = self._contexts[name]
            met = [meet(context, box) for box in prepared.boxes] if context else prepared.boxes
            out.extend([box for box in met if box is not None])
        return out

    def walk(self, name: str, point: Point, meter: _Meter, depth: int) -> Verdict | None:
        """Count what the packet meets in a chain; the verdict that ended its way there, None when it comes back."""
        prepared = self.prepared.get(name)
        if prepared is None or depth > _DEEPEST:
            return None
        at = -1
        for number in prepared.holding(point):
            self._count(prepared, point, at, number, meter)
            at = number
            verdict: Verdict | None = prepared.chain.rules[number].verdict
            if isinstance(verdict, VerdictMap):
                verdict = prepared.entry(number, point)
            if isinstance(verdict, Jump | Goto):
                meter.add(self.prices.jump if self.prices else 0)
                inner = self.walk(verdict.chain, point, meter, depth + 1)
                if inner is not None or isinstance(verdict, Goto):
                    return inner
            elif isinstance(verdict, Return):
                return None
            elif verdict is not None and not isinstance(verdict, Continue):
                return verdict
        self._count(prepared, point, at, len(prepared.chain.rules) - 1, meter)
        return None

    def _count(self, prepared: _Prepared, point: Point, after: int, until: int, meter: _Meter) -> None:
        """The rules behind `after` up to `until`, and those of their lookups that the packet gets to."""
        meter.rules += until - after
        met = [members for number, members in prepared.lookups(point) if after < number <= until]
        meter.lookups += len(met)
        if self.prices is not None:
            meter.add((until - after) * self.prices.rule)
            for kind, members in met:
                row = self.prices.small if kind == "small" else lookup_price(getattr(self.prices, kind), members)
                meter.add(row)


def _verdicts(verdict: Verdict) -> list[tuple[Verdict, tuple[Field, ...], tuple[Values, ...]]]:
    """Each verdict with the fields and values that lead to it in a map."""
    if isinstance(verdict, VerdictMap):
        return [(each, verdict.fields, values) for values, each in verdict.entries]
    return [(verdict, (), ())]


class _Prepared:
    """A chain with indexes: which rules hold a packet, and which of its lookups a packet gets to."""

    def __init__(self, chain: Chain, translate: Translator) -> None:
        self.chain = chain
        self.boxes: list[Box] = []
        self._owners: list[int] = []
        self._last: tuple[Point, list[tuple[int, tuple[str, int]]]] | None = None
        before: list[Box] = []
        self._before_owner: list[int] = []
        self._lookup: dict[int, tuple[str, int]] = {}
        for number, rule in enumerate(chain.rules):
            own = translate.boxes(rule.match)
            self.boxes.extend(own)
            self._owners.extend([number] * len(own))
            found = _lookup(rule)
            if found is not None:
                first, self._lookup[number] = found
                reached = translate.boxes(first)
                before.extend(reached)
                self._before_owner.extend([number] * len(reached))
        self._translate = translate
        self._index = index_of(translate.dimensions, self.boxes)
        self._before = index_of(translate.dimensions, before)

    def first_box(self, number: int) -> Box | None:
        """One of the boxes of a rule; None when it holds no packet."""
        at = bisect_left(self._owners, number)
        return self.boxes[at] if at < len(self.boxes) and self._owners[at] == number else None

    def holding(self, point: Point) -> list[int]:
        """The rules whose conditions hold for the packet, in order."""
        return list(dict.fromkeys(self._owners[bit] for bit in bits_of(self._index.stab(point, self._index.every))))

    def lookups(self, point: Point) -> list[tuple[int, tuple[str, int]]]:
        """Rules whose lookup the packet gets to."""
        if not self._lookup:
            return []
        if self._last is None or self._last[0] is not point:
            bits = bits_of(self._before.stab(point, self._before.every))
            numbers = dict.fromkeys(self._before_owner[bit] for bit in bits)
            self._last = (point, [(number, self._lookup[number]) for number in numbers])
        return self._last[1]

    def entry(self, number: int, point: Point) -> Verdict | None:
        """The verdict of a map for the packet."""
        verdict = self.chain.rules[number].verdict
        assert isinstance(verdict, VerdictMap)
        dimensions = self._translate.dimensions
        unions = self._translate.elements(verdict.fields, [values for values, _ in verdict.entries])
        for union, (_, each) in zip(unions, verdict.entries, strict=True):
            if any(dimensions.holds(box, point) for box in union):
                return each
        return None


def _lookup(rule: Rule) -> tuple[Match, tuple[str, int]] | None:
    """The conditions before a rule's lookup, and its kind (a field of `Prices`) with its members; None without one."""
    parts = rule.match.parts if isinstance(rule.match, AllOf) else (rule.match,)
    for at, part in enumerate(parts):
        found = _kind(part)
        if found is not None:
            return all_of(*parts[:at]), found
    if isinstance(rule.verdict, VerdictMap):
        rows = [values for values, _ in rule.verdict.entries]
        return rule.match, (_kind_of(rows), len(rows))
    return None


def _kind(part: Match) -> tuple[str, int] | None:
    if isinstance(part, Not | AnyOf):
        return next((found for node in match_nodes(part) if node is not part and (found := _kind(node))), None)
    if isinstance(part, SetRef):
        return "exact", _UNKNOWN_MEMBERS
    if isinstance(part, TupleIn):
        return _kind_of(part.elements), len(part.elements)
    if isinstance(part, FieldIn) and not isinstance(part.values, IfaceSet):
        runs = _runs(part.values)
        if len(runs) > 1 and part.field is not Field.CT_STATE:
            return _kind_of([(part.values,)] * min(len(runs), HANDFUL + 1)), len(runs)
    return None


def _kind_of(elements: Sequence[tuple[Values, ...]]) -> str:
    if len(elements[0]) == 1 and len(elements) <= HANDFUL:
        return "small"
    ranges = any(low != high for element in elements for values in element for low, high in _runs(values))
    if not ranges:
        return "exact"
    return "combined" if len(elements[0]) > 1 else "ranges"


def _runs(values: Values) -> Sequence[tuple[int, int]]:
    if isinstance(values, IfaceSet):
        return ()
    return (*values.v4.runs, *values.v6.runs) if isinstance(values, AddressSet) else values.runs
