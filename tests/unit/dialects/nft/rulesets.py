"""Rulesets in the IR that use everything the nftables back end can say."""

from __future__ import annotations

from fwc.ir.match import (
    ALWAYS,
    AddressTypeIs,
    Chance,
    CtState,
    CtStatus,
    Field,
    FieldIn,
    HelperIs,
    MaskedIn,
    Match,
    Not,
    Opaque,
    Owner,
    Per,
    ReversePathFails,
    SetRef,
    TimeWindow,
    TupleIn,
    WithinConnections,
    WithinRate,
    all_of,
    any_of,
    family_is,
    state_in,
)
from fwc.ir.model import Base, Chain, NamedSet, NativeText, Rule, Ruleset, Table
from fwc.ir.verdict import (
    ACCEPT,
    DROP,
    RETURN,
    Action,
    AddToSet,
    AssignHelper,
    ClampMss,
    CopyMark,
    Count,
    Dnat,
    Goto,
    Jump,
    Log,
    Masquerade,
    NatTarget,
    Netmap,
    NoTrack,
    PortChoice,
    Redirect,
    Reject,
    RejectKind,
    SetField,
    SetPriority,
    SetZone,
    Snat,
    Verdict,
    VerdictMap,
)
from fwc.net.addresses import AddressSet, parse_v4, parse_v6
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet


def addresses(*texts: str) -> AddressSet:
    """From addresses and prefixes of both families."""
    v4, v6 = [], []
    for text in texts:
        base, _, length = text.partition("/")
        bits, runs = (128, v6) if ":" in base else (32, v4)
        value = parse_v6(base) if ":" in base else parse_v4(base)
        assert value is not None
        size = 1 << (bits - int(length or bits))
        runs.append((value, value + size - 1))
    return AddressSet(IntervalSet(v4), IntervalSet(v6))


def iif(*names: str) -> FieldIn:
    return FieldIn(Field.IIF, IfaceSet.of(names))


def oif(*names: str) -> FieldIn:
    return FieldIn(Field.OIF, IfaceSet.of(names))


def source(*texts: str, name: str = "") -> FieldIn:
    return FieldIn(Field.SADDR, addresses(*texts), name)


def destination(*texts: str, name: str = "") -> FieldIn:
    return FieldIn(Field.DADDR, addresses(*texts), name)


def ports(protocol: int | tuple[int, ...], *values: int | tuple[int, int]) -> Match:
    protocols = (protocol,) if isinstance(protocol, int) else protocol
    runs = [(v, v) if isinstance(v, int) else v for v in values]
    return all_of(FieldIn(Field.PROTOCOL, IntervalSet.of(*protocols)), FieldIn(Field.DPORT, IntervalSet(runs)))


def number(field: Field, *values: int) -> FieldIn:
    return FieldIn(field, IntervalSet.of(*values))


def base(name: str, hook: Hook, rules: list[Rule], kind: ChainType = ChainType.FILTER, priority: int = 0) -> Chain:
    return Chain(name, tuple(rules), Base(hook, kind, priority, DROP if hook is Hook.INPUT else ACCEPT))


ECHO = any_of(
    FieldIn(Field.ICMP, IntervalSet.range(0x800, 0x8FF)), FieldIn(Field.ICMPV6, IntervalSet.range(0x8000, 0x80FF))
)
RATE = WithinRate(5, 60, 10)
PER_SOURCE = WithinRate(10, 60, 20, per=Per.SOURCE, name="door")

MATCHES: dict[str, Match] = {
    "always": ALWAYS,
    "interface": iif("eth0"),
    "interfaces": iif("eth0", "wg*"),
    "not interfaces": FieldIn(Field.IIF, IfaceSet(frozenset({"eth0"}), frozenset({"br-"}), True)),
    "loopback": iif("lo"),
    "family": family_is(Family.V6),
    "state": state_in(CtState.ESTABLISHED, CtState.RELATED),
    "not state": Not(state_in(CtState.NEW)),
    "source v4": source("10.0.0.0/8"),
    "source both": source("10.0.0.1", "2001:db8::/32"),
    "not source": Not(source("10.0.0.0/8")),
    "group": source(*(f"10.0.{n}.1" for n in range(40)), "2001:db8::1", "2001:db8::2", name="web-farm"),
    "many nets": destination(*(f"10.{n}.0.0/24" for n in range(20)), name="sites"),
    "tcp port": ports(6, 22),
    "ports": ports(6, 22, 80, (8000, 8010)),
    "not port": Not(ports(6, 22)),
    "both protocols": ports((6, 17), 53),
    "port of any protocol": FieldIn(Field.DPORT, IntervalSet.of(53)),
    "mixed": any_of(ports(6, 80, 443), ports(17, 443)),
    "sport": all_of(ports(17, 68), FieldIn(Field.SPORT, IntervalSet.of(67))),
    "many ports": ports(6, *range(1, 60, 2)),
    "protocol": number(Field.PROTOCOL, 47, 50),
    "not protocol": Not(number(Field.PROTOCOL, 6)),
    "echo": ECHO,
    "not echo": Not(FieldIn(Field.ICMP, IntervalSet.range(0x800, 0x8FF))),
    "unreachable code": FieldIn(Field.ICMP, IntervalSet([(0x304, 0x304), (0x800, 0x8FF)])),
    "neighbour": all_of(FieldIn(Field.ICMPV6, IntervalSet([(0x8500, 0x88FF)])), number(Field.TTL, 255)),
    "syn": MaskedIn(Field.TCP_FLAGS, 6, IntervalSet.of(2)),
    "not syn": Not(MaskedIn(Field.TCP_FLAGS, 0x17, IntervalSet.of(2))),
    "null flags": MaskedIn(Field.TCP_FLAGS, 0x3F, IntervalSet.of(0)),
    "dnat": MaskedIn(Field.CT_STATUS, CtStatus.DNAT, IntervalSet.of(CtStatus.DNAT)),
    "original port": all_of(number(Field.PROTOCOL, 6), number(Field.CT_ORIG_DPORT, 443, 80)),
    "original address": FieldIn(Field.CT_ORIG_DADDR, addresses("203.0.113.5")),
    "mark": number(Field.MARK, 0x10),
    "masked mark": MaskedIn(Field.MARK, 0xFF, IntervalSet.of(0x10)),
    "ct mark": number(Field.CT_MARK, 0x10),
    "ttl": FieldIn(Field.TTL, IntervalSet.range(0, 4)),
    "dscp": number(Field.DSCP, 46),
    "length": FieldIn(Field.LENGTH, IntervalSet.range(469, 65535)),
    "fragment": number(Field.FRAGMENT, 1),
    "no fragment": number(Field.FRAGMENT, 0),
    "pkttype": number(Field.PKTTYPE, 1, 2),
    "mac": number(Field.SMAC, 0x525400123456),
    "chance": Chance(10000),
    "user": Owner("user", ("root", "1000")),
    "group id": Owner("group", ("0",)),
    "helper": HelperIs("sip"),
    "time": TimeWindow(28800, 64800, frozenset({0, 1, 2}), until="2027-01-31T23:59:59"),
    "UTC": TimeWindow(28800, 64800, since="2027-01-31T00:00:00", until="2027-02-01T11:59:59", utc=True),
    "one second": Not(TimeWindow(57601, 57602)),
    "since": TimeWindow(since="2027-01-31T00:00:00"),
    "rate": all_of(ports(6, 22), RATE),
    "rate over both": all_of(ECHO, RATE),
    "per source": all_of(ports(6, 22), PER_SOURCE),
    "per network": all_of(ports(6, 22), WithinRate(10, 60, 20, per=Per.SOURCE, mask4=24, mask6=64, name="nets")),
    "bytes": WithinRate(2_000_000, 1, 5_000_000, "bytes"),
    "connections": all_of(ports(6, 22), WithinConnections(10, Per.SOURCE, name="conns")),
    "all connections": all_of(ports(6, 22), WithinConnections(10)),
    "tuple": TupleIn(
        (Field.IIF, Field.SADDR),
        (
            (IfaceSet.of(["eth0"]), addresses("10.0.0.0/24", "2001:db8::/64")),
            (IfaceSet.of(["eth1"]), addresses("10.1.0.0/24")),
        ),
    ),
    "wild tuple": TupleIn(
        (Field.IIF, Field.OIF),
        ((IfaceSet.of(["eth*"]), IfaceSet.of(["wg0"])), (IfaceSet.of(["br0"]), IfaceSet.of(["wg1"]))),
    ),
    "large tuple": TupleIn(
        (Field.SADDR, Field.PROTOCOL, Field.DPORT),
        tuple((addresses(f"10.0.{n}.1"), IntervalSet.of(6), IntervalSet.of(1000 + n)) for n in range(30)),
        "to-self",
    ),
    "set": SetRef("banned", (Field.SADDR,)),
    "not set": Not(SetRef("banned", (Field.SADDR,))),
    "reverse path": ReversePathFails(),
    "reverse path by mark": ReversePathFails(loose=True, mark=True),
    "local": AddressTypeIs(Field.DADDR, "local"),
    "broadcast": AddressTypeIs(Field.SADDR, "broadcast"),
    "no broadcast": Not(AddressTypeIs(Field.DADDR, "broadcast")),
    "native": Opaque("nft", "meta rtclassid 7", "rtclassid"),
}

BANNED = NamedSet("banned", (Field.SADDR,), kind="addresses", runtime=True, timeout=3600, size=1024)


def input_rules(*rules: Rule) -> Ruleset:
    chain = base("input", Hook.INPUT, list(rules))
    return Ruleset((Table("fwc", chains=(chain, Chain("over-there", (Rule(ALWAYS, (), DROP),))), sets=(BANNED,)),))


ACTIONS: dict[str, tuple[Match, tuple[Action, ...], Verdict]] = {
    "log": (ports(6, 22), (Log("x: ", "info"),), ACCEPT),
    "limited log": (ECHO, (Log("ping: ", rate=RATE),), ACCEPT),
    "nflog": (ALWAYS, (Log("x", nflog_group=5),), DROP),
    "counter": (ports(6, 22), (Count(),), ACCEPT),
    "named counter": (ECHO, (Count("blocked"),), DROP),
    "mark": (ALWAYS, (SetField(Field.MARK, 0x10, 0xFF),), ACCEPT),
    "whole mark": (ALWAYS, (SetField(Field.MARK, 0x10), CopyMark("save")), ACCEPT),
    "restore": (ALWAYS, (CopyMark("restore"), SetField(Field.CT_MARK, 3)), ACCEPT),
    "dscp": (ports(17, 5060), (SetField(Field.DSCP, 46),), ACCEPT),
    "ttl": (ALWAYS, (SetField(Field.TTL, 64),), ACCEPT),
    "priority": (ALWAYS, (SetPriority(0x10020),), ACCEPT),
    "clamp": (MaskedIn(Field.TCP_FLAGS, 6, IntervalSet.of(2)), (ClampMss(),), ACCEPT),
    "clamp sizes": (MaskedIn(Field.TCP_FLAGS, 6, IntervalSet.of(2)), (ClampMss(1380, 1360),), ACCEPT),
    "helper": (ports(17, 5060), (AssignHelper("sip"),), ACCEPT),
    "zone": (iif("eth0"), (SetZone(5), SetZone(6, "original")), ACCEPT),
    "ban": (ports(6, 23), (AddToSet("banned", (Field.SADDR,), 600),), DROP),
    "reject": (ALWAYS, (), Reject()),
    "reject some": (source("10.0.0.1"), (), Reject()),
    "reject and log": (ECHO, (Log("no: ", rate=RATE),), Reject()),
    "reject tcp": (ports(6, 25), (), Reject()),
    "reset": (ports(6, 25), (), Reject(RejectKind.TCP_RESET)),
    "admin": (ALWAYS, (), Reject(RejectKind.ADMIN_PROHIBITED)),
    "host prohibited": (ports(17, 7), (), Reject(RejectKind.HOST_PROHIBITED)),
    "jump": (any_of(iif("eth0"), ports(6, 22)), (), Jump("over-there")),
    "goto": (any_of(iif("eth0"), ports(6, 22)), (), Goto("over-there")),
    "return": (source("10.0.0.1", "2001:db8::1"), (), RETURN),
    "overlapping log": (any_of(iif("eth0"), ports(6, 22)), (Log("both: "),), Jump("over-there")),
}

V4 = parse_v4("10.0.0.20") or 0
V4B = parse_v4("10.0.0.21") or 0
V6 = parse_v6("2001:db8::20") or 0


def _to(low: int, high: int | None = None, ports: tuple[int, int] | None = None, v6: bool = False) -> NatTarget:
    return NatTarget(Family.V6 if v6 else Family.V4, low, low if high is None else high, ports)


_IPV4 = family_is(Family.V4)
PREROUTING: dict[str, tuple[Match, Verdict]] = {
    "dnat": (all_of(_IPV4, ports(6, 443)), Dnat((_to(V4),))),
    "dnat port": (all_of(destination("203.0.113.5"), ports((6, 17), 443)), Dnat((_to(V4, None, (8443, 8443)),))),
    "dnat six": (all_of(destination("2001:db8::1"), ports(6, 443)), Dnat((_to(V6, None, (8443, 8443), True),))),
    "balance": (all_of(_IPV4, ports(6, 443)), Dnat((_to(V4), _to(V4B)))),
    "balance ports": (
        all_of(_IPV4, ports(6, 443)),
        Dnat((_to(V4, None, (8443, 8443)), _to(V4B, None, (9443, 9443)))),
    ),
    "offset": (all_of(_IPV4, ports(6, (8000, 8010))), Dnat((_to(V4, None, (9000, 9010)),), PortChoice.OFFSET)),
    "redirect": (ports(6, 80), Redirect((3128, 3128))),
    "netmap": (destination("203.0.113.16/28"), Netmap(Field.DADDR, Family.V4, V4 & ~15, 28)),
}
POSTROUTING: dict[str, tuple[Match, Verdict]] = {
    "masquerade": (all_of(_IPV4, oif("ppp0")), Masquerade()),
    "masquerade ports": (all_of(oif("ppp0"), ports(6, 25)), Masquerade((20000, 29999), PortChoice.RANDOM)),
    "snat": (all_of(_IPV4, oif("ppp0")), Snat(_to(V4, V4B))),
    "snat ports": (all_of(_IPV4, ports(6, 25)), Snat(_to(V4, V4, (1024, 2048)), PortChoice.PERSISTENT)),
    "netmap": (source("10.0.0.16/28"), Netmap(Field.SADDR, Family.V4, parse_v4("203.0.113.16") or 0, 28)),
    "netmap of all": (all_of(_IPV4, oif("ppp0")), Netmap(Field.SADDR, Family.V4, parse_v4("203.0.113.0") or 0, 24)),
    "nptv6": (source("fd00:1::/64"), Netmap(Field.SADDR, Family.V6, parse_v6("2001:db8:9::") or 0, 64)),
}

DISPATCHES: dict[str, VerdictMap] = {
    "zones": VerdictMap(
        (Field.IIF, Field.SADDR),
        (
            ((IfaceSet.of(["eth0"]), addresses("10.0.0.0/24", "2001:db8::/64")), Jump("over-there")),
            ((IfaceSet.of(["eth1"]), addresses("10.1.0.0/24")), ACCEPT),
        ),
    ),
    "interfaces": VerdictMap(
        (Field.IIF,), (((IfaceSet.of(["eth*"]),), Jump("over-there")), ((IfaceSet.of(["br0"]),), DROP))
    ),
    "states": VerdictMap(
        (Field.CT_STATE,),
        (((IntervalSet.of(1, 2),), ACCEPT), ((IntervalSet.of(0),), DROP)),
    ),
    "services": VerdictMap(
        (Field.PROTOCOL, Field.DPORT),
        tuple(((IntervalSet.of(6), IntervalSet.of(n)), ACCEPT if n % 2 else Jump("over-there")) for n in range(1, 50)),
        "services",
    ),
    "addresses": VerdictMap(
        (Field.SADDR,), tuple(((addresses(f"10.{n}.0.0/16"),), Jump("over-there")) for n in range(30)), "by-source"
    ),
    "wild pairs": VerdictMap(
        (Field.IIF, Field.OIF), (((IfaceSet.of(["eth*"]), IfaceSet.of(["wg*"])), Jump("over-there")),)
    ),
    "reject": VerdictMap((Field.IIF,), (((IfaceSet.of(["eth0"]),), Reject()), ((IfaceSet.of(["eth1"]),), ACCEPT))),
}


def everything() -> dict[str, Ruleset]:
    """Each feature as a ruleset of its own."""
    out = {f"match {name}": input_rules(Rule(match, (), ACCEPT, "a-label")) for name, match in MATCHES.items()}
    for name, (match, actions, verdict) in ACTIONS.items():
        rules = input_rules(Rule(match, actions, verdict))
        if "clamp" in name:  # `rt mtu` needs a route: not at input
            chain = base("forward", Hook.FORWARD, [Rule(match, actions, verdict)], priority=-150)
            rules = Ruleset((Table("fwc", chains=(chain,)),))
        out[f"action {name}"] = rules
    for name, (match, nat) in PREROUTING.items():
        chain = base("dstnat", Hook.PREROUTING, [Rule(match, (), nat)], ChainType.NAT, -100)
        out[f"prerouting {name}"] = Ruleset((Table("fwc", chains=(chain,)),))
    for name, (match, nat) in POSTROUTING.items():
        chain = base("srcnat", Hook.POSTROUTING, [Rule(match, (), nat)], ChainType.NAT, 100)
        out[f"postrouting {name}"] = Ruleset((Table("fwc", chains=(chain,)),))
    for name, dispatch in DISPATCHES.items():
        out[f"dispatch {name}"] = input_rules(Rule(ALWAYS, (), dispatch))
    raw = base("early", Hook.PREROUTING, [Rule(ports(17, 53), (NoTrack(),))], priority=-300)
    out["notrack"] = Ruleset((Table("fwc", chains=(raw,)),))
    out["native"] = Ruleset(
        (Table("fwd", chains=(base("forward", Hook.FORWARD, []),)),),
        natives=(
            NativeText("nft", "table", "\tset extra { type ipv4_addr; }\n"),
            NativeText("nft", "forward-start", "\n\tip saddr @extra drop\n"),
        ),
    )
    return out
