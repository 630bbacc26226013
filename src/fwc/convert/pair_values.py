"""How values are written in iptables and in nft: numbers and ranges, seconds, networks, protocols, directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field

from fwc.net.addresses import parse_address
from fwc.net.hooks import Family
from fwc.net.protocols import PROTOCOLS
from fwc.records import Record

Spell = Callable[[str, bool], str | None]
"""A value in the other language, asked for or (True) excluded; None where the other has no such value."""


class Values(Record):
    """The spellings of one kind of value. `top` is the largest number, None for values that have no order; `opposite` says what
    `!=` leaves of two words of nft, where iptables has no `!`."""

    to_nft: Spell
    to_iptables: Spell
    top: int | None = None
    opposite: Mapping[str, str] = field(default_factory=dict)


def number(text: str) -> int | None:
    """A number as both languages write one: decimal without leading zeros, or hexadecimal."""
    return int(text, 0) if re.fullmatch(r"0x[0-9a-fA-F]+|0|[1-9]\d*", text) else None


def bounds(text: str, separator: str, top: int) -> tuple[int, int] | None:
    """First and last of `a`, `a:b`, `a:` and `:b`; None for what is none of these or larger than `top`."""
    low_text, found, high_text = text.partition(separator)
    low = number(low_text) if low_text or not found else 0
    high = low if not found else number(high_text) if high_text else top
    return (low, high) if low is not None and high is not None and low <= high <= top else None


def _run(low: int, high: int, separator: str) -> str:
    return str(low) if low == high else f"{low}{separator}{high}"


def ranges(top: int) -> Values:
    """`5` and `5:7`, in nft `5-7`."""

    def to_nft(text: str, negated: bool) -> str | None:
        found = bounds(text, ":", top)
        return None if found is None else _run(*found, "-")

    def to_iptables(text: str, negated: bool) -> str | None:
        found = bounds(text, "-", top)
        return None if found is None else _run(*found, ":")

    return Values(to_nft, to_iptables, top)


def numbers(top: int) -> Values:
    """One number; iptables takes no range."""

    def same(text: str, negated: bool) -> str | None:
        found = number(text)
        return None if found is None or found > top else str(found)

    return Values(same, same)


def groups() -> Values:
    """The number of a group of interfaces; 0 is the default one. Other names are each machine's own (/etc/iproute2/group)."""

    def same(text: str, negated: bool) -> str | None:
        word = text.strip('"')
        found = 0 if word == "default" else number(word)
        return None if found is None or found > 0xFFFFFFFF else str(found)

    return Values(same, same)


_LONG = (1 << 64) - 1


def counts(averages: bool = False) -> Values:
    """Packets or bytes of a connection. `5` is `5:` to connbytes, which takes `! 5:5` for `5:5`: libxt_connbytes.c swaps them.
    The average of a connection that is not counted is 0 to nft and no answer to connbytes: ranges that hold 0 are not alike."""

    def spelled(found: tuple[int, int] | None, negated: bool) -> tuple[int, int] | None:
        if found is None or (averages and (found[0] == 0) is not negated):
            return None
        return found

    def to_nft(text: str, negated: bool) -> str | None:
        found = spelled(bounds(text if ":" in text else f"{text}:", ":", _LONG), negated)
        return None if found is None or (negated and found[0] == found[1]) else _run(*found, "-")

    def to_iptables(text: str, negated: bool) -> str | None:
        found = spelled(bounds(text, "-", _LONG), negated)
        return None if found is None or (negated and found[0] == found[1]) else f"{found[0]}:{found[1]}"

    return Values(to_nft, to_iptables, _LONG)


_SECOND = 1000
_LATEST = (1 << 32) - 1
_TIME = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")


def _milliseconds(text: str) -> int | None:
    """`1m5s`, `10s999ms`; a bare number is seconds."""
    if text.isdigit():
        return int(text) * _SECOND
    found = _TIME.fullmatch(text)
    if found is None or not text:
        return None
    scales = (86_400_000, 3_600_000, 60_000, _SECOND, 1)
    return sum(int(n or 0) * scale for n, scale in zip(found.groups(), scales, strict=True))


def seconds() -> Values:
    """Whole seconds in iptables, milliseconds in nft: `5:10` ends with 10,999 ms."""

    def to_nft(text: str, negated: bool) -> str | None:
        found = bounds(text, ":", _LATEST)
        if found is None:
            return None
        low, high = found[0] * _SECOND, found[1] * _SECOND + _SECOND - 1
        if found[1] == _LATEST:
            high = _LATEST
        return f"{found[0]}s-{high // _SECOND}s{high % _SECOND}ms" if low <= high <= _LATEST else None

    def to_iptables(text: str, negated: bool) -> str | None:
        low_text, dash, high_text = text.partition("-")
        low, high = _milliseconds(low_text), _milliseconds(high_text if dash else low_text)
        if low is None or high is None or low % _SECOND or low > high:
            return None
        if high >= _LATEST:
            return f"{low // _SECOND}:{_LATEST}"
        return _run(low // _SECOND, high // _SECOND, ":") if high % _SECOND == _SECOND - 1 else None

    return Values(to_nft, to_iptables)


def networks(family: Family) -> Values:
    """`10.0.0.0/8`; iptables takes no range of addresses here."""

    def same(text: str, negated: bool) -> str | None:
        address, slash, length = text.partition("/")
        found = parse_address(address)
        bits = int(length) if length.isdigit() else None
        if found is None or found[0] is not family or (slash and (bits is None or not 0 < bits <= family.bits)):
            return None
        if slash and bits is not None and found[1] & ((1 << (family.bits - bits)) - 1):
            return None
        return address if not slash or bits == family.bits else text

    return Values(same, same)


def protocols() -> Values:
    """Numbers and names of protocols."""

    def same(text: str, negated: bool) -> str | None:
        found = number(text) if text[:1].isdigit() else PROTOCOLS.get(text.lower())
        return None if found is None or found > 255 else str(found)

    return Values(same, same)


def words(pairs: Mapping[str, str], opposite: Mapping[str, str] | None = None) -> Values:
    """Words that iptables has for words of nft, which takes some of iptables' as well."""
    back = {nft: iptables for iptables, nft in pairs.items()}

    def to_iptables(text: str, negated: bool) -> str | None:
        return back.get(text) or (text if text in pairs else None)

    return Values(lambda text, _: pairs.get(text.upper()), to_iptables, opposite=opposite or {})
