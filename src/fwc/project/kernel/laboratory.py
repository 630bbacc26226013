"""A firewall namespace with veth interfaces, a passive world behind them, and packets sent through the ruleset under test."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fwc.net.addresses import parse_address
from fwc.net.hooks import Family
from fwc.project.kernel.fates import Burst, Fate
from fwc.project.kernel.frames import Probe, build, checksum, ethernet, packed
from fwc.project.kernel.namespaces import LaboratoryError, Namespace, Nft
from fwc.project.kernel.observation import GROUP, SO_RCVBUFFORCE, Event, Listener, observer_table
from fwc.records import Record

SOL_PACKET = 263
PACKET_QDISC_BYPASS = 20
PACKET_IGNORE_OUTGOING = 23
MAX_SERIAL = 16383
BURST = 1000
LOADERS = {
    "nft": ("nft", "-f", "/dev/stdin"),
    "iptables-nft": ("iptables-nft-restore",),
    "ip6tables-nft": ("ip6tables-nft-restore",),
    "iptables-legacy": ("iptables-legacy-restore", "-w", "30"),
    "ip6tables-legacy": ("ip6tables-legacy-restore", "-w", "30"),
    "ipset": ("ipset", "restore"),
}


class LoadError(LaboratoryError):
    """The real tool refused a ruleset."""


class Interface(Record):
    """An interface of the firewall with its addresses (`10.0.0.1/24`)."""

    name: str
    addresses: tuple[str, ...] = ()
    mtu: int | None = None


def missing() -> str:
    """Why no laboratory can be built here, "" when one can."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/proc/thread-self/ns/net"):
        return "needs Linux with network namespaces"
    with contextlib.suppress(LaboratoryError):
        namespace = Namespace()
        try:
            namespace.run(["nft", "--version"])
            namespace.run(["ip", "-V"])
            Nft(namespace).close()
            return ""
        finally:
            namespace.close()
    return "needs nft, libnftables and iproute2, and the right to make network namespaces"


class Laboratory:
    """Build with interfaces and routes (prefix or "default"/"default6", interface), load rulesets, send probes.

    All interfaces are NOARP, so every on-link destination is reachable without an answer. A probe leaves no trace for the next
    one as long as `dry` is set. One thread at a time.
    """

    def __init__(
        self,
        interfaces: Sequence[Interface],
        routes: Iterable[tuple[str, str]] = (),
        sysctls: Mapping[str, int | str] | None = None,
        stack: bool = False,
        timeout: float = 10.0,
    ) -> None:
        if os.geteuid() != 0:
            raise LaboratoryError("packets through the kernel need root: network namespaces and raw sockets")
        self.interfaces = tuple(interfaces)
        self._routes = tuple(routes)
        self._sysctls = dict(sysctls or {})
        self._stack = stack
        self._timeout = timeout
        self._serial = 0
        self._cpu = min(os.sched_getaffinity(0))
        self._lock = f"/run/xtables.fwc.{os.getpid()}.lock"
        self._open()

    def __enter__(self) -> Laboratory:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        for each in self._sockets:
            each.close()
        self._sockets.clear()
        self._raw.clear()
        for nft in self._nfts:
            nft.close()
        self.firewall.close()
        self.world.close()
        with contextlib.suppress(OSError):
            os.unlink(self._lock)

    def rebuild(self) -> None:
        """New namespaces (about 60 ms): the only way to be rid of legacy tables and ipsets in use."""
        self.close()
        self._open()

    # ----- building ------------------------------------------------------------

    def _open(self) -> None:
        self.firewall, self.world = Namespace(), Namespace()
        self._sockets: list[socket.socket] = []
        self._raw: dict[tuple[bool, int | None, int | None, int, str], socket.socket] = {}
        self._nfts: list[Nft] = []
        self._mode = {"dry": False, "detail": False}
        self._sentinels = 0
        self._loaded: set[str] = set()
        self._joined: set[tuple[str, bytes]] = set()
        self._settings()
        self._links()
        self._open_sockets()
        self._owner = self._nft()
        self._general = self._nft()
        self._owner.run(observer_table(self._stack))
        self._listener.listen(GROUP, 16)

    def _nft(self) -> Nft:
        nft = Nft(self.firewall)
        self._nfts.append(nft)
        return nft

    def _settings(self) -> None:
        for scope in ("all", "default"):
            self.world.sysctl(f"net/ipv6/conf/{scope}/disable_ipv6", 1)
            for name in ("rp_filter", "send_redirects", "accept_redirects", "log_martians"):
                self.firewall.sysctl(f"net/ipv4/conf/{scope}/{name}", 0)
            for name in ("accept_dad", "dad_transmits", "accept_ra", "autoconf", "router_solicitations"):
                self.firewall.sysctl(f"net/ipv6/conf/{scope}/{name}", 0)
        self.firewall.sysctl("net/ipv6/conf/default/addr_gen_mode", 1)
        for name, value in (
            ("net/ipv4/icmp_ratelimit", 0),
            ("net/ipv4/icmp_ratemask", 0),
            ("net/ipv4/icmp_msgs_per_sec", 10000000),
            ("net/ipv4/icmp_msgs_burst", 10000000),
            ("net/ipv6/icmp/ratelimit", 0),
            ("net/ipv6/icmp/ratemask", ""),
        ):
            self.firewall.sysctl(name, value)

    def _links(self) -> None:
        firewall = ["link set dev lo up"]
        world = ["link set dev lo up"]
        for index, interface in enumerate(self.interfaces):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}", interface.name):
                raise LaboratoryError(f"an interface cannot be called {interface.name!r}")
            name, peer = interface.name, f"p{index}"
            mtu = f" mtu {interface.mtu}" if interface.mtu else ""
            firewall.append(
                f"link add name {name} address {_mac_text(index, 0)} type veth "
                f"peer name {peer} address {_mac_text(index, 1)} netns {self.world.path}"
            )
            firewall.append(f"link set dev {name} arp off{mtu} up")
            world.append(f"link set dev {peer} arp off{mtu or ' mtu 65535'} up")
            for address in interface.addresses:
                wide = int((address + "/32").split("/")[1]) < 31
                tail = " nodad" if ":" in address else " brd +" if wide else ""
                firewall.append(f"addr add {address} dev {name}{tail}")
        firewall.append(f"link add name orc0 type veth peer name orcp netns {self.world.path}")
        firewall.append("link set dev orc0 arp off up")
        world.append("link set dev orcp arp off up")
        self.firewall.must(["ip", "-batch", "-"], "\n".join(firewall) + "\n")
        self.world.must(["ip", "-batch", "-"], "\n".join(world) + "\n")
        self.firewall.sysctl("net/ipv4/ip_forward", 1)
        self.firewall.sysctl("net/ipv6/conf/all/forwarding", 1)
        for interface in self.interfaces:
            self.firewall.sysctl(f"net/ipv4/conf/{interface.name.replace('.', '/')}/rp_filter", 0)
            self.firewall.sysctl(f"net/ipv4/conf/{interface.name.replace('.', '/')}/send_redirects", 0)
        for name, value in self._sysctls.items():
            self.firewall.sysctl(name, value)
        for version in ("4", "6"):
            lines = [
                f"route add {prefix.removesuffix('6') if prefix == 'default6' else prefix} dev {device}"
                for prefix, device in self._routes
                if (":" in prefix or prefix == "default6") == (version == "6")
            ]
            if lines:
                self.firewall.must(["ip", f"-{version}", "-batch", "-"], "\n".join(lines) + "\n")

    def _open_sockets(self) -> None:
        self._transmit: dict[str, socket.socket] = {}
        with self.world.entered():
            for index, interface in enumerate(self.interfaces):
                self._transmit[interface.name] = self._packet_socket(f"p{index}")
                _offload_off(self._transmit[interface.name], f"p{index}")
            self._sentinel_socket = self._packet_socket("orcp")
            self._receive = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self._sockets.append(self._receive)
            self._receive.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            self._receive.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
            self._receive.setblocking(False)
        with self.firewall.entered():
            self._names = dict(socket.if_nameindex())
            probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for interface in self.interfaces:
                _offload_off(probe, interface.name)
            probe.close()
            self._listener = Listener(self._timeout)
            self._sockets.append(self._listener.socket)
            self._control = Listener(self._timeout)
            self._sockets.append(self._control.socket)
        self._peers = {f"p{index}": interface.name for index, interface in enumerate(self.interfaces)}

    def _packet_socket(self, name: str) -> socket.socket:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sockets.append(made)
        made.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        made.bind((name, 0))
        return made

    # ----- rulesets ------------------------------------------------------------

    def load(self, *rulesets: tuple[str, str]) -> None:
        """Replace everything by these (kind, text) pairs, each loaded by the real tool. LoadError when one is refused."""
        if any(kind == "ipset" or kind.endswith("-legacy") for kind in self._loaded):
            self.rebuild()
        self._general.run("flush ruleset")
        self.flush_connections()
        self._loaded.clear()
        for kind, text in rulesets:
            self.add(kind, text)

    def add(self, kind: str, text: str) -> None:
        """Load one more ruleset beside what is there."""
        for match in re.finditer(r"(?:--nflog-group|\bgroup)\s+(\d{1,5})\b", text):
            self._listener.listen(int(match[1]))
        self._loaded.add(kind)
        self._must_load(LOADERS[kind], text if text.endswith("\n") else text + "\n")

    def run_script(self, script: Path) -> None:
        """Load by a shell script that lies beside the files it loads."""
        self._must_load(("sh", str(script)), "")

    def _must_load(self, command: Sequence[str], text: str) -> None:
        environment = dict(os.environ, XTABLES_LOCKFILE=self._lock)
        environment["PATH"] = environment.get("PATH", "") + ":/usr/sbin:/sbin"
        done = self.firewall.run(command, text, environment)
        if done.returncode:
            raise LoadError(f"{command[0]} refused the ruleset: {(done.stderr or done.stdout).strip()[:2000]}")

    def flush_connections(self) -> None:
        """Empty the connection table (IPCTNL_MSG_CT_DELETE without a tuple)."""
        failed = self._control.request(1 << 8 | 2, 0, 0, [])
        if failed:
            raise LaboratoryError(f"conntrack flush: {os.strerror(failed)}")

    # ----- sending -------------------------------------------------------------

    def send(self, probes: Iterable[Probe], dry: bool = True, detail: bool = False) -> list[Fate]:
        """The fate of every probe. In dry mode packets are independent; otherwise they leave connections for later ones."""
        waiting = list(probes)
        fates: list[Fate] = []
        for start in range(0, len(waiting), BURST):
            fates += self._burst(waiting[start : start + BURST], dry, detail)
        return fates

    def _burst(self, probes: Sequence[Probe], dry: bool, detail: bool) -> list[Fate]:
        self._set_mode(dry=dry, detail=detail)
        burst = Burst()
        jobs: list[tuple[socket.socket, bytes, tuple[str, int] | None]] = []
        for probe in probes:
            self._serial = self._serial % MAX_SERIAL + 1
            raw, identity = build(probe, self._serial)
            burst.add(self._serial, Fate(probe, raw), identity)
            if probe.iface is None:
                # The firewall's own packets: a raw socket with the header included.
                address = socket.inet_ntop(
                    socket.AF_INET6 if identity.v6 else socket.AF_INET, packed(probe.family, probe.daddr)
                )
                jobs.append((self._raw_socket(probe), raw, (address, 0)))
            else:
                jobs.append((self._transmit[probe.iface], self._frame(probe, raw), None))
        with self._pinned():
            for sender, data, address_of in jobs:
                # A refusal in the output hook is reported to the sender as EPERM; the fate tells.
                with contextlib.suppress(OSError):
                    if address_of is None:
                        sender.send(data)
                    else:
                        sender.sendto(data, address_of)
            events = self._finished()
            wire = self._drain()
        burst.settle(events, wire, self._names, dry, detail)
        return list(burst.fates.values())

    def _set_mode(self, **wanted: bool) -> None:
        for name, value in wanted.items():
            if self._mode[name] != value:
                self._owner.run(f"{'add' if value else 'delete'} element inet observer {name} {{ ipv4, ipv6 }}")
                self._mode[name] = value

    @contextlib.contextmanager
    def _pinned(self) -> Iterator[None]:
        """One CPU means one backlog queue: packets come through in the order in which they were sent."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self._cpu})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def _finished(self) -> list[Event]:
        """All events of the packets sent so far: a sentinel sent after them has come through, three times over."""
        events: list[Event] = []
        for _ in range(3):
            self._sentinels += 1
            tag = struct.pack("!Q", self._sentinels)
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 1, 253, 0, b"\xc0\0\2\1", b"\xc0\0\2\2")
            packet = head[:10] + struct.pack("!H", checksum(head)) + head[12:] + tag
            self._sentinel_socket.send(ethernet(b"\xff" * 6, b"\2\0\0\0\xfe\1", packet))
            deadline = time.monotonic() + self._timeout
            done = False
            while not done:
                self._listener.wait(deadline)
                for event in self._listener.pending:
                    if event.group == GROUP and event.prefix == b"S":
                        done = done or event.payload.endswith(tag)
                    else:
                        events.append(event)
                self._listener.pending = []
        return events

    def _drain(self) -> list[tuple[str, bytes]]:
        seen: list[tuple[str, bytes]] = []
        while True:
            try:
                data, source = self._receive.recvfrom(70000)
            except BlockingIOError:
                return seen
            name = self._peers.get(source[0])
            if name is not None and data[12:14] in (b"\x08\x00", b"\x86\xdd"):
                seen.append((name, data[14:]))

    def _frame(self, probe: Probe, raw: bytes) -> bytes:
        assert probe.iface is not None
        index = next(i for i, each in enumerate(self.interfaces) if each.name == probe.iface)
        source = probe.smac.to_bytes(6, "big") if probe.smac else _mac(index, 1)
        return ethernet(self._next_hop(index, probe), source, raw)

    def _next_hop(self, index: int, probe: Probe) -> bytes:
        address = packed(probe.family, probe.daddr)
        if probe.family is Family.V6 and address[0] == 0xFF:
            self._join(self.interfaces[index].name, address)
            return b"\x33\x33" + address[12:]
        if probe.family is Family.V4 and 224 <= address[0] < 240:
            self._join(self.interfaces[index].name, address)
            return b"\x01\x00\x5e" + bytes([address[1] & 127]) + address[2:]
        if address == b"\xff\xff\xff\xff":
            return b"\xff" * 6
        return _mac(index, 0)

    def _join(self, name: str, group: bytes) -> None:
        """Make a multicast group local on an interface."""
        if (name, group) in self._joined:
            return
        self._joined.add((name, group))
        with self.firewall.entered():
            number = struct.pack("=i", socket.if_nametoindex(name))
            member = socket.socket(socket.AF_INET6 if len(group) == 16 else socket.AF_INET, socket.SOCK_DGRAM)
            self._sockets.append(member)
            if len(group) == 16:
                member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + number)
            else:
                member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + b"\0\0\0\0" + number)

    def _raw_socket(self, probe: Probe) -> socket.socket:
        v6 = probe.family is Family.V6
        key = (v6, probe.uid, probe.gid, probe.mark, probe.oif)
        if key in self._raw:
            return self._raw[key]
        library = ctypes.CDLL(None)
        with self.firewall.entered():
            try:
                if probe.gid is not None:
                    library.setfsgid(probe.gid)
                if probe.uid is not None:
                    library.setfsuid(probe.uid)
                made = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, 255)
            finally:
                library.setfsuid(os.geteuid())
                library.setfsgid(os.getegid())
            self._sockets.append(made)
            if probe.mark:
                made.setsockopt(socket.SOL_SOCKET, 36, probe.mark)
            if probe.oif:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, probe.oif.encode() + b"\0")
            if not v6:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                made.setsockopt(0, 10, 0)
        self._raw[key] = made
        return made


def _mac(index: int, side: int) -> bytes:
    return bytes((2, 0, 0, 0, index, side))


def _mac_text(index: int, side: int) -> str:
    return _mac(index, side).hex(":")


def _offload_off(control: socket.socket, name: str) -> None:
    """Checksum and segmentation offload off (ETHTOOL_S*), so that the packets seen are the packets sent."""
    for command in (0x17, 0x1F, 0x24, 0x2C, 0x15):
        value = ctypes.create_string_buffer(struct.pack("=II", command, 0), 8)
        request = struct.pack("16sQ16x", name.encode(), ctypes.addressof(value))
        with contextlib.suppress(OSError):
            fcntl.ioctl(control.fileno(), 0x8946, request)


def number(text: str) -> int:
    """The integer of an address in text."""
    found = parse_address(text)
    if found is None:
        raise LaboratoryError(f"{text!r} is not an address")
    return found[1]
