"""A packet in one line of text: as witnesses of findings show it, and as `fwc trace` and `fwc query` take it."""

from __future__ import annotations

import re

from fwc.net.addresses import format_address, parse_address
from fwc.net.hooks import Family
from fwc.net.packet import Packet
from fwc.net.protocols import PORT_PROTOCOLS, PROTOCOL_NAMES, PROTOCOLS

FORM = "tcp 198.51.100.7:4000 -> 203.0.113.5:443 in eth0 [out eth1] [state new]"

_STATES = {"new", "established", "related", "invalid", "untracked"}
_SHAPE = r"(?s)(?P<head>.+?)\s+(?P<source>\S+)\s*->\s*(?P<destination>\S+)(?P<rest>.*)"


class BadPacket(Exception):
    """The text is not a packet; the message is a sentence that says what is expected."""


def packet_text(packet: Packet) -> str:
    """One line: protocol, addresses and ports, interfaces, mark, state. `parse_packet` reads it back."""
    source = format_address(packet.family, packet.saddr)
    destination = format_address(packet.family, packet.daddr)
    name = {58: "icmpv6"}.get(packet.protocol) or PROTOCOL_NAMES.get(packet.protocol, f"protocol {packet.protocol}")
    if packet.protocol in PORT_PROTOCOLS:
        wrap = "[{}]:{}" if packet.family is Family.V6 else "{}:{}"
        source, destination = wrap.format(source, packet.sport), wrap.format(destination, packet.dport)
    elif packet.protocol in (1, 58):
        name += f" type {packet.icmp >> 8} code {packet.icmp & 255}"
    parts = [f"{name} {source} -> {destination}"]
    if packet.iif:
        parts.append(f"in {packet.iif}")
    if packet.oif:
        parts.append(f"out {packet.oif}")
    if packet.mark:
        parts.append(f"mark {packet.mark:#x}")
    parts.append(packet.state)
    return " ".join(parts)


def parse_packet(text: str) -> Packet:
    """The packet of a line. Raises BadPacket."""
    shape = re.fullmatch(_SHAPE, text.strip())
    if shape is None:
        raise BadPacket(f"expected a packet as `{FORM}`")
    protocol, icmp = _protocol(shape["head"].split())
    source_family, saddr, sport = _endpoint(shape["source"])
    family, daddr, dport = _endpoint(shape["destination"])
    if family is not source_family:
        raise BadPacket("the two addresses are not of one family")
    if protocol in (1, 58) and (protocol == 58) is not (family is Family.V6):
        raise BadPacket("icmp goes with IPv4 addresses, icmpv6 with IPv6 addresses")
    words = _rest(shape["rest"].split())
    return Packet(
        family, protocol, saddr, daddr, sport if sport is not None else 40000, dport or 0, icmp,
        iif=words.get("in", ""), oif=words.get("out", ""), state=words.get("state", "new"),
        mark=int(words.get("mark", "0"), 0),
    )  # fmt: skip


def _protocol(words: list[str]) -> tuple[int, int]:
    name = words[0].lower()
    if name in ("proto", "protocol") and len(words) == 2:
        name, words = words[1].lower(), words[:1]
    number = int(name) if name.isdigit() else {"icmpv6": 58}.get(name, PROTOCOLS.get(name, -1))
    if not 0 <= number < 256:
        raise BadPacket(f"{name!r} is no protocol; expected tcp, udp, icmp, icmpv6, another name or a number")
    if len(words) == 1:
        return number, {1: 8, 58: 128}.get(number, 0) << 8
    kind, _, code = (words[2] + "/" + words[4] if _is_long(words) else words[1]).partition("/")
    if (
        (len(words) > 2 and not _is_long(words))
        or number not in (1, 58)
        or not kind.isdigit()
        or not (code or "0").isdigit()
    ):
        raise BadPacket(f"{' '.join(words[1:])!r} is no ICMP type; write it as a number, or type/code")
    if int(kind) > 255 or int(code or 0) > 255:
        raise BadPacket("ICMP types and codes go up to 255")
    return number, int(kind) << 8 | int(code or 0)


def _is_long(words: list[str]) -> bool:
    """`icmp type 8 code 0` for `icmp 8/0`."""
    return len(words) == 5 and words[1] == "type" and words[3] == "code"


def _endpoint(text: str) -> tuple[Family, int, int | None]:
    match = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", text) or re.fullmatch(r"(\d+\.\d+\.\d+\.\d+)(?::(\d+))?", text)
    address = parse_address(match[1] if match else text)
    if address is None:
        raise BadPacket(f"{text!r} is no address; write 192.0.2.1:443 or [2001:db8::1]:443")
    port = int(match[2]) if match and match[2] else None
    if port is not None and port > 65535:
        raise BadPacket(f"port {port} is above 65535")
    return address[0], address[1], port


def _rest(words: list[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    at = 0
    while at < len(words):
        word = {"iif": "in", "oif": "out"}.get(words[at], words[at])
        if word in _STATES:
            out["state"] = word
            at += 1
            continue
        if word not in ("in", "out", "mark", "state") or at + 1 == len(words):
            raise BadPacket(f"unexpected {words[at]!r}; expected a packet as `{FORM}`")
        out[word] = words[at + 1]
        at += 2
    if out.get("state", "new") not in _STATES:
        raise BadPacket(f"{out['state']!r} is no state; the states are {', '.join(sorted(_STATES))}")
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,8}|[0-9]{1,10}", out.get("mark", "0")) or int(out.get("mark", "0"), 0) >> 32:
        raise BadPacket(f"{out['mark']!r} is no mark; marks go up to 0xffffffff")
    return out
