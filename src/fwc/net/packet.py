"""A concrete packet on its way through the hooks, as tests, traces and witnesses describe it."""

from __future__ import annotations

from fwc.net.hooks import Family
from fwc.records import Record


class Packet(Record):
    """The first packet of a connection unless `state` says otherwise.

    `icmp` is type << 8 | code for ICMP of either version. `flags` are TCP's eight bits. `state` is a CtState name in lower
    case. `iif` is empty for locally made packets, `oif` empty for delivered ones or where routing has yet to decide.
    `user` is the local socket's user name or id. `second` counts from Monday 00:00 local time, None when unspecified.
    """

    family: Family
    protocol: int
    saddr: int
    daddr: int
    sport: int = 0
    dport: int = 0
    icmp: int = 0
    flags: int = 2
    iif: str = ""
    oif: str = ""
    state: str = "new"
    mark: int = 0
    ct_mark: int = 0
    ttl: int = 64
    length: int = 60
    dscp: int = 0
    fragment: bool = False
    pkttype: int = 0
    smac: int = 0
    user: str = ""
    group: str = ""
    second: int | None = None
