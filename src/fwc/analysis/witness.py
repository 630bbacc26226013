"""A point of the packet space as a concrete packet and as one line of text."""

from __future__ import annotations

from fwc.ir.match import CtState, Field
from fwc.net.addresses import format_address
from fwc.net.hooks import Family
from fwc.net.packet import Packet
from fwc.space.boxes import BITWISE
from fwc.space.fields import Dimensions, Kind, Point, iface_name

_PORTS = frozenset({6, 17, 33, 132, 136})
_PROTOCOLS = {
    1: "icmp",
    2: "igmp",
    6: "tcp",
    17: "udp",
    33: "dccp",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "icmpv6",
    132: "sctp",
}
_STATES = {state.value: state.name.lower() for state in CtState}


def _value(dimensions: Dimensions, point: Point, key: object, default: int) -> int:
    known = dimensions.known(key)
    return default if known is None else point.get(known.index, default)


def _bits(dimensions: Dimensions, point: Point, field: Field, default: int) -> int:
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
    ports = protocol in _PORTS
    minute = dimensions.known("minute")
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
        minute=point.get(minute.index) if minute is not None else None,
    )


def _iface(value: int) -> str:
    return iface_name(value) if value else ""


def point_text(dimensions: Dimensions, point: Point) -> str:
    """`tcp 10.0.0.1:1024 -> 10.0.0.5:22 in eth0 new`, and the conditions outside the packet that must hold."""
    packet = point_packet(dimensions, point)
    extra = [
        f"{dimension.name} is {'met' if point[dimension.index] else 'not met'}"
        for dimension in dimensions.dimensions
        if dimension.kind is Kind.ATOM and dimension.index in point
    ]
    text = packet_text(packet)
    return f"{text}, when {' and '.join(extra)}" if extra else text


def packet_text(packet: Packet) -> str:
    source = format_address(packet.family, packet.saddr)
    destination = format_address(packet.family, packet.daddr)
    name = _PROTOCOLS.get(packet.protocol, f"protocol {packet.protocol}")
    if packet.protocol in _PORTS:
        wrap = "[{}]:{}" if packet.family is Family.V6 else "{}:{}"
        source, destination = wrap.format(source, packet.sport), wrap.format(destination, packet.dport)
    elif packet.protocol in (1, 58):
        name += f" type {packet.icmp >> 8} code {packet.icmp & 255}"
    parts = [f"{name} {source} -> {destination}"]
    if packet.iif:
        parts.append(f"in {packet.iif}")
    if packet.oif:
        parts.append(f"out {packet.oif}")
    if packet.mark:
        parts.append(f"mark {packet.mark:#x}")
    parts.append(packet.state)
    return " ".join(parts)
