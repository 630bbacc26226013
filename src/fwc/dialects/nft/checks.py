"""Comparisons that nft refuses because the left side never has the value on the right: names out of a closed list, numbers that
do not fit, times and addresses of another kind (src/datatype.c, src/ct.c and src/meta.c of nftables 1.0.6)."""

from __future__ import annotations

import re

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.dialects.nft.lift_values import Unknown, Wrong, number
from fwc.net.addresses import parse_address
from fwc.net.hooks import Family

_NAMES: dict[str, tuple[str, frozenset[str]]] = {
    "ct state": ("conntrack state", frozenset(words.STATES)),
    "ct direction": ("direction of a connection", frozenset(("original", "reply"))),
    "ct status": ("status of a connection", frozenset(words.STATUS_BITS)),
    "meta pkttype": ("packet type", frozenset(words.PKTTYPES)),
    "meta nfproto": ("protocol family", frozenset(("ipv4", "ipv6"))),
    "ct mark": ("mark", frozenset()),
    "meta mark": ("mark", frozenset()),
}
"""What may stand on the right besides numbers. /etc/iproute2/rt_marks may name marks, which no ruleset of others can rely on."""
_BITS = {
    "ct zone": 16, "ct mark": 32, "meta mark": 32, "vlan id": 12, "vlan pcp": 3, "vlan dei": 1, "vlan cfi": 1, "ip ttl": 8,
    "ip6 hoplimit": 8, "ip dscp": 6, "ip6 dscp": 6, "ip ecn": 2, "ip6 ecn": 2, "ip length": 16, "ip id": 16, "ip6 flowlabel": 20,
    "ip version": 4, "ip6 version": 4, "ip hdrlength": 4, "tcp doff": 4, "tcp window": 16, "udp length": 16, "srh tag": 16,
    "ah spi": 32, "esp spi": 32, "meta pkttype": 3, "tcp dport": 16, "tcp sport": 16, "udp dport": 16,
    "udp sport": 16, "th dport": 16, "th sport": 16,
}  # fmt: skip
_BARE = {"pkttype": "meta pkttype", "mark": "meta mark", "day": "meta day", "hour": "meta hour", "time": "meta time"}
_LONGEST, _WIDEST = 40, 160
"""Digits of the longest number that is read, and bits that hold any of these."""
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
_PREFIX = re.compile(r"(?:0x[0-9a-fA-F]+|\d+)/\d+")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]?\d(:[0-5]?\d)?")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{1,2}(:\d{1,2})?)?")
_ADDRESSES = {
    "ip saddr": Family.V4, "ip daddr": Family.V4, "ip6 saddr": Family.V6, "ip6 daddr": Family.V6, "rt ip nexthop": Family.V4,
    "rt ip6 nexthop": Family.V6, "ct original ip saddr": Family.V4, "ct original ip daddr": Family.V4,
    "ct reply ip saddr": Family.V4,
    "ct reply ip daddr": Family.V4, "ct original ip6 saddr": Family.V6, "ct original ip6 daddr": Family.V6,
    "ct reply ip6 saddr": Family.V6, "ct reply ip6 daddr": Family.V6,
}  # fmt: skip


def check(node: t.Compare) -> None:
    """Raise Wrong where nft refuses the comparison."""
    if isinstance(node.left, t.Selector):
        left = _BARE.get(node.left.text, node.left.text)
        for text in t.literals(node.right):
            _check(left, text)


def _check(left: str, text: str) -> None:
    if left in ("meta hour", "meta day", "meta time"):
        _moment(left, text)
        return
    ends = text.split("-") if _NUMBER.match(text) and left in _BITS else [text]
    numbers = [value for end in ends if (value := _plain(end)) is not None]
    bits = _BITS.get(left)
    if bits is not None and any(value >> bits for value in numbers):
        raise Wrong("FW001", f"{text} does not fit into the {bits} bits of `{left}`")
    what, names = _NAMES.get(left, ("", frozenset()))
    if what and not numbers and text not in names and not _PREFIX.fullmatch(text):
        known = f"write {', '.join(sorted(names))}" if names else "write a number"
        raise Wrong("FW001", f"`{text}` is no {what}", known)
    if left == "ct helper" and len(text) > 15:
        raise Wrong("FW001", f"the name `{text}` is longer than a helper's can be")
    if left == "ct label" and numbers and numbers[0] > 127:
        raise Wrong("FW001", f"{text} is no label", "there are 128 of them, from 0")
    family = _ADDRESSES.get(left)
    if family is not None and address_family(text) not in (None, family):
        raise Wrong("FW001", f"`{left}` is never {text}, which is an address of the other family")


def address_family(text: str) -> Family | None:
    """The family of an address, a prefix or a range."""
    parsed = parse_address(re.split("[/-]", text)[0])
    return parsed[0] if parsed is not None else None


def _plain(text: str) -> int | None:
    """The number that the text is, None for anything else; one of more digits than any field holds counts as the largest."""
    if not _NUMBER.fullmatch(text):
        return None
    if len(text) > _LONGEST:
        return 1 << _WIDEST
    try:
        return number(text, {}, _WIDEST)
    except Unknown:
        return None


def _moment(left: str, text: str) -> None:
    if text.isdigit():
        value = _plain(text)
        if left == "meta day" and (value is None or value > 6):
            raise Wrong("FW001", f"{text} is no day of the week", "write 0 (Sunday) to 6, or a name")
    elif left == "meta day":
        if len(text) < 3 or not any(day.lower().startswith(text.lower()) for day in words.DAYS):
            raise Wrong("FW001", f"`{text}` is no day of the week", f"write {', '.join(words.DAYS)}")
    elif left == "meta hour":
        if not all(_CLOCK.fullmatch(end) or end.isdigit() for end in text.split("-")):
            raise Wrong("FW001", f"`{text}` is no time of day", 'write "08:30" or "17:00:59"')
    elif not _DATE.match(text) and not text[:1].isdigit():
        raise Wrong("FW001", f"`{text}` is no date", 'write "2025-01-31" or "2025-01-31 08:30:00"')
