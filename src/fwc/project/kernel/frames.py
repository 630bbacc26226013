"""IP packets as bytes: built from a probe, and parsed as they are seen delivered, leaving or sent back."""

from __future__ import annotations

import functools
import socket
import struct

from fwc.net.hooks import Family
from fwc.records import Record

TCP, UDP, ICMP, ICMPV6, SCTP = 6, 17, 1, 58, 132
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

REJECT4 = {
    0: "net-unreachable",
    1: "host-unreachable",
    2: "proto-unreachable",
    3: "port-unreachable",
    9: "net-prohibited",
    10: "host-prohibited",
    13: "admin-prohibited",
}
REJECT6 = {
    0: "no-route",
    1: "admin-prohibited",
    3: "address-unreachable",
    4: "port-unreachable",
    5: "policy-fail",
    6: "reject-route",
}
"""Codes of destination unreachable (RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.1) as `RejectKind` values."""


class Probe(Record):
    """One packet to send: into `iface`, or from the firewall itself when that is None (bound to `oif`, as user `uid`)."""

    iface: str | None
    family: Family
    saddr: int
    daddr: int
    protocol: int = TCP
    sport: int = 40000
    dport: int = 80
    flags: int = SYN
    icmp: int | None = None  # type << 8 | code; None: an echo request
    icmp_id: int | None = None
    payload: bytes | None = None
    ttl: int = 64
    tos: int = 0
    mss: int | None = None
    seq: int | None = None
    ack: int | None = None
    smac: int = 0
    uid: int | None = None
    gid: int | None = None
    mark: int = 0
    oif: str = ""
    options: bytes = b""  # further TCP options, padded to a multiple of four bytes


class Identity(Record):
    """By what a packet is known again after translation: its serial is the IPv4 id or the flow label."""

    protocol: int
    seq: int | None
    ack: int
    flags: int
    length: int
    icmp_type: int | None
    tail: bytes
    v6: bool


@functools.lru_cache(maxsize=65536)
def packed(family: Family, address: int) -> bytes:
    return address.to_bytes(family.bits // 8, "big")


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) & 1:
        data += b"\0"
    total = int.from_bytes(data, "big")
    if not total:
        return 0xFFFF
    rest = total % 0xFFFF
    return 0xFFFF - rest if rest else 0


def build(probe: Probe, serial: int) -> tuple[bytes, Identity]:
    """The IP packet of a probe, and how to know it again."""
    v6 = probe.family is Family.V6
    source, destination = packed(probe.family, probe.saddr), packed(probe.family, probe.daddr)
    payload = probe.payload
    if payload is None:
        payload = b"" if probe.protocol == TCP else struct.pack("!II", 0x66776321, serial)
    body, identity = _transport(probe, serial, payload, source + destination, v6)
    if v6:
        head = struct.pack("!IHBB", 6 << 28 | probe.tos << 20 | serial, len(body), probe.protocol, probe.ttl)
        return head + source + destination + body, identity
    head = (
        struct.pack("!BBHHHBBH", 0x45, probe.tos, 20 + len(body), serial, 0, probe.ttl, probe.protocol, 0)
        + source
        + destination
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body, identity


def _transport(probe: Probe, serial: int, payload: bytes, addresses: bytes, v6: bool) -> tuple[bytes, Identity]:
    protocol = probe.protocol
    identity = Identity(protocol, None, 0, 0, 0, None, payload[-8:], v6)

    def pseudo(length: int) -> bytes:
        return addresses + (
            struct.pack("!IHBB", length, 0, 0, protocol) if v6 else struct.pack("!BBH", 0, protocol, length)
        )

    if protocol == TCP:
        options = (struct.pack("!BBH", 2, 4, probe.mss) if probe.mss is not None else b"") + probe.options
        seq = probe.seq if probe.seq is not None else 0x80000000 | serial << 17
        ack = probe.ack if probe.ack is not None else (seq if probe.flags & ACK else 0)
        offset = (20 + len(options)) // 4 << 4
        segment = struct.pack("!HHIIBBHHH", probe.sport, probe.dport, seq, ack, offset, probe.flags, 64240, 0, 0)
        segment += options + payload
        total = checksum(pseudo(len(segment)) + segment)
        length = len(payload) + bool(probe.flags & SYN) + bool(probe.flags & FIN)
        identity = Identity(protocol, seq, ack, probe.flags, length, None, payload[-8:], v6)
        return segment[:16] + struct.pack("!H", total) + segment[18:], identity
    if protocol in (UDP, 136):
        length = 8 + len(payload)
        segment = struct.pack("!HHHH", probe.sport, probe.dport, length, 0) + payload
        total = checksum(pseudo(length) + segment) or 0xFFFF
        return segment[:6] + struct.pack("!H", total) + segment[8:], identity
    if protocol in (ICMP, ICMPV6):
        kind = probe.icmp if probe.icmp is not None else (8 << 8 if protocol == ICMP else 128 << 8)
        number = probe.icmp_id if probe.icmp_id is not None else serial
        segment = struct.pack("!HHHH", kind, 0, number & 0xFFFF, 1) + payload
        total = checksum((pseudo(len(segment)) if protocol == ICMPV6 else b"") + segment)
        identity = Identity(protocol, None, 0, 0, 0, kind >> 8, payload[-8:], v6)
        return segment[:2] + struct.pack("!H", total) + segment[4:], identity
    if protocol == SCTP:
        chunk = struct.pack("!BBHIIHHI", 1, 0, 20, serial + 1, 65535, 1, 1, 1)
        head = struct.pack("!HHI", probe.sport, probe.dport, 0)
        total = _crc32c(head + b"\0\0\0\0" + chunk)
        return head + struct.pack("<I", total) + chunk, Identity(protocol, None, 0, 0, 0, None, chunk[-8:], v6)
    if probe.payload is None:
        # The kernel answers a refused packet only when what follows the IP header sums up to nothing (nf_reject.h).
        body = payload[:6] + b"\0\0"
        payload = payload[:6] + struct.pack("!H", checksum((pseudo(8) if v6 else b"") + body))
        identity = Identity(protocol, None, 0, 0, 0, None, payload, v6)
    return payload, identity


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 if crc & 1 else crc >> 1
    return crc ^ 0xFFFFFFFF


class Seen(Record):
    """A parsed packet. Ports are 0 where the protocol has none; `icmp` is type << 8 | code; `mss` None without the option."""

    raw: bytes
    family: Family
    saddr: int
    daddr: int
    protocol: int
    ttl: int
    tos: int
    sport: int = 0
    dport: int = 0
    flags: int = 0
    seq: int = 0
    ack: int = 0
    mss: int | None = None
    icmp: int = 0
    icmp_id: int = 0
    payload: bytes = b""


def parse(raw: bytes) -> Seen:
    """The packet in `raw`; fields that are cut off stay at their defaults."""
    if raw[0] >> 4 == 4:
        start = (raw[0] & 15) * 4
        family, protocol, ttl, tos = Family.V4, raw[9], raw[8], raw[1]
        source, destination = raw[12:16], raw[16:20]
    else:
        start = 40
        family, protocol, ttl = Family.V6, raw[6], raw[7]
        tos = (raw[0] << 8 | raw[1]) >> 4 & 0xFF
        source, destination = raw[8:24], raw[24:40]
        while protocol in (0, 43, 60) and start + 8 <= len(raw):
            protocol, start = raw[start], start + (raw[start + 1] + 1) * 8
    body = raw[start:]
    seen = Seen(raw, family, int.from_bytes(source, "big"), int.from_bytes(destination, "big"), protocol, ttl, tos)
    if protocol == TCP and len(body) >= 20:
        return _parsed_tcp(seen, body)
    if protocol in (UDP, 136, SCTP, 33) and len(body) >= 8:
        sport, dport = struct.unpack_from("!HH", body)
        return Seen(*_head(seen), sport=sport, dport=dport, payload=body[8:])
    if protocol in (ICMP, ICMPV6) and len(body) >= 8:
        kind, _, number = struct.unpack_from("!HHH", body)
        return Seen(*_head(seen), icmp=kind, icmp_id=number, payload=body[8:])
    return Seen(*_head(seen), payload=body)


def _head(seen: Seen) -> tuple[bytes, Family, int, int, int, int, int]:
    return seen.raw, seen.family, seen.saddr, seen.daddr, seen.protocol, seen.ttl, seen.tos


def _parsed_tcp(seen: Seen, body: bytes) -> Seen:
    sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", body)
    size = (offset >> 4) * 4
    options, mss, at = body[20:size], None, 0
    while at + 1 < len(options) and options[at]:
        if options[at] == 1:
            at += 1
            continue
        if options[at] == 2 and options[at + 1] == 4:
            mss = struct.unpack_from("!H", options, at + 2)[0]
        at += max(2, options[at + 1])
    return Seen(*_head(seen), sport=sport, dport=dport, flags=flags, seq=seq, ack=ack, mss=mss, payload=body[size:])


def reject_name(seen: Seen) -> str:
    """What a packet says that was sent back: "tcp-reset", an unreachable kind, or "" when it is no refusal."""
    if seen.protocol == TCP and seen.flags & RST:
        return "tcp-reset"
    if seen.protocol == ICMP and seen.icmp >> 8 == 3:
        return REJECT4.get(seen.icmp & 255, f"code {seen.icmp & 255}")
    if seen.protocol == ICMPV6 and seen.icmp >> 8 == 1:
        return REJECT6.get(seen.icmp & 255, f"code {seen.icmp & 255}")
    return ""


def is_icmp_error(protocol: int, kind: int) -> bool:
    return kind in (3, 4, 5, 11, 12) if protocol == ICMP else protocol == ICMPV6 and kind < 128


def ethernet(destination: bytes, source: bytes, packet: bytes) -> bytes:
    return destination + source + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def text_address(family: Family, address: int) -> str:
    return socket.inet_ntop(socket.AF_INET if family is Family.V4 else socket.AF_INET6, packed(family, address))
