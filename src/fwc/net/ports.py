"""Ports as sets of integers."""

from __future__ import annotations

from fwc.net.intervals import IntervalSet

HIGHEST = 65535

ALL_PORTS = IntervalSet.range(0, HIGHEST)
"""Every value of a port field; port 0 is a legal value on the wire."""


def parse_ports(text: str) -> tuple[int, int] | None:
    """The inclusive range of `80` or `8000-8010`, None when it is neither or runs backwards."""
    low, dash, high = text.partition("-")
    first = _port(low)
    last = _port(high) if dash else first
    if first is None or last is None or first > last:
        return None
    return first, last


def format_ports(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _port(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        return None
    value = int(text)
    return value if value <= HIGHEST else None
