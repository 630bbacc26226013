"""What an address says of its type before any routing table is asked (net/ipv4/fib_frontend.c, __inet_dev_addr_type())."""

from __future__ import annotations

from fwc.net.addresses import V4_ALL, V6_ALL, AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import EMPTY, IntervalSet

MULTICAST = AddressSet(IntervalSet.range(0xE0000000, 0xEFFFFFFF), IntervalSet.range(0xFF << 120, (1 << 128) - 1))
"""RFC 5771 and RFC 4291 section 2.7: the type of these does not depend on any table."""

_BROADCAST = IntervalSet.of(0, 0xFFFFFFFF)
"""0.0.0.0 and 255.255.255.255 have the type broadcast on every machine (0.0.0.0/8 had it before Linux 5.3)."""


def surely(kind: str, family: Family) -> IntervalSet:
    """The addresses of `family` that have the type on every machine."""
    return _BROADCAST if kind == "broadcast" and family is Family.V4 else EMPTY


def possibly(kind: str, family: Family) -> IntervalSet:
    """The addresses of `family` that have the type on some machine."""
    if kind == "local":  # whatever is written into the local table
        return V4_ALL if family is Family.V4 else V6_ALL
    if family is Family.V4:
        others = V4_ALL - MULTICAST.v4
        return others if kind == "broadcast" else others - _BROADCAST
    return EMPTY if kind == "broadcast" else V6_ALL - MULTICAST.v6
