"""Names that iptables takes for numbers: protocols, ICMP types, services, DSCP classes; and how it reads numbers."""

from __future__ import annotations

from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.net.services import SERVICES

PROTOCOLS = {
    "tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58, "esp": 50, "ah": 51, "sctp": 132, "udplite": 136,
    "dccp": 33, "gre": 47, "ipip": 4, "ipencap": 4, "ipv6": 41, "igmp": 2, "ospf": 89, "vrrp": 112, "pim": 103, "l2tp": 115,
    "ipcomp": 108, "eigrp": 88, "egp": 8, "rsvp": 46, "mh": 135, "ipv6-mh": 135, "mobility-header": 135, "ip": 0, "ggp": 3,
    "st": 5, "igp": 9, "pup": 12, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "xtp": 36, "ddp": 37, "idpr-cmtp": 38,
    "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "skip": 57, "ipv6-nonxt": 59, "ipv6-opts": 60, "rspf": 73, "vmtp": 81,
    "ospfigp": 89, "ax.25": 93, "etherip": 97, "encap": 98, "isis": 124, "fc": 133, "mpls-in-ip": 137, "hip": 139,
    "shim6": 140, "wesp": 141, "rohc": 142, "hopopt": 0, "manet": 138,
}  # fmt: skip
"""iptables/xshared.c and Debian's /etc/protocols."""

ANY_ICMP = IntervalSet.full(16)


def _types(*types: int) -> IntervalSet:
    return IntervalSet((t << 8, (t << 8) + 255) for t in types)


def _codes(type_: int, low: int, high: int) -> IntervalSet:
    return IntervalSet.range((type_ << 8) + low, (type_ << 8) + high)


ICMP_NAMES = {
    "any": ANY_ICMP, "echo-reply": _types(0), "pong": _types(0), "destination-unreachable": _types(3),
    "network-unreachable": _codes(3, 0, 0), "host-unreachable": _codes(3, 1, 1), "protocol-unreachable": _codes(3, 2, 2),
    "port-unreachable": _codes(3, 3, 3), "fragmentation-needed": _codes(3, 4, 4), "source-route-failed": _codes(3, 5, 5),
    "network-unknown": _codes(3, 6, 6), "host-unknown": _codes(3, 7, 7), "network-prohibited": _codes(3, 9, 9),
    "host-prohibited": _codes(3, 10, 10), "TOS-network-unreachable": _codes(3, 11, 11),
    "TOS-host-unreachable": _codes(3, 12, 12), "communication-prohibited": _codes(3, 13, 13),
    "host-precedence-violation": _codes(3, 14, 14), "precedence-cutoff": _codes(3, 15, 15), "source-quench": _types(4),
    "redirect": _types(5), "network-redirect": _codes(5, 0, 0), "host-redirect": _codes(5, 1, 1),
    "TOS-network-redirect": _codes(5, 2, 2), "TOS-host-redirect": _codes(5, 3, 3), "echo-request": _types(8),
    "ping": _types(8), "router-advertisement": _types(9), "router-solicitation": _types(10), "time-exceeded": _types(11),
    "ttl-exceeded": _types(11), "ttl-zero-during-transit": _codes(11, 0, 0), "ttl-zero-during-reassembly": _codes(11, 1, 1),
    "parameter-problem": _types(12), "ip-header-bad": _codes(12, 0, 0), "required-option-missing": _codes(12, 1, 1),
    "timestamp-request": _types(13), "timestamp-reply": _types(14), "address-mask-request": _types(17),
    "address-mask-reply": _types(18),
}  # fmt: skip
"""extensions/libxt_icmp.h"""

ICMP6_NAMES = {
    "destination-unreachable": _types(1), "no-route": _codes(1, 0, 0), "communication-prohibited": _codes(1, 1, 1),
    "beyond-scope": _codes(1, 2, 2), "address-unreachable": _codes(1, 3, 3), "port-unreachable": _codes(1, 4, 4),
    "failed-policy": _codes(1, 5, 5), "reject-route": _codes(1, 6, 6), "packet-too-big": _types(2),
    "time-exceeded": _types(3), "ttl-exceeded": _types(3), "ttl-zero-during-transit": _codes(3, 0, 0),
    "ttl-zero-during-reassembly": _codes(3, 1, 1), "parameter-problem": _types(4), "bad-header": _codes(4, 0, 0),
    "unknown-header-type": _codes(4, 1, 1), "unknown-option": _codes(4, 2, 2), "echo-request": _types(128),
    "ping": _types(128), "echo-reply": _types(129), "pong": _types(129), "mld-listener-query": _types(130),
    "mld-listener-report": _types(131), "mld-listener-done": _types(132), "mld-listener-reduction": _types(132),
    "router-solicitation": _types(133), "router-advertisement": _types(134), "neighbour-solicitation": _types(135),
    "neighbor-solicitation": _types(135), "neighbour-advertisement": _types(136), "neighbor-advertisement": _types(136),
    "redirect": _types(137),
}  # fmt: skip

DSCP_CLASSES = {
    "CS0": 0, "CS1": 8, "CS2": 16, "CS3": 24, "CS4": 32, "CS5": 40, "CS6": 48, "CS7": 56, "BE": 0, "EF": 46, "AF11": 10,
    "AF12": 12, "AF13": 14, "AF21": 18, "AF22": 20, "AF23": 22, "AF31": 26, "AF32": 28, "AF33": 30, "AF41": 34,
    "AF42": 36, "AF43": 38,
}  # fmt: skip


def number(text: str) -> int | None:
    """A decimal, hexadecimal (0x) or octal (0) number, as strtoul reads it."""
    try:
        if text[:2].lower() == "0x":
            return int(text, 16)
        if len(text) > 1 and text[0] == "0" and text.isdigit():
            return int(text, 8)
        return int(text) if text.isascii() and text.isdigit() else None
    except ValueError:
        return None


def old_address(text: str) -> int | None:
    """An IPv4 address as iptables reads it besides four decimal bytes: `10.1` is 10.1.0.0 (xtables.c pad_cidr), a byte may be
    hexadecimal or octal, and one number may be the whole address (inet_aton(3))."""
    parts = [number(part) for part in text.split(".")]
    if len(parts) == 1 and parts[0] is not None and 255 < parts[0] <= 0xFFFFFFFF:
        return parts[0]
    if len(parts) > 4 or any(part is None or part > 255 for part in parts):
        return None
    out = 0
    for part in [*parts, 0, 0, 0][:4]:
        out = out << 8 | (part or 0)
    return out


def value_and_mask(text: str) -> tuple[int, int] | None:
    """`0x10/0xff`; without a mask all 32 bits."""
    value, slash, mask = text.partition("/")
    low, high = number(value), number(mask) if slash else 0xFFFFFFFF
    return None if low is None or high is None or max(low, high) > 0xFFFFFFFF else (low, high)


def port(text: str) -> int | None:
    value = number(text)
    if value is not None:
        return value if value < 65536 else None
    return SERVICES.get(text)


def icmp_values(text: str, family: Family) -> IntervalSet | None:
    """The set of type << 8 | code; iptables takes unambiguous beginnings of names as well."""
    names = ICMP_NAMES if family is Family.V4 else ICMP6_NAMES
    if text in names:
        return names[text]
    kind, slash, code = text.partition("/")
    type_ = number(kind)
    if type_ is not None:
        if type_ == 255 and family is Family.V4 and not slash:
            return ANY_ICMP
        low, dash, high = code.partition("-")
        if type_ > 255:
            return None
        if not slash:
            return _types(type_)
        first, last = number(low), number(high) if dash else number(low)
        return None if first is None or last is None or first > last or last > 255 else _codes(type_, first, last)
    fitting = {name for name in names if name.lower().startswith(text.lower())}
    return names[fitting.pop()] if len(fitting) == 1 else None
