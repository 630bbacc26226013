"""Large packets that die in a tunnel: rulesets that hang a real TCP transfer over a small-MTU link, and the lint that names each.

    client --eth1-- router --wg0 (MTU 1300)-- far --1500-- server

The client uploads. Its segments are too large for the tunnel: it must hear so by ICMP, or the router must clamp the MSS.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.properties.memory_files import NoFiles

from fwc import api
from fwc.lints._settings import LintSettings
from fwc.project.kernel.laboratory import missing
from fwc.project.kernel.namespaces import Namespace
from fwc.source import SourceFile

pytestmark = pytest.mark.kernel

SIZE = 300_000
HANGS_AFTER = 3.0  # seconds; a transfer that is not stuck takes a few milliseconds
PORT = 5001

HOST = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
{}
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
ESTABLISHED = "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"
RELATED = "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"

NO_ICMP = "-A INPUT -p icmp -j DROP\n"
SILENT = HOST.replace("-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT\n", "")

HOST6 = """\
flush ruleset
table inet filter {{
    chain input {{
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        meta nfproto ipv4 ct state established,related accept
        ct state {} accept
        icmpv6 type {{ nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }} accept
        tcp dport 22 accept
    }}
}}
"""

MANGLE = """\
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD {}-p tcp -m tcp --tcp-flags {} SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
"""

FORWARD = """\
flush ruleset
table inet filter {{
    chain forward {{
        type filter hook forward priority 0; policy drop;
{}        iifname "eth1" oifname "wg0" accept
    }}
}}
"""
CLAMP = "        tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n"
REPLIES = "        ct state established,related accept\n"

MASQUERADE = """\
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o wg0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -i eth1 -p tcp -m tcp --dport 22 -j ACCEPT
{}-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth1 -o wg0 -j ACCEPT
COMMIT
"""
CLAMP4 = "-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\n"

# code, who loads it, IP version, the ruleset that hangs, the ruleset that works
CASES = [
    ("FW401", "client", 4, HOST.format(ESTABLISHED), HOST.format(RELATED)),
    ("FW406", "client", 4, SILENT.format(f"{NO_ICMP}{RELATED}"), SILENT.format(RELATED)),
    ("FW402", "client", 6, HOST6.format("established"), HOST6.format("established,related")),
    ("FW407", "router", 4, MASQUERADE.format(""), MASQUERADE.format(CLAMP4)),
    ("FW408", "router", 4, MANGLE.format("-o wg0 ", "SYN,RST"), MANGLE.format("", "SYN,RST")),
    ("FW409", "router", 4, MANGLE.format("", "FIN,SYN,RST,ACK"), MANGLE.format("", "SYN,RST")),
    ("FW410", "router", 4, FORWARD.format(REPLIES + CLAMP), FORWARD.format(CLAMP + REPLIES)),
]


class World:
    """The four machines, connected."""

    def __init__(self, stack: ExitStack) -> None:
        self.machines: dict[str, Namespace] = {}
        for name in ("client", "router", "far", "server"):
            self.machines[name] = Namespace()
            stack.callback(self.machines[name].close)
        self._wire("client", "eth0", "router", "eth1", 1500, 1)
        self._wire("router", "wg0", "far", "wg0", 1300, 2)
        self._wire("far", "eth1", "server", "eth0", 1500, 3)
        for name, link in (("client", 1), ("router", 2), ("server", 3)):
            hop = 1 if name == "server" else 2
            self._ip(name, "route", "add", "default", "via", f"10.77.{link}.{hop}")
            self._ip(name, "-6", "route", "add", "default", "via", f"fd77:{link}::{hop}")
        self._ip("far", "route", "add", "default", "via", "10.77.2.1")
        self._ip("far", "-6", "route", "add", "default", "via", "fd77:2::1")
        for name in ("router", "far"):
            self.machines[name].sysctl("net/ipv4/ip_forward", 1)
            self.machines[name].sysctl("net/ipv6/conf/all/forwarding", 1)
        self.machines["client"].sysctl("net/ipv4/tcp_mtu_probing", 0)

    def _ip(self, name: str, *words: str) -> None:
        self.machines[name].must(["ip", *words])

    def _wire(self, left: str, mine: str, right: str, yours: str, mtu: int, number: int) -> None:
        """A cable; the left end is .1, the right end .2."""
        other = self.machines[right]
        assert other.fd is not None
        self._ip(left, "link", "add", mine, "mtu", str(mtu), "type", "veth", "peer", "name", yours, "mtu", str(mtu),
                 "netns", other.path)  # fmt: skip
        for end, (name, device) in enumerate(((left, mine), (right, yours)), 1):
            self.machines[name].sysctl(f"net/ipv6/conf/{device}/accept_dad", 0)
            self._ip(name, "addr", "add", f"10.77.{number}.{end}/24", "dev", device)
            self._ip(name, "-6", "addr", "add", f"fd77:{number}::{end}/64", "dev", device, "nodad")
            self._ip(name, "link", "set", device, "up")
            self._ip(name, "link", "set", "lo", "up")

    def load(self, name: str, text: str) -> None:
        command = ["nft", "-f", "-"] if text.startswith("flush") else ["iptables-restore"]
        self.machines[name].must(command, text)

    def lose_icmp(self) -> None:
        """The client's network loses ICMP errors, as many do: a clamp is the only cure."""
        self.machines["client"].must(
            ["nft", "-f", "-"],
            "table inet lost {\nchain c {\ntype filter hook prerouting priority -400\n"
            "icmp type destination-unreachable drop\n}\n}\n",
        )

    def transfer(self, version: int) -> bool:
        """Whether the client's upload arrives whole before HANGS_AFTER."""
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        with ExitStack() as stack:
            with self.machines["server"].entered():
                listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            with self.machines["client"].entered():
                client = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.bind(("10.77.3.2" if version == 4 else "fd77:3::2", PORT))
            listener.listen(1)
            client.settimeout(HANGS_AFTER)
            client.connect(listener.getsockname()[:2])
            listener.settimeout(HANGS_AFTER)
            server = stack.enter_context(listener.accept()[0])
            return _upload(client, server)


def _upload(client: socket.socket, server: socket.socket) -> bool:
    for each in (client, server):
        each.setblocking(False)
    data = memoryview(os.urandom(SIZE))
    sent = received = 0
    deadline = time.monotonic() + HANGS_AFTER
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_WRITE)
        selector.register(server, selectors.EVENT_READ)
        while received < SIZE and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if key.fileobj is server:
                    received += len(server.recv(65536))
                else:
                    sent += client.send(data[sent : sent + 65536])
                    if sent == SIZE:
                        selector.unregister(client)
    return received == SIZE


@pytest.fixture
def world() -> Iterator[World]:
    reason = missing()
    if reason:
        if os.environ.get("CI"):
            pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
        pytest.skip(f"no kernel laboratory: {reason}")
    with ExitStack() as stack:
        yield World(stack)


def codes(text: str) -> list[str]:
    source = SourceFile("ruleset", text)
    kind = "nft" if text.startswith("flush") else "iptables-save"
    return [d.code for d in api.lint(source, NoFiles(), api.LintRequest(kind, LintSettings())).findings]


@pytest.mark.parametrize("version", [4, 6])
def test_without_rules_it_transfers(world: World, version: int) -> None:
    assert world.transfer(version)


def test_the_world_hangs_where_icmp_is_lost(world: World) -> None:
    """What the router's cases rest on: without a clamp this network needs the ICMP errors."""
    world.lose_icmp()
    assert not world.transfer(4)


@pytest.mark.parametrize(("code", "machine", "version", "bad", "good"), CASES, ids=[case[0] for case in CASES])
def test_it_hangs_and_the_lint_says_why(
    world: World, code: str, machine: str, version: int, bad: str, good: str
) -> None:
    if machine == "router":
        world.lose_icmp()
    world.load(machine, bad)
    assert not world.transfer(version)
    assert codes(bad) == [code]


@pytest.mark.parametrize(("code", "machine", "version", "bad", "good"), CASES, ids=[case[0] for case in CASES])
def test_corrected_it_transfers_and_is_silent(
    world: World, code: str, machine: str, version: int, bad: str, good: str
) -> None:
    if machine == "router":
        world.lose_icmp()
    world.load(machine, good)
    assert world.transfer(version)
    assert codes(good) == []
