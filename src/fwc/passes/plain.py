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


def plain_fields(match: Match) -> dict[Field, Values] | None:
    """The fields of a conjunction of plain conditions on different fields, which most rules are; None for all others."""
    if type(match) is not AllOf:
        return None
    fields: dict[Field, Values] = {}
    for part in match.parts:
        if type(part) is not FieldIn or part.field in fields or not is_plain(part):
            return None
        fields[part.field] = part.values
    protocols = fields.get(Field.PROTOCOL)
    if protocols is None:
        return None if Field.DPORT in fields or Field.SPORT in fields else fields
    return fields if have_ports(protocols) else None


def is_plain(part: FieldIn) -> bool:
    """A comparison with some values, neither none nor all, of a field of a lookup; of protocols `have_ports` asks more."""
    if part.field in INTERFACES:
        values = part.values
        return isinstance(values, IfaceSet) and not (values.negated or values.is_empty or values.is_any)
    if part.field in (Field.DPORT, Field.SPORT):
        return _some_ports(part.values)
    return part.field in PLAIN


@lru_cache(maxsize=1 << 12)
def _some_ports(values: Values) -> bool:
    """Neither none nor all."""
    return bool(values) and values != _ALL_PORTS


@lru_cache(maxsize=256)
def have_ports(protocols: Values) -> bool:
    """Whether these are only protocols with ports."""
    return isinstance(protocols, IntervalSet) and bool(protocols) and protocols <= PORT_PROTOCOLS
