"""The disjunctive normal form has exactly the packets of the match."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwc.ir.match import (
    ALWAYS,
    AllOf,
    AnyOf,
    Chance,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    TupleIn,
    all_of,
    negate,
)
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import CARRIERS, Conjunction, TooManyConjunctions, conjunctions, disjoint

Packet = dict[Field, int | str]

V4 = Family.V4


def addresses(low: int, high: int) -> AddressSet:
    return AddressSet(IntervalSet.range(low, high), IntervalSet.range(low + 1, high + 1))


def has(packet: Packet, field: Field, values: object, family: Family) -> bool:
    if field in CARRIERS and packet[Field.PROTOCOL] not in CARRIERS[field]:
        return False
    if (field is Field.ICMP and family is Family.V6) or (field is Field.ICMPV6 and family is Family.V4):
        return False
    value = packet[field]
    if isinstance(values, AddressSet):
        return value in values.family(family)
    return value in values  # type: ignore[operator]


def matches(match: Match, packet: Packet, family: Family) -> bool:
    match match:
        case AllOf():
            return all(matches(p, packet, family) for p in match.parts)
        case AnyOf():
            return any(matches(p, packet, family) for p in match.parts)
        case Not():
            return not matches(match.match, packet, family)
        case FieldIn():
            return has(packet, match.field, match.values, family)
        case MaskedIn():
            if match.field in CARRIERS and packet[Field.PROTOCOL] not in CARRIERS[match.field]:
                return False
            return int(packet[match.field]) & match.mask in match.values
        case TupleIn():
            return any(
                all(has(packet, f, v, family) for f, v in zip(match.fields, e, strict=True)) for e in match.elements
            )
    return True


def holds(conjunction: Conjunction, packet: Packet, family: Family) -> bool:
    return (
        all(has(packet, f, v, family) for f, v in conjunction.fields.items())
        and not any(has(packet, f, v, family) for f, v in conjunction.excluded.items())
        and all(matches(x.match, packet, family) is not x.negated for x in (*conjunction.masked, *conjunction.tuples))
    )


def leaf() -> st.SearchStrategy[Match]:
    small = st.tuples(st.integers(0, 7), st.integers(0, 7)).map(lambda t: IntervalSet.range(min(t), max(t)))
    ports = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(lambda t: IntervalSet.range(min(t), max(t)))
    nets = st.tuples(st.integers(0, 7), st.integers(0, 7)).map(lambda t: addresses(min(t), max(t)))
    names = st.lists(st.sampled_from(["eth0", "eth1", "ppp0", "ppp*", "e*", "lo"]), min_size=1, max_size=3)
    protocols = st.lists(st.sampled_from([1, 6, 17, 47, 58]), min_size=1, max_size=3).map(lambda x: IntervalSet.of(*x))
    return st.one_of(
        st.builds(FieldIn, st.sampled_from([Field.SADDR, Field.DADDR]), nets),
        st.builds(FieldIn, st.sampled_from([Field.IIF, Field.OIF]), names.map(IfaceSet.of)),
        st.builds(FieldIn, st.sampled_from([Field.SPORT, Field.DPORT]), ports),
        st.builds(FieldIn, st.just(Field.PROTOCOL), protocols),
        st.builds(FieldIn, st.sampled_from([Field.ICMP, Field.ICMPV6, Field.CT_STATE, Field.MARK]), small),
        st.builds(MaskedIn, st.sampled_from([Field.TCP_FLAGS, Field.MARK]), st.integers(0, 7), small),
        st.builds(
            lambda a, b: TupleIn((Field.SADDR, Field.DPORT), tuple(zip(a, b, strict=False))),
            st.lists(nets, min_size=1, max_size=3),
            st.lists(ports, min_size=1, max_size=3),
        ),
    )


def tree() -> st.SearchStrategy[Match]:
    return st.recursive(
        leaf(),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda x: AllOf(tuple(x))),
            st.lists(inner, max_size=3).map(lambda x: AnyOf(tuple(x))),
            inner.map(negate),
        ),
        max_leaves=8,
    )


def packet() -> st.SearchStrategy[Packet]:
    small = st.integers(0, 8)
    port = st.integers(0, 65535)
    return st.fixed_dictionaries(
        {
            Field.SADDR: small,
            Field.DADDR: small,
            Field.IIF: st.sampled_from(["eth0", "eth1", "ppp0", "ppp1", "lo", "em1"]),
            Field.OIF: st.sampled_from(["eth0", "eth1", "ppp0", "ppp1", "lo", "em1"]),
            Field.PROTOCOL: st.sampled_from([1, 6, 17, 47, 58]),
            Field.SPORT: port,
            Field.DPORT: port,
            Field.ICMP: small,
            Field.ICMPV6: small,
            Field.CT_STATE: st.integers(0, 4),
            Field.MARK: small,
            Field.TCP_FLAGS: small,
        }
    )


@settings(max_examples=300, deadline=None)
@given(tree(), st.lists(packet(), min_size=5, max_size=20), st.sampled_from(list(Family)))
def test_same_packets(match: Match, packets: list[Packet], family: Family) -> None:
    parts = conjunctions(match, family)
    for each in packets:
        inside = [p for p in parts if holds(p, each, family)]
        assert bool(inside) == matches(match, each, family)
        for i, left in enumerate(inside):
            assert not any(disjoint(left, right) for right in inside[i + 1 :])


def test_empty_family_is_no_conjunction() -> None:
    v6_only = FieldIn(Field.SADDR, AddressSet(v6=IntervalSet.of(1)))
    assert conjunctions(v6_only, V4) == ()
    assert conjunctions(negate(v6_only), V4)[0].is_always


def test_negated_port_keeps_other_protocols() -> None:
    parts = conjunctions(negate(FieldIn(Field.DPORT, IntervalSet.of(22))), V4)
    assert [sorted(f.value for f in p.excluded) for p in parts] == [["protocol"], ["dport"]]


def test_negated_port_of_tcp_is_one_rule() -> None:
    match = all_of(FieldIn(Field.PROTOCOL, IntervalSet.of(6)), negate(FieldIn(Field.DPORT, IntervalSet.of(22))))
    (only,) = conjunctions(match, V4)
    assert only.fields == {Field.PROTOCOL: IntervalSet.of(6)}
    assert only.excluded == {Field.DPORT: IntervalSet.of(22)}


def test_bounded() -> None:
    pair = AnyOf((Chance(1), Chance(2)))
    with pytest.raises(TooManyConjunctions):
        conjunctions(AllOf((pair,) * 13), V4)
    assert conjunctions(ALWAYS, V4)[0].is_always
