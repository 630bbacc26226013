"""Does a concrete packet satisfy a condition, and if not, which part of it fails."""

from __future__ import annotations

from typing import assert_never

from fwc.ir.match import (
    AddressTypeIs,
    AllOf,
    Always,
    AnyOf,
    CgroupIs,
    Chance,
    EveryNth,
    Field,
    FieldIn,
    HelperIs,
    MaskedIn,
    Match,
    NoRoute,
    Not,
    Opaque,
    Owner,
    Recent,
    RecentAct,
    ReversePathFails,
    RouteLeavesBy,
    SetRef,
    TimeWindow,
    TupleIn,
    Values,
    WithinConnections,
    WithinRate,
)
from fwc.ir.text import match_text
from fwc.net.address_types import possibly, surely
from fwc.net.addresses import AddressSet
from fwc.net.clock import DAY
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.sim.journey import PORT_PROTOCOLS, Journey

ADDRESS_FIELDS = frozenset({Field.SADDR, Field.DADDR, Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR})


def mismatch(match: Match, at: Journey) -> Match | None:
    """None when the packet satisfies `match`, otherwise the smallest part that it does not satisfy."""
    match match:
        case FieldIn():
            return None if field_in(match.field, match.values, at) else match
        case AllOf():
            for part in match.parts:
                failed = mismatch(part, at)
                if failed is not None:
                    return failed
            return None
        case AnyOf():
            return None if any(mismatch(part, at) is None for part in match.parts) else match
        case Not():
            return match if mismatch(match.match, at) is None else None
        case Always():
            return None
        case MaskedIn():
            return None if _masked(match, at) else match
        case TupleIn():
            return None if tuple_in(match.fields, match.elements, at) else match
        case SetRef():
            return None if _in_set(match, at) else match
        case _:
            return None if _assumed(match, at) else match


def field_value(field: Field, at: Journey) -> int | None:
    """The number a field holds in the packet, None where the packet has no such field. Not for interfaces."""
    packet = at.packet
    match field:
        case Field.FAMILY:
            return packet.family.value
        case Field.SADDR:
            return packet.saddr
        case Field.DADDR:
            return packet.daddr
        case Field.PROTOCOL:
            return packet.protocol
        case Field.SPORT:
            return packet.sport if packet.protocol in PORT_PROTOCOLS else None
        case Field.DPORT:
            return packet.dport if packet.protocol in PORT_PROTOCOLS else None
        case Field.ICMP:
            return packet.icmp if packet.protocol == 1 and packet.family is Family.V4 else None
        case Field.ICMPV6:
            return packet.icmp if packet.protocol == 58 and packet.family is Family.V6 else None
        case Field.TCP_FLAGS:
            return packet.flags if packet.protocol == 6 else None
        case Field.CT_STATE:
            return at.state.value
        case Field.MARK:
            return packet.mark
        case Field.TTL:
            return packet.ttl
        case Field.DSCP:
            return packet.dscp
        case Field.LENGTH:
            return packet.length
        case Field.FRAGMENT:
            return int(packet.fragment)
        case Field.PKTTYPE:
            return packet.pkttype
        case Field.SMAC:
            return packet.smac
        case Field.IPSEC | Field.IPSEC_OUT:
            return 0
        case Field.VLAN:
            return None
        case Field.PF_TAG:
            return at.names.index(at.tag) if at.tag in at.names else None
        case _:
            return _connection_value(field, at)


def _connection_value(field: Field, at: Journey) -> int | None:
    connection = at.connection
    if field is Field.CT_STATUS:
        return at.status if at.tracked else None
    if field is Field.CT_MARK:
        return connection.mark if connection else at.packet.ct_mark
    if connection is None:
        return None
    match field:
        case Field.CT_ORIG_DPORT:
            return connection.original[5] if connection.original[1] in PORT_PROTOCOLS else None
        case Field.CT_ORIG_SADDR:
            return connection.original[2]
        case Field.CT_ORIG_DADDR:
            return connection.original[4]
        case _:
            raise ValueError(f"{field} is not a number")


def field_in(field: Field, values: Values, at: Journey) -> bool:
    """Is the packet's value of `field` one of `values`; a packet without the field has no value."""
    if isinstance(values, IfaceSet):
        return (at.packet.iif if field is Field.IIF else at.packet.oif) in values
    value = field_value(field, at)
    if value is None:
        return False
    if isinstance(values, AddressSet):
        return value in values.family(at.packet.family)
    return value in values


def tuple_in(fields: tuple[Field, ...], elements: tuple[tuple[Values, ...], ...], at: Journey) -> bool:
    return any(
        all(field_in(field, values, at) for field, values in zip(fields, element, strict=True)) for element in elements
    )


def _masked(match: MaskedIn, at: Journey) -> bool:
    if match.family is not None and at.packet.family is not match.family:
        return False
    value = field_value(match.field, at)
    return value is not None and value & match.mask in match.values


def set_key(fields: tuple[Field, ...], at: Journey) -> tuple[int, ...] | None:
    """The element that the packet would be in a run-time set; addresses carry their family. None: it has no such field."""
    key: list[int] = []
    for field in fields:
        value = field_value(field, at)
        if value is None:
            return None
        key.append(value)
        if field in ADDRESS_FIELDS:
            key.append(at.packet.family.value)
    return tuple(key)


def _in_set(match: SetRef, at: Journey) -> bool:
    declared = at.sets.get(match.set)
    if declared is not None and tuple_in(match.fields, declared.elements, at):
        return True
    key = set_key(match.fields, at)
    if key is not None and key in at.session.sets.get(match.set, ()):
        return True
    if declared is None or declared.runtime:
        for field in match.fields:
            value = field_value(field, at)
            if value is not None and (match.set, value) in at.assumptions.members:
                at.assume(f"the run-time set @{match.set} holds the packet")
                return True
        at.assume(f"the run-time set @{match.set} does not hold the packet")
    return False


def _assumed(
    match: WithinRate
    | WithinConnections
    | TimeWindow
    | Chance
    | EveryNth
    | Recent
    | Owner
    | HelperIs
    | CgroupIs
    | AddressTypeIs
    | ReversePathFails
    | RouteLeavesBy
    | NoRoute
    | Opaque,
    at: Journey,
) -> bool:
    assumptions = at.assumptions
    match match:
        case WithinRate():
            at.assume("the packet is within every rate" if assumptions.within_rate else "every rate is exceeded")
            return assumptions.within_rate is not match.over
        case WithinConnections():
            within = assumptions.within_connections
            at.assume("no connection count is exceeded" if within else "every connection count is exceeded")
            return within is not match.over
        case TimeWindow():
            return _in_window(match, at)
        case Chance():
            at.assume("a `chance` condition " + ("holds" if assumptions.chance else "does not hold"))
            return assumptions.chance
        case EveryNth():
            at.assume(f"it is not the turn of this packet (1 in {match.every})")
            return False
        case Recent() if match.act is RecentAct.SET:
            return True
        case Recent():
            at.assume(f"the list of recent addresses {match.name} does not hold the packet")
            return False
        case Owner():
            return (at.packet.user if match.kind == "user" else at.packet.group) in match.names
        case HelperIs():
            at.assume(f"the connection has no helper, so not {match.name}")
            return False
        case CgroupIs():
            at.assume(f"the sender is not in the cgroup {match.path}")
            return False
        case AddressTypeIs(side, kind) if (known := _address_type(side, kind, at)) is not None:
            return known
        case AddressTypeIs() | ReversePathFails() | RouteLeavesBy() | NoRoute():
            at.assume(f"`{match_text(match)}` is {'true' if assumptions.opaque else 'not true'}")
            return assumptions.opaque
        case Opaque():
            at.assume(f"`{match.text}` " + ("matches" if assumptions.opaque else "does not match"))
            return assumptions.opaque
        case _:
            assert_never(match)


def _address_type(side: Field, kind: str, at: Journey) -> bool | None:
    """Whether the address has the type; None when that depends on the machine."""
    address, family = at.packet.saddr if side is Field.SADDR else at.packet.daddr, at.packet.family
    if address in surely(kind, family):
        return True
    return None if address in possibly(kind, family) else False


def _in_window(match: TimeWindow, at: Journey) -> bool:
    if match.since:
        at.assume(f"it is not before {match.since}")
    if match.until:
        at.assume(f"it is not after {match.until}")
    if match.start is None and not match.days:
        return True
    if at.packet.second is None or match.utc:
        at.assume("the time is outside every `time` and `days` condition")
        return False
    day, second = divmod(at.packet.second, DAY)
    if match.days and day not in match.days:
        return False
    if match.start is None or match.end is None:
        return True
    return match.start <= second < match.end
