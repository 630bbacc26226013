"""A conjunction of conditions as iptables words: what fits into one rule, and what needs several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from fwc.dialects.iptables.hooks import TABLES, tables_text
from fwc.dialects.iptables.lexer import split_words
from fwc.dialects.iptables.parts import (
    DESTINATION,
    FOREIGN,
    HEADER,
    IFACE_LENGTH,
    IN,
    LINK,
    OUT,
    PROTOCOL,
    RANGE,
    RATED,
    SET,
    SOCKET,
    SOURCE,
    TRACKED,
    Alternative,
    Inexpressible,
    Part,
    Pieces,
    Place,
    require_hooks,
    require_taken,
    span_text,
)
from fwc.dialects.iptables.rates import connection_words, rate_words
from fwc.dialects.iptables.transport import ints, protocol_name, transport_alternatives
from fwc.dialects.iptables.tree import Words
from fwc.ir.match import (
    AddressTypeIs,
    CgroupIs,
    Chance,
    CtStatus,
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
    Values,
    WithinConnections,
    WithinRate,
)
from fwc.ir.text import match_text
from fwc.net.address_types import possibly
from fwc.net.addresses import AddressSet, format_address, prefixes
from fwc.net.clock import DAY, clock_text, moment
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet, Run
from fwc.passes.conjunctions import DOMAINS, Conjunction, Literal

SetWords = Callable[[SetRef, bool, Family], Words]
"""Words that match a run-time set."""


def pieces(conjunction: Conjunction, place: Place, set_words: SetWords) -> Pieces:
    """Raises `Inexpressible`."""
    dims: list[tuple[Alternative, ...]] = []
    single: list[Part] = []
    excepts: list[Alternative] = []
    stateful: list[Part] = []

    def put(alternatives: tuple[Alternative, ...]) -> None:
        if len(alternatives) == 1:
            single.extend(alternatives[0])
        else:
            dims.append(alternatives)

    transport: dict[Field, Values] = {}
    for field, values in conjunction.fields.items():
        others = _few_others(field, values, conjunction, place.family)
        if others is not None:
            _exclude(field, others, place, put, excepts, False)
        elif field in _TRANSPORT:
            transport[field] = values
        else:
            put(field_alternatives(field, values, place))
    for field, values in conjunction.excluded.items():
        if field in _PORTS:
            transport[field] = DOMAINS[field] - ints(values)
        else:
            _exclude(field, values, place, put, excepts, field in conjunction.fields)
    flags = [x for x in conjunction.masked if isinstance(x.match, MaskedIn) and x.match.field is Field.TCP_FLAGS]
    if transport or flags:
        for alternatives in transport_alternatives(transport, flags, place):
            put(alternatives)
    for literal in conjunction.masked:
        if literal not in flags:
            put(_masked(literal, place))
    for literal in conjunction.sets:
        assert isinstance(literal.match, SetRef)
        single.append((SET, set_words(literal.match, literal.negated, place.family)))
    for literal in conjunction.opaque:
        _leaf(literal, place, put, stateful)
    return Pieces(tuple(single), tuple(dims), tuple(excepts), tuple(stateful))


# ----- single fields ---------------------------------------------------------

_PORTS = frozenset({Field.SPORT, Field.DPORT})
_TRANSPORT = frozenset({Field.PROTOCOL, Field.SPORT, Field.DPORT, Field.ICMP, Field.ICMPV6, Field.TCP_FLAGS})


@lru_cache(maxsize=1 << 16)
def field_alternatives(field: Field, values: Values, place: Place) -> tuple[Alternative, ...]:
    """Disjoint alternatives that together are `values`."""
    if isinstance(values, AddressSet):
        runs = values.family(place.family).runs
        return tuple((address_part(field, run, place.family, False),) for run in runs)
    if isinstance(values, IfaceSet):
        return tuple((iface_part(field, text, False),) for text in values.texts())
    rows = _ROWS.get(field)
    if rows is None:
        raise Inexpressible(field.value, f"iptables cannot match {_WORDS.get(field, field.value)}")
    return rows(values, place)


_WORDS = {Field.VLAN: "a VLAN id", Field.PF_TAG: "a pf tag", Field.CT_STATUS: "this connection status"}


def address_part(field: Field, run: Run, family: Family, negated: bool) -> Part:
    """`-s 10.0.0.0/8` where the run is a prefix, `-m iprange` where it is not."""
    low, high = run
    size = high - low + 1
    bang: Words = ("!",) if negated else ()
    source = field in (Field.SADDR, Field.CT_ORIG_SADDR)
    aligned = size & (size - 1) == 0 and low & (size - 1) == 0
    text = f"{format_address(family, low)}/{family.bits - size.bit_length() + 1}" if aligned else ""
    if field in (Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR):
        if not aligned:
            raise Inexpressible("ct-original", "iptables matches an original address by prefix only", "list prefixes")
        option = "--ctorigsrc" if source else "--ctorigdst"
        return (TRACKED, ("-m", "conntrack", *bang, option, text))
    if aligned:
        return (SOURCE if source else DESTINATION, (*bang, "-s" if source else "-d", text))
    option = "--src-range" if source else "--dst-range"
    ends = f"{format_address(family, low)}-{format_address(family, high)}"
    return (RANGE, ("-m", "iprange", *bang, option, ends))


def iface_part(field: Field, text: str, negated: bool) -> Part:
    """`text` is a name or a prefix ending in `*`."""
    name = text[:-1] + "+" if text.endswith("*") else text
    plain = name[:-1] if text.endswith("*") else name
    if len(plain) > IFACE_LENGTH or not plain or any(not c.isprintable() or c.isspace() or c in "/!" for c in plain):
        raise Inexpressible("interface-name", f"{plain!r} is no interface name of at most {IFACE_LENGTH} characters")
    if text[-1] == "+":
        raise Inexpressible(
            "interface-name", f"iptables reads the final + of {plain!r} as a wildcard", "rename the interface"
        )
    order, option = (IN, "-i") if field is Field.IIF else (OUT, "-o")
    return (order, ("!", option, name) if negated else (option, name))


def _states(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    """One list; the order is the one in which iptables-save prints it."""
    names = [name for value, name in STATES if value in values]
    return (((TRACKED, ("-m", "conntrack", "--ctstate", ",".join(names))),),)


STATES = ((0, "INVALID"), (3, "NEW"), (2, "RELATED"), (1, "ESTABLISHED"), (4, "UNTRACKED"))


def _marks(module: str) -> Callable[[IntervalSet, Place], tuple[Alternative, ...]]:
    def rows(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
        out = [(v, n) for run in values.runs for v, n in prefixes(run, 32)]
        return tuple(((LINK, ("-m", module, "--mark", mark(v, 0xFFFFFFFF << (32 - n) & 0xFFFFFFFF))),) for v, n in out)

    return rows


def mark(value: int, mask: int) -> str:
    return f"{value:#x}" if mask == 0xFFFFFFFF else f"{value:#x}/{mask:#x}"


def _ttl(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    module, prefix = ("ttl", "--ttl") if place.family is Family.V4 else ("hl", "--hl")
    out: list[Alternative] = []
    for low, high in values.runs:
        words: list[str] = []
        if low == high:
            words = ["-m", module, f"{prefix}-eq", str(low)]
        else:
            if low > 0:
                words += ["-m", module, f"{prefix}-gt", str(low - 1)]
            if high < 255:
                words += ["-m", module, f"{prefix}-lt", str(high + 1)]
        out.append(((HEADER, tuple(words)),))
    return tuple(out)


def _length(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    return tuple(((HEADER, ("-m", "length", "--length", span_text(*run))),) for run in values.runs)


def _dscp(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    return tuple(((HEADER, ("-m", "dscp", "--dscp", f"0x{v:02x}")),) for v in values)


FRAGMENT_V4 = "0x4&0x3fff=0x1:0x3fff"
"""u32: offset and more-fragments bit of the IPv4 header; `-f` alone would miss the first fragment."""


def _fragment(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    bang: Words = () if 1 in values else ("!",)
    if place.family is Family.V4:
        return (((HEADER, ("-m", "u32", *bang, "--u32", FRAGMENT_V4)),),)
    return (((HEADER, ("-m", "ipv6header", *bang, "--header", "ipv6-frag", "--soft")),),)


PKTTYPES = ("unicast", "broadcast", "multicast")


def _pkttype(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    others = list(DOMAINS[Field.PKTTYPE] - values)
    if len(others) == 1 and others[0] < len(PKTTYPES):
        return (((LINK, ("-m", "pkttype", "!", "--pkt-type", PKTTYPES[others[0]])),),)
    if any(value >= len(PKTTYPES) for value in values):
        raise Inexpressible("pkttype", "iptables cannot match the packet type otherhost", "leave it out")
    return tuple(((LINK, ("-m", "pkttype", "--pkt-type", PKTTYPES[v])),) for v in values)


def mac_text(value: int) -> str:
    return ":".join(f"{value >> shift & 255:02x}" for shift in range(40, -1, -8))


def _macs(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    if values.size() > 4096:
        raise Inexpressible("mac", "iptables matches single MAC addresses only", "list them")
    words = ("-m", "mac", "--mac-source")
    require_hooks(words, place, "mac", "asks for a MAC address", "take the condition out, or move the rule")
    return tuple(((LINK, (*words, mac_text(v))),) for v in values)


def _ipsec(field: Field) -> Callable[[IntervalSet, Place], tuple[Alternative, ...]]:
    def rows(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
        words = ipsec_words(field, 1 in values)
        verb = "comes out of" if field is Field.IPSEC else "goes into"
        doing = f"asks whether a packet {verb} an IPsec transform"
        require_hooks(words, place, "ipsec", doing, "take the condition out, or move the rule")
        return (((SOCKET, words),),)

    return rows


def ipsec_words(field: Field, inside: bool) -> Words:
    """Whether a packet comes out of an IPsec transform (IPSEC) or goes into one (IPSEC_OUT)."""
    return ("-m", "policy", "--dir", "in" if field is Field.IPSEC else "out", "--pol", "ipsec" if inside else "none")


def _orig_port(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    return tuple(((TRACKED, ("-m", "conntrack", "--ctorigdstport", span_text(*run))),) for run in values.runs)


_ROWS: Mapping[Field, Callable[[IntervalSet, Place], tuple[Alternative, ...]]] = {
    Field.CT_STATE: _states,
    Field.MARK: _marks("mark"),
    Field.CT_MARK: _marks("connmark"),
    Field.TTL: _ttl,
    Field.LENGTH: _length,
    Field.DSCP: _dscp,
    Field.FRAGMENT: _fragment,
    Field.PKTTYPE: _pkttype,
    Field.SMAC: _macs,
    Field.IPSEC: _ipsec(Field.IPSEC),
    Field.IPSEC_OUT: _ipsec(Field.IPSEC_OUT),
    Field.CT_ORIG_DPORT: _orig_port,
}


# ----- exclusions ------------------------------------------------------------


def _few_others(field: Field, values: Values, conjunction: Conjunction, family: Family) -> Values | None:
    """The values that are left out, where `!` before them says it shorter: `! --mark 5` in place of 32 masks."""
    if field in conjunction.excluded or isinstance(values, IfaceSet):
        return None
    if isinstance(values, AddressSet):
        if field not in (Field.SADDR, Field.DADDR) or len(values.family(family).runs) < 2:
            return None
        others = (~values).only(family)
        return others if 0 < len(others.family(family).runs) < len(values.family(family).runs) else None
    if field not in _LEFT_OUT or not values or values.size() < 2:
        return None
    if field is Field.PROTOCOL and (
        any(f in _TRANSPORT for f in conjunction.fields if f is not field)
        or any(f in _TRANSPORT for f in conjunction.excluded)
        or any(isinstance(m.match, MaskedIn) and m.match.field is Field.TCP_FLAGS for m in conjunction.masked)
    ):
        return None
    rest = DOMAINS[field] - values
    return rest if rest.size() == 1 else None


_LEFT_OUT = frozenset({Field.PROTOCOL, Field.MARK, Field.CT_MARK, Field.DSCP, Field.LENGTH})

_NEGATIVES = 4
"""So many `!` conditions on one field still stand in one rule."""


def _exclude(
    field: Field,
    values: Values,
    place: Place,
    put: Callable[[tuple[Alternative, ...]], None],
    excepts: list[Alternative],
    taken: bool,
) -> None:
    """`taken`: the rule asks for the field already, and iptables takes each of its options once."""
    if isinstance(values, AddressSet):
        runs = values.family(place.family).runs
        if len(runs) <= _NEGATIVES:
            put((_not_addresses(field, runs, place.family),))
        else:
            put(field_alternatives(field, (~values).only(place.family), place))
    elif isinstance(values, IfaceSet):
        texts = values.texts()
        if len(texts) == 1 and not excepts and not taken:
            put(((iface_part(field, texts[0], True),),))
        else:
            excepts.extend((iface_part(field, text, False),) for text in texts)
    elif field is Field.PROTOCOL:
        numbers = list(values)
        if len(numbers) == 1:
            put((((PROTOCOL, ("!", "-p", protocol_name(numbers[0], place.family))),),))
        else:
            excepts.extend(((PROTOCOL, ("-p", protocol_name(n, place.family))),) for n in numbers)
    else:
        _exclude_integers(field, values, place, put)


def _not_addresses(field: Field, runs: Sequence[Run], family: Family) -> Alternative:
    """The first prefix as `! -s`, further ones as ranges: a rule has only one -s."""
    parts: list[Part] = []
    for run in runs:
        part = address_part(field, run, family, True)
        if part[0] != RANGE and any(p[0] == part[0] for p in parts):
            if part[0] == TRACKED:
                raise Inexpressible("ct-original", "iptables can exclude one original address only")
            option = "--src-range" if field is Field.SADDR else "--dst-range"
            ends = f"{format_address(family, run[0])}-{format_address(family, run[1])}"
            part = (RANGE, ("-m", "iprange", "!", option, ends))
        parts.append(part)
    return tuple(parts)


def _exclude_integers(
    field: Field, values: IntervalSet, place: Place, put: Callable[[tuple[Alternative, ...]], None]
) -> None:
    """One value with the match's own `!`, more as the complement."""
    rows = field_alternatives(field, values, place) if field in _ROWS else ()
    if len(rows) == 1 and len(rows[0]) == 1 and field is not Field.TTL:
        order, words = rows[0][0]
        put((((order, (*words[:-2], "!", *words[-2:])),),))
    else:
        put(field_alternatives(field, DOMAINS[field] - values, place))


# ----- masked fields ---------------------------------------------------------


def _masked(literal: Literal, place: Place) -> tuple[Alternative, ...]:
    match = literal.match
    assert isinstance(match, MaskedIn)
    if match.field is Field.CT_STATUS:
        return ((_status(match, literal.negated),),)
    values = [v for v in match.values if v & ~match.mask == 0] if match.values.size() <= 4096 else None
    if values is None:
        raise Inexpressible(match.field.value, "the masked condition has too many values", "write it with fewer")
    build = _masked_part(match, place)
    if literal.negated and len(values) == 1:
        order, words = build(values[0])
        return (((order, (*words[:-2], "!", *words[-2:])),),)
    if literal.negated:
        if match.mask.bit_count() > 12:
            raise Inexpressible(
                match.field.value, "iptables can exclude one masked value only", "write one rule per value"
            )
        values = [v for v in _submasks(match.mask) if v not in match.values]
    if not values:
        raise Inexpressible(match.field.value, "the condition matches nothing")
    return tuple((build(v),) for v in values)


def _submasks(mask: int) -> list[int]:
    out = [0]
    for bit in range(mask.bit_length()):
        if mask >> bit & 1:
            out += [v | 1 << bit for v in out]
    return sorted(out)


def _masked_part(match: MaskedIn, place: Place) -> Callable[[int], Part]:
    if match.field in (Field.MARK, Field.CT_MARK):
        module = "mark" if match.field is Field.MARK else "connmark"
        return lambda v: (LINK, ("-m", module, "--mark", mark(v, match.mask)))
    if match.field in (Field.SADDR, Field.DADDR):
        source = match.field is Field.SADDR
        order, option = (SOURCE, "-s") if source else (DESTINATION, "-d")
        mask_text = format_address(place.family, match.mask)
        return lambda v: (order, (option, f"{format_address(place.family, v)}/{mask_text}"))
    raise Inexpressible(match.field.value, f"iptables cannot match {match.field.value} through a mask")


STATUS_NAMES = (
    (CtStatus.EXPECTED, "EXPECTED"),
    (CtStatus.SEEN_REPLY, "SEEN_REPLY"),
    (CtStatus.ASSURED, "ASSURED"),
    (CtStatus.CONFIRMED, "CONFIRMED"),
)


def _status(match: MaskedIn, negated: bool) -> Part:
    """ "Some bit of the mask is set" or its negation; DNAT and SNAT are states for iptables."""
    values = IntervalSet(r for r in match.values.runs)
    every = IntervalSet.of(*_submasks(match.mask)) if match.mask.bit_count() <= 6 else IntervalSet()
    within = values & every
    if within == IntervalSet.of(0):
        negated = not negated
    elif within != every - IntervalSet.of(0):
        raise Inexpressible("ct-status", "iptables can test that some of the status bits are set, or none")
    bang: Words = ("!",) if negated else ()
    nat = [name for bit, name in ((CtStatus.DNAT, "DNAT"), (CtStatus.SNAT, "SNAT")) if match.mask & bit]
    rest = [name for bit, name in STATUS_NAMES if match.mask & bit]
    if nat and not rest and not match.mask & ~(CtStatus.DNAT | CtStatus.SNAT):
        return (TRACKED, ("-m", "conntrack", *bang, "--ctstate", ",".join(nat)))
    if rest and not nat:
        return (TRACKED, ("-m", "conntrack", *bang, "--ctstatus", ",".join(rest)))
    raise Inexpressible("ct-status", "iptables cannot test these status bits together")


# ----- other leaves ----------------------------------------------------------

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _leaf(literal: Literal, place: Place, put: Callable[[tuple[Alternative, ...]], None], stateful: list[Part]) -> None:
    match, negated = literal.match, literal.negated
    bang: Words = ("!",) if negated else ()
    match match:
        case WithinRate():
            stateful.append((RATED, rate_words(match, negated, place.family)))
        case Chance():
            stateful.append(
                (RATED, ("-m", "statistic", "--mode", "random", *bang, "--probability", chance(match.millionths)))
            )
        case EveryNth():
            packet: Words = ("--packet", str(match.packet))
            nth: Words = ("-m", "statistic", "--mode", "nth", *bang, "--every", str(match.every), *packet)
            stateful.append((RATED, nth))
        case Recent():
            stateful.append((RATED, recent_words(match, negated, place.family)))
        case WithinConnections():
            put((((RATED, connection_words(match, negated, place.family)),),))
        case TimeWindow():
            put((((SOCKET, _time(match, negated)),),))
        case Owner():
            put(_owner(match, negated, place))
        case HelperIs():
            put((((TRACKED + 1, ("-m", "helper", *bang, "--helper", match.name)),),))
        case CgroupIs():
            words = ("-m", "cgroup", *bang, "--path", match.path)
            require_hooks(words, place, "cgroup", "asks for a cgroup", "take the condition out, or move the rule")
            put((((SOCKET, words),),))
        case AddressTypeIs() | ReversePathFails() | RouteLeavesBy() | NoRoute():
            found = _routing(match, negated, place)
            if found is not None:
                put(found)
        case Opaque():
            put(((_opaque(match, negated, place),),))
        case _:
            raise Inexpressible("condition", f"iptables has no condition like `{match_text(match)}`")


def chance(millionths: int) -> str:
    return f"{millionths / 1_000_000:.6f}"


def recent_words(match: Recent, negated: bool, family: Family) -> Words:
    words = ["-m", "recent", *(("!",) if negated else ()), f"--{match.act.value}"]
    if match.seconds:
        words += ["--seconds", str(match.seconds)]
    if match.reap:
        words.append("--reap")
    if match.hits:
        words += ["--hitcount", str(match.hits)]
    if match.ttl:
        words.append("--rttl")
    side = "--rsource" if match.side is Field.SADDR else "--rdest"
    return (*words, "--name", match.name, "--mask", format_address(family, match.mask), side)


_LAST_DATE = (1 << 31) - 1
"""xt_time keeps dates in 31 bits (libxt_time.c)."""


def _owner(match: Owner, negated: bool, place: Place) -> tuple[Alternative, ...]:
    way_out = "take the condition out, or move the rule"
    require_hooks(("-m", "owner"), place, "user-of-received", "asks for the user of a packet", way_out)
    option = "--uid-owner" if match.kind == "user" else "--gid-owner"
    if not negated:
        return tuple(((SOCKET, ("-m", "owner", option, name)),) for name in match.names)
    words: list[str] = []
    for name in match.names:
        words += ["-m", "owner", "!", option, name]
    return (((SOCKET, tuple(words)),),)


def _time(match: TimeWindow, negated: bool) -> Words:
    """Times are UTC without --kerneltz, which is the kernel's idea of local time, set at boot by hwclock or systemd."""
    if negated:
        raise Inexpressible("time", "iptables cannot negate a time window", "write the other times")
    words = ["-m", "time"]
    if match.start is not None and match.end is not None and (match.start, match.end) != (0, DAY):
        if match.start == match.end - 1:
            raise Inexpressible("time", "iptables takes a window of one second for the whole day", "make it longer")
        words += ["--timestart", clock_text(match.start), "--timestop", clock_text(match.end - 1)]
    if match.days:
        words += ["--weekdays", ",".join(_DAYS[d] for d in sorted(match.days))]
    for option, text in (("--datestart", match.since), ("--datestop", match.until)):
        if text:
            second = moment(text)
            if second is None or not 0 <= second <= _LAST_DATE:
                raise Inexpressible("time", f"iptables knows no dates like {text}", "write one from 1970 to 2038")
            words += [option, text]
    if not match.utc:
        words.append("--kerneltz")
    return tuple(words)


def _opaque(match: Opaque, negated: bool, place: Place) -> Part:
    if match.dialect != "iptables":
        text = f"iptables cannot express the {match.dialect} condition {match.text!r}"
        raise Inexpressible("foreign", text, "remove it, or use `when target`")
    if negated:
        raise Inexpressible("foreign", f"iptables cannot negate {match.text!r}")
    if not match.text.isprintable():
        raise Inexpressible("text", "the condition holds a control character", "use printable text")
    words = split_words(match.text) or ()
    require_taken(words, place)
    return (FOREIGN, words)


def _routing(match: Routing, negated: bool, place: Place) -> tuple[Alternative, ...] | None:
    """Conditions on the routing table; None for what holds for every packet of the family."""
    family = place.family
    match match:
        case ReversePathFails(mark=mark):
            way_out = "move the rule to a chain of type filter at prerouting"
            require_hooks(("-m", "rpfilter"), place, "rpfilter", "checks the reverse path", way_out)
            if place.table not in TABLES["-m rpfilter"]:
                text = f"iptables checks the reverse path in {tables_text('-m rpfilter')} only"
                raise Inexpressible("rpfilter", text, way_out)
            if mark and family is Family.V6:
                raise Inexpressible("rpfilter", "ip6tables regards the mark in other cases than nftables does")
            return (((LINK, routing_words(match, negated)),),)
        case AddressTypeIs(kind=kind):
            if not possibly(kind, family):
                return None if negated else ()
            if family is Family.V6 and kind != "local":
                text = f"ip6tables looks the address type {kind} up in another way than nftables does"
                raise Inexpressible("local", text)
            return (((LINK, routing_words(match, negated)),),)
        case NoRoute(side):
            raise Inexpressible("no-route", f"iptables cannot ask whether a route leads to the {side.value}")
        case RouteLeavesBy():
            text = "iptables cannot tell before routing by which interface a packet will leave"
            raise Inexpressible("route", text, "limit the destination by addresses instead of a zone without networks")


def routing_words(match: AddressTypeIs | ReversePathFails, negated: bool) -> Words:
    """A question of the routing table that iptables knows, wherever it stands."""
    if isinstance(match, AddressTypeIs):
        option = "--src-type" if match.side is Field.SADDR else "--dst-type"
        return ("-m", "addrtype", *(("!",) if negated else ()), option, match.kind.upper())
    options = (("--loose", match.loose), ("--validmark", match.mark), ("--invert", not negated))
    return ("-m", "rpfilter", *(option for option, given in options if given))
