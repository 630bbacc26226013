"""What a statement is about, as conditions."""

from __future__ import annotations

import dataclasses

from fwc.elaborate.flows import Flow
from fwc.elaborate.sites import DUAL, bit
from fwc.ir.match import Field, FieldIn, Match, all_of, any_of, family_is
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP
from fwc.records import Record

Flows = tuple[Flow, ...]

_PORTS = IntervalSet.of(*PORT_PROTOCOLS)


class TrafficForm(Record):
    """`parts` all hold; none means any traffic. `families` and `narrow` as in `Form`."""

    parts: tuple[Match, ...]
    families: int
    narrow: bool


def family_bits(flow: Flow) -> int:
    return DUAL if flow.family is None else bit(flow.family)


def traffic_form(flows: Flows, families: int) -> TrafficForm | None:
    """The traffic within `families`; None when it belongs to the other one."""
    kept = [f for f in flows if family_bits(f) & families]
    if not kept:
        return None
    bits = 0
    for flow in kept:
        bits |= family_bits(flow) & families
    if len(kept) == 1:
        parts = _parts(kept[0], families)
        return TrafficForm(parts, bits, _says_family(kept[0], families))
    return TrafficForm(
        (any_of(*(all_of(*_parts(flow, families)) for flow in kept)),),
        bits,
        all(_says_family(f, families) for f in kept),
    )


def _says_family(flow: Flow, families: int) -> bool:
    return flow.family is not None and (flow.icmp is not None or families == DUAL)


def _parts(flow: Flow, families: int) -> tuple[Match, ...]:
    if flow.icmp is not None:
        return (FieldIn(Field.ICMP if flow.family is Family.V4 else Field.ICMPV6, flow.icmp),)
    parts: list[Match] = []
    if flow.family is not None and families == DUAL:
        parts.append(family_is(flow.family))
    if flow.protocols is not None:
        parts.append(FieldIn(Field.PROTOCOL, flow.protocols))
    if flow.sport is not None:
        parts.append(FieldIn(Field.SPORT, flow.sport))
    if flow.dport is not None:
        parts.append(FieldIn(Field.DPORT, flow.dport))
    return tuple(parts)


def reversed_flows(flows: Flows) -> Flows:
    """The replies' traffic: ports swapped. An ICMP request's reply has another type, which `reply_types` knows."""
    return tuple(
        dataclasses.replace(f, icmp=_reply_types(f))
        if f.icmp is not None
        else dataclasses.replace(f, sport=f.dport, dport=f.sport)
        for f in flows
    )


# RFC 792, 950: echo, timestamp, information, address mask; RFC 4443: echo
_REPLIES = {Family.V4: {8: 0, 13: 14, 15: 16, 17: 18}, Family.V6: {128: 129, 139: 140, 144: 145}}


def _reply_types(flow: Flow) -> IntervalSet | None:
    """Requests become their replies and replies their requests; other types stay, as errors have no reply."""
    assert flow.icmp is not None
    assert flow.family is not None
    table = _REPLIES[flow.family]
    both = {**table, **{b: a for a, b in table.items()}}
    runs = []
    for low, high in flow.icmp.runs:
        for kind in range(low >> 8, (high >> 8) + 1):
            first = max(low, kind << 8) & 0xFF
            last = min(high, kind << 8 | 0xFF) & 0xFF
            other = both.get(kind, kind)
            runs.append((other << 8 | first, other << 8 | last))
    return IntervalSet(runs)


def may_be(flows: Flows, protocol: int) -> bool:
    """Can a packet of this protocol be among the traffic."""
    if protocol in (ICMP, ICMPV6):
        family = Family.V4 if protocol == ICMP else Family.V6
        return any((f.protocols is None or protocol in f.protocols) and f.family in (None, family) for f in flows)
    return any(f.protocols is None or protocol in f.protocols for f in flows)


def only(flows: Flows, protocol: int) -> bool:
    """Is every packet of the traffic of this protocol."""
    return all(f.protocols is not None and f.protocols == IntervalSet.of(protocol) for f in flows)


def only_with_ports(flows: Flows) -> bool:
    return all(f.protocols is not None and f.protocols <= _PORTS for f in flows)


def only_tcp(flows: Flows) -> bool:
    return only(flows, TCP)
