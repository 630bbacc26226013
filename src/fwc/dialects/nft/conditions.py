"""One conjunction of conditions, for one family, as nft statements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any, Protocol

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.dialects.nft.names import Refused, string
from fwc.dialects.nft.sets import ADDRESSES, IFACES, Pool, members
from fwc.ir.match import (
    AddressTypeIs,
    CgroupIs,
    Chance,
    EveryNth,
    Field,
    HelperIs,
    MaskedIn,
    NoRoute,
    Opaque,
    Owner,
    Recent,
    ReversePathFails,
    RouteLeavesBy,
    Routing,
    SetRef,
    TimeWindow,
    TupleIn,
    Values,
)
from fwc.ir.verdict import CopyMark
from fwc.ir.walk import Columns, columns_of, different_values
from fwc.net.addresses import AddressSet, format_address
from fwc.net.clock import DAY, LAST_MOMENT, clock_text, moment, moment_text
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import DOMAINS, Conjunction, Literal, complement

Statements = list[t.Statement]

_TRANSPORT = frozenset({Field.PROTOCOL, Field.SPORT, Field.DPORT, Field.ICMP, Field.ICMPV6, Field.TCP_FLAGS})
_FAMILY_BOUND = ADDRESSES | {Field.TTL, Field.DSCP, Field.FRAGMENT, Field.ICMP, Field.ICMPV6}
_ALL_PORTS = IntervalSet.of(6, 17, 33, 132, 136)
_PORT_WORDS = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}
_STATE_ORDER = ("established", "related", "new", "invalid", "untracked")


class Scope(Protocol):
    """What the statements of a rule depend on besides its match: the table's families and objects."""

    pool: Pool
    families: tuple[Family, ...]

    def set_name(self, name: str, fields: tuple[Field, ...], family: Family) -> str: ...
    def chain(self, name: str) -> str: ...
    def counter(self, name: str) -> str: ...
    def helper(self, name: str, protocol: str) -> str: ...
    def mark_copy(self, action: CopyMark) -> str: ...
    def port_map(self, rows: tuple[t.Element, ...]) -> t.Expr: ...


@lru_cache(maxsize=256)
def selector(field: Field, family: Family) -> t.Selector:
    """How nft asks for a field that may stand in a concatenation or meter."""
    ip = "ip" if family is Family.V4 else "ip6"
    text = {
        Field.SADDR: f"{ip} saddr",
        Field.DADDR: f"{ip} daddr",
        Field.CT_ORIG_SADDR: f"ct original {ip} saddr",
        Field.CT_ORIG_DADDR: f"ct original {ip} daddr",
        Field.CT_ORIG_DPORT: "ct original proto-dst",
        Field.IIF: "iifname",
        Field.OIF: "oifname",
        Field.PROTOCOL: "meta l4proto",
        Field.SPORT: "th sport",
        Field.DPORT: "th dport",
        Field.MARK: "meta mark",
        Field.CT_MARK: "ct mark",
        Field.LENGTH: "meta length",
        Field.PKTTYPE: "meta pkttype",
        Field.SMAC: "ether saddr",
        Field.TTL: "ip ttl" if family is Family.V4 else "ip6 hoplimit",
        Field.DSCP: f"{ip} dscp",
        Field.VLAN: "vlan id",
    }.get(field)
    if text is None:
        raise Refused(f"the field `{field.value}`")
    return t.Selector(text)


def binds_family(conjunction: Conjunction) -> bool:
    """True when the statements of the conjunction match packets of one family only."""
    if any(f in _FAMILY_BOUND for f in conjunction.fields) or any(f in _FAMILY_BOUND for f in conjunction.excluded):
        return True
    return any(
        any(f in ADDRESSES for f in m.match.fields)
        for m in (*conjunction.tuples, *conjunction.sets)
        if isinstance(m.match, TupleIn | SetRef)
    ) or any(isinstance(m.match, MaskedIn) and m.match.field in ADDRESSES for m in conjunction.masked)


def conjunction_statements(scope: Scope, conjunction: Conjunction, family: Family) -> Statements:
    out: Statements = []
    transport_done = False
    for field in (*conjunction.fields, *(f for f in conjunction.excluded if f not in conjunction.fields)):
        if field in _TRANSPORT:
            if not transport_done:
                transport_done = True
                out.extend(_transport(scope, conjunction, family))
            continue
        positive, negative = conjunction.fields.get(field), conjunction.excluded.get(field)
        if field is Field.CT_ORIG_DPORT:
            # nft takes a port of the original tuple only after a protocol by itself; a concatenation does not count.
            protocols = conjunction.fields.get(Field.PROTOCOL, _ALL_PORTS)
            assert isinstance(protocols, IntervalSet)
            if not transport_done or protocols.size() != 1:
                out.append(_protocol(scope, protocols, False, family))
        if positive is not None:
            out.append(_field(scope, field, positive, False, family))
        if negative is not None:
            out.append(_field(scope, field, negative, True, family))
    masked = [m for m in conjunction.masked if isinstance(m.match, MaskedIn)]
    if not transport_done and any(m.match.field is Field.TCP_FLAGS for m in masked if isinstance(m.match, MaskedIn)):
        out.append(_protocol(scope, IntervalSet.of(6), False, family))
    for literal in masked:
        assert isinstance(literal.match, MaskedIn)
        out.append(_masked(literal.match, literal.negated))
    for literal in conjunction.sets:
        assert isinstance(literal.match, SetRef)
        out.append(_set_reference(scope, literal.match, literal.negated, family))
    for literal in conjunction.tuples:
        assert isinstance(literal.match, TupleIn)
        out.append(_tuple(scope, literal.match, literal.negated, family))
    for literal in conjunction.opaque:
        out.append(other(scope, literal, family))
    return out


# ----- transport -------------------------------------------------------------


def _transport(scope: Scope, conjunction: Conjunction, family: Family) -> Statements:
    fields, excluded = conjunction.fields, conjunction.excluded
    protocols = conjunction.values(Field.PROTOCOL)
    assert protocols is None or isinstance(protocols, IntervalSet)
    for field in (Field.ICMP, Field.ICMPV6):
        values = fields.get(field)
        if isinstance(values, IntervalSet):
            return [_icmp(field, values, family)]
    ports = [f for f in (Field.SPORT, Field.DPORT) if f in fields or f in excluded]
    flags = fields.get(Field.TCP_FLAGS), excluded.get(Field.TCP_FLAGS)
    out: Statements = []
    word = _PORT_WORDS.get(protocols.runs[0][0]) if protocols is not None and protocols.size() == 1 else None
    if protocols is not None and not (word and ports):
        masked_tcp = protocols == IntervalSet.of(6) and any(
            isinstance(m.match, MaskedIn) and m.match.field is Field.TCP_FLAGS and _short_flags(m.match)
            for m in conjunction.masked
        )
        if not masked_tcp and flags == (None, None):
            positive, negative = fields.get(Field.PROTOCOL), excluded.get(Field.PROTOCOL)
            if positive is not None:
                assert isinstance(positive, IntervalSet)
                out.append(_protocol(scope, positive, False, family))
            elif negative is not None:
                assert isinstance(negative, IntervalSet)
                out.append(_protocol(scope, negative, True, family))
    for field in ports:
        name = t.Selector(f"{word or 'th'} {field.value}")
        for source, op in ((fields, ""), (excluded, "!=")):
            values = source.get(field)
            if values is not None:
                values, op = _shorter(field, values, op, family)
                out.append(t.Compare(name, op, scope.pool.values(field, values, family)))
    for values, op in ((flags[0], ""), (flags[1], "!=")):
        if isinstance(values, IntervalSet):
            elements = tuple(t.Element(t.Word(f"0x{v:x}")) for v in values)
            right = elements[0].key if len(elements) == 1 else t.SetOf(elements)
            out.append(t.Compare(t.Selector("tcp flags"), op or ("==" if len(elements) == 1 else ""), right))
    return out


def _protocol(scope: Scope, values: IntervalSet, negated: bool, family: Family) -> t.Compare:
    named, op = _shorter(Field.PROTOCOL, values, "!=" if negated else "", family)
    return t.Compare(t.Selector("meta l4proto"), op, scope.pool.values(Field.PROTOCOL, named, family))


def _icmp(field: Field, values: IntervalSet, family: Family) -> t.Statement:
    """`icmp type`, with `icmp code` beside it where the codes are limited."""
    word, names = ("icmp", words.ICMP_TYPES) if field is Field.ICMP else ("icmpv6", words.ICMPV6_TYPES)
    shorter, op = _shorter(field, values, "", family)
    assert isinstance(shorter, IntervalSet)
    if op and all(low & 255 == 0 and high & 255 == 255 for low, high in shorter.runs):
        values = shorter
    else:
        op = ""
    whole: list[t.Expr] = []
    coded: list[tuple[int, int, int]] = []
    for low, high in values.runs:
        for kind in range(low >> 8, (high >> 8) + 1):
            first = low & 255 if kind == low >> 8 else 0
            last = high & 255 if kind == high >> 8 else 255
            if (first, last) == (0, 255):
                whole.append(t.Word(names.get(kind, str(kind))))
            else:
                coded.append((kind, first, last))
    if not coded:
        right = whole[0] if len(whole) == 1 else t.SetOf(tuple(t.Element(w) for w in whole))
        return t.Compare(t.Selector(f"{word} type"), op, right)
    rows = [t.Element(t.Concat((w, t.Word("0-255")))) for w in whole]
    for kind, first, last in coded:
        code = str(first) if first == last else f"{first}-{last}"
        rows.append(t.Element(t.Concat((t.Word(names.get(kind, str(kind))), t.Word(code)))))
    key = t.Concat((t.Selector(f"{word} type"), t.Selector(f"{word} code")))
    return t.Compare(key, "", t.SetOf(tuple(rows)))


# ----- single fields ---------------------------------------------------------


def _field(scope: Scope, field: Field, values: Values, negated: bool, family: Family) -> t.Statement:
    op = "!=" if negated else ""
    if field in IFACES:
        assert isinstance(values, IfaceSet)
        if not negated and values.texts() == ["lo"]:
            return t.Compare(t.Selector(field.value), "", t.Quoted("lo"))
        return t.Compare(selector(field, family), op, scope.pool.values(field, values, family))
    if field is Field.CT_STATE:
        assert isinstance(values, IntervalSet)
        if negated:
            values = DOMAINS[field] - values
        chosen = [t.Word(w) for w in _STATE_ORDER if words.STATES[w].value in values]
        return t.Compare(t.Selector("ct state"), "", chosen[0] if len(chosen) == 1 else t.Listed(tuple(chosen)))
    if field is Field.FRAGMENT:
        assert isinstance(values, IntervalSet)
        fragment = (1 in values) is not negated
        if family is Family.V4:
            left = t.Operation("&", t.Selector("ip frag-off"), t.Word("0x3fff"))
            return t.Compare(left, "!=" if fragment else "==", t.Word("0"))
        return t.Compare(t.Selector("exthdr frag"), "", t.Word("exists" if fragment else "missing"))
    if field in (Field.IPSEC, Field.IPSEC_OUT):
        assert isinstance(values, IntervalSet)
        return ipsec_statement(field, (1 in values) is not negated)
    values, op = _shorter(field, values, op, family)
    return t.Compare(selector(field, family), op, scope.pool.values(field, values, family))


def _shorter(field: Field, values: Values, op: str, family: Family) -> tuple[Values, str]:
    """The values, or with `!=` the others where these are fewer runs: `ip daddr != 192.0.2.1` in place of two ranges."""
    if op or isinstance(values, IfaceSet):
        return values, op
    ours = _runs(values, family)
    if ours < 2:
        return values, op
    others = complement(field, values)
    return (others, "!=") if 0 < _runs(others, family) < ours else (values, op)


def _runs(values: Values, family: Family) -> int:
    assert not isinstance(values, IfaceSet)
    return len((values.family(family) if isinstance(values, AddressSet) else values).runs)


def ipsec_statement(field: Field, inside: bool) -> t.Statement:
    """Whether a packet comes out of an IPsec transform (IPSEC) or goes into one (IPSEC_OUT)."""
    selector = t.Selector("meta ipsec" if field is Field.IPSEC else "rt ipsec")
    return t.Compare(selector, "", t.Word("exists" if inside else "missing"))


_SELECT_MASKED = {
    Field.MARK: "meta mark",
    Field.CT_MARK: "ct mark",
    Field.CT_STATUS: "ct status",
    Field.LENGTH: "meta length",
}


def _short_flags(match: MaskedIn) -> bool:
    """True where `tcp flags` itself brings the protocol into the rule."""
    return match.field is Field.TCP_FLAGS


def _masked(match: MaskedIn, negated: bool) -> t.Statement:
    values = list(match.values) if match.values.size() <= 256 else None
    if values is None:
        raise Refused(f"more than 256 masked values of `{match.field.value}`")
    if match.field is Field.TCP_FLAGS:
        return _flags(match.mask, values, negated)
    if match.field is Field.CT_STATUS and len(values) == 1:
        name = next((n for n, bit in words.STATUS_BITS.items() if bit == match.mask), None)
        if name is not None and values[0] == match.mask and not negated:
            return t.Compare(t.Selector("ct status"), "", t.Word(name))
    if match.field in ADDRESSES:
        assert match.family is not None
        left: t.Expr = selector(match.field, match.family)
        mask = t.Word(format_address(match.family, match.mask))
        rights: list[t.Expr] = [t.Word(format_address(match.family, v)) for v in values]
    else:
        word = _SELECT_MASKED.get(match.field)
        if word is None:
            raise Refused(f"a mask on `{match.field.value}`")
        left, mask, rights = t.Selector(word), t.Word(f"0x{match.mask:x}"), [t.Word(f"0x{v:x}") for v in values]
    right = rights[0] if len(rights) == 1 else t.SetOf(tuple(t.Element(r) for r in rights))
    op = "!=" if negated else ("==" if len(rights) == 1 else "")
    return t.Compare(t.Operation("&", left, mask), op, right)


def _flags(mask: int, values: list[int], negated: bool) -> t.Statement:
    def bits(value: int) -> t.Expr:
        names = tuple(t.Word(n) for n, bit in words.FLAGS.items() if value & bit)
        return names[0] if len(names) == 1 else t.Listed(names)

    if len(values) == 1 and values[0] and not negated:
        if mask & (mask - 1) == 0:  # nftables 1.0.6 reads no single flag behind `/`
            return t.Compare(t.Operation("&", t.Selector("tcp flags"), bits(mask)), "==", bits(values[0]))
        return t.Compare(t.Selector("tcp flags"), "", t.Operation("/", bits(values[0]), bits(mask)))
    left = t.Operation("&", t.Selector("tcp flags"), t.Word(f"0x{mask:x}"))
    rights = [t.Word(f"0x{v:x}") for v in values]
    if len(rights) == 1:
        return t.Compare(left, "!=" if negated else "==", rights[0])
    return t.Compare(left, "!=" if negated else "", t.SetOf(tuple(t.Element(r) for r in rights)))


# ----- sets and tuples -------------------------------------------------------


def key_of(fields: tuple[Field, ...], family: Family, protocol: str = "") -> t.Expr:
    """The fields of a lookup; with `protocol` ("tcp") its ports are asked for by that word, which brings the protocol along."""
    parts: tuple[t.Expr, ...] = tuple(
        t.Selector(f"{protocol} {f.value}") if protocol and f in (Field.SPORT, Field.DPORT) else selector(f, family)
        for f in fields
    )
    return parts[0] if len(parts) == 1 else t.Concat(parts)


def only_protocol(fields: tuple[Field, ...], columns: Columns) -> str:
    """The word of the one protocol that all elements of a lookup with ports share; empty when there is none. Then the
    protocol need not be part of the key, which is shorter to read and to hash."""
    if Field.PROTOCOL not in fields or not (Field.SPORT in fields or Field.DPORT in fields) or not columns:
        return ""
    first, *others = columns[fields.index(Field.PROTOCOL)][1].values()
    if not isinstance(first, IntervalSet) or first.size() != 1:
        return ""
    word = _PORT_WORDS.get(first.runs[0][0], "")
    return word if word and all(each == first for each in others) else ""


def without_protocol(fields: tuple[Field, ...], columns: Columns) -> tuple[tuple[Field, ...], Columns]:
    at = fields.index(Field.PROTOCOL)
    return (*fields[:at], *fields[at + 1 :]), [*columns[:at], *columns[at + 1 :]]


def _set_reference(scope: Scope, match: SetRef, negated: bool, family: Family) -> t.Statement:
    name = scope.set_name(match.set, match.fields, family)
    return t.Compare(key_of(match.fields, family), "!=" if negated else "", t.Ref(name))


def fits_concatenation(match: TupleIn, family: Family) -> bool:
    """Whether the tuple can be one lookup: known types, no wildcard among names, ports only where there are ports."""
    has_ports = Field.SPORT in match.fields or Field.DPORT in match.fields
    if has_ports and Field.PROTOCOL not in match.fields:
        return False
    at = match.fields.index(Field.PROTOCOL) if Field.PROTOCOL in match.fields else -1
    for field in match.fields:
        if field not in ADDRESSES and field not in IFACES and field not in (
            Field.PROTOCOL, Field.SPORT, Field.DPORT, Field.CT_ORIG_DPORT, Field.MARK, Field.CT_MARK, Field.SMAC
        ):  # fmt: skip
            return False
    if not match.elements:
        return True
    sizes: list[dict[int, int]] = []
    columns = different_values(match.elements)
    if has_ports and not all(isinstance(v, IntervalSet) and v <= _ALL_PORTS for v in columns[at].values()):
        return False
    for field, different in zip(match.fields, columns, strict=True):
        if any(isinstance(values, IfaceSet) and (values.negated or values.prefixes) for values in different.values()):
            return False
        sizes.append({key: max(1, len(members(field, values, family))) for key, values in different.items()})
    if prod([max(own.values()) for own in sizes]) <= MOST_ELEMENTS:
        return True
    return all(
        prod([own[id(values)] for own, values in zip(sizes, element, strict=True)]) <= MOST_ELEMENTS
        for element in match.elements
    )


MOST_ELEMENTS = 4096
"""Members of a set that one element of a lookup may become."""


def _tuple(scope: Scope, match: TupleIn, negated: bool, family: Family) -> t.Statement:
    fields = match.fields
    columns = columns_of(_apart(match))
    protocol = "" if negated else only_protocol(fields, columns)
    if protocol:
        fields, columns = without_protocol(fields, columns)
    right = scope.pool.tuples(fields, columns, None, family, match.name)
    if isinstance(right, t.SetOf) and not right.elements:
        raise Refused("an empty tuple of conditions")
    return t.Compare(key_of(fields, family, protocol), "!=" if negated else "", right)


def _apart(match: TupleIn) -> Sequence[tuple[Values, ...]]:
    """The elements of an interface and an address, one per interface, so that none overlaps another: the kernel refuses a
    prefix beside a prefix that lies in it (net/netfilter/nft_set_pipapo.c)."""
    kinds = [field in IFACES for field in match.fields]
    if len(kinds) != 2 or kinds[0] == kinds[1] or not any(f in ADDRESSES for f in match.fields):
        return match.elements
    first = kinds.index(True)
    found: dict[str, AddressSet] = {}
    for element in match.elements:
        names, addresses = element[first], element[1 - first]
        if not isinstance(names, IfaceSet) or not isinstance(addresses, AddressSet):
            return match.elements
        for name in sorted(names.names):
            found[name] = found[name] | addresses if name in found else addresses
    pairs = ((IfaceSet.of([name]), addresses) for name, addresses in found.items())
    return [pair if first == 0 else (pair[1], pair[0]) for pair in pairs]


# ----- conditions that are more than the packet ------------------------------


def other(scope: Scope, literal: Literal, family: Family) -> t.Statement:
    """The conditions without state of their own; rates and connection counts are lowered with the rule."""
    match: Any = literal.match
    negated = literal.negated
    equal = "!=" if negated else ""
    match match:
        case Chance():
            left = t.Selector("numgen random mod 1000000")
            return t.Compare(left, ">=" if negated else "<", t.Word(str(match.millionths)))
        case EveryNth():
            return t.Compare(t.Selector(f"numgen inc mod {match.every}"), equal, t.Word(str(match.packet)))
        case Recent():
            raise Refused(f"`recent` (list {match.name})", "use `limit`, or `add to set` with a timeout")
        case Owner() if not negated:
            ids = [t.Word(n) if n.isdigit() else t.Quoted(string(n, "the user or group")) for n in match.names]
            right = ids[0] if len(ids) == 1 else t.SetOf(tuple(t.Element(i) for i in ids))
            return t.Compare(t.Selector("meta skuid" if match.kind == "user" else "meta skgid"), "", right)
        case HelperIs() if not negated:
            return t.Compare(t.Selector("ct helper"), "", t.Quoted(string(match.name, "the helper")))
        case CgroupIs():
            path = string(match.path.strip("/"), "the cgroup")
            level = path.count("/") + 1
            return t.Compare(t.Selector(f"socket cgroupv2 level {level}"), equal, t.Quoted(path))
        case TimeWindow():
            return _time(match, negated)
        case AddressTypeIs() | ReversePathFails() | RouteLeavesBy() | NoRoute():
            return routing_statement(match, negated)
        case Opaque():
            return _opaque(match, negated)
        case _:
            raise Refused(
                f"`not` before {_WORDS.get(type(match).__name__, type(match).__name__)}",
                "write the rules the other way round",
            )


_WORDS = {"Owner": "`user`", "HelperIs": "`helper`"}


def time_parts(match: TimeWindow) -> list[TimeWindow]:
    """A window as windows of one dimension each; all of them must hold."""
    out = []
    if match.since or match.until:
        out.append(TimeWindow(since=match.since, until=match.until, utc=match.utc))
    if match.days:
        if match.utc:
            raise Refused(
                "a weekday in UTC", "nftables takes weekdays in the kernel's time zone: add `--kerneltz` to the rule"
            )
        out.append(TimeWindow(days=match.days))
    if match.start is not None or match.end is not None:
        out.append(TimeWindow(start=match.start, end=match.end, utc=match.utc))
    return out


def _time(match: TimeWindow, negated: bool) -> t.Statement:
    equal = "!=" if negated else ""
    if match.since or match.until:
        return _period(match, negated)
    if match.days:
        days: list[t.Expr] = [t.Quoted(words.DAYS[d]) for d in sorted(match.days)]
        right = days[0] if len(days) == 1 else t.SetOf(tuple(t.Element(d) for d in days))
        return t.Compare(t.Selector("meta day"), equal, right)
    start, last = match.start or 0, (DAY if match.end is None else match.end) - 1
    low, high = (_clock(second, match.utc) for second in (start, last))
    return t.Compare(t.Selector("meta hour"), equal, low if start == last else t.RangeOf(low, high))


def _clock(second: int, utc: bool) -> t.Expr:
    """Text is taken for local time, a number for UTC (hour_type_parse() in nftables' src/meta.c)."""
    return t.Word(str(second)) if utc else t.Quoted(clock_text(second, short=True))


def _period(match: TimeWindow, negated: bool) -> t.Statement:
    """The kernel compares nanoseconds: what holds to the end of a second ends before the next one."""

    def at(text: str, more: int) -> t.Expr:
        second = moment(text)
        if second is None or second < 0:
            raise Refused(f"the date {text}", "write one from 1970 on, as 2026-12-31")
        if match.utc:
            return t.Word(str(second + more))
        return t.Quoted(moment_text(min(second + more, LAST_MOMENT)).replace("T", " "))

    left = t.Selector("meta time")
    if match.since and match.until:
        if negated:
            raise Refused(
                "`not` before a period with beginning and end",
                "write one rule for the time before and one for that after it",
            )
        return t.Compare(left, "", t.RangeOf(at(match.since, 0), at(match.until, 1)))
    if match.since:
        return t.Compare(left, "<" if negated else ">=", at(match.since, 0))
    return t.Compare(left, ">=" if negated else "<", at(match.until, 1))


def routing_statement(match: Routing, negated: bool) -> t.Statement:
    """A question of the routing table. Raises Refused."""
    sign = "!=" if negated else ""
    match match:
        case AddressTypeIs(side, kind):
            return t.Compare(t.Selector(f"fib {side.value} type"), sign, t.Word(kind))
        case ReversePathFails(loose, mark):
            keys = ["saddr", *(["mark"] if mark else []), *([] if loose else ["iif"])]
            return t.Compare(t.Selector(f"fib {' . '.join(keys)} oif"), "", t.Word("exists" if negated else "missing"))
        case RouteLeavesBy(interfaces):
            names: list[t.Expr] = [t.Quoted(n) for n in interfaces]
            right = names[0] if len(names) == 1 else t.SetOf(tuple(t.Element(n) for n in names))
            return t.Compare(t.Selector("fib daddr oifname"), sign, right)
        case NoRoute(side):
            raise Refused(f"the condition that no route leads to the {side.value}", "name the addresses instead")


def _opaque(match: Opaque, negated: bool) -> t.Statement:
    if match.dialect == "nft":
        if negated:
            raise Refused("`not` before native text")
        return t.Foreign(match.text, match.kind)
    raise Refused(
        f"the {match.dialect} condition `{match.text[:60]}`",
        "there is no nftables form that is known to mean the same; or put the statement into `when not target nftables { ... }`",
    )
