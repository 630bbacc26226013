"""Protocol, ports, ICMP types and TCP flags: what depends on one protocol stands in one rule with it."""

from __future__ import annotations

from functools import lru_cache

from fwc.dialects.iptables.parts import PROTOCOL, TRANSPORT, Alternative, Inexpressible, Place, span_text
from fwc.dialects.iptables.tree import Words
from fwc.ir.match import Field, MaskedIn, Values
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import DOMAINS, Literal

MULTIPORT = 15
"""XT_MULTI_PORTS; a range takes two."""

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


def transport_alternatives(
    fields: dict[Field, Values], flags: list[Literal], place: Place
) -> list[tuple[Alternative, ...]]:
    """Protocol and what depends on it is one dim: each alternative names one protocol."""
    protocols = fields.get(Field.PROTOCOL)
    numbers = list(ints(protocols)) if protocols is not None else [6]
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
            others = DOMAINS[field] - ints(values)
            if others.size() in (1, 256) and len(left_out := icmp_texts(others)) == 1:
                out = [("-m", module, "!", option, left_out[0])]
            else:
                out = [("-m", module, option, text) for text in icmp_texts(ints(values))]
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


def fit_one_rule(ports: IntervalSet) -> bool:
    """Whether one rule can name all of the ports."""
    return len(ports.runs) == 1 or _places(ports) <= MULTIPORT


def _places(ports: IntervalSet) -> int:
    """The places of a multiport match that ports take."""
    return sum(1 if low == high else 2 for low, high in ports.runs)


@lru_cache(maxsize=1 << 14)
def _port_lists(number: int, values: Values, option: str) -> list[Words]:
    runs = ints(values).runs
    module = _OWN_MODULE.get(number)
    if len(runs) == 1 and module:
        return [("-m", module, option, span_text(*runs[0]))]
    rest = IntervalSet.full(16) - ints(values)
    if module and len(rest.runs) == 1 and len(runs) == 2:
        return [("-m", module, "!", option, span_text(*rest.runs[0]))]
    if len(rest.runs) < len(runs) and _places(rest) <= MULTIPORT:
        return [("-m", "multiport", "!", f"{option}s", ",".join(span_text(*run) for run in rest.runs))]
    out: list[Words] = []
    chunk: list[str] = []
    used = 0
    for low, high in runs:
        size = 1 if low == high else 2
        if used + size > MULTIPORT:
            out.append(("-m", "multiport", f"{option}s", ",".join(chunk)))
            chunk, used = [], 0
        chunk.append(span_text(low, high))
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
        lists.append([("-m", "tcp", "--tcp-flags", flag_list(m), flag_list(v)) for v, m in flag_cubes(ints(exact))])
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


def ints(values: Values) -> IntervalSet:
    """The values of an integer field."""
    assert isinstance(values, IntervalSet)
    return values
