"""The options and the two highest flags of the TCP header in both spellings.

tcp_find_option() in xt_tcpudp.c, tcpmss_mt() in xt_tcpmss.c and match_tcp() in xt_ecn.c against nft_exthdr_tcp_eval().
iptables' negation holds without the option; nft's `!=` does not. nft does not ask for TCP by itself: `missing` holds for UDP, and
for later pieces of a packet. xt_tcpmss and xt_ecn take the bytes of such pieces for a header, and on Linux 6.18 nft does so for
ports and flags, but not for options: what is not alike for pieces needs a place where there are none (`Place.joined`, `whole`).
"""

from __future__ import annotations

import re

from fwc.convert.pair_values import ranges
from fwc.convert.pairs import values_of
from fwc.convert.place import Place
from fwc.ir.match import Field, FieldIn, MaskedIn, Match, Opaque, all_of, any_of, negate
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import TCP

_OPTION = re.compile(r"-m tcp (! )?--tcp-option (\d+)")
_MSS = re.compile(r"-m tcpmss (! )?--mss (\S+)")
_FLAG = re.compile(r"-m ecn (! )?--ecn-tcp-(cwr|ece)")
_PRESENT = re.compile(r"tcp option (\S+) (exists|missing)")
_SIZE = "tcp option maxseg size"
_NAMES = {2: "maxseg", 3: "window", 4: "sack-perm", 5: "sack", 8: "timestamp"}
"""As nftables 1.0.6 prints them. 0 and 1 are single bytes, at the end of the header too, where nft does not look."""
_NUMBERS = {name: number for number, name in _NAMES.items()}
_FLAGS = {"ece": 0x40, "cwr": 0x80}
_MAXSEG = 2
_SIZES = ranges(0xFFFF)


def in_nft(match: Opaque, place: Place) -> Match | None:
    """An opaque condition of iptables in nft's words, None where there are none."""
    if not place.only(TCP):
        return None
    if (found := _OPTION.fullmatch(match.text)) is not None:
        return _presence(int(found[2]), not found[1], place)
    if place.joined and (found := _FLAG.fullmatch(match.text)) is not None:
        bit = _FLAGS[found[2]]
        return MaskedIn(Field.TCP_FLAGS, bit, IntervalSet.of(0 if found[1] else bit))
    if place.whole and (found := _MSS.fullmatch(match.text)) is not None:
        sizes = _SIZES.to_nft(found[2], bool(found[1]))
        if sizes is None:
            return None
        if not found[1]:
            return Opaque("nft", f"{_SIZE} {sizes}", _SIZE)
        if not place.joined:
            return None
        return any_of(
            Opaque("nft", "tcp option maxseg missing", "tcp option maxseg"), Opaque("nft", f"{_SIZE} != {sizes}", _SIZE)
        )
    return None


def _presence(option: int, there: bool, place: Place) -> Match | None:
    if not 2 <= option <= 255 or not (there or place.joined):
        return None
    selector = f"tcp option {_NAMES.get(option, option)}"
    return Opaque("nft", f"{selector} {'exists' if there else 'missing'}", selector)


def in_iptables(match: Opaque, place: Place) -> Match | None:
    """An opaque condition of nft in iptables' words, None where there are none."""
    tcp = FieldIn(Field.PROTOCOL, IntervalSet.of(TCP))
    if (found := _PRESENT.fullmatch(match.text)) is not None:
        option = _NUMBERS.get(found[1]) or (int(found[1]) if found[1].isdigit() else 0)
        there = found[2] == "exists"
        if not 2 <= option <= 255 or not (there or place.joined):
            return None
        asked = all_of(tcp, _has_option(option, there))
        return asked if there or place.only(TCP) else any_of(negate(tcp), asked)
    if match.kind == _SIZE and place.whole:
        values = values_of(match.text[len(_SIZE) + 1 :], 0xFFFF)
        sizes = [_SIZES.to_iptables(each, False) for each in values[0]] if values is not None else [None]
        if values is None or None in sizes:
            return None
        negated = values[1]
        parts = [Opaque("iptables", f"-m tcpmss {'! ' if negated else ''}--mss {size}", "tcpmss") for size in sizes]
        return all_of(tcp, _has_option(_MAXSEG, True), *parts) if negated else all_of(tcp, any_of(*parts))
    return None


def _has_option(option: int, there: bool) -> Opaque:
    return Opaque("iptables", f"-m tcp {'' if there else '! '}--tcp-option {option}", "tcp")


def flag_in_iptables(match: MaskedIn, place: Place) -> Match | None:
    """ECE or CWR alone, which `--tcp-flags` does not have."""
    name = next((name for name, bit in _FLAGS.items() if bit == match.mask), None)
    if match.field is not Field.TCP_FLAGS or name is None or not place.joined or match.values.size() != 1:
        return None
    clear = match.values == IntervalSet.of(0)
    if not clear and match.values != IntervalSet.of(match.mask):
        return None
    text = f"-m ecn {'! ' if clear else ''}--ecn-tcp-{name}"
    return all_of(FieldIn(Field.PROTOCOL, IntervalSet.of(TCP)), Opaque("iptables", text, "ecn"))
