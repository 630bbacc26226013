"""From one word to one leaf of the tree: numbers, addresses, times, strings.

Every function takes the builder, the word and its offsets. What a word of the right form may still get wrong (port
65536, a CIDR with host bits, the 30th of February) is reported here; the leaf then holds a harmless stand-in, because the
file is broken anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fwc.diagnostics import Diagnostic, Label, error
from fwc.lang import ast
from fwc.net.addresses import format_address, parse_v4, parse_v6, prefix_run
from fwc.net.hooks import Family
from fwc.source import SourceFile, Span

# Codes of this package: FW001 syntax, FW011 reversed range, FW012 host bits, and
# FW040 number out of range      FW041 date or time        FW042 clause written twice
# FW043 control character        FW044 escape in a string  FW045 limit on what does not allow
# FW046 not an address           FW047 interface name      FW048 port without protocol
# FW049 nesting too deep         FW050 wrong kind of member in a set
# FW051 unknown operating system FW052 a clause or port that says nothing here

ALL_ONES = 0xFFFFFFFF
_SECONDS = {
    "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400
}  # fmt: skip
_BYTES = {"": 1, "k": 1000, "K": 1000, "M": 10**6, "G": 10**9}
_BYTES_BINARY = {"ki": 1 << 10, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def printable(text: str) -> str:
    """The text with characters that a terminal would act on, or not show, spelt out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text)


class Builder:
    """Where leaves and nodes report to while a file is built."""

    __slots__ = ("diagnostics", "file")

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []

    def error(
        self, code: str, message: str, start: int, end: int, help: str = "", first: tuple[Span, str] | None = None
    ) -> None:
        """Report the text start..end; `first` is an earlier place and what to say of it."""
        secondary = (Label(first[0], first[1]),) if first else ()
        name = "syntax-error" if code == "FW001" else ""
        span = Span(self.file, start, end)
        self.diagnostics.append(
            error(code, printable(message), span, help=printable(help), secondary=secondary, name=name)
        )


def name(b: Builder, word: str, start: int, end: int) -> ast.Name:
    return ast.Name(word, Span(b.file, start, end))


def iface(b: Builder, word: str, start: int, end: int) -> ast.Iface:
    return ast.Iface(word, Span(b.file, start, end))


def os_prefix(b: Builder, word: str, start: int, end: int) -> ast.Name:
    if word not in ("linux:", "macos:"):
        b.error("FW051", f"there is no operating system `{word[:-1]}`", start, end - 1, "write `linux:` or `macos:`")
    return ast.Name(word[:-1], Span(b.file, start, end - 1))


def variable(b: Builder, word: str, start: int, end: int) -> ast.Variable:
    return ast.Variable(word[1:], Span(b.file, start, end))


def set_name(b: Builder, word: str, start: int, end: int) -> ast.SetName:
    return ast.SetName(word[1:], Span(b.file, start, end))


def number(b: Builder, word: str, start: int, end: int) -> ast.Number:
    return ast.Number(int(word), Span(b.file, start, end))


def hexadecimal(b: Builder, word: str, start: int, end: int) -> ast.Number:
    return ast.Number(int(word, 16), Span(b.file, start, end))


# ----- ports -----------------------------------------------------------------


def port_range(b: Builder, word: str, start: int, end: int) -> ast.Ports:
    """A range where ports, ICMP lengths or other numbers may stand; only ports are limited to 65535, by `ports`."""
    low, _, high = word.partition("-")
    first, last = int(low), int(high)
    if first > last:
        b.error("FW011", f"the range {word} is reversed", start, end, f"write `{high}-{low}`")
        first, last = last, first
    return ast.Ports(first, last, Span(b.file, start, end))


def ports(b: Builder, value: ast.Number | ast.Ports | ast.Variable) -> ast.Ports | ast.Variable:
    """A number or range as ports, checked."""
    if isinstance(value, ast.Variable):
        return value
    if isinstance(value, ast.Number):
        value = ast.Ports(value.value, value.value, value.span)
    if value.high > 65535:
        wrong = value.low if value.low > 65535 else value.high
        b.error("FW040", f"port {wrong} is larger than 65535", value.span.start, value.span.end)
        return ast.Ports(min(value.low, 65535), 65535, value.span)
    return value


# ----- addresses -------------------------------------------------------------

_Found = tuple[Family, int, int]


@lru_cache(maxsize=1 << 16)
def find_address(word: str) -> _Found | tuple[str, str, str]:
    """Family and run of an address, prefix or range; or code, message and help."""
    if "/" in word:
        return _prefix(word)
    low, dash, high = word.partition("-")
    first = _single(low)
    if len(first) == 3:
        return first
    if not dash:
        return first[0], first[1], first[1]
    last = _single(high)
    if len(last) == 3:
        return last
    if first[1] > last[1]:
        return "FW011", f"the range {word} is reversed", f"write `{high}-{low}`"
    return first[0], first[1], last[1]


def _single(word: str) -> tuple[Family, int] | tuple[str, str, str]:
    if ":" in word:
        v6 = parse_v6(word)
        if v6 is not None:
            return Family.V6, v6
        return "FW046", f"`{word}` is not an IPv6 address", "an IPv6 address has 8 groups of hex digits, or one `::`"
    v4 = parse_v4(word)
    if v4 is not None:
        return Family.V4, v4
    for part in word.split("."):
        if int(part) > 255:
            return "FW046", f"`{word}` is not an IPv4 address: {part} is larger than 255", ""
    return (
        "FW046",
        f"`{word}` is not an IPv4 address: a leading zero means octal to some tools",
        f"write `{'.'.join(str(int(p)) for p in word.split('.'))}`",
    )


def _prefix(word: str) -> _Found | tuple[str, str, str]:
    text, _, digits = word.partition("/")
    found = _single(text)
    if len(found) == 3:
        return found
    family, value = found
    length = int(digits)
    if length > family.bits or (digits[0] == "0" and len(digits) > 1):
        return "FW040", f"/{digits} is not a prefix length of IPv{family.value}", f"lengths are 0 to {family.bits}"
    low, high = prefix_run(value, length, family.bits)
    if low == value:
        return family, low, high
    net = f"{format_address(family, low)}/{length}"
    return (
        "FW012",
        f"`{word}` has host bits set: it is an address inside {net}",
        f"write `{net}` for the network, or `{text}` for the one address",
    )


def address(b: Builder, word: str, start: int, end: int) -> ast.Address:
    found = find_address(word)
    if found[0].__class__ is str:
        b.error(str(found[0]), str(found[1]), start, end, str(found[2]))
        return ast.Address(Family.V4, 0, 0, word, Span(b.file, start, end))
    return ast.Address(found[0], found[1], found[2], word, Span(b.file, start, end))  # type: ignore[arg-type]


def address_port(b: Builder, word: str, start: int, end: int) -> ast.NatEndpoint:
    """`10.0.0.5:80`, `[2001:db8::5]:80-90`."""
    text, _, digits = word.rpartition(":")
    after = start + len(text)
    host = address(b, text[1:-1], start + 1, after - 1) if text.startswith("[") else address(b, text, start, after)
    return ast.NatEndpoint(host, _port_text(b, digits, after + 1, end), Span(b.file, start, end))


def name_port(b: Builder, word: str, start: int, end: int) -> ast.NatEndpoint:
    """`nas:8443`, `self:3128`, `$host:$port`."""
    text, _, digits = word.rpartition(":")
    middle = start + len(text)
    span = Span(b.file, start, middle)
    host: ast.Name | ast.Self | ast.Variable
    if text == "self":
        host = ast.Self(span)
    elif text.startswith("$"):
        host = ast.Variable(text[1:], span)
    else:
        host = ast.Name(text, span)
    return ast.NatEndpoint(host, _port_text(b, digits, middle + 1, end), Span(b.file, start, end))


def _port_text(b: Builder, word: str, start: int, end: int) -> ast.Ports | ast.Variable:
    if word.startswith("$"):
        return variable(b, word, start, end)
    return ports(b, port_range(b, word, start, end) if "-" in word else number(b, word, start, end))


def mac(b: Builder, word: str, start: int, end: int) -> ast.Mac:
    return ast.Mac(int(word.replace(":", ""), 16), word, Span(b.file, start, end))


# ----- amounts and times -----------------------------------------------------


def rate(b: Builder, word: str, start: int, end: int) -> ast.Rate:
    amount, _, unit = word.partition("/")
    digits = amount.rstrip("BkKMGi")
    scale = amount[len(digits) :]
    span = Span(b.file, start, end)
    value = int(digits)
    if value == 0:
        b.error("FW040", "a rate of 0 lets nothing pass", start, end, "write the rule without `allow`, as a `deny`")
    if not scale:
        return ast.Rate(value, _SECONDS[unit], "packets", span)
    factor = _BYTES.get(scale[:-1]) or _BYTES_BINARY[scale[:-1]]
    return ast.Rate(value * factor, _SECONDS[unit], "bytes", span)


def duration(b: Builder, word: str, start: int, end: int) -> ast.Duration:
    digits = word.rstrip("mshdw")
    return ast.Duration(int(digits) * _MILLISECONDS[word[len(digits) :]], Span(b.file, start, end))


def date(b: Builder, word: str, start: int, end: int) -> ast.Date:
    if not _is_date(word):
        b.error("FW041", f"{word} is not a day of the calendar", start, end, "dates are written YYYY-MM-DD")
    return ast.Date(word, Span(b.file, start, end))


def _is_date(word: str) -> bool:
    year, month, day = (int(part) for part in word.split("-"))
    if not 1 <= month <= 12 or day < 1 or year < 1:
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def clock(b: Builder, word: str, start: int, end: int) -> int:
    """Minutes of the day; 24:00 is the end of the day."""
    hours, _, minutes = word.partition(":")
    value = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or value > 1440:
        b.error("FW041", f"{word} is not a time of day", start, end, "times are written 00:00 to 24:00")
        return 0
    return value


def time_range(b: Builder, word: str, start: int, end: int) -> tuple[int, int]:
    first, _, last = word.partition("-")
    middle = start + len(first)
    result = clock(b, first, start, middle), clock(b, last, middle + 1, end)
    if first == last:
        b.error("FW041", f"the time range {word} is empty", start, end, "write `00:00-24:00` for the whole day")
    return result


def icmp_code(b: Builder, word: str, start: int, end: int) -> tuple[int, int]:
    kind, _, code = word.partition("/")
    if int(kind) > 255 or int(code) > 255:
        b.error("FW040", f"{word} is not an ICMP type and code: both are at most 255", start, end)
        return 0, 0
    return int(kind), int(code)


def percent(b: Builder, word: str, start: int, end: int) -> int:
    """Millionths."""
    whole, _, part = word[:-1].partition(".")
    value = int(whole) * 10_000 + int((part + "0000")[:4])
    if not 0 < value <= 1_000_000 or part[4:].strip("0"):
        b.error("FW040", f"{word} is not a chance", start, end, "a chance is 0.0001% to 100%, in steps of 0.0001%")
        return 1_000_000
    return value


def masked(b: Builder, word: str, start: int, end: int) -> ast.Masked:
    value_text, slash, mask_text = word.partition("/")
    value = int(value_text, 0) if value_text[:2] == "0x" else int(value_text)
    mask = ALL_ONES
    if slash:
        mask = int(mask_text, 0) if mask_text[:2] == "0x" else int(mask_text)
    if value > ALL_ONES or mask > ALL_ONES:
        b.error("FW040", f"the mark {word} does not fit into 32 bits", start, end)
        value, mask = value & ALL_ONES, mask & ALL_ONES
    if value & ~mask:
        b.error("FW040", f"the mark {value_text} has bits outside of its mask {mask_text}", start, end)
    return ast.Masked(value, mask, Span(b.file, start, end))


# ----- strings ---------------------------------------------------------------

_ESCAPE = r"\\([^\n])"
_ESCAPES = {'"': '"', "\\": "\\"}


def text(b: Builder, word: str, start: int, end: int) -> ast.Text:
    body = word[1:-1]
    if "\\" in body:
        for found in re.finditer(_ESCAPE, body):
            if found[1] not in _ESCAPES:
                at = start + 1 + found.start()
                message = f"there is no escape `{found[0]}` in strings"
                b.error("FW044", message, at, at + 2, 'write `\\"` for a quote and `\\\\` for a backslash')
        body = re.sub(_ESCAPE, lambda m: _ESCAPES.get(m[1], m[1]), body)
    return ast.Text(body, Span(b.file, start, end))


def raw_text(b: Builder, word: str, start: int, end: int) -> str:
    return word[3:-3]


def _word(b: Builder, word: str, start: int, end: int) -> str:
    return word


def _family(b: Builder, word: str, start: int, end: int) -> Family:
    return Family.V4 if word == "v4" else Family.V6


Leaf = Callable[[Builder, str, int, int], Any]

LEAVES: dict[str, Leaf] = {
    "IDENT": name, "IFNAME": iface, "OS_PREFIX": os_prefix, "VAR": variable, "SETREF": set_name,
    "NAME_PORT": name_port, "STRING": text, "RAWTEXT": raw_text,
    "RANGE4": address, "CIDR4": address, "ADDR4": address, "RANGE6": address, "CIDR6": address, "ADDR6": address,
    "EP4": address_port, "EP6": address_port, "MAC_ADDR": mac,
    "DATE": date, "TIMERANGE": time_range, "CLOCK": clock, "RATE_VALUE": rate, "DURATION": duration,
    "PORTRANGE": port_range, "ICMPCODE": icmp_code, "PERCENT": percent, "HEX": hexadecimal, "MARKVAL": masked,
    "SIGNED": number, "INT": number,
    "ACTION": _word, "VERDICT": _word, "L4": _word, "HOOK_NAME": _word, "SIDE": _word, "SET_TYPE": _word,
    "REWRITE_FIELD": _word, "QUANT": _word, "LINT_LEVEL": _word, "CMP": _word, "NOT": _word, "STRICT": _word,
    "FAMILY": _family,
}  # fmt: skip
"""What the terminals become; the others (keywords, punctuation) leave nothing in the tree."""
