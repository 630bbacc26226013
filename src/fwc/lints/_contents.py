"""What the rules of a ruleset are made of, found in one walk: a lint about something that no rule has need not look at each, nor
be imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Literal

from fwc.ir.match import AllOf, AnyOf, Field, FieldIn, MaskedIn, Match, Not, SetRef, TupleIn
from fwc.ir.model import Ruleset
from fwc.ir.verdict import Action, Verdict, VerdictMap
from fwc.ir.walk import conjuncts, rules
from fwc.records import Record

Feature = Literal["called chain", "assertion", "inventory"]
"""What a lint may be about that is no part of a rule: chains that no hook calls by itself, assertions of a policy, the
configuration's `interfaces`."""

Need = type[Match | Action | Verdict] | Field | Feature
"""What a lint can be about: conditions, actions and verdicts of a kind, conditions on a field, or a feature."""


def name_of(need: Need) -> str:
    """The word for it in the table of lints."""
    if isinstance(need, str):
        return need
    return need.value if isinstance(need, Field) else need.__name__


class Contents(Record):
    """The types of all conditions, actions and verdicts, and the fields that conditions look at; those in verdict maps count as
    the rules' own. `names` are the words for all of it."""

    types: frozenset[type]
    fields: frozenset[Field]
    names: frozenset[str]


def contents_of(ruleset: Ruleset) -> Contents:
    types: set[type] = set()
    fields: set[Field] = set()
    every = [rule for _, _, _, rule in rules(ruleset)]
    matches = [rule.match for rule in every]
    types.update(map(type, matches))
    types.update([type(rule.verdict) for rule in every])
    for rule in every:
        if rule.actions:
            types.update(map(type, rule.actions))
        if type(rule.verdict) is VerdictMap:
            types.update(type(verdict) for _, verdict in rule.verdict.entries)
            fields.update(rule.verdict.fields)
    for condition in conditions_of(matches).values():
        _look(condition, types, fields)
    names = frozenset([*(each.__name__ for each in types), *map(name_of, fields)])
    return Contents(frozenset(types), frozenset(fields), names)


def conditions_of(matches: Iterable[Match]) -> dict[int, Match]:
    """The `conjuncts` of all matches, by identity. Rules share most of them: what is asked of one may be asked once."""
    parts = list(chain.from_iterable(map(conjuncts, matches)))
    return dict(zip(map(id, parts), parts, strict=True))


def asking(conditions: Mapping[int, Match], fields: Iterable[Field]) -> set[int]:
    """The identities of the conditions on one of the fields."""
    found: set[int] = set()
    for number, condition in conditions.items():
        seen: set[Field] = set()
        _look(condition, set(), seen)
        if not seen.isdisjoint(fields):
            found.add(number)
    return found


def _look(condition: Match, types: set[type], fields: set[Field]) -> None:
    todo = [condition]
    while todo:
        node = todo.pop()
        types.add(type(node))
        if isinstance(node, FieldIn | MaskedIn):
            fields.add(node.field)
        elif isinstance(node, AllOf | AnyOf):
            todo.extend(node.parts)
        elif isinstance(node, TupleIn | SetRef):
            fields.update(node.fields)
        elif isinstance(node, Not):
            todo.append(node.match)
