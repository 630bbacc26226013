"""Rewrites of matches before lowering: alternatives over the same fields become tuples, which nft looks up at once."""

from __future__ import annotations

from functools import lru_cache

from fwc.ir.match import AllOf, AnyOf, Field, FieldIn, Match, Not, TupleIn, Values, all_of, any_of
from fwc.ir.model import Table
from fwc.ir.walk import match_nodes
from fwc.net.addresses import AddressSet
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet

_GROUPABLE = frozenset({Field.PROTOCOL, Field.SPORT, Field.DPORT, Field.IIF, Field.OIF, Field.SADDR, Field.DADDR})


def concatenated(match: Match) -> Match:
    if isinstance(match, AllOf):
        parts = tuple(concatenated(p) for p in match.parts)
        return match if all(a is b for a, b in zip(parts, match.parts, strict=True)) else all_of(*parts)
    if isinstance(match, Not):
        inner = concatenated(match.match)
        return match if inner is match.match else Not(inner)
    if isinstance(match, AnyOf):
        return _alternatives(match)
    return match


@lru_cache(maxsize=1 << 16)
def _alternatives(match: AnyOf) -> Match:
    parts = [concatenated(p) for p in match.parts]
    groups: dict[tuple[Field, ...], list[tuple[Values, ...]]] = {}
    for part in parts:
        row = _row(part)
        if row is not None:
            groups.setdefault(tuple(row), []).append(tuple(row.values()))
    groups = {k: v for k, v in groups.items() if len(v) > 1}
    if not groups:
        return any_of(*parts)
    out: list[Match] = []
    done: set[tuple[Field, ...]] = set()
    for part in parts:
        row = _row(part)
        key = tuple(row) if row is not None else ()
        if key not in groups:
            out.append(part)
        elif key not in done:
            done.add(key)
            out.append(TupleIn(key, tuple(groups[key])))
    return any_of(*out)


def _row(part: Match) -> dict[Field, Values] | None:
    """Fields to values, sorted by field order of `Field`, for a conjunction of plain conditions on two fields or more."""
    if not isinstance(part, AllOf):
        return None
    found: dict[Field, Values] = {}
    for each in part.parts:
        if not isinstance(each, FieldIn) or each.field not in _GROUPABLE or each.field in found:
            return None
        if isinstance(each.values, IfaceSet) and (each.values.negated or each.values.prefixes):
            return None
        found[each.field] = each.values
    if len(found) < 2:
        return None
    return dict(sorted(found.items(), key=lambda item: _ORDER[item[0]]))


_ORDER = {field: index for index, field in enumerate(Field)}


def titles(table: Table) -> dict[object, str]:
    """The user's names of value sets: for each family's part of an address set, and for other sets as they are."""
    out: dict[object, str] = {}
    for chain in table.chains:
        for rule in chain.rules:
            for node in match_nodes(rule.match):
                if isinstance(node, FieldIn) and node.name:
                    values = node.values
                    if isinstance(values, AddressSet):
                        for part in (values.v4, values.v6):
                            if len(part.runs) > 1:
                                out.setdefault(part, node.name)
                    elif isinstance(values, IntervalSet):
                        out.setdefault(values, node.name)
    return out
