"""Rules of many pairs of interfaces are asked for one pair at a time: a packet goes to the chain of its pair at once.

A forward chain with the rules of ninety pairs of zones tests them one after the other. Rules of different pairs hold no packet
in common, so each pair gets a chain with its own rules in their order: nftables jumps there by one `iifname . oifname` lookup,
other targets by a test for each interface that packets come in by and then one for each that they leave by.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from fwc.ir.match import Field, FieldIn, Match, Values, WithinConnections, WithinRate, all_of
from fwc.ir.model import Chain, Role, Rule, Ruleset, Table
from fwc.ir.verdict import Count, Goto, Jump, Log, OpaqueVerdict, Return, VerdictMap
from fwc.ir.walk import conjuncts, match_nodes
from fwc.net.interfaces import IfaceSet
from fwc.records import Record
from fwc.source import Origin

BREAK_EVEN = 48
"""Rules in a run from which a dispatch costs a packet less than the list (5 to 12 ns for each rule, 340 ns for the lookup and
the jump)."""

FEWEST_PAIRS = 12
"""Pairs of interfaces from which a lookup is worth its reading; fewer are tested one after the other."""

MOST_COPIES = 16
"""A rule of more pairs than this ends the run: it would be repeated in too many chains."""

_MOVABLE = frozenset({Role.USER, Role.ANTISPOOF, Role.FORWARD_ACCEPT, Role.REPLY, Role.OPTIMIZER})

Pair = tuple[str, ...]
"""A name of an interface for each field of the key."""


class Placed(Record):
    """A rule, the pairs of interfaces that it is for, and what else it asks."""

    rule: Rule
    fields: tuple[Field, ...]
    pairs: tuple[Pair, ...]
    rest: tuple[Match, ...]


def dispatch_interfaces_by_map(ruleset: Ruleset) -> Ruleset:
    """For targets with verdict maps."""
    return _dispatch(ruleset, by_map=True)


def dispatch_interfaces_by_rules(ruleset: Ruleset) -> Ruleset:
    """For targets without: first by the interface that a packet came in by, then by the one it leaves by."""
    return _dispatch(ruleset, by_map=False)


def _dispatch(ruleset: Ruleset, by_map: bool) -> Ruleset:
    zones = {name: zone.name for zone in reversed(ruleset.zones) for name in _names(zone.ifaces) or ()}
    tables = tuple(_Dispatch(table, zones, by_map).table() for table in ruleset.tables)
    if all(a is b for a, b in zip(tables, ruleset.tables, strict=True)):
        return ruleset
    return dataclasses.replace(ruleset, tables=tables)


class _Dispatch:
    def __init__(self, table: Table, zones: Mapping[str, str], by_map: bool) -> None:
        self._table = table
        self._zones = zones
        self._by_map = by_map
        self._taken = {chain.name for chain in table.chains}
        self._made: list[Chain] = []

    def table(self) -> Table:
        chains = tuple(
            dataclasses.replace(chain, rules=tuple(self._rules(chain))) if len(chain.rules) >= BREAK_EVEN else chain
            for chain in self._table.chains
        )
        return dataclasses.replace(self._table, chains=(*chains, *self._made)) if self._made else self._table

    def _rules(self, chain: Chain) -> Iterator[Rule]:
        run: list[Placed] = []
        for rule in chain.rules:
            placed = _placed(rule)
            if run and (placed is None or placed.fields != run[0].fields):
                yield from self._run(chain, run)
                run = []
            if placed is None:
                yield rule
            else:
                run.append(placed)
        yield from self._run(chain, run)

    def _run(self, chain: Chain, run: Sequence[Placed]) -> Iterator[Rule]:
        owners: dict[Pair, list[int]] = {}
        for number, placed in enumerate(run):
            for pair in placed.pairs:
                owners.setdefault(pair, []).append(number)
        if len(run) < BREAK_EVEN or len(owners) < FEWEST_PAIRS:
            yield from (placed.rule for placed in run)
            return
        chains: dict[tuple[int, ...], str] = {}
        targets: dict[Pair, str] = {}
        for pair, numbers in owners.items():
            key = tuple(numbers)
            name = chains.get(key)
            if name is None:
                inner = tuple(dataclasses.replace(run[n].rule, match=all_of(*run[n].rest)) for n in numbers)
                name = chains[key] = self._chain(pair, chain, inner)
            targets[pair] = name
        spans = tuple(dict.fromkeys(p.rule.origin.spans[0] for p in run if p.rule.origin.spans))
        origin = Origin(spans, ("dispatch-interfaces",))
        fields = run[0].fields
        if self._by_map:
            entries = tuple((tuple(IfaceSet.of([n]) for n in pair), Jump(name)) for pair, name in targets.items())
            verdict = VerdictMap(fields, entries, f"{chain.name}_zones")
            yield Rule(verdict=verdict, role=Role.OPTIMIZER, origin=origin)
        else:
            yield from self._tests(chain, fields, targets, origin)

    def _tests(
        self, chain: Chain, fields: tuple[Field, ...], targets: Mapping[Pair, str], origin: Origin
    ) -> Iterator[Rule]:
        """One rule for each pair; with two fields, in a chain for each value of the first."""
        by_first: dict[str, dict[Pair, str]] = {}
        for pair, name in targets.items():
            by_first.setdefault(pair[0], {})[pair[1:]] = name
        for first, rest in by_first.items():
            inner = list(_jumps(fields[1:], rest, origin))
            if len(inner) > 1:
                name = self._chain((first,), chain, tuple(inner))
                inner = list(_jumps((), {(): name}, origin))
            for rule in inner:
                test = FieldIn(fields[0], IfaceSet.of([first]))
                yield dataclasses.replace(rule, match=all_of(test, rule.match))

    def _chain(self, pair: Pair, chain: Chain, rules: tuple[Rule, ...]) -> str:
        """A new chain named after the zones of the pair, else after its interfaces."""
        words = [self._zones.get(name, name) for name in pair]
        stem = re.sub(r"[^\w-]", "_", "-".join([*words, chain.name] if len(words) == 1 else words))
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        self._made.append(Chain(name, rules, origin=rules[0].origin))
        return name


def _jumps(fields: Sequence[Field], targets: Mapping[Pair, str], origin: Origin) -> Iterator[Rule]:
    for pair, name in targets.items():
        tests = (FieldIn(field, IfaceSet.of([each])) for field, each in zip(fields, pair, strict=True))
        yield Rule(all_of(*tests), (), Jump(name), role=Role.OPTIMIZER, origin=origin)


def _placed(rule: Rule) -> Placed | None:
    """None for a rule that stays in its chain: it asks for no interface by name, or leaving its chain leads elsewhere."""
    if rule.role not in _MOVABLE or isinstance(rule.verdict, Return | Goto | OpaqueVerdict):
        return None
    found: dict[Field, tuple[str, ...]] = {}
    rest: list[Match] = []
    for part in conjuncts(rule.match):
        names = _names(part.values) if isinstance(part, FieldIn) and part.field in (Field.IIF, Field.OIF) else None
        if names is None or not isinstance(part, FieldIn) or part.field in found:
            rest.append(part)
        else:
            found[part.field] = names
    fields = tuple(field for field in (Field.IIF, Field.OIF) if field in found)
    if not fields:
        return None
    pairs = tuple(product(*(found[field] for field in fields)))
    if len(pairs) > (1 if _counts(rule) else MOST_COPIES):
        return None
    return Placed(rule, fields, pairs, tuple(rest))


def _counts(rule: Rule) -> bool:
    """The rule remembers what it has seen, so that two copies of it are not one."""
    return any(
        isinstance(action, Count) or (isinstance(action, Log) and action.rate) for action in rule.actions
    ) or any(isinstance(node, WithinRate | WithinConnections) for node in match_nodes(rule.match))


def _names(values: Values) -> tuple[str, ...] | None:
    """The interfaces of a plain list of names."""
    if not isinstance(values, IfaceSet) or values.negated or values.prefixes or not values.names:
        return None
    return tuple(sorted(values.names))
