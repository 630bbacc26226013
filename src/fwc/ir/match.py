"""Conditions of a rule: a closed union of node types, and what each field's values are.

`FieldIn` compares one field of the packet with a set of values. Conditions that depend on more than the packet and its
connection (time, rates, sockets, foreign extensions) are nodes of their own: the analysis knows them as "may match".
"""

from __future__ import annotations

import dataclasses
from enum import Enum

from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record


class Field(Enum):
    """A field of a packet, its connection or its path.

    Address fields take `AddressSet`, `IIF` and `OIF` take `IfaceSet`, all others take `IntervalSet`. A field implies the
    packets that have it: `DPORT` only tcp, udp, udplite, sctp, dccp; `ICMP` only IPv4 icmp; `ICMPV6` only IPv6 icmpv6;
    `TCP_FLAGS` only tcp; an address field only the families in which its set has members.
    """

    __hash__ = object.__hash__  # members are unique; Enum hashes their names, which costs a Python call

    FAMILY = "family"  # 4 or 6
    IIF = "iif"
    OIF = "oif"
    SADDR = "saddr"
    DADDR = "daddr"
    PROTOCOL = "protocol"  # the transport protocol, after IPv6 extension headers
    SPORT = "sport"
    DPORT = "dport"
    ICMP = "icmp"  # type << 8 | code
    ICMPV6 = "icmpv6"  # type << 8 | code
    TCP_FLAGS = "tcp-flags"  # 8 bits: fin 1, syn 2, rst 4, psh 8, ack 16, urg 32, ece 64, cwr 128
    CT_STATE = "ct-state"  # one of the five CtState values, not a bit mask
    CT_STATUS = "ct-status"  # bits as in net.conntrack.CtStatus; use MaskedIn
    CT_ORIG_DPORT = "ct-original-dport"
    CT_ORIG_SADDR = "ct-original-saddr"
    CT_ORIG_DADDR = "ct-original-daddr"
    MARK = "mark"  # 32 bits
    CT_MARK = "ct-mark"  # 32 bits
    TTL = "ttl"  # IPv4 TTL, IPv6 hop limit
    DSCP = "dscp"  # 6 bits
    LENGTH = "length"  # bytes of the IP packet, 16 bits
    FRAGMENT = "fragment"  # 1 for a fragment (IPv4: offset or more-fragments set; IPv6: fragment header), 0 otherwise
    PKTTYPE = "pkttype"  # 0 unicast to us, 1 broadcast, 2 multicast, 3 otherhost (if_packet.h)
    SMAC = "smac"  # 48 bits
    IPSEC = "ipsec"  # 1 when the packet came out of an IPsec transform
    IPSEC_OUT = "ipsec-out"  # 1 when its route leads into one
    VLAN = "vlan"
    PF_TAG = "pf-tag"  # index into Ruleset.names


class CtState(Enum):
    """Connection-tracking states as values of `Field.CT_STATE`."""

    INVALID = 0
    ESTABLISHED = 1
    RELATED = 2
    NEW = 3
    UNTRACKED = 4


class CtStatus:
    """Bits of `Field.CT_STATUS` (include/uapi/linux/netfilter/nf_conntrack_common.h)."""

    EXPECTED = 1 << 0
    SEEN_REPLY = 1 << 1
    ASSURED = 1 << 2
    CONFIRMED = 1 << 3
    SNAT = 1 << 4
    DNAT = 1 << 5


Values = IntervalSet | AddressSet | IfaceSet


class Always(Record):
    """Matches every packet."""


class FieldIn(Record):
    """The field's value is one of `values`. `name` is what the user calls the set (a group, a zone), for readable output."""

    field: Field
    values: Values
    name: str = dataclasses.field(default="", compare=False)


class MaskedIn(Record):
    """`field & mask` is one of `values`; for marks, ct status, TCP flags and partial addresses (see `family`)."""

    field: Field
    mask: int
    values: IntervalSet
    family: Family | None = None


class TupleIn(Record):
    """The fields, taken together, are one of `elements`: each element has one set of values per field.

    It is what nft calls a concatenation and ipset calls hash:net,port. An element matches when every field does.
    """

    fields: tuple[Field, ...]
    elements: tuple[tuple[Values, ...], ...]
    name: str = dataclasses.field(default="", compare=False)


class SetRef(Record):
    """The fields, taken together, are a member of the named set `set` whose content is filled at run time."""

    set: str
    fields: tuple[Field, ...]


class Per(Enum):
    """Whose packets share a bucket."""

    ALL = "all"
    SOURCE = "source"
    DESTINATION = "destination"


class WithinRate(Record):
    """A token bucket that still has a token: at most `amount` per `seconds`, after `burst` at once.

    `unit` is "packets" or "bytes". With `per` other than ALL each address (or prefix of `mask4`/`mask6` bits) has its own
    bucket, kept under `name`; when that table is full the packet is *not* within the rate. `over` inverts (nft `limit over`,
    iptables `--hashlimit-above`): it matches only what is over the rate.
    """

    amount: int
    seconds: int
    burst: int
    unit: str = "packets"
    per: Per = Per.ALL
    mask4: int = 32
    mask6: int = 128
    name: str = ""
    over: bool = False


class WithinConnections(Record):
    """The flow's source (or destination, or everybody together) has at most `count` tracked connections."""

    count: int
    per: Per = Per.ALL
    mask4: int = 32
    mask6: int = 128
    name: str = ""
    over: bool = False


class TimeWindow(Record):
    """Seconds of the day [start, end) when given (start < end; a range over midnight is two windows), `days` a set of 0 (Monday)
    to 6, and the first and last second of a period, as `2026-12-31T23:59:59`. The host's local time, with `utc` UTC."""

    start: int | None = None
    end: int | None = None
    days: frozenset[int] = frozenset()
    since: str = ""
    until: str = ""
    utc: bool = False


class Chance(Record):
    """True at random, with probability `millionths` / 1,000,000."""

    millionths: int


class EveryNth(Record):
    """True for one packet in `every` that ask: the one numbered `packet` (from 0), then each `every`-th after it. The rule has
    a counter of its own, which starts when the ruleset is loaded (xt_statistic.c mode nth, nft_numgen.c inc)."""

    every: int
    packet: int = 0


class RecentAct(Enum):
    """What a rule does with a list of recently met addresses, and when that holds (xt_recent.c)."""

    SET = "set"  # writes the packet down; holds always
    CHECK = "rcheck"  # holds when the list knows the address
    UPDATE = "update"  # as CHECK; writes the packet down when it holds
    REMOVE = "remove"  # holds when the list knows the address, and strikes it off


class Recent(Record):
    """The packet's `side` (SADDR or DADDR) under `mask` and the run-time list `name` of addresses met lately, each with the
    times of its last packets. With `seconds` only packets that recent count, with `hits` there must be so many of them; 0
    asks for neither. `ttl`: the packet's TTL must be that of the last one written down. `reap` strikes off what is older
    than `seconds`. The list is short (100 addresses by default) and forgets the address that was not met for longest."""

    name: str
    act: RecentAct
    side: Field
    mask: int
    seconds: int = 0
    hits: int = 0
    ttl: bool = False
    reap: bool = False


class Owner(Record):
    """The local socket's user (`kind` "user") or group ("group") is one of `names` (names or decimal ids)."""

    kind: str
    names: tuple[str, ...]


class HelperIs(Record):
    """The connection is tracked by this conntrack helper, or was expected by it."""

    name: str


class CgroupIs(Record):
    path: str


class AddressTypeIs(Record):
    """The addresses and routes of this machine make the packet's `side` (SADDR or DADDR) an address of this `kind`, one of
    `ADDRESS_TYPES`: "local" is an address of the machine itself. IPv6 has no broadcast (include/uapi/linux/rtnetlink.h,
    inet_addr_type() in net/ipv4/fib_frontend.c, __nft_fib6_eval_type() in net/ipv6/netfilter/nft_fib_ipv6.c)."""

    side: Field
    kind: str


ADDRESS_TYPES = ("local", "unicast", "broadcast", "anycast", "blackhole", "unreachable", "prohibit")


class ReversePathFails(Record):
    """No route leads back to the packet's source by the interface on which it came; with `loose` by any interface. With
    `mark` the lookup regards the packet's mark."""

    loose: bool = False
    mark: bool = False


class RouteLeavesBy(Record):
    """The route to the destination leaves by one of `interfaces`, names as of `IfaceSet.texts()`. Asked before routing; behind
    it `OIF` is known."""

    interfaces: tuple[str, ...]


class NoRoute(Record):
    """No route leads to the packet's `side` (SADDR or DADDR)."""

    side: Field


Routing = AddressTypeIs | ReversePathFails | RouteLeavesBy | NoRoute
"""Questions that the addresses and routing tables of the machine answer. Each target spells them in its own way."""


class Opaque(Record):
    """A condition of `dialect` that fwc does not model, kept as its exact text. It may match any packet and must not be
    assumed to match one. `kind` says what it is about, for messages."""

    dialect: str
    text: str
    kind: str = ""


class Not(Record):
    match: Match


class AllOf(Record):
    """Every part matches; the parts are in the order in which they should be tested and printed."""

    parts: tuple[Match, ...]


class AnyOf(Record):
    """At least one part matches. An empty AnyOf matches nothing; it never means everything."""

    parts: tuple[Match, ...]


Match = (
    Always
    | FieldIn
    | MaskedIn
    | TupleIn
    | SetRef
    | WithinRate
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
    | Opaque
    | Not
    | AllOf
    | AnyOf
)

ALWAYS = Always()
NEVER = AnyOf(())


def all_of(*parts: Match) -> Match:
    """The conjunction, flattened: no nested AllOf, no Always, one part as itself."""
    flat: list[Match] = []
    for part in parts:
        if isinstance(part, AllOf):
            flat.extend(part.parts)
        elif not isinstance(part, Always):
            flat.append(part)
    if not flat:
        return ALWAYS
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def any_of(*parts: Match) -> Match:
    """The disjunction, flattened; no part gives a match that matches nothing."""
    flat: list[Match] = []
    for part in parts:
        if isinstance(part, AnyOf):
            flat.extend(part.parts)
        elif isinstance(part, Always):
            return ALWAYS
        else:
            flat.append(part)
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def negate(match: Match) -> Match:
    """The complement, without double negation."""
    if isinstance(match, Not):
        return match.match
    if isinstance(match, Always):
        return NEVER
    return Not(match)


def state_in(*states: CtState) -> FieldIn:
    return FieldIn(Field.CT_STATE, IntervalSet.of(*(s.value for s in states)))


def family_is(family: Family) -> FieldIn:
    return FieldIn(Field.FAMILY, IntervalSet.of(family.value))
