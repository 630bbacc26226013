"""Disjunctive normal form of a match, for targets whose rules are conjunctions (iptables, pf).

Negation is pushed to the leaves and turned into value sets where that is exact and short; what a leaf of its own must say
(`! -s`, `! --mark`) stays as a flagged negative, so that the printer can use the target's own negation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from fwc.errors import FwcError
from fwc.ir.match import (
    NEVER,
    AllOf,
    Always,
    AnyOf,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    SetRef,
    TupleIn,
    Values,
)
from fwc.ir.walk import different_values
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record

MAX_CONJUNCTIONS = 4096
ADDRESS_FIELDS = frozenset({Field.SADDR, Field.DADDR, Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR})
IFACE_FIELDS = frozenset({Field.IIF, Field.OIF})

BITS: Mapping[Field, int] = {
    Field.PROTOCOL: 8,
    Field.SPORT: 16,
    Field.DPORT: 16,
    Field.ICMP: 16,
    Field.ICMPV6: 16,
    Field.TCP_FLAGS: 8,
    Field.CT_STATUS: 16,
    Field.CT_ORIG_DPORT: 16,
    Field.MARK: 32,
    Field.CT_MARK: 32,
    Field.TTL: 8,
    Field.DSCP: 6,
    Field.LENGTH: 16,
    Field.SMAC: 48,
    Field.VLAN: 12,
    Field.PF_TAG: 16,
}
"""Width of the integer fields whose values fill it."""

DOMAINS: Mapping[Field, IntervalSet] = {
    **{field: IntervalSet.full(bits) for field, bits in BITS.items()},
    Field.CT_STATE: IntervalSet.range(0, 4),
    Field.FRAGMENT: IntervalSet.range(0, 1),
    Field.PKTTYPE: IntervalSet.range(0, 7),
    Field.IPSEC: IntervalSet.range(0, 1),
    Field.IPSEC_OUT: IntervalSet.range(0, 1),
}
"""Every value that a field can have."""

COMPLEMENTED = frozenset(
    {Field.CT_STATE, Field.FRAGMENT, Field.PKTTYPE, Field.IPSEC, Field.IPSEC_OUT, Field.ICMP, Field.ICMPV6}
)
"""Fields whose negation becomes the complement at once; the others keep it as `excluded`."""

PORT_PROTOCOLS = IntervalSet.of(6, 17, 33, 132, 136)
_TCP = IntervalSet.of(6)
CARRIERS: Mapping[Field, IntervalSet] = {
    Field.SPORT: PORT_PROTOCOLS,
    Field.DPORT: PORT_PROTOCOLS,
    Field.ICMP: IntervalSet.of(1),
    Field.ICMPV6: IntervalSet.of(58),
    Field.TCP_FLAGS: _TCP,
}
"""Protocols whose packets have the field at all; a condition on the field implies them."""


_EVERY_ADDRESS = {f: AddressSet.of_family(f, IntervalSet.full(f.bits)) for f in Family}


class TooManyConjunctions(FwcError):
    """The disjunctive normal form has more than the allowed number of members."""


class Literal(Record):
    """A condition that is no plain value set, or its negation."""

    match: Match
    negated: bool = False


class Conjunction(Record):
    """All of it holds at once.

    `fields` maps a field to the values it may have, `excluded` to the values it must not have. A field stands in one of
    the two, except interfaces: `ppp+` but not `ppp0` has both. An address field holds one family's part only. A field with
    carriers (a port) always comes with a `PROTOCOL`. `masked` (MaskedIn), `sets` (SetRef), `tuples` (TupleIn) and `opaque`
    (all other leaves: rates, time, owner, foreign text) are in the order in which the match has them.
    """

    fields: dict[Field, Values]
    excluded: dict[Field, Values]
    masked: tuple[Literal, ...] = ()
    sets: tuple[Literal, ...] = ()
    tuples: tuple[Literal, ...] = ()
    opaque: tuple[Literal, ...] = ()

    def values(self, field: Field) -> Values | None:
        """The values of an integer or address field with exclusions taken out; None when it is not limited."""
        positive, negative = self.fields.get(field), self.excluded.get(field)
        if positive is not None or negative is None:
            return positive
        return complement(field, negative)

    @property
    def is_always(self) -> bool:
        return not (self.fields or self.excluded or self.masked or self.sets or self.tuples or self.opaque)


EVERYTHING = Conjunction({}, {})


def complement(field: Field, values: Values) -> Values:
    """Every other value of the field."""
    if isinstance(values, IntervalSet):
        return DOMAINS[field] - values
    return ~values


@lru_cache(maxsize=1 << 16)
def conjunctions(match: Match, family: Family, limit: int = MAX_CONJUNCTIONS) -> tuple[Conjunction, ...]:
    """The conjunctions whose union is what `match` matches among packets of `family`, in the order of the match.

    None is empty, except when `opaque` or `sets` parts contradict each other, which is not looked for. No conjunction at
    all means that the match matches no packet of the family. Members may overlap. Raises `TooManyConjunctions`.
    """
    return expand(match, family, limit)


def expand(match: Match, family: Family, limit: int = MAX_CONJUNCTIONS) -> tuple[Conjunction, ...]:
    """As `conjunctions`, without remembering: for a caller that asks once per rule."""
    return tuple(_expand(match, False, family, limit))


def alternatives(element: TupleIn) -> Match:
    """The same as a disjunction of conjunctions, one per element."""
    return AnyOf(
        tuple(
            AllOf(tuple(FieldIn(f, v) for f, v in zip(element.fields, values, strict=True)))
            for values in element.elements
        )
    )


def disjoint(left: Conjunction, right: Conjunction) -> bool:
    """True when some field shows that no packet is in both; False means unknown."""
    for field, values in left.fields.items():
        other = right.fields.get(field)
        if other is not None and _is_empty(_intersect(values, other)):
            return True
        banned = right.excluded.get(field)
        if banned is not None and _within(values, banned):
            return True
    return any(
        field in right.fields and _within(right.fields[field], banned) for field, banned in left.excluded.items()
    )


# ----- expansion -------------------------------------------------------------


def _expand(match: Match, negated: bool, family: Family, limit: int) -> list[Conjunction]:
    match match:
        case Not():
            return _expand(match.match, not negated, family, limit)
        case Always():
            return [] if negated else [EVERYTHING]
        case AllOf():
            parts = match.parts
            return _union(parts, True, family, limit) if negated else _product(parts, False, family, limit)
        case AnyOf():
            if negated:
                return _product(match.parts, True, family, limit)
            return _union(_merged(match.parts), False, family, limit)
        case FieldIn():
            return _field(match.field, match.values, negated, family)
        case MaskedIn():
            return _masked(match, negated, family)
        case SetRef():
            return [Conjunction({}, {}, sets=(Literal(match, negated),))]
        case TupleIn():
            return _tuple(match, negated, family, limit)
        case _:
            return [Conjunction({}, {}, opaque=(Literal(match, negated),))]


def _union(parts: tuple[Match, ...], negated: bool, family: Family, limit: int) -> list[Conjunction]:
    out: list[Conjunction] = []
    for part in parts:
        out.extend(_expand(part, negated, family, limit))
        _check(len(out), limit)
    return out


def _product(parts: tuple[Match, ...], negated: bool, family: Family, limit: int) -> list[Conjunction]:
    out = [EVERYTHING]
    if not negated and len(parts) > 1:
        fields, parts = _plain(parts, family)
        if fields is None:
            return []
        if fields:
            out = [Conjunction(fields, {})]
    for part in parts:
        right = _expand(part, negated, family, limit)
        if len(right) == 1 and right[0].is_always:
            continue
        _check(len(out) * len(right), limit * 4)
        out = [both for one in out for two in right if (both := join(one, two)) is not None]
        _check(len(out), limit)
        if not out:
            break
    return out


def _plain(parts: tuple[Match, ...], family: Family) -> tuple[dict[Field, Values] | None, tuple[Match, ...]]:
    """Simple value conditions joined at once, and the other parts; None when no value is left for some field."""
    fields: dict[Field, Values] = {}
    rest: list[Match] = []
    for part in parts:
        if type(part) is not FieldIn or (isinstance(part.values, IfaceSet) and part.values.negated):
            rest.append(part)
            continue
        found = _field(part.field, part.values, False, family)
        if not found:
            return None, ()
        for field, values in found[0].fields.items():
            known = fields.get(field)
            if known is not None:
                values = _intersect(known, values)
                if _is_empty(values):
                    return None, ()
            fields[field] = values
    return fields, tuple(rest)


def _check(count: int, limit: int) -> None:
    if count > limit:
        raise TooManyConjunctions(f"the condition expands to more than {limit} alternatives")


def _merged(parts: tuple[Match, ...]) -> tuple[Match, ...]:
    """Alternatives that test one and the same integer or address field become one test."""
    if len(parts) < 2 or not all(isinstance(p, FieldIn) for p in parts):
        return parts
    by_field: dict[Field, Values] = {}
    for part in parts:
        assert isinstance(part, FieldIn)
        known = by_field.get(part.field)
        if isinstance(part.values, IfaceSet):
            return parts
        by_field[part.field] = part.values if known is None else _unite(known, part.values)
    return tuple(FieldIn(field, values) for field, values in by_field.items())


# ----- leaves ----------------------------------------------------------------


def _field(field: Field, values: Values, negated: bool, family: Family) -> list[Conjunction]:
    if field is Field.FAMILY:
        assert isinstance(values, IntervalSet)
        return [EVERYTHING] if (family.value in values) is not negated else []
    if isinstance(values, AddressSet):
        return _one(field, values.only(family), negated, _EVERY_ADDRESS[family])
    if isinstance(values, IfaceSet):
        if negated:
            values = ~values
        if values.is_empty:
            return []
        if values.is_any:
            return [EVERYTHING]
        if values.negated:
            return [Conjunction({}, {field: ~values})]
        return [Conjunction({field: values}, {})]
    return _integer(field, values, negated, family)


def _one(field: Field, values: Values, negated: bool, everything: Values) -> list[Conjunction]:
    if values == everything:
        return [] if negated else [EVERYTHING]
    if _is_empty(values):
        return [EVERYTHING] if negated else []
    return [Conjunction({}, {field: values})] if negated else [Conjunction({field: values}, {})]


def _integer(field: Field, values: IntervalSet, negated: bool, family: Family) -> list[Conjunction]:
    domain = DOMAINS[field]
    values = values & domain
    carriers = CARRIERS.get(field)
    if carriers is None:
        if negated and field in COMPLEMENTED:
            return _one(field, domain - values, False, domain)
        return _one(field, values, negated, domain)
    if _foreign(field, family):
        return [EVERYTHING] if negated else []
    if not negated:
        if not values:
            return []
        whole = {Field.PROTOCOL: carriers} if values == domain else {field: values, Field.PROTOCOL: carriers}
        return [Conjunction(dict(whole), {})]
    out = [Conjunction({}, {Field.PROTOCOL: carriers})]
    rest = domain - values
    if rest == domain:
        return [EVERYTHING]
    if rest:
        if field in COMPLEMENTED:
            out.append(Conjunction({field: rest, Field.PROTOCOL: carriers}, {}))
        else:
            out.append(Conjunction({Field.PROTOCOL: carriers}, {field: values}))
    return out


def _foreign(field: Field, family: Family) -> bool:
    """True for the other family's ICMP."""
    return (field is Field.ICMP and family is Family.V6) or (field is Field.ICMPV6 and family is Family.V4)


def _masked(match: MaskedIn, negated: bool, family: Family) -> list[Conjunction]:
    if match.family is not None and match.family is not family:
        return [EVERYTHING] if negated else []
    if not match.values:
        return [EVERYTHING] if negated else []
    carriers = CARRIERS.get(match.field)
    if carriers is None:
        return [Conjunction({}, {}, masked=(Literal(match, negated),))]
    if _foreign(match.field, family):
        return [EVERYTHING] if negated else []
    inside = Conjunction({Field.PROTOCOL: carriers}, {}, masked=(Literal(match, negated),))
    return [Conjunction({}, {Field.PROTOCOL: carriers}), inside] if negated else [inside]


def _tuple(match: TupleIn, negated: bool, family: Family, limit: int) -> list[Conjunction]:
    """A tuple with one possible element is the conjunction of its fields; more stay together for the printer."""
    elements = _possible(match.fields, match.elements, family)
    if len(elements) == 1 or not elements:
        single: Match = alternatives(TupleIn(match.fields, elements)) if elements else NEVER
        return _expand(single, negated, family, limit)
    kept = match if len(elements) == len(match.elements) else TupleIn(match.fields, elements, match.name)
    return [Conjunction({}, {}, tuples=(Literal(kept, negated),))]


def _possible(
    fields: tuple[Field, ...], elements: tuple[tuple[Values, ...], ...], family: Family
) -> tuple[tuple[Values, ...], ...]:
    """The elements that a packet of the family can be."""
    if not elements:
        return ()
    wrong: list[set[int]] = []
    for field, different in zip(fields, different_values(elements), strict=True):
        wrong.append({key for key, values in different.items() if not _has_values(field, values, family)})
        if len(wrong[-1]) == len(different):
            return ()
    if not any(wrong):
        return elements
    return tuple(
        element
        for element in elements
        if not any(id(values) in none for values, none in zip(element, wrong, strict=True))
    )


def _has_values(field: Field, values: Values, family: Family) -> bool:
    if _is_empty(values):
        return False
    if isinstance(values, AddressSet):
        return bool(values.family(family))
    return not isinstance(values, IntervalSet) or not (
        _foreign(field, family) or (field is Field.FAMILY and family.value not in values)
    )


# ----- joining ---------------------------------------------------------------


def join(left: Conjunction, right: Conjunction) -> Conjunction | None:
    """Both at once, or None when a field has no value left."""
    fields, excluded = dict(left.fields), dict(left.excluded)
    for field, values in right.fields.items():
        known = fields.get(field)
        if known is not None:
            values = _intersect(known, values)
        fields[field] = values
    for field, values in right.excluded.items():
        known = excluded.get(field)
        excluded[field] = values if known is None else _unite(known, values)
    for field in [f for f in excluded if f in fields]:
        remaining, rest = _without(fields[field], excluded[field])
        fields[field] = remaining
        if rest is None:
            del excluded[field]
        else:
            excluded[field] = rest
    if any(_is_empty(values) for values in fields.values()):
        return None
    if any(_fills(field, values) for field, values in excluded.items()):
        return None
    return Conjunction(
        fields,
        excluded,
        left.masked + right.masked,
        left.sets + right.sets,
        left.tuples + right.tuples,
        left.opaque + right.opaque,
    )


def _is_empty(values: Values) -> bool:
    return values.is_empty if isinstance(values, IfaceSet) else not values


def _fills(field: Field, values: Values) -> bool:
    """True when nothing outside `values` is left."""
    if isinstance(values, IntervalSet):
        return not (DOMAINS[field] - values)
    if isinstance(values, IfaceSet):
        return values.is_any
    return (not values.v6 and values.v4 == IntervalSet.full(32)) or (
        not values.v4 and values.v6 == IntervalSet.full(128)
    )


def _intersect(left: Values, right: Values) -> Values:
    if isinstance(left, IntervalSet) and isinstance(right, IntervalSet):
        return left & right
    if isinstance(left, AddressSet) and isinstance(right, AddressSet):
        return left & right
    assert isinstance(left, IfaceSet) and isinstance(right, IfaceSet)
    return IfaceSet.of(_common(left, right))


def _common(left: IfaceSet, right: IfaceSet) -> Iterator[str]:
    """Names and wildcards of the intersection of two sets that are not negated."""
    for one, two in ((left, right), (right, left)):
        yield from (n for n in one.names if n in two)
        for prefix in one.prefixes:
            if any(prefix.startswith(other) for other in two.prefixes):
                yield prefix + "*"


def _unite(left: Values, right: Values) -> Values:
    if isinstance(left, IntervalSet) and isinstance(right, IntervalSet):
        return left | right
    if isinstance(left, AddressSet) and isinstance(right, AddressSet):
        return left | right
    assert isinstance(left, IfaceSet) and isinstance(right, IfaceSet)
    return IfaceSet.of([*left.texts(), *right.texts()])


def _without(values: Values, banned: Values) -> tuple[Values, Values | None]:
    """The values left, and the part of `banned` that could not be taken out (a name inside a wildcard)."""
    if isinstance(values, IntervalSet) and isinstance(banned, IntervalSet):
        return values - banned, None
    if isinstance(values, AddressSet) and isinstance(banned, AddressSet):
        return values - banned, None
    assert isinstance(values, IfaceSet) and isinstance(banned, IfaceSet)
    names = frozenset(n for n in values.names if n not in banned)
    prefixes = frozenset(p for p in values.prefixes if not any(p.startswith(b) for b in banned.prefixes))
    inner_names = frozenset(n for n in banned.names if any(n.startswith(p) for p in prefixes))
    inner_prefixes = frozenset(b for b in banned.prefixes if any(b.startswith(p) for p in prefixes))
    left = IfaceSet(names, prefixes)
    return left, IfaceSet(inner_names, inner_prefixes) if inner_names or inner_prefixes else None


def _within(values: Values, outer: Values) -> bool:
    if isinstance(values, IfaceSet):
        left, _ = _without(values, outer)
        return _is_empty(left)
    if isinstance(values, IntervalSet) and isinstance(outer, IntervalSet):
        return values <= outer
    if isinstance(values, AddressSet) and isinstance(outer, AddressSet):
        return values <= outer
    raise TypeError(f"values of different kinds: {values!r}, {outer!r}")
