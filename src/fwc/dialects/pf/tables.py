"""pf tables and address lists for sets of addresses: the same set is one table, named after what the user calls it."""

from __future__ import annotations

import hashlib

from fwc.dialects.pf.clause import Side
from fwc.dialects.pf.hosts import net
from fwc.dialects.pf.tree import Host, HostKind, TableDef
from fwc.net.addresses import AddressSet, prefixes
from fwc.net.hooks import Family
from fwc.source import utf8

INLINE = 4
LOCAL = "fwc_local"
SELF = "fwc_self"
MAX_NAME = 31


def hosts_of(addresses: AddressSet) -> tuple[Host, ...]:
    """The fewest prefixes, IPv4 first. Never ranges: macOS compares their ends in the wrong byte order."""
    return tuple(
        net(family, value, length)
        for family in Family
        for run in addresses.family(family).runs
        for value, length in prefixes(run, family.bits)
    )


def identifier(text: str, limit: int = MAX_NAME) -> str:
    """A name pf takes: other characters become `_`, too long ones are cut and end in four hex digits."""
    clean = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in text) or "set"
    if clean[0] == "_" or clean[0].isdigit():
        clean = "t" + clean
    if len(clean) > limit:
        clean = clean[: limit - 5] + "_" + hashlib.sha256(utf8(text)).hexdigest()[:4]
    return clean


class Tables:
    """Tables in the order in which rules first need them."""

    __slots__ = ("by_set", "defined", "names", "names_of", "uses_local", "uses_self")

    def __init__(self, names: dict[AddressSet, str]) -> None:
        self.names = names
        self.names_of: dict[str, str] = {}
        self.by_set: dict[AddressSet, str] = {}
        self.defined: dict[str, TableDef] = {}
        self.uses_local = False
        self.uses_self = False

    def hosts(self, side: Side) -> tuple[Host, ...]:
        """The host items of one side of a rule; none for any."""
        if side.local:
            self.uses_self = True
            return (Host(HostKind.TABLE, side.negated, name=SELF),)
        if side.table:
            return (Host(HostKind.TABLE, side.negated, name=self.runtime(side.table)),)
        if side.values is None:
            return ()
        known = self.by_set.get(side.values)
        if known is None:
            hosts = hosts_of(side.values)
            if len(hosts) == 1 and (not side.negated or len(side.values.families()) == 1):
                only = hosts[0]
                return (Host(only.kind, side.negated, only.family, only.low, only.high),)
            if len(hosts) <= INLINE and not side.negated and side.values not in self.names:
                return hosts
            known = self._define(side.values, hosts)
        return (Host(HostKind.TABLE, side.negated, name=known),)

    def _define(self, values: AddressSet, hosts: tuple[Host, ...]) -> str:
        name = identifier(self.names.get(values) or f"fwc_t{len(self.by_set) + 1}")
        if name in self.defined or name in (LOCAL, SELF):
            name = identifier(f"{name[:24]}_{len(self.by_set) + 1}")
        self.by_set[values] = name
        self.defined[name] = TableDef(name, ("const",), hosts)
        return name

    def runtime(self, name: str) -> str:
        """The table of a set that is filled at run time."""
        known = self.names_of.get(name)
        if known is None:
            known = identifier(name)
            while known in self.defined:
                known = identifier(f"{known[:26]}_r")
            self.names_of[name] = known
            self.defined[known] = TableDef(known, ("persist",), None)
        return known
