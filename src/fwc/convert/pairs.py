"""Conditions that compare one value, in both spellings of Linux: one row each, with the functions of the kernel that decide.

A row holds only what both front ends decide alike for every packet with a complete header (of a truncated one iptables drops the
packet, nft goes on to the next rule: as for ports). tests/kernel/test_pairs.py sends packets through both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fwc.convert.pair_values import Values, bounds, counts, groups, networks, numbers, protocols, ranges, seconds, words
from fwc.convert.place import Place
from fwc.dialects.iptables.lexer import join_words, split_words
from fwc.ir.match import Field, FieldIn, Match, Opaque, all_of, any_of, family_is
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import PORT_PROTOCOLS
from fwc.records import Record

_BOTH = ("ip", "ip6")
_ARRIVING = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})
_LEAVING = frozenset({Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING})
_WAYS = {"ORIGINAL": "original", "REPLY": "reply"}
ECN = {"0": "not-ect", "1": "ect1", "2": "ect0", "3": "ce"}
"""The two bits of the traffic class, as numbers and as nft names them."""
_AH, _ESP = 51, 50


class Pair(Record):
    """`-m module [!] option VALUE` and `selector [!=] VALUE`. `beside` are further options of the instance. `protocol` is one
    that the selector implies and iptables has to ask for; `ports` that nft takes the selector behind a protocol with ports,
    `hooks` where iptables takes the module."""

    module: str
    option: str
    selector: str
    values: Values
    beside: tuple[str, ...] = ()
    families: tuple[str, ...] = _BOTH
    protocol: int = 0
    ports: bool = False
    hooks: frozenset[Hook] = frozenset(Hook)


def _connbytes() -> list[Pair]:
    """connbytes_mt() in xt_connbytes.c, nft_ct_get_eval_counter() in nft_ct.c: the same counters of the same connection."""
    rows = []
    for mode in ("packets", "bytes", "avgpkt"):
        for way, between in (("original", "original "), ("reply", "reply "), ("both", "")):
            beside = ("--connbytes-mode", mode, "--connbytes-dir", way)
            rows.append(Pair("connbytes", "--connbytes", f"ct {between}{mode}", counts(mode == "avgpkt"), beside))
    return rows


def _tuples() -> list[Pair]:
    """conntrack_mt() in xt_conntrack.c and nft_ct_get_eval() in nft_ct.c read one tuple of the connection."""
    rows = []
    for family, word in ((Family.V4, "ip"), (Family.V6, "ip6")):
        for side in ("src", "dst"):
            selector = f"ct reply {word} {side[0]}addr"
            rows.append(Pair("conntrack", f"--ctrepl{side}", selector, networks(family), families=(word,)))
    for option, selector in (
        ("--ctorigsrcport", "ct original proto-src"),
        ("--ctreplsrcport", "ct reply proto-src"),
        ("--ctrepldstport", "ct reply proto-dst"),
    ):
        rows.append(Pair("conntrack", option, selector, ranges(0xFFFF), ports=True))
    return rows


PAIRS = (
    *_connbytes(),
    *_tuples(),
    # conntrack_mt(): protonum, direction and seconds to live of the connection; nft_ct_get_eval() the same, in milliseconds
    Pair("conntrack", "--ctproto", "ct original protocol", protocols()),
    Pair("conntrack", "--ctproto", "ct protocol", protocols()),
    Pair("conntrack", "--ctproto", "ct reply protocol", protocols()),
    Pair("conntrack", "--ctdir", "ct direction", words(_WAYS, {"original": "reply", "reply": "original"})),
    Pair("conntrack", "--ctexpire", "ct expiration", seconds()),
    # esp_mt() in xt_esp.c, ah_mt() in ipt_ah.c: the index of a whole packet or a first piece, as a field of the header
    Pair("esp", "--espspi", "esp spi", ranges(0xFFFFFFFF), protocol=_ESP),
    Pair("ah", "--ahspi", "ah spi", ranges(0xFFFFFFFF), families=("ip",), protocol=_AH),
    # cpu_mt() in xt_cpu.c: smp_processor_id(), as nft_meta_get_eval()
    Pair("cpu", "--cpu", "meta cpu", numbers(0xFFFFFFFF)),
    # devgroup_mt() in xt_devgroup.c: the group of the interface, without a mask; nft_meta_store_ifgroup()
    Pair("devgroup", "--src-group", "meta iifgroup", groups(), hooks=_ARRIVING),
    Pair("devgroup", "--dst-group", "meta oifgroup", groups(), hooks=_LEAVING),
    # match_ip() in xt_ecn.c: two bits of the header
    Pair("ecn", "--ecn-ip-ect", "ip ecn", words(ECN), families=("ip",)),
    Pair("ecn", "--ecn-ip-ect", "ip6 ecn", words(ECN), families=("ip6",)),
)
_MOST = 16
"""Alternatives that a list of values may become."""


def in_nft(match: Opaque, place: Place) -> Match | None:
    """An opaque condition of iptables in nft's words, None where there are none."""
    read = _read_iptables(match.text)
    if read is None:
        return None
    module, options = read
    for pair in PAIRS:
        if pair.module != module or place.family not in pair.families or pair.option not in options:
            continue
        text, negated = options[pair.option]
        if {name: value for name, value in options.items() if name != pair.option} != _beside(pair):
            continue
        value = pair.values.to_nft(text, negated)
        if value is None or not _placed(pair, place):
            return None
        return Opaque("nft", f"{pair.selector} {'!= ' if negated else ''}{value}", pair.selector)
    return None


def _placed(pair: Pair, place: Place) -> bool:
    if pair.ports and (place.protocols is None or not _has_ports(place.protocols)):
        return False
    return not pair.protocol or place.only(pair.protocol)


def _has_ports(protocols: IntervalSet) -> bool:
    """One of them: behind several nft does not take a port of a connection."""
    return protocols.size() == 1 and protocols.runs[0][0] in PORT_PROTOCOLS


def _beside(pair: Pair) -> dict[str, tuple[str, bool]]:
    return {name: (value, False) for name, value in zip(pair.beside[::2], pair.beside[1::2], strict=True)}


def _read_iptables(text: str) -> tuple[str, dict[str, tuple[str, bool]]] | None:
    """The module of an instance and its options with their one word, and whether `!` stands before them."""
    parts = list(split_words(text) or ())
    if len(parts) < 3 or parts[0] != "-m":
        return None
    options: dict[str, tuple[str, bool]] = {}
    rest = parts[2:]
    while rest:
        negated = rest[0] == "!"
        rest = rest[negated:]
        if len(rest) < 2 or not rest[0].startswith("--") or rest[1].startswith("-") or rest[0] in options:
            return None
        options[rest[0]] = rest[1], negated
        rest = rest[2:]
    return parts[1], options


_COMPARED = re.compile(r"(==|!=|<=|>=|<|>)? ?(.+)")


def in_iptables(match: Opaque, place: Place) -> Match | None:
    """An opaque comparison of nft in iptables' words, None where there are none."""
    names = (match.kind, f"meta {match.kind}")
    pair = next((p for p in PAIRS if p.selector in names and place.family in (*p.families, "inet")), None)
    if pair is None or not match.text.startswith(f"{match.kind} "):
        return None
    if pair.hooks != frozenset(Hook) and not (place.bases and all(base.hook in pair.hooks for base in place.bases)):
        return None
    found = values_of(match.text[len(match.kind) + 1 :], pair.values.top)
    if found is None or (pair.ports and (place.protocols is None or not _has_ports(place.protocols))):
        return None
    values, negated = found
    if negated and pair.values.opposite and len(values) == 1:
        values, negated = (pair.values.opposite.get(values[0], ""),), False
    parts: list[Match] = []
    for value in values:
        word = pair.values.to_iptables(value, negated)
        if word is None:
            return None
        parts.append(Opaque("iptables", _instance(pair, word, negated), pair.module))
    implied: list[Match] = []
    if place.family == "inet" and len(pair.families) == 1:
        implied.append(family_is(Family.V4 if pair.families == ("ip",) else Family.V6))
    if pair.protocol and not place.only(pair.protocol):
        implied.append(FieldIn(Field.PROTOCOL, IntervalSet.of(pair.protocol)))
    return all_of(*implied, all_of(*parts) if negated else any_of(*parts))


def values_of(text: str, top: int | None) -> tuple[tuple[str, ...], bool] | None:
    """The values behind an nft selector, and whether they are excluded; None where there are none or too many."""
    found = _COMPARED.fullmatch(text)
    if found is None:
        return None
    op, right = found[1] or "", found[2]
    if op in ("<", "<=", ">", ">="):
        value = _ordered(op, right, top)
        return None if value is None else ((value,), False)
    values = [right]
    if right.startswith("{") and right.endswith("}"):
        values = [each.strip() for each in right[1:-1].split(",")]
    if len(values) > _MOST or any(not each or " " in each for each in values):
        return None
    return tuple(values), op == "!="


def _ordered(op: str, right: str, top: int | None) -> str | None:
    if top is None:
        return None
    bound = bounds(right, "-", top)
    if bound is None or bound[0] != bound[1]:
        return None
    low, high = {
        "<": (0, bound[0] - 1), "<=": (0, bound[0]), ">": (bound[0] + 1, top), ">=": (bound[0], top)
    }[op]  # fmt: skip
    return f"{low}-{high}" if low <= high else None


def _instance(pair: Pair, word: str, negated: bool) -> str:
    bang: Sequence[str] = ("!",) if negated else ()
    return join_words(("-m", pair.module, *bang, pair.option, word, *pair.beside))
