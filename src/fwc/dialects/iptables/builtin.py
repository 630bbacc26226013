"""The tables of iptables, their builtin chains, and where the kernel calls them."""

from __future__ import annotations

from fwc.net.hooks import (
    PRIORITY_DSTNAT,
    PRIORITY_FILTER,
    PRIORITY_MANGLE,
    PRIORITY_RAW,
    PRIORITY_SECURITY,
    PRIORITY_SRCNAT,
    ChainType,
    Hook,
)

TABLES = ("raw", "mangle", "nat", "filter", "security")
"""In the order in which a packet meets them; files are written in this order."""

HOOK_OF_CHAIN = {
    "PREROUTING": Hook.PREROUTING,
    "INPUT": Hook.INPUT,
    "FORWARD": Hook.FORWARD,
    "OUTPUT": Hook.OUTPUT,
    "POSTROUTING": Hook.POSTROUTING,
}
CHAIN_OF_HOOK = {hook: name for name, hook in HOOK_OF_CHAIN.items()}

BUILTIN: dict[str, tuple[str, ...]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}

_PRIORITY = {
    "raw": PRIORITY_RAW,
    "mangle": PRIORITY_MANGLE,
    "filter": PRIORITY_FILTER,
    "security": PRIORITY_SECURITY,
}


def attachment(table: str, chain: str) -> tuple[Hook, ChainType, int]:
    """Hook, type and priority of a builtin chain (net/ipv4/netfilter/iptable_*.c)."""
    hook = HOOK_OF_CHAIN[chain]
    if table == "nat":
        inward = hook in (Hook.PREROUTING, Hook.OUTPUT)
        return hook, ChainType.NAT, PRIORITY_DSTNAT if inward else PRIORITY_SRCNAT
    if table == "mangle" and hook is Hook.OUTPUT:
        return hook, ChainType.ROUTE, PRIORITY_MANGLE
    return hook, ChainType.FILTER, _PRIORITY[table]


def place(hook: Hook, kind: ChainType, priority: int) -> str | None:
    """The table whose chain at `hook` sees the same packet as a base chain of this type and priority, or None.

    What lies between two tables changes the packet or what is known of it: defragmentation at -400, conntrack at -200,
    destination NAT at -100, source NAT at 100. A table must be on the same side of each of these.
    """
    if kind is ChainType.NAT:
        inward = hook in (Hook.PREROUTING, Hook.OUTPUT)
        known = hook in (Hook.PREROUTING, Hook.OUTPUT, Hook.INPUT, Hook.POSTROUTING)
        return "nat" if known and (-200 < priority <= 0 if inward else priority > 50) else None
    if kind is ChainType.ROUTE and hook is not Hook.OUTPUT:
        return None
    if hook is Hook.PREROUTING:
        return "raw" if -400 < priority < -200 else "mangle" if -200 < priority < -100 else None
    if hook is Hook.OUTPUT:
        if -400 < priority < -200:
            return "raw"
        if -200 < priority < -100:
            return "mangle"
        if kind is ChainType.ROUTE or priority <= -100:
            return None
        return "filter" if priority < 50 else "security" if priority < 100 else None
    if hook in (Hook.INPUT, Hook.FORWARD):
        if priority <= -100:
            return "mangle"
        return "filter" if priority < 50 else "security" if priority < 100 else None
    if hook is Hook.POSTROUTING:
        return "mangle" if priority < 100 else None
    return None
