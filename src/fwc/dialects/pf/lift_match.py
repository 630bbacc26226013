"""Conditions of pf rules as IR matches, with what macOS really does: ranges compared in the wrong byte order, words that
never match, negated list items that are OR-ed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from fwc.dialects.pf.check import Environment
from fwc.dialects.pf.printer import host_text
from fwc.dialects.pf.tree import Filter, Flags, Host, HostKind, IcmpTest, Iface, Peer, PortTest, TableDef
from fwc.ir.match import (
    ALWAYS,
    NEVER,
    AddressTypeIs,
    Chance,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    NoRoute,
    Opaque,
    Owner,
    ReversePathFails,
    SetRef,
    all_of,
    any_of,
    family_is,
    negate,
)
from fwc.net.addresses import ANY_ADDRESS, NO_ADDRESS, V4_ALL, V6_ALL, AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import EMPTY, IntervalSet

TCP = IntervalSet.of(6)
NOT_TCP = negate(FieldIn(Field.PROTOCOL, TCP))
SYN_ONLY = Flags(2, 18)
_ROUTING = (HostKind.NO_ROUTE, HostKind.URPF_FAILED, HostKind.ROUTE)
"""Asks of the routing table. On XNU they never match (`pf_routable()` always says yes, pf.c:9138); elsewhere they work."""


def table_addresses(table: TableDef, environment: Environment | None) -> AddressSet | None:
    """The content of a table by longest prefix; None when it is filled at run time or depends on the machine."""
    if table.files or table.hosts is None or ("persist" in table.options and not table.hosts):
        return None
    sized: list[tuple[int, int, Host, AddressSet]] = []
    for at, host in enumerate(table.hosts):
        if host.kind is HostKind.NET and host.family is not None:
            values = AddressSet.of_family(host.family, IntervalSet.range(host.low, host.high))
        else:
            known = named_addresses(host, environment)
            if known is None:
                return None
            values = known
        sized.append((-(host.high - host.low), at, host, values))
    sized.sort(key=lambda row: row[:2])
    positive = [v for _, _, h, v in sized if not h.negated]
    if len(positive) == len(sized):
        return AddressSet(
            IntervalSet([r for v in positive for r in v.v4.runs]), IntervalSet([r for v in positive for r in v.v6.runs])
        )
    out = NO_ADDRESS
    for _, _, host, values in sized:
        out = out - values if host.negated else out | values
    return out


def named_addresses(host: Host, environment: Environment | None) -> AddressSet | None:
    """Addresses of `self`, an interface or a host name on this machine, if known."""
    if environment is None:
        return None
    if host.kind is HostKind.SELF:
        out = NO_ADDRESS
        for name, values in environment.ifaces.items():
            if ":" not in name:
                out = out | values
        return out
    name = host.name.removesuffix(":0")
    found = environment.ifaces.get(name)
    return found if found is not None else (environment.hosts or {}).get(name)


def _own(field: Field) -> Match:
    """An address of this machine."""
    return AddressTypeIs(field, "local")


class Conditions:
    """Turns parts of rules into matches; `tables` are those of the file."""

    def __init__(self, tables: dict[str, TableDef], environment: Environment | None) -> None:
        self.environment = environment
        self.tables = {name: table_addresses(t, environment) for name, t in tables.items()}
        self.machine_sets: dict[str, None] = {}
        self.hosts_of: dict[tuple[tuple[Host, ...], Field], Match] = {}

    # ----- addresses

    def hosts(self, hosts: tuple[Host, ...], field: Field) -> Match:
        """The disjunction of the items; any when there are none."""
        if not hosts:
            return ALWAYS
        known = self.hosts_of.get((hosts, field))
        if known is None:
            known = self.hosts_of[hosts, field] = self._hosts(hosts, field)
        return known

    def _hosts(self, hosts: tuple[Host, ...], field: Field) -> Match:
        v4: list[tuple[int, int]] = []
        v6: list[tuple[int, int]] = []
        others: list[Match] = []
        for host in hosts:
            if host.kind is HostKind.NET and not host.negated and not host.scope:
                (v4 if host.family is Family.V4 else v6).append((host.low, host.high))
            else:
                others.append(self._host(host, field))
        if v4 or v6:
            others.insert(0, FieldIn(field, AddressSet(IntervalSet(v4), IntervalSet(v6))))
        return any_of(*others)

    def _host(self, host: Host, field: Field) -> Match:
        kind = host.kind
        if kind is HostKind.NET:
            assert host.family is not None
            values = IntervalSet.range(host.low, host.high)
            if host.negated:
                values = (V4_ALL if host.family is Family.V4 else V6_ALL) - values
            match: Match = FieldIn(field, AddressSet.of_family(host.family, values))
            return all_of(match, Opaque("pf", f"scope {host.scope}", "scope")) if host.scope else match
        if kind is HostKind.RANGE:
            return self._range(host, field)
        if kind in _ROUTING or (kind is HostKind.DYNAMIC and host.name == "self"):
            if self.environment is None:  # may be another system, where these work
                match = self._asked(host, field)
                return negate(match) if host.negated else match
            return ALWAYS if host.negated else NEVER
        if kind is HostKind.TABLE:
            values_of = self.tables.get(host.name)
            match = SetRef(host.name, (field,)) if values_of is None else FieldIn(field, values_of, host.name)
            return negate(match) if host.negated else match
        return self._named(host, field)

    def _asked(self, host: Host, field: Field) -> Match:
        """What the machine itself must answer: its addresses, its routes."""
        if host.kind is HostKind.DYNAMIC:
            return _own(field)
        if host.kind is HostKind.URPF_FAILED and field is Field.SADDR:
            return ReversePathFails()
        if host.kind is HostKind.NO_ROUTE:
            return NoRoute(field)
        return Opaque("pf", f"{field.value} {host_text(host)}", "routing")

    def _named(self, host: Host, field: Field) -> Match:
        """`self`, an interface or a host name: one rule per address, so a negation is OR-ed over the addresses."""
        known = named_addresses(host, self.environment)
        if known is None:
            if host.kind is HostKind.SELF and not host.negated:
                return _own(field)
            return self._unknown(host, field)
        if host.length is not None:
            return self._unknown(host, field)
        if not host.negated:
            return FieldIn(field, known)
        if host.kind is HostKind.DYNAMIC:
            return negate(FieldIn(field, known))
        out: list[Match] = []
        for family in Family:
            values = known.family(family)
            if values.size() == 1:
                out.append(FieldIn(field, AddressSet.of_family(family, values.complement(family.bits))))
            elif values:
                out.append(family_is(family))
        return any_of(*out)

    def _unknown(self, host: Host, field: Field) -> Match:
        """Addresses that only the machine knows: a set filled at run time, named as the text names them."""
        name = host_text(dataclasses.replace(host, negated=False))
        self.machine_sets[name] = None
        match: Match = SetRef(name, (field,))
        return negate(match) if host.negated else match

    def _range(self, host: Host, field: Field) -> Match:
        """pf_match_addr_range compares 32-bit words in the processor's order, so the last octet counts most."""
        assert host.family is not None
        bits = host.family.bits
        top_low, top_high = host.low >> 32, host.high >> 32
        if top_low != top_high:
            return Opaque("pf", host_text(host), "address")
        upper: Match = ALWAYS
        if bits == 128:
            upper = FieldIn(field, AddressSet(EMPTY, IntervalSet.range(top_low << 32, top_low << 32 | 0xFFFFFFFF)))
        low, high = (_swap(v & 0xFFFFFFFF) for v in (host.low, host.high))
        pieces = [MaskedIn(field, mask, values, host.family) for mask, values in _masked(low, high)]
        match = all_of(family_is(host.family), upper, any_of(*pieces))
        return all_of(family_is(host.family), negate(all_of(upper, any_of(*pieces)))) if host.negated else match

    # ----- the rest

    def _tos(self, tos: int) -> Match:
        """XNU asks whether any of the bits is set (pf.c:5309), other systems whether all of the octet is equal, which is less;
        the last two bits are ECN, of which nothing is known."""
        some = IntervalSet.of(*(v for v in range(64) if v & tos >> 2))
        if self.environment is not None and not tos & 3:
            return FieldIn(Field.DSCP, some)
        asked = Opaque("pf", f"tos 0x{tos:02x}", "tos")
        return asked if tos & 3 else all_of(FieldIn(Field.DSCP, some), asked)

    def peers(self, source: Peer, dest: Peer) -> list[Match]:
        out = [self.hosts(source.hosts, Field.SADDR), self.hosts(dest.hosts, Field.DADDR)]
        if source.ports:
            out.append(FieldIn(Field.SPORT, port_values(source.ports)))
        if dest.ports:
            out.append(FieldIn(Field.DPORT, port_values(dest.ports)))
        out += [Opaque("pf", "os " + ", ".join(source.os), "os")] if source.os else []
        return out

    def filter(self, rule: Filter, field: Field) -> Match:
        """Everything but `tagged`; `field` is IIF or OIF."""
        parts = [interfaces(rule.ifaces, field), family(rule.family), protocols(rule.protocols)]
        parts += self.peers(rule.source, rule.dest)
        if rule.icmp:
            parts.append(icmp(rule.icmp))
        flags = rule.flags
        if (
            flags is None
            and rule.action == "pass"
            and not rule.fragment
            and (rule.state is None or rule.state.kind != "no")
        ):
            flags = SYN_ONLY
        if flags is not None and flags.mask and (not rule.protocols or 6 in rule.protocols or 0 in rule.protocols):
            tested: Match = MaskedIn(Field.TCP_FLAGS, flags.mask, IntervalSet.of(flags.set))
            parts.append(tested if rule.protocols == (6,) else any_of(NOT_TCP, tested))
        if rule.fragment:
            parts.append(FieldIn(Field.FRAGMENT, IntervalSet.of(1)))
        if rule.users or rule.groups:
            parts.append(FieldIn(Field.PROTOCOL, IntervalSet.of(6, 17)))
        for kind, tests in (("user", rule.users), ("group", rule.groups)):
            if tests:
                parts.append(any_of(*(_owner(kind, t.op, t.low) for t in tests)))
        if rule.tos is not None:
            parts.append(self._tos(rule.tos))
        if rule.probability:
            parts.append(Chance(_millionths(rule.probability)))
        return all_of(*parts)


def _owner(kind: str, op: str, name: str) -> Match:
    if op == "=":
        return Owner(kind, (name,))
    return negate(Owner(kind, (name,))) if op == "!=" else Opaque("pf", f"{kind} {op} {name}", kind)


def _millionths(text: str) -> int:
    value = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    return round(value * 1_000_000)


def _swap(value: int) -> int:
    return int.from_bytes(value.to_bytes(4, "big"), "little")


def _masked(low: int, high: int) -> Iterable[tuple[int, IntervalSet]]:
    """Byte-swapped values low..high as tests of the address: its last 8, 16, 24 or 32 bits are among values."""
    if low > high:
        return
    for bits in (8, 16, 24, 32):
        # the leading `bits` of the swapped value that are free to run while all lower ones are anything
        step = 1 << (32 - bits)
        first, last = -(-low // step), (high + 1) // step - 1
        above = 1 << (32 - bits + 8)
        values: list[int] = []
        if bits == 8:
            values = list(range(first, last + 1))
        else:
            outer_first, outer_last = -(-low // above), (high + 1) // above - 1
            values = list(_edge(first, last, outer_first * 256, outer_last * 256 + 255))
        if values:
            mask = (1 << bits) - 1
            yield mask, IntervalSet((s, s) for s in (_swap(v << (32 - bits)) for v in values))


def _edge(first: int, last: int, inner_first: int, inner_last: int) -> Iterable[int]:
    if inner_first > inner_last:
        yield from range(first, last + 1)
        return
    yield from range(first, min(inner_first, last + 1))
    yield from range(max(inner_last + 1, first), last + 1)


def interfaces(ifaces: tuple[Iface, ...], field: Field) -> Match:
    if not ifaces:
        return ALWAYS
    if all(not i.negated for i in ifaces):
        return FieldIn(field, IfaceSet(frozenset(i.name for i in ifaces)))
    return any_of(*(FieldIn(field, IfaceSet(frozenset((i.name,)), negated=i.negated)) for i in ifaces))


def family(value: Family | None) -> Match:
    return ALWAYS if value is None else family_is(value)


def protocols(values: tuple[int, ...]) -> Match:
    if not values or 0 in values:
        return ALWAYS
    return FieldIn(Field.PROTOCOL, IntervalSet.of(*values))


def port_values(tests: tuple[PortTest, ...]) -> IntervalSet:
    runs: list[tuple[int, int]] = []
    for t in tests:
        if t.op == "=":
            runs.append((t.low, t.low))
        elif t.op == "!=":
            runs += [(0, t.low - 1), (t.low + 1, 65535)]
        elif t.op in ("<", "<="):
            runs.append((0, t.low - (t.op == "<")))
        elif t.op in (">", ">="):
            runs.append((t.low + (t.op == ">"), 65535))
        elif t.op == ":":
            runs.append((t.low, t.high))
        elif t.op == "><":
            runs.append((t.low + 1, t.high - 1))
        else:
            runs += [(0, t.low - 1), (t.high + 1, 65535)]
    return IntervalSet((a, b) for a, b in runs if a <= b)


def icmp(tests: tuple[IcmpTest, ...]) -> Match:
    out: dict[Family, list[tuple[int, int]]] = {}
    for t in tests:
        if t.type == 255:  # the kernel stores type + 1 in eight bits: 0 means any
            return family_is(t.family)
        base = t.type << 8
        out.setdefault(t.family, []).append((base, base | 255) if t.code is None else (base | t.code, base | t.code))
    return any_of(
        *(FieldIn(Field.ICMP if f is Family.V4 else Field.ICMPV6, IntervalSet(runs)) for f, runs in out.items())
    )


__all__ = ["ANY_ADDRESS", "Conditions", "interfaces", "table_addresses"]
