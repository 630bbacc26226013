"""Families, hooks, chain types and priorities of netfilter, and pf's two crossing points."""

from __future__ import annotations

from enum import Enum, StrEnum


class Family(Enum):
    """An IP version; `bits` is the width of its addresses."""

    V4 = 4
    V6 = 6

    __hash__ = object.__hash__  # as in ir.match.Field

    @property
    def bits(self) -> int:
        return 32 if self is Family.V4 else 128


class Hook(StrEnum):
    """Where a base chain is attached. PF_IN and PF_OUT are pf's: a forwarded packet passes first one, then the other."""

    INGRESS = "ingress"
    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"
    EGRESS = "egress"
    PF_IN = "in"
    PF_OUT = "out"


class ChainType(StrEnum):
    FILTER = "filter"
    NAT = "nat"
    ROUTE = "route"


# include/uapi/linux/netfilter_ipv4.h, enum nf_ip_hook_priorities
PRIORITY_RAW = -300
PRIORITY_CONNTRACK = -200
PRIORITY_MANGLE = -150
PRIORITY_DSTNAT = -100
PRIORITY_FILTER = 0
PRIORITY_SECURITY = 50
PRIORITY_SRCNAT = 100

PRIORITY_NAMES = {
    "raw": PRIORITY_RAW,
    "mangle": PRIORITY_MANGLE,
    "dstnat": PRIORITY_DSTNAT,
    "filter": PRIORITY_FILTER,
    "security": PRIORITY_SECURITY,
    "srcnat": PRIORITY_SRCNAT,
}
