"""A conjunction of conditions as iptables words: what fits into one rule, and what needs several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from fwc.dialects.iptables.lexer import split_words
from fwc.dialects.iptables.rates import connection_words, rate_words
from fwc.dialects.iptables.tree import Words
from fwc.errors import FwcError
from fwc.ir.match import (
    CgroupIs,
    Chance,
    CtStatus,
    Field,
    HelperIs,
    MaskedIn,
    Opaque,
    Owner,
    SetRef,
    TimeWindow,
    Values,
    WithinConnections,
    WithinRate,
)
from fwc.net.addresses import AddressSet, format_address, prefixes
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet, Run
from fwc.passes.conjunctions import DOMAINS, Conjunction, Literal
from fwc.records import record

MULTIPORT = 15
"""XT_MULTI_PORTS; a range takes two."""
IFACE_LENGTH = 15

Part = tuple[int, Words]
"""Words of one condition, and where it stands in a rule: iptables-save prints -s -d -i -o -p, then matches as given."""
Alternative = tuple[Part, ...]

SOURCE, DESTINATION, IN, OUT, PROTOCOL, TRANSPORT = 0, 1, 2, 3, 4, 5
RANGE, LINK, HEADER, TRACKED, SET, SOCKET, FOREIGN, RATED, COMMENT = 10, 12, 14, 20, 30, 40, 50, 60, 70


class Inexpressible(FwcError):
    """iptables has no words for it. `feature` is a key of the capability table; `help` says what to write instead."""

    def __init__(self, feature: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.feature = feature
        self.message = message
        self.help = help


@record
class Pieces:
    """A conjunction split up. A packet is matched when all of `single` match, for each of `dims` one alternative does,
    none of `excepts` does, and then `stateful` (which may count the packet) does. Alternatives of a dim are disjoint."""

    single: tuple[Part, ...]
    dims: tuple[tuple[Alternative, ...], ...] = ()
    excepts: tuple[Alternative, ...] = ()
    stateful: tuple[Part, ...] = ()

    @property
    def count(self) -> int:
        """How many rules the product of the dims is."""
        total = 1
        for dim in self.dims:
            total *= len(dim)
        return total


@record
class Place:
    """Where the rule will stand: it decides the direction of `-m policy` and the names of sets and buckets."""

    family: Family
    outbound: bool = False
    raw: bool = False


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
        if field in _TRANSPORT:
            transport[field] = values
        else:
            put(field_alternatives(field, values, place))
    for field, values in conjunction.excluded.items():
        if field in _PORTS:
            transport[field] = DOMAINS[field] - _ints(values)
        else:
            _exclude(field, values, place, put, excepts)
    flags = [x for x in conjunction.masked if isinstance(x.match, MaskedIn) and x.match.field is Field.TCP_FLAGS]
    if transport or flags:
        for alternatives in _transport(transport, flags, place):
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


def in_order(parts: Sequence[Part]) -> Words:
    """The words of several conditions, in printing order."""
    out: list[str] = []
    if sum(1 for p in parts if p[0] == TRACKED) > 1:
        parts = _merged(parts)
    for _, words in sorted(parts, key=_rank):
        out.extend(words)
    return tuple(out)


def _rank(part: Part) -> int:
    return part[0]


def _merged(parts: Sequence[Part]) -> list[Part]:
    """Two conntrack conditions on different options share one match: `--ctstate DNAT --ctorigdstport 443`."""
    words: list[str] = []
    kept: list[Part] = []
    for part in parts:
        options = [w for w in part[1] if w.startswith("--ct")]
        if part[0] != TRACKED or part[1][1] != "conntrack" or any(o in words for o in options):
            kept.append(part)
        else:
            words.extend(part[1] if not words else part[1][2:])
    kept.append((TRACKED, tuple(words)))
    return kept


# ----- single fields ---------------------------------------------------------

_PORTS = frozenset({Field.SPORT, Field.DPORT})
_TRANSPORT = frozenset({Field.PROTOCOL, Field.SPORT, Field.DPORT, Field.ICMP, Field.ICMPV6, Field.TCP_FLAGS})


def _ints(values: Values) -> IntervalSet:
    assert isinstance(values, IntervalSet)
    return values


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


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}:{high}"


def _length(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    return tuple(((HEADER, ("-m", "length", "--length", _span(*run))),) for run in values.runs)


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
    if 3 in values and len(list(values)) == 3:
        (other,) = DOMAINS[Field.PKTTYPE] - values
        return (((LINK, ("-m", "pkttype", "!", "--pkt-type", PKTTYPES[other])),),)
    if 3 in values:
        raise Inexpressible("pkttype", "iptables cannot match the packet type otherhost", "leave it out")
    return tuple(((LINK, ("-m", "pkttype", "--pkt-type", PKTTYPES[v])),) for v in values)


def mac_text(value: int) -> str:
    return ":".join(f"{value >> shift & 255:02x}" for shift in range(40, -1, -8))


def _macs(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    if values.size() > 4096:
        raise Inexpressible("mac", "iptables matches single MAC addresses only", "list them")
    return tuple(((LINK, ("-m", "mac", "--mac-source", mac_text(v))),) for v in values)


def _ipsec(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    direction = "out" if place.outbound else "in"
    pol = "ipsec" if 1 in values else "none"
    return (((SOCKET, ("-m", "policy", "--dir", direction, "--pol", pol)),),)


def _orig_port(values: IntervalSet, place: Place) -> tuple[Alternative, ...]:
    return tuple(((TRACKED, ("-m", "conntrack", "--ctorigdstport", _span(*run))),) for run in values.runs)


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
    Field.IPSEC: _ipsec,
    Field.CT_ORIG_DPORT: _orig_port,
}


# ----- exclusions ------------------------------------------------------------

_NEGATIVES = 4
"""So many `!` conditions on one field still stand in one rule."""


def _exclude(
    field: Field,
    values: Values,
    place: Place,
    put: Callable[[tuple[Alternative, ...]], None],
    excepts: list[Alternative],
) -> None:
    if isinstance(values, AddressSet):
        runs = values.family(place.family).runs
        if len(runs) <= _NEGATIVES:
            put((_not_addresses(field, runs, place.family),))
        else:
            put(field_alternatives(field, (~values).only(place.family), place))
    elif isinstance(values, IfaceSet):
        texts = values.texts()
        if len(texts) == 1 and not excepts:
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


# ----- protocol, ports, icmp, flags ------------------------------------------

PROTOCOLS = {
    1: "icmp",
    6: "tcp",
    17: "udp",
    33: "dccp",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "ipv6-icmp",
    132: "sctp",
    136: "udplite",
}
"""Names that need no /etc/protocols: xtables_chain_protos of iptables/xshared.c. Others are printed as numbers."""
_NUMERIC = frozenset({33, 47})


def protocol_name(number: int, family: Family) -> str:
    return PROTOCOLS[number] if number in PROTOCOLS and number not in _NUMERIC else str(number)


def _transport(fields: dict[Field, Values], flags: list[Literal], place: Place) -> list[tuple[Alternative, ...]]:
    """Protocol and what depends on it is one dim: each alternative names one protocol."""
    protocols = fields.get(Field.PROTOCOL)
    numbers = list(_ints(protocols)) if protocols is not None else [6]
    out: list[Alternative] = []
    for number in numbers:
        name = protocol_name(number, place.family)
        details = _details(number, fields, flags, place)
        if details is None:
            continue
        for words in details:
            out.append(((PROTOCOL, ("-p", name)), (TRANSPORT, words)) if words else ((PROTOCOL, ("-p", name)),))
    return [tuple(out)]


def _details(number: int, fields: dict[Field, Values], flags: list[Literal], place: Place) -> list[Words] | None:
    """Words after `-p`, one list per alternative; None when the protocol cannot have the fields."""
    out: list[Words] = [()]
    sport, dport = fields.get(Field.SPORT), fields.get(Field.DPORT)
    if sport is not None or dport is not None:
        out = _ports(number, sport, dport)
    for field, own, module, option in (
        (Field.ICMP, 1, "icmp", "--icmp-type"),
        (Field.ICMPV6, 58, "icmp6", "--icmpv6-type"),
    ):
        values = fields.get(field)
        if values is not None:
            if number != own:
                return None
            out = [("-m", module, option, text) for text in icmp_texts(_ints(values))]
    combos = _flag_words(fields, flags)
    if combos is not None:
        if number != 6:
            return None
        merged: list[Words] = []
        for ports in out:
            for combo in combos:
                tail = combo[2:] if ports[:2] == ("-m", "tcp") and len([w for w in ports if w == "-m"]) == 1 else combo
                merged.append(ports + tail)
        out = merged
    return out


def icmp_texts(values: IntervalSet) -> list[str]:
    """`8` for a whole type, `3/4` for one code."""
    out: list[str] = []
    for low, high in values.runs:
        at = low
        while at <= high:
            if at & 255 == 0 and at + 255 <= high:
                out.append(str(at >> 8))
                at += 256
            else:
                out.append(f"{at >> 8}/{at & 255}")
                at += 1
    return out


_OWN_MODULE = {6: "tcp", 17: "udp"}


def _ports(number: int, sport: Values | None, dport: Values | None) -> list[Words]:
    sources = _port_lists(number, sport, "--sport") if sport is not None else [()]
    targets = _port_lists(number, dport, "--dport") if dport is not None else [()]
    out: list[Words] = []
    for source in sources:
        for target in targets:
            same = source[:2] == target[:2] and source and source[1] != "multiport"
            out.append(source + target[2:] if same else source + target)
    return out


@lru_cache(maxsize=1 << 14)
def _port_lists(number: int, values: Values, option: str) -> list[Words]:
    runs = _ints(values).runs
    module = _OWN_MODULE.get(number)
    if len(runs) == 1 and module:
        return [("-m", module, option, _span(*runs[0]))]
    rest = IntervalSet.full(16) - _ints(values)
    if module and len(rest.runs) == 1 and len(runs) == 2:
        return [("-m", module, "!", option, _span(*rest.runs[0]))]
    if len(rest.runs) < len(runs) and sum(1 if a == b else 2 for a, b in rest.runs) <= MULTIPORT:
        return [("-m", "multiport", "!", f"{option}s", ",".join(_span(*run) for run in rest.runs))]
    out: list[Words] = []
    chunk: list[str] = []
    used = 0
    for low, high in runs:
        size = 1 if low == high else 2
        if used + size > MULTIPORT:
            out.append(("-m", "multiport", f"{option}s", ",".join(chunk)))
            chunk, used = [], 0
        chunk.append(_span(low, high))
        used += size
    out.append(("-m", "multiport", f"{option}s", ",".join(chunk)))
    return [_lone(words, module) for words in out]


def _lone(words: Words, module: str | None) -> Words:
    """A list of one is not a list."""
    if module and "," not in words[-1]:
        return ("-m", module, words[2][:-1], words[-1])
    return words


FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")


def flag_list(bits: int) -> str:
    names = [name for i, name in enumerate(FLAGS) if bits >> i & 1]
    return ",".join(names) or "NONE"


def _flag_words(fields: dict[Field, Values], literals: list[Literal]) -> list[Words] | None:
    """Alternatives of the TCP flags, or None when there is no condition on them."""
    lists: list[list[Words]] = []
    exact = fields.get(Field.TCP_FLAGS)
    if exact is not None:
        lists.append([("-m", "tcp", "--tcp-flags", flag_list(m), flag_list(v)) for v, m in flag_cubes(_ints(exact))])
    for literal in literals:
        assert isinstance(literal.match, MaskedIn)
        lists.append(_masked_flags(literal.match, literal.negated))
    if not lists:
        return None
    out = lists[0]
    for more in lists[1:]:
        out = [one + two for one in out for two in more]
    return out


def _masked_flags(match: MaskedIn, negated: bool) -> list[Words]:
    if match.mask & ~0x3F:
        raise Inexpressible("tcp-flags", "iptables cannot match the TCP flags ece and cwr", "leave these two flags out")
    values = [v for v in match.values if v & ~match.mask == 0]
    if not negated:
        return [("-m", "tcp", "--tcp-flags", flag_list(match.mask), flag_list(v)) for v in values]
    if len(values) == 1:
        return [("-m", "tcp", "!", "--tcp-flags", flag_list(match.mask), flag_list(values[0]))]
    others = [v for v in range(64) if v & ~match.mask == 0 and v not in match.values]
    return [("-m", "tcp", "--tcp-flags", flag_list(match.mask), flag_list(v)) for v in others]


def flag_cubes(values: IntervalSet) -> list[tuple[int, int]]:
    """Disjoint (value, mask) pairs of the six low flags that make up the set; it must not tell ece and cwr apart."""
    low = {v & 0x3F for v in values}
    if IntervalSet.of(*(v | high for v in low for high in (0, 64, 128, 192))) != values:
        raise Inexpressible("tcp-flags", "iptables cannot match the TCP flags ece and cwr", "leave these two flags out")
    return _cubes(frozenset(low), 0, 0, 5)


def _cubes(values: frozenset[int], value: int, mask: int, bit: int) -> list[tuple[int, int]]:
    if not values:
        return []
    if len(values) == 1 << (6 - mask.bit_count()):
        return [(value, mask)]
    for free in range(6):
        flag = 1 << free
        if mask & flag:
            continue
        if all((v ^ flag) in values for v in values):
            continue
        zeros = frozenset(v for v in values if not v & flag)
        ones = frozenset(v for v in values if v & flag)
        return _cubes(zeros, value, mask | flag, bit) + _cubes(ones, value | flag, mask | flag, bit)
    return [(value, mask)]


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
        case WithinConnections():
            put((((RATED, connection_words(match, negated, place.family)),),))
        case TimeWindow():
            put((((SOCKET, _time(match, negated)),),))
        case Owner():
            put(_owner(match, negated))
        case HelperIs():
            put((((TRACKED + 1, ("-m", "helper", *bang, "--helper", match.name)),),))
        case CgroupIs():
            put((((SOCKET, ("-m", "cgroup", *bang, "--path", match.path)),),))
        case Opaque():
            put(((_opaque(match, negated),),))
        case _:
            raise Inexpressible("condition", f"iptables has no condition like {type(match).__name__}")


def chance(millionths: int) -> str:
    return f"{millionths / 1_000_000:.6f}"


def _owner(match: Owner, negated: bool) -> tuple[Alternative, ...]:
    option = "--uid-owner" if match.kind == "user" else "--gid-owner"
    if not negated:
        return tuple(((SOCKET, ("-m", "owner", option, name)),) for name in match.names)
    words: list[str] = []
    for name in match.names:
        words += ["-m", "owner", "!", option, name]
    return (((SOCKET, tuple(words)),),)


def _time(match: TimeWindow, negated: bool) -> Words:
    """--kerneltz: the kernel's idea of local time, set at boot by hwclock or systemd."""
    if negated:
        raise Inexpressible("time", "iptables cannot negate a time window", "write the other times")
    words = ["-m", "time"]
    if match.start is not None and match.end is not None and (match.start, match.end) != (0, 1440):
        last = match.end * 60 - 1
        words += ["--timestart", f"{match.start // 60:02d}:{match.start % 60:02d}:00"]
        words += ["--timestop", f"{last // 3600:02d}:{last // 60 % 60:02d}:{last % 60:02d}"]
    if match.days:
        words += ["--weekdays", ",".join(_DAYS[d] for d in sorted(match.days))]
    if match.until:
        words += ["--datestop", f"{match.until}T23:59:59"]
    words.append("--kerneltz")
    return tuple(words)


def _opaque(match: Opaque, negated: bool) -> Part:
    if not match.dialect:
        return _routed(match, negated)
    if match.dialect != "iptables":
        text = f"iptables cannot express the {match.dialect} condition {match.text!r}"
        raise Inexpressible("foreign", text, "remove it, or use `when target`")
    if negated:
        raise Inexpressible("foreign", f"iptables cannot negate {match.text!r}")
    return (FOREIGN, split_words(match.text) or ())


def _routed(match: Opaque, negated: bool) -> Part:
    """Conditions on the routing table that every target spells in its own way."""
    if match.kind == "rpfilter":
        loose: Words = ("--loose",) if match.text == "loose" else ()
        invert: Words = () if negated else ("--invert",)
        return (LINK, ("-m", "rpfilter", *loose, *invert))
    if match.kind == "local":
        option = "--src-type" if match.text == "saddr" else "--dst-type"
        bang: Words = ("!",) if negated else ()
        return (LINK, ("-m", "addrtype", *bang, option, "LOCAL"))
    text = "iptables cannot tell before routing by which interface a packet will leave"
    raise Inexpressible(match.kind, text, "limit the destination by addresses instead of a zone without networks")
