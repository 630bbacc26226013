"""Lookups of one key that follow each other become one: exact elements in a hash, ranges apart, different verdicts in a map.

A hash answers in the same time for ten members as for a million; a set with ranges takes longer the more members it has, so
what is exact does not belong there. Where an earlier lookup holds part of a later one's range, that part is cut out of the
range: the map has one verdict for every packet, the one of the first match.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import groupby

from fwc.analysis.cost_table import PRICES, lookup_price
from fwc.ir.match import Field, Match, TupleIn, Values, all_of
from fwc.ir.model import Chain, Role, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Drop, Reject, RejectKind, Verdict, VerdictMap
from fwc.ir.walk import conjuncts
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet, Run
from fwc.passes.cells import Cell, Owned, apart, cells_of, which_are_points
from fwc.records import Record
from fwc.source import Origin


class Lookup(Record):
    """One rule that is a lookup: what it asks before, and the lookup's elements as cells."""

    rule: Rule
    before: tuple[Match, ...]
    match: TupleIn
    family: Family
    cells: tuple[Cell, ...]


def map_verdicts(ruleset: Ruleset) -> Ruleset:
    """The ruleset with neighbouring lookups joined and ranges apart from exact elements."""
    return dataclasses.replace(ruleset, tables=tuple(_table(t) for t in ruleset.tables))


def _table(table: Table) -> Table:
    return dataclasses.replace(table, chains=tuple(_chain(c) for c in table.chains))


def _chain(chain: Chain) -> Chain:
    if not any(rule.role is Role.OPTIMIZER for rule in chain.rules):
        return chain
    found = [(rule, _lookup(rule)) for rule in chain.rules]
    out: list[Rule] = []
    for key, group in groupby(found, lambda item: _key(item[1])):
        members = list(group)
        if key is None:
            out.extend(rule for rule, _ in members)
        else:
            out.extend(_joined([lookup for _, lookup in members if lookup is not None]))
    return dataclasses.replace(chain, rules=tuple(out))


def _key(lookup: Lookup | None) -> object:
    return None if lookup is None else (lookup.before, lookup.match.fields, lookup.family)


def _lookup(rule: Rule) -> Lookup | None:
    """The rule as a lookup of plain elements of one family, None when it is none or does more than decide."""
    if rule.role is not Role.OPTIMIZER or rule.actions or not _in_a_map(rule.verdict):
        return None
    parts = conjuncts(rule.match)
    match = parts[-1]
    if not isinstance(match, TupleIn) or any(isinstance(part, TupleIn) for part in parts[:-1]):
        return None
    families = {f for value in match.elements[0] if isinstance(value, AddressSet) for f in value.families()}
    if len(families) != 1:
        return None
    family = families.pop()
    cells = cells_of(match, family)
    return None if cells is None else Lookup(rule, parts[:-1], match, family, cells)


def _in_a_map(verdict: Verdict) -> bool:
    return isinstance(verdict, Accept | Drop) or verdict == Reject(RejectKind.DEFAULT)


# ----- lookups of one key -------------------------------------------------------


def _joined(lookups: Sequence[Lookup]) -> Iterator[Rule]:
    """The rules that decide as the lookups do one after the other."""
    cells = set().union(*(lookup.cells for lookup in lookups))
    exact = sum(which_are_points(cells))
    split = _split_pays(exact, len(cells) - exact)
    if len(lookups) == 1 and not split:
        yield lookups[0].rule
        return
    found = apart([lookup.cells for lookup in lookups], split)
    if found is None:
        yield from (lookup.rule for lookup in lookups)
        return
    values: list[dict[Run, Values]] = [{} for _ in lookups[0].match.fields]
    for lookup in lookups:
        for element, cell in zip(lookup.match.elements, lookup.cells, strict=True):
            for known, value, run in zip(values, element, cell, strict=True):
                known.setdefault(run, value)
    for owned, what in (
        ((found.points, "exact values"), (found.wide, "ranges")) if split else (((*found.points, *found.wide), ""),)
    ):
        if owned:
            yield _rule(lookups, owned, values, what)


def _split_pays(exact: int, wide: int) -> bool:
    """Whether packets get through faster with the exact elements in a hash of their own, when half of them are in no element:
    those are asked for twice."""
    if not exact or not wide:
        return False
    prices = PRICES["nftables"]
    together = lookup_price(prices.combined, exact + wide)
    first, second = lookup_price(prices.exact, exact), lookup_price(prices.combined, wide)
    hit = first + second * wide / (exact + wide)
    return hit + first + second < 2 * together


def _rule(lookups: Sequence[Lookup], owned: Sequence[Owned], values: Sequence[dict[Run, Values]], what: str) -> Rule:
    first = lookups[0]
    fields = first.match.fields
    spans = tuple(dict.fromkeys(span for lookup in lookups for span in lookup.rule.origin.spans))
    via = tuple(dict.fromkeys(each for lookup in lookups for each in lookup.rule.origin.via))
    count = f"{len(spans)} rules" if len(spans) > 1 else ""
    comment = f"{what} of {count}" if what and count else count or what
    elements = tuple([_element(cell, values, fields, first.family) for cell, _ in owned])
    decided = [lookups[owner].rule.verdict for _, owner in owned]
    verdict: Verdict = decided[0]
    if all(each == verdict for each in decided):
        match = all_of(*first.before, TupleIn(fields, elements, lookups[owned[0][1]].match.name))
    else:
        stem = first.match.name.removesuffix("allowed").removesuffix("denied")
        match = all_of(*first.before)
        verdict = VerdictMap(fields, tuple(zip(elements, decided, strict=True)), f"{stem}verdicts")
    origin = Origin(spans, (*via, "map-verdicts"))
    return Rule(match, (), verdict, comment=comment, role=Role.OPTIMIZER, origin=origin)


def _element(
    cell: Cell, values: Sequence[dict[Run, Values]], fields: tuple[Field, ...], family: Family
) -> tuple[Values, ...]:
    """The values of a cell, one object for a run; a cut makes runs that no element had."""
    out: list[Values] = []
    for field, run, known in zip(fields, cell, values, strict=True):
        value = known.get(run)
        if value is None:
            numbers = IntervalSet.trusted((run,))
            address = field in (Field.SADDR, Field.DADDR)
            value = known[run] = AddressSet.of_family(family, numbers) if address else numbers
        out.append(value)
    return tuple(out)
