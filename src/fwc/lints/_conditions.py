"""What the condition of one rule says, for lints about how rules are written. Questions about packets go to the facts."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.ir.match import Field, FieldIn, Match, Not, TupleIn, Values
from fwc.ir.model import Rule
from fwc.ir.walk import conjuncts, match_nodes
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet


def required(match: Match, field: Field) -> Values | None:
    """The values to which a conjunct limits the field, None when none does."""
    for part in conjuncts(match):
        if isinstance(part, FieldIn) and part.field is field:
            return part.values
    return None


def ports(match: Match, field: Field = Field.DPORT) -> IntervalSet | None:
    values = required(match, field)
    return values if isinstance(values, IntervalSet) else None


def names_field(match: Match, field: Field) -> bool:
    """Whether a conjunct limits the field to some values (a negation does not)."""
    return any(
        (isinstance(p, FieldIn) and p.field is field) or (isinstance(p, TupleIn) and field in p.fields)
        for p in conjuncts(match)
    )


def interfaces(rule: Rule) -> Iterator[tuple[Field, IfaceSet]]:
    """Every set of interfaces that the rule compares."""
    for node in match_nodes(rule.match):
        if isinstance(node, FieldIn) and isinstance(node.values, IfaceSet):
            yield node.field, node.values
        elif isinstance(node, TupleIn):
            for element in node.elements:
                for field, values in zip(node.fields, element, strict=True):
                    if isinstance(values, IfaceSet):
                        yield field, values


def is_negated(match: Match, inner: Match) -> bool:
    return any(isinstance(n, Not) and n.match is inner for n in match_nodes(match))
