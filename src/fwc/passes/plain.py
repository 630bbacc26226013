"""Conditions that are a plain conjunction of header fields: most rules of most policies."""

from __future__ import annotations

from fwc.ir.match import AllOf, Field, FieldIn, Match, Values
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import PORT_PROTOCOLS

KEYS = (Field.SADDR, Field.DADDR, Field.PROTOCOL, Field.SPORT, Field.DPORT)
"""Fields of a lookup, in order."""

INTERFACES = (Field.IIF, Field.OIF)
PLAIN = frozenset((*KEYS, *INTERFACES))
_ALL_PORTS = IntervalSet.full(16)
_ALL_PROTOCOLS = IntervalSet.full(8)


def plain_fields(match: Match) -> dict[Field, Values] | None:
    """The fields of a conjunction of plain conditions on different fields, which most rules are; None for all others."""
    if type(match) is not AllOf:
        return None
    fields: dict[Field, Values] = {}
    for part in match.parts:
        if type(part) is not FieldIn or part.field not in PLAIN or part.field in fields:
            return None
        values = part.values
        if type(values) is IfaceSet and (values.negated or values.is_empty or values.is_any):
            return None
        fields[part.field] = values
    ports = [fields[field] for field in (Field.DPORT, Field.SPORT) if field in fields]
    if any(not values or values == _ALL_PORTS for values in ports):
        return None
    protocols = fields.get(Field.PROTOCOL, PORT_PROTOCOLS if not ports else _ALL_PROTOCOLS)
    if not (isinstance(protocols, IntervalSet) and protocols and protocols <= PORT_PROTOCOLS):
        return None
    return fields
