"""Numbers and names of IP protocols, ICMP types, TCP flags and DSCP classes, as the policy language spells them."""

from __future__ import annotations

from fwc.net.hooks import Family

ICMP = 1
TCP = 6
UDP = 17
DCCP = 33
ICMPV6 = 58
SCTP = 132
UDPLITE = 136

PORT_PROTOCOLS = frozenset({TCP, UDP, DCCP, SCTP, UDPLITE})
"""Protocols whose header begins with two 16-bit ports."""

# IANA, Assigned Internet Protocol Numbers; the names that iptables, nft and pf share
PROTOCOLS = {
    "icmp": ICMP,
    "igmp": 2,
    "ipencap": 4,
    "ipip": 4,
    "tcp": TCP,
    "egp": 8,
    "igp": 9,
    "udp": UDP,
    "rdp": 27,
    "dccp": DCCP,
    "ipv6": 41,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": ICMPV6,
    "ipv6-icmp": ICMPV6,
    "skip": 57,
    "eigrp": 88,
    "ospf": 89,
    "pim": 103,
    "ipcomp": 108,
    "vrrp": 112,
    "carp": 112,
    "pfsync": 240,
    "l2tp": 115,
    "sctp": SCTP,
    "udplite": UDPLITE,
    "mpls-in-ip": 137,
}
"""Words after `proto`."""

_PREFERRED = {4: "ipencap", ICMPV6: "ipv6-icmp", 112: "vrrp"}

PROTOCOL_NAMES = {number: _PREFERRED.get(number, name) for name, number in PROTOCOLS.items()}
"""Number to the name to show; numbers without a name are shown as numbers."""


def _types(names: dict[str, int | tuple[int, int]]) -> dict[str, tuple[int, int | None]]:
    return {name: value if isinstance(value, tuple) else (value, None) for name, value in names.items()}


# RFC 792, 950, 1256, 1812; IANA ICMP Parameters
ICMP_TYPES: dict[str, tuple[int, int | None]] = _types(
    {
        "echo-reply": 0,
        "destination-unreachable": 3,
        "network-unreachable": (3, 0),
        "net-unreachable": (3, 0),
        "host-unreachable": (3, 1),
        "protocol-unreachable": (3, 2),
        "port-unreachable": (3, 3),
        "fragmentation-needed": (3, 4),
        "frag-needed": (3, 4),
        "source-route-failed": (3, 5),
        "network-unknown": (3, 6),
        "host-unknown": (3, 7),
        "network-prohibited": (3, 9),
        "host-prohibited": (3, 10),
        "tos-network-unreachable": (3, 11),
        "tos-host-unreachable": (3, 12),
        "communication-prohibited": (3, 13),
        "admin-prohibited": (3, 13),
        "host-precedence-violation": (3, 14),
        "precedence-cutoff": (3, 15),
        "source-quench": 4,
        "redirect": 5,
        "network-redirect": (5, 0),
        "host-redirect": (5, 1),
        "tos-network-redirect": (5, 2),
        "tos-host-redirect": (5, 3),
        "echo-request": 8,
        "router-advertisement": 9,
        "router-solicitation": 10,
        "time-exceeded": 11,
        "ttl-exceeded": 11,
        "ttl-zero-during-transit": (11, 0),
        "ttl-zero-during-reassembly": (11, 1),
        "parameter-problem": 12,
        "ip-header-bad": (12, 0),
        "required-option-missing": (12, 1),
        "timestamp-request": 13,
        "timestamp-reply": 14,
        "info-request": 15,
        "info-reply": 16,
        "address-mask-request": 17,
        "address-mask-reply": 18,
    }
)
"""IPv4: name to (type, code); the code is None where the name means every code of the type."""

# RFC 4443, 2710, 3810, 4861, 4890; IANA ICMPv6 Parameters
ICMPV6_TYPES: dict[str, tuple[int, int | None]] = _types(
    {
        "destination-unreachable": 1,
        "no-route": (1, 0),
        "communication-prohibited": (1, 1),
        "admin-prohibited": (1, 1),
        "beyond-scope": (1, 2),
        "address-unreachable": (1, 3),
        "port-unreachable": (1, 4),
        "failed-policy": (1, 5),
        "policy-fail": (1, 5),
        "reject-route": (1, 6),
        "packet-too-big": 2,
        "time-exceeded": 3,
        "ttl-exceeded": 3,
        "ttl-zero-during-transit": (3, 0),
        "ttl-zero-during-reassembly": (3, 1),
        "parameter-problem": 4,
        "bad-header": (4, 0),
        "unknown-header-type": (4, 1),
        "unknown-option": (4, 2),
        "echo-request": 128,
        "echo-reply": 129,
        "mld-listener-query": 130,
        "mld-listener-report": 131,
        "mld-listener-done": 132,
        "mld-listener-reduction": 132,
        "router-solicitation": 133,
        "nd-router-solicit": 133,
        "router-advertisement": 134,
        "nd-router-advert": 134,
        "neighbour-solicitation": 135,
        "neighbor-solicitation": 135,
        "nd-neighbor-solicit": 135,
        "neighbour-advertisement": 136,
        "neighbor-advertisement": 136,
        "nd-neighbor-advert": 136,
        "redirect": 137,
        "nd-redirect": 137,
        "router-renumbering": 138,
        "ind-neighbor-solicit": 141,
        "ind-neighbor-advert": 142,
        "mld2-listener-report": 143,
    }
)
"""IPv6: as ICMP_TYPES."""


def icmp_types(family: Family) -> dict[str, tuple[int, int | None]]:
    """The names of ICMP (IPv4) or ICMPv6 types."""
    return ICMP_TYPES if family is Family.V4 else ICMPV6_TYPES


# RFC 9293 section 3.1; ECE and CWR: RFC 3168
TCP_FLAGS = {
    "fin": 1 << 0,
    "syn": 1 << 1,
    "rst": 1 << 2,
    "psh": 1 << 3,
    "ack": 1 << 4,
    "urg": 1 << 5,
    "ece": 1 << 6,
    "cwr": 1 << 7,
}
"""Bits of `Field.TCP_FLAGS`."""

# RFC 2474 (cs), 2597 (af), 3246 (ef), 5865 (va), 8622 (le)
DSCP = {
    **{f"cs{n}": n << 3 for n in range(8)},
    **{f"af{high}{low}": high << 3 | low << 1 for high in range(1, 5) for low in range(1, 4)},
    "be": 0,
    "le": 1,
    "va": 0x2C,
    "ef": 0x2E,
}
"""Names of DSCP classes to their 6-bit values."""
