"""Seeing packets pass: an nft table at both ends of every hook that copies them to this process through NFLOG."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time

from fwc.project.kernel.namespaces import LaboratoryError
from fwc.records import Record

GROUP = 61000
NETLINK_NETFILTER = 12
SO_RCVBUFFORCE = 33
_NFLOG_PACKET = 4 << 8
_NFLOG_CONFIG = 4 << 8 | 1
_HEADER = struct.Struct("=IHHII")
_PAIR = struct.Struct("=HH")
_LOWEST, _HIGHEST = -2147483648, 2147483647


def observer_table(stack: bool) -> str:
    """The table. Owned by our socket, so that `flush ruleset` of a ruleset under test cannot remove it. Made first: at equal
    priority the older hook runs last, so its last chains run even after conntrack's confirmation. In dry mode packets are
    dropped just before that, and leave no connection behind. The local stack never answers unless `stack`."""
    whole = f'log prefix "%s" group {GROUP} queue-threshold 16'
    short = f'log prefix "%s" group {GROUP} snaplen 44 queue-threshold 16'
    detail = f"meta nfproto @detail {short}"
    dry = "meta nfproto @dry"

    def chain(name: str, hook: str, priority: int, *rules: str) -> str:
        body = "\n".join(rules)
        return f"chain {name} {{ type filter hook {hook} priority {priority}; policy accept;\n{body}\n}}\n"

    return (
        "table inet observer {\nflags owner;\nset dry { type nf_proto; }\nset detail { type nf_proto; }\n"
        + chain(
            "pre_first",
            "prerouting",
            _LOWEST,
            f'iifname "orc0" log prefix "S" group {GROUP} queue-threshold 1 drop',
            short % "A",
        )
        + chain("pre_last", "prerouting", _HIGHEST, detail % "B")
        + chain("in_first", "input", _LOWEST, detail % "C")
        + chain("in_dry", "input", _HIGHEST - 1, f'iifname != "lo" {dry} {whole % "L"} drop')
        + chain("in_last", "input", _HIGHEST, whole % "D" + (" accept" if stack else " drop"))
        + chain("fwd_first", "forward", _LOWEST, detail % "E")
        + chain("fwd_last", "forward", _HIGHEST, detail % "F")
        + chain("out_first", "output", _LOWEST, short % "G")
        + chain("out_last", "output", _HIGHEST, detail % "H")
        + chain("post_first", "postrouting", _LOWEST, detail % "I")
        + chain("post_dry", "postrouting", _HIGHEST - 1, f'oifname != "lo" {dry} {whole % "K"} drop')
        + chain("post_last", "postrouting", _HIGHEST, whole % "J")
        + "}\n"
    )


class Event(Record):
    """One NFLOG message: group, prefix, hook number, interface indices, mark and the packet (perhaps cut off)."""

    group: int
    prefix: bytes
    hook: int
    iif: int
    oif: int
    mark: int
    payload: bytes


class Listener:
    """The netlink socket that receives the events; made inside the firewall's namespace."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self._sequence = 0
        self._buffer = bytearray(1 << 20)
        self._groups: set[int] = set()
        self.pending: list[Event] = []
        self._poll = select.poll()
        self._poll.register(self.socket.fileno(), select.POLLIN)

    def close(self) -> None:
        self.socket.close()

    def request(self, kind: int, family: int, resource: int, attributes: list[tuple[int, bytes]]) -> int:
        """Send one netfilter netlink message and wait for its acknowledgement; the errno, 0 for success."""
        body = struct.pack("=BB", family, 0) + struct.pack("!H", resource)
        for number, value in attributes:
            length = 4 + len(value)
            body += _PAIR.pack(length, number) + value + b"\0" * (-length % 4)
        self._sequence += 1
        self.socket.send(_HEADER.pack(16 + len(body), kind, 5, self._sequence, 0) + body)
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            if not self._poll.poll(int(self.timeout * 1000)):
                break
            answer = self._receive()
            if answer is not None:
                return answer
        raise LaboratoryError("the kernel did not answer on netlink")

    def listen(self, group: int, threshold: int = 1) -> None:
        """Receive an NFLOG group with whole packets."""
        if group in self._groups:
            return
        attributes = [(2, struct.pack("!IBB", 0xFFFF, 2, 0)), (5, struct.pack("!I", threshold))]
        if threshold > 1:
            attributes.append((3, struct.pack("!I", 16384)))
        failed = self.request(_NFLOG_CONFIG, 0, group, [(1, b"\1")]) or self.request(
            _NFLOG_CONFIG, 0, group, attributes
        )
        if failed:
            raise LaboratoryError(f"NFLOG group {group}: {os.strerror(failed)}")
        self._groups.add(group)

    def wait(self, deadline: float) -> None:
        """Read one datagram of events into `pending`."""
        if not self._poll.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            raise LaboratoryError("the kernel did not finish the packets in time")
        self._receive()

    def _receive(self) -> int | None:
        try:
            size = self.socket.recv_into(self._buffer)
        except OSError as exception:
            if exception.errno == errno.ENOBUFS:
                raise LaboratoryError("events of the kernel were lost") from exception
            raise
        answer, offset = None, 0
        while offset + 16 <= size:
            length, kind, _, sequence, _ = _HEADER.unpack_from(self._buffer, offset)
            if length < 16:
                break
            if kind == _NFLOG_PACKET:
                self.pending.append(self._event(offset, length))
            elif kind == 2 and sequence == self._sequence:
                answer = -int(struct.unpack_from("=i", self._buffer, offset + 16)[0])
            offset += (length + 3) & ~3
        return answer

    def _event(self, offset: int, length: int) -> Event:
        buffer, end = self._buffer, offset + length
        group = buffer[offset + 18] << 8 | buffer[offset + 19]
        prefix = payload = b""
        iif = oif = mark = 0
        hook = 255
        at = offset + 20
        while at + 4 <= end:
            size, number = _PAIR.unpack_from(buffer, at)
            if size < 4:
                break
            value = bytes(buffer[at + 4 : at + size])
            if number == 10:
                prefix = value[:-1]
            elif number == 9:
                payload = value
            elif number == 4:
                iif = int.from_bytes(value, "big")
            elif number == 5:
                oif = int.from_bytes(value, "big")
            elif number == 2:
                mark = int.from_bytes(value, "big")
            elif number == 1:
                hook = value[2]
            at += (size + 3) & ~3
        return Event(group, prefix, hook, iif, oif, mark, payload)
