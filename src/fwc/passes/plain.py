"""Conditions that are a plain conjunction of header fields: most rules of most policies."""

from __future__ import annotations

from functools import lru_cache

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
    if not all(_some_ports(values) for values in ports):
        return None
    protocols = fields.get(Field.PROTOCOL, PORT_PROTOCOLS if not ports else _ALL_PROTOCOLS)
    return fields if _have_ports(protocols) else None


@lru_cache(maxsize=1 << 12)
def _some_ports(values: Values) -> bool:
    """Neither none nor all."""
    return bool(values) and values != _ALL_PORTS


@lru_cache(maxsize=256)
def _have_ports(protocols: Values) -> bool:
    return isinstance(protocols, IntervalSet) and bool(protocols) and protocols <= PORT_PROTOCOLS
