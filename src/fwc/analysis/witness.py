"""A point of the packet space as a concrete packet and as one line of text."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from fwc.ir.match import CtState, Field
from fwc.net.hooks import Family
from fwc.net.packet import Packet
from fwc.net.packet_words import packet_text
from fwc.net.protocols import PORT_PROTOCOLS
from fwc.space.boxes import BITWISE
from fwc.space.fields import Box, Dimensions, Kind, Point, clock_key, iface_name

_STATES = {state.value: state.name.lower() for state in CtState}


def _value(dimensions: Dimensions, point: Point, key: object, default: int) -> int:
    known = dimensions.known(key)
    return default if known is None else point.get(known.index, default)


def _bits(dimensions: Dimensions, point: Point, field: Field, default: int) -> int:
    if dimensions.known(field) is not None:
        return _value(dimensions, point, field, default)
    value = 0
    for bit in range(BITWISE[field]):
        value |= _value(dimensions, point, (field, "bit", bit), default >> bit & 1) << bit
    return value


def protocol_of(dimensions: Dimensions, point: Point) -> int:
    """The protocol, chosen so that the fields which the point gives exist; tcp when it leaves that open."""
    return _value(dimensions, point, Field.PROTOCOL, 6)


def point_packet(dimensions: Dimensions, point: Point) -> Packet:
    """The packet at `point`; what the point leaves open gets the ordinary value (tcp, port 1024, state new)."""

    def value(field: Field, default: int = 0) -> int:
        return _value(dimensions, point, field, default)

    family = dimensions.family
    host = 0xC0000201 if family is Family.V4 else 0x20010DB8 << 96 | 1
    protocol = protocol_of(dimensions, point)
    ports = protocol in PORT_PROTOCOLS
    week = dimensions.known(clock_key("week", False))
    return Packet(
        family=family,
        protocol=protocol,
        saddr=value(Field.SADDR, host),
        daddr=value(Field.DADDR, host + 1),
        sport=value(Field.SPORT, 1024) if ports else 0,
        dport=value(Field.DPORT, 1024) if ports else 0,
        icmp=value(Field.ICMP if family is Family.V4 else Field.ICMPV6) if protocol in (1, 58) else 0,
        flags=_bits(dimensions, point, Field.TCP_FLAGS, 2) if protocol == 6 else 0,
        iif=_iface(value(Field.IIF)),
        oif=_iface(value(Field.OIF)),
        state=_STATES[value(Field.CT_STATE, CtState.NEW.value)],
        mark=_bits(dimensions, point, Field.MARK, 0),
        ct_mark=_bits(dimensions, point, Field.CT_MARK, 0),
        ttl=value(Field.TTL, 64),
        length=value(Field.LENGTH, 60),
        dscp=value(Field.DSCP),
        fragment=bool(value(Field.FRAGMENT)),
        pkttype=value(Field.PKTTYPE),
        smac=value(Field.SMAC),
        second=point.get(week.index) if week is not None else None,
    )


def _iface(value: int) -> str:
    return iface_name(value) if value else ""


def point_text(dimensions: Dimensions, point: Point) -> str:
    """`tcp 10.0.0.1:1024 -> 10.0.0.5:22 in eth0 new`, and the conditions outside the packet that must hold."""
    packet = point_packet(dimensions, point)
    extra = dict.fromkeys(
        f"{dimension.name} is {'met' if point[dimension.index] else 'not met'}"
        for dimension in dimensions.dimensions
        if dimension.kind is Kind.ATOM and dimension.index in point
    )
    text = packet_text(packet)
    return f"{text}, when {' and '.join(extra)}" if extra else text


def with_values(
    dimensions: Dimensions, point: Point, values: Iterable[tuple[Hashable, int]], fits: Callable[[Point], bool]
) -> Point:
    """The point with as many of the values (key of a dimension, value) as it may have one after the other and still fit."""
    for key, value in values:
        known = dimensions.known(key)
        if known is not None and point.get(known.index, -1) != value:
            changed = {**point, known.index: value}
            if fits(changed):
                point = changed
    return point


def stays_first(dimensions: Dimensions, box: Box, before: Sequence[Box]) -> Callable[[Point], bool]:
    """Whether a point is in the box and outside those before it."""
    return lambda point: dimensions.holds(box, point) and not any(dimensions.holds(each, point) for each in before)
