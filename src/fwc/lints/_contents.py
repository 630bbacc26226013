"""What the rules of a ruleset are made of, found in one walk: a lint about something that no rule has need not look at each."""

from __future__ import annotations

from fwc.ir.match import AllOf, AnyOf, Field, FieldIn, MaskedIn, Match, Not, SetRef, TupleIn
from fwc.ir.model import Ruleset
from fwc.records import record


@record
class Contents:
    """The types of all conditions, actions and verdicts, and the fields that conditions look at. A verdict map's own verdicts
    are not gone into."""

    types: frozenset[type]
    fields: frozenset[Field]


def contents_of(ruleset: Ruleset) -> Contents:
    types: set[type] = set()
    fields: set[Field] = set()
    for table in ruleset.tables:
        for chain in table.chains:
            for rule in chain.rules:
                types.add(type(rule.verdict))
                for action in rule.actions:
                    types.add(type(action))
                _conditions(rule.match, types, fields)
    return Contents(frozenset(types), frozenset(fields))


def _conditions(match: Match, types: set[type], fields: set[Field]) -> None:
    todo = [match]
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
