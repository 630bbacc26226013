"""Files of sets: one member a line, `#` and `;` comments, every bad line reported at its place."""

from __future__ import annotations

from collections.abc import Callable

from fwc.diagnostics import Diagnostic
from fwc.elaborate.codes import HOST_BITS, SET_FILE
from fwc.elaborate.interfaces import interface_problem
from fwc.elaborate.report import mistake
from fwc.lang import ast
from fwc.net.addresses import AddressSet, format_address, parse_address, prefix_run
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet, Run
from fwc.net.ports import parse_ports
from fwc.source import SourceFile, Span

MOST_REPORTED = 20
"""Bad lines reported one by one; the rest of a wrong file is counted."""

_OCTETS = {str(n): n for n in range(256)}
"""Decimal octets without leading zeros, which tools read differently."""


def read_addresses(source: SourceFile, out: list[Diagnostic]) -> AddressSet:
    """The union of all lines: addresses, prefixes and ranges of both families.

    The usual line, an IPv4 address or prefix, is read here without a call: 100,000 lines take about 0.15 s.
    """
    runs4: list[Run] = []
    runs6: list[Run] = []
    octets = _OCTETS
    bad = _BadLines(source, out)
    for number, line in enumerate(source.text.split("\n")):
        if "#" in line or ";" in line:
            line = line.split("#", 1)[0].split(";", 1)[0]
        text = line.strip()
        if not text:
            continue
        try:
            head, slash, length = text.partition("/")
            a, b, c, d = head.split(".")
            low = octets[a] << 24 | octets[b] << 16 | octets[c] << 8 | octets[d]
            size = (1 << 32 - _LENGTHS[length]) - 1 if slash else 0
            if low & size:
                raise ValueError
            runs4.append((low, low | size))
        except (ValueError, KeyError):
            found = _address_line(text)
            if isinstance(found, str):
                bad.add(number, text, found)
            else:
                (runs4 if found[0] is Family.V4 else runs6).append(found[1])
    bad.finish()
    return AddressSet(IntervalSet(runs4), IntervalSet(runs6))


_LENGTHS = {str(n): n for n in range(33)}


def _address_line(text: str) -> tuple[Family, Run] | str:
    """The run of any address, prefix or range, or what is wrong with it."""
    low_text, dash, high_text = text.partition("-")
    if dash:
        low, high = parse_address(low_text.strip()), parse_address(high_text.strip())
        if low is None or high is None or low[0] is not high[0] or low[1] > high[1]:
            return "is not a range of addresses"
        return low[0], (low[1], high[1])
    head, slash, length_text = text.partition("/")
    parsed = parse_address(head)
    if parsed is None:
        return "is not an address, a prefix or a range"
    family, value = parsed
    if not slash:
        return family, (value, value)
    if not (length_text.isascii() and length_text.isdigit()) or len(length_text) > 3 or int(length_text) > family.bits:
        return "has no valid prefix length"
    run = prefix_run(value, int(length_text), family.bits)
    if run[0] != value:
        fixed = format_address(family, run[0])
        return f"has bits set after its prefix: write {fixed}/{length_text} or {head}/{family.bits}"
    return family, run


class _BadLines:
    def __init__(self, source: SourceFile, out: list[Diagnostic]) -> None:
        self.source = source
        self.out = out
        self.count = 0
        self.last: Span | None = None

    def add(self, number: int, text: str, problem: str) -> None:
        """`number` counts lines from 0."""
        self.count += 1
        if self.count > MOST_REPORTED:
            return
        start = self.source.line_starts[number]
        start = self.source.text.index(text, start)
        self.last = Span(self.source, start, start + len(text))
        code = HOST_BITS if "bits set" in problem else SET_FILE
        shown = text if len(text) <= 60 else text[:57] + "..."
        help = "one member stands on each line; comments begin with # or ;"
        self.out.append(mistake(code, f"{shown!r} {problem}", self.last, help=help))

    def finish(self) -> None:
        if self.count > MOST_REPORTED:
            more = self.count - MOST_REPORTED
            self.out.append(
                mistake(SET_FILE, f"{more:,} more lines of this file are wrong", self.last, help="is it a list?")
            )


def read_ports(source: SourceFile, out: list[Diagnostic]) -> IntervalSet:
    runs: list[Run] = []

    def line(text: str, span: Span) -> str:
        found = parse_ports(text)
        if found is None:
            return "is not a port or a range of ports"
        runs.append(found)
        return ""

    _each_line(source, line, out)
    return IntervalSet(runs)


def read_macs(source: SourceFile, out: list[Diagnostic]) -> IntervalSet:
    values: list[int] = []

    def line(text: str, span: Span) -> str:
        value = parse_mac(text)
        if value is None:
            return "is not a MAC address"
        values.append(value)
        return ""

    _each_line(source, line, out)
    return IntervalSet.of(*values)


def read_ifaces(source: SourceFile, out: list[Diagnostic]) -> IfaceSet:
    names: list[str] = []

    def line(text: str, span: Span) -> str:
        problem = interface_problem(ast.Iface(text, span))
        if problem is not None:
            return f"is not an interface name: {problem.message}"
        names.append(text)
        return ""

    _each_line(source, line, out)
    return IfaceSet.of(names)


def _each_line(source: SourceFile, take: Callable[[str, Span], str], out: list[Diagnostic]) -> None:
    bad = _BadLines(source, out)
    start = 0
    for number, line in enumerate(source.text.split("\n")):
        text = line.split("#", 1)[0].split(";", 1)[0].strip()
        if text:
            problem = take(text, Span(source, start, start + len(line)))
            if problem:
                bad.add(number, text, problem)
        start += len(line) + 1
    bad.finish()


def parse_mac(text: str) -> int | None:
    """Six bytes in hexadecimal separated by colons."""
    parts = text.split(":")
    if len(parts) != 6 or any(len(p) != 2 or not set(p) <= _HEX for p in parts):
        return None
    return int("".join(parts), 16)


_HEX = frozenset("0123456789abcdefABCDEF")
