"""Comparisons that nft refuses because the left side never has the value on the right: names out of a closed list, numbers that
do not fit, times and addresses of another kind (src/datatype.c, src/ct.c and src/meta.c of nftables 1.0.6)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.dialects.nft.lift_values import Unknown, Wrong, number
from fwc.net.addresses import parse_address
from fwc.net.clock import time_of_day
from fwc.net.hooks import Family
from fwc.net.protocols import DSCP
from fwc.net.services import SERVICES

_CLASSES = frozenset((*DSCP, "df", "le", "lephb", "va"))
_NAMES: dict[str, tuple[str, frozenset[str]]] = {
    "ct state": ("conntrack state", frozenset(words.STATES)),
    "ct direction": ("direction of a connection", frozenset(("original", "reply"))),
    "ct status": ("status of a connection", frozenset(words.STATUS_BITS)),
    "meta pkttype": ("packet type", frozenset(words.PKTTYPES)),
    "meta nfproto": ("protocol family", frozenset(("ipv4", "ipv6"))),
    "icmp type": ("type of an ICMP message", frozenset(words.ICMP_NUMBERS)),
    "icmpv6 type": ("type of an ICMPv6 message", frozenset(words.ICMPV6_NUMBERS)),
    "tcp flags": ("TCP flag", frozenset(words.FLAGS)),
    "ip dscp": ("DSCP class", _CLASSES),
    "ip6 dscp": ("DSCP class", _CLASSES),
    "ct mark": ("mark", frozenset()),
    "meta mark": ("mark", frozenset()),
}
"""What may stand on the right besides numbers. /etc/iproute2/rt_marks may name marks, which no ruleset of others can rely on."""
_BITS = {
    "ct zone": 16, "ct mark": 32, "meta mark": 32, "vlan id": 12, "vlan pcp": 3, "vlan dei": 1, "vlan cfi": 1, "ip ttl": 8,
    "ip6 hoplimit": 8, "ip dscp": 6, "ip6 dscp": 6, "ip ecn": 2, "ip6 ecn": 2, "ip length": 16, "ip id": 16, "ip6 flowlabel": 20,
    "ip version": 4, "ip6 version": 4, "ip hdrlength": 4, "tcp doff": 4, "tcp window": 16, "udp length": 16, "srh tag": 16,
    "ah spi": 32, "esp spi": 32, "meta pkttype": 3, "tcp dport": 16, "tcp sport": 16, "udp dport": 16,
    "udp sport": 16, "th dport": 16, "th sport": 16, "icmp type": 8, "icmpv6 type": 8, "icmp code": 8, "icmpv6 code": 8,
}  # fmt: skip
_LOOKED_UP: dict[str, tuple[Collection[str], str, str, str]] = {
    **dict.fromkeys(("sport", "dport"), (SERVICES, "service", "/etc/services", "write the port's number")),
    **dict.fromkeys(
        ("meta l4proto", "l4proto", "ip protocol", "ip6 nexthdr"),
        (words.PROTOCOL_NUMBERS, "protocol", "/etc/protocols", "write the protocol's number"),
    ),
}
"""Names that another file gives a meaning: the usual ones, what they are, and the file."""
_BARE = {"pkttype": "meta pkttype", "mark": "meta mark", "day": "meta day", "hour": "meta hour", "time": "meta time"}
_LONGEST, _WIDEST = 40, 160
"""Digits of the longest number that is read, and bits that hold any of these."""
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
_NO_ADDRESS = re.compile(r"\d+(\.\d+)+(/\d+)?|[0-9a-fA-F]*:[0-9a-fA-F:]+(/\d+)?")
"""Looks like an address. A host name has a letter, and no colon."""
_HOST = re.compile(r"(?=[\w.-]*[A-Za-z])[A-Za-z0-9_]([\w.-]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"(?:0x[0-9a-fA-F]+|\d+)/\d+")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{1,2}(:\d{1,2})?)?")
_ADDRESSES = {
    "ip saddr": Family.V4, "ip daddr": Family.V4, "ip6 saddr": Family.V6, "ip6 daddr": Family.V6, "rt ip nexthop": Family.V4,
    "rt ip6 nexthop": Family.V6, "ct original ip saddr": Family.V4, "ct original ip daddr": Family.V4,
    "ct reply ip saddr": Family.V4,
    "ct reply ip daddr": Family.V4, "ct original ip6 saddr": Family.V6, "ct original ip6 daddr": Family.V6,
    "ct reply ip6 saddr": Family.V6, "ct reply ip6 daddr": Family.V6,
}  # fmt: skip


def check(node: t.Compare | t.Vmap) -> list[tuple[str, str]]:
    """Raise Wrong where nft refuses the comparison or the verdict map. What it has to look up elsewhere when it loads the
    file, and refuses where it is not known: a sentence and the way out."""
    out = []
    for left, text in _asked(node):
        _check(left, text)
        looked_up = _LOOKED_UP.get(left) or _LOOKED_UP.get(left.split()[-1])
        if looked_up is not None and not _is_listed(text, looked_up[0]):
            known, what, file, way = looked_up
            problem = f"`{text}` is no usual {what}: nft looks for it in {file}, and refuses the ruleset without it"
            out.append((problem, _meant(text, known) or way))
        elif left in _ADDRESSES and _HOST.fullmatch(text):
            out.append((f"the host name {text} is looked up when the rules are loaded", "write the address"))
    return out


def _asked(node: t.Compare | t.Vmap) -> Iterator[tuple[str, str]]:
    """What is compared, and each value that is written out."""
    left, right = (node.left, node.right) if isinstance(node, t.Compare) else (node.key, node.source)
    if isinstance(left, t.Selector):
        name = _BARE.get(left.text, left.text)
        for text in t.literals(right):
            yield name, text
    elif isinstance(left, t.Concat):
        keys = [e.key for e in right.elements] if isinstance(right, t.SetOf) else [right]
        for key in keys:
            for part, value in zip(left.parts, key.parts if isinstance(key, t.Concat) else (), strict=False):
                if isinstance(part, t.Selector):
                    for text in t.literals(value):
                        yield _BARE.get(part.text, part.text), text


def _is_listed(text: str, known: Collection[str]) -> bool:
    """A number, a name, or a range of them; names may hold hyphens."""
    if text in known or text == "*" or _NUMBER.fullmatch(text):
        return True
    cuts = [at for at, character in enumerate(text) if character == "-"]
    return any(all(_NUMBER.fullmatch(e) or e in known for e in (text[:at], text[at + 1 :])) for at in cuts)


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
    if what and not numbers and not _is_listed(text, names) and not _PREFIX.fullmatch(text):
        raise Wrong("FW001", f"`{text}` is no {what}", _meant(text, names) or _choices(names))
    if left == "ct helper" and len(text) > 15:
        raise Wrong("FW001", f"the name `{text}` is longer than a helper's can be")
    if left == "ct label" and numbers and numbers[0] > 127:
        raise Wrong("FW001", f"{text} is no label", "there are 128 of them, from 0")
    family = _ADDRESSES.get(left)
    if family is None:
        return
    given = address_family(text)
    if given not in (None, family):
        raise Wrong("FW001", f"`{left}` is never {text}, which is an address of the other family")
    if given is None and _NO_ADDRESS.fullmatch(text):
        raise Wrong("FW001", f"{text} is no address")


def address_family(text: str) -> Family | None:
    """The family of an address, a prefix or a range."""
    parsed = parse_address(re.split("[/-]", text)[0])
    return parsed[0] if parsed is not None else None


def _meant(text: str, names: Collection[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(text, sorted(names), 1, 0.7)
    return f"did you mean `{close[0]}`?" if close else ""


def _choices(names: Collection[str]) -> str:
    return f"write {', '.join(sorted(names))}" if names else "write a number"


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
        if not all(end.isdigit() or time_of_day(end) is not None for end in text.split("-")):
            raise Wrong("FW001", f"`{text}` is no time of day", 'write "08:30" or "17:00:59"')
    elif not _DATE.match(text) and not text[:1].isdigit():
        raise Wrong("FW001", f"`{text}` is no date", 'write "2025-01-31" or "2025-01-31 08:30:00"')
