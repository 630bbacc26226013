"""Where rules stand: hooks as places to match at, and the base chains that hold what the language puts there."""

from __future__ import annotations

from enum import StrEnum

from fwc.ir.model import Base
from fwc.ir.verdict import ACCEPT
from fwc.net.hooks import (
    PRIORITY_DSTNAT,
    PRIORITY_FILTER,
    PRIORITY_MANGLE,
    PRIORITY_RAW,
    PRIORITY_SRCNAT,
    ChainType,
    Family,
    Hook,
)
from fwc.net.interfaces import IfaceSet
from fwc.records import Record


class Site(StrEnum):
    """A hook, seen as what is known of a packet there. The loop sites are the two ends of the loopback interface. A string
    enumeration, because its members are keys of every memo and strings keep their hash."""

    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    PREROUTING = "prerouting"
    POSTROUTING = "postrouting"
    LOOP_IN = "loop-in"
    LOOP_OUT = "loop-out"

    @property
    def hook(self) -> Hook:
        return _HOOKS[self]


_HOOKS = {
    Site.INPUT: Hook.INPUT,
    Site.FORWARD: Hook.FORWARD,
    Site.OUTPUT: Hook.OUTPUT,
    Site.PREROUTING: Hook.PREROUTING,
    Site.POSTROUTING: Hook.POSTROUTING,
    Site.LOOP_IN: Hook.INPUT,
    Site.LOOP_OUT: Hook.OUTPUT,
}

FILTER_SITES = (Site.INPUT, Site.FORWARD, Site.OUTPUT)

REVERSE = {
    Site.INPUT: Site.OUTPUT,
    Site.OUTPUT: Site.INPUT,
    Site.FORWARD: Site.FORWARD,
    Site.LOOP_IN: Site.LOOP_OUT,
    Site.LOOP_OUT: Site.LOOP_IN,
}

BASES: dict[str, Base] = {
    "prerouting-raw": Base(Hook.PREROUTING, ChainType.FILTER, PRIORITY_RAW, ACCEPT),
    "output-raw": Base(Hook.OUTPUT, ChainType.FILTER, PRIORITY_RAW, ACCEPT),
    "prerouting-mangle": Base(Hook.PREROUTING, ChainType.FILTER, PRIORITY_MANGLE, ACCEPT),
    # `route`: a changed mark or DSCP makes the kernel look up the route again (nft(8), chain types)
    "output-mangle": Base(Hook.OUTPUT, ChainType.ROUTE, PRIORITY_MANGLE, ACCEPT),
    "prerouting-nat": Base(Hook.PREROUTING, ChainType.NAT, PRIORITY_DSTNAT, ACCEPT),
    "output-nat": Base(Hook.OUTPUT, ChainType.NAT, PRIORITY_DSTNAT, ACCEPT),
    "input": Base(Hook.INPUT, ChainType.FILTER, PRIORITY_FILTER, ACCEPT),
    "forward": Base(Hook.FORWARD, ChainType.FILTER, PRIORITY_FILTER, ACCEPT),
    "output": Base(Hook.OUTPUT, ChainType.FILTER, PRIORITY_FILTER, ACCEPT),
    "forward-mangle": Base(Hook.FORWARD, ChainType.FILTER, PRIORITY_MANGLE, ACCEPT),
    "postrouting-mangle": Base(Hook.POSTROUTING, ChainType.FILTER, PRIORITY_MANGLE, ACCEPT),
    "postrouting-nat": Base(Hook.POSTROUTING, ChainType.NAT, PRIORITY_SRCNAT, ACCEPT),
}
"""The base chains in the order in which they are printed; the policy of input, forward and output comes from `default`."""


class Where(Record):
    """The chains that a statement's rules go to: one per site. `kind` is "filter" (the statement chooses among all sites),
    "early", "chain" (the body of a user chain) or "hook"."""

    kind: str
    chains: tuple[tuple[Site, str], ...]


FILTER = Where("filter", tuple((site, site.value) for site in FILTER_SITES))
EARLY = Where("early", ((Site.PREROUTING, "prerouting-raw"), (Site.OUTPUT, "output-raw")))

V4, V6, DUAL = 1, 2, 3
"""Families as bits, because every operand of every rule carries them."""


def bit(family: Family) -> int:
    return V4 if family is Family.V4 else V6


def families_of(bits: int) -> tuple[Family, ...]:
    return tuple(f for f in Family if bits & bit(f))


def loopback_of(os: str) -> IfaceSet:
    return IfaceSet(frozenset({"lo0" if os == "macos" else "lo"}))
