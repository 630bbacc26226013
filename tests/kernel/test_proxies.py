"""Transparent proxies converted between iptables and nftables: sockets that are there, and such as are not or of another kind."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import socket
from collections.abc import Iterator, Sequence

import pytest
from tests.kernel.convert_campaign import forms
from tests.kernel.traffic import CLIENT, OUTSIDE, packet

from fwc.project.kernel.frames import Probe
from fwc.project.kernel.laboratory import Interface, Laboratory

pytestmark = pytest.mark.kernel

_TRANSPARENT = {4: (socket.IPPROTO_IP, 19), 6: (socket.IPPROTO_IPV6, 75)}
AWAY = {4: "192.0.2.80", 6: "2001:db8:80::80"}
Seen = tuple[str, str, int]
_PORTS = itertools.count(20000)


@pytest.fixture(scope="module")
def lab(_possible: None) -> Iterator[Laboratory]:
    own = (f"{OUTSIDE[4]}/24", f"{OUTSIDE[6]}/64")
    with Laboratory([Interface("eth0", own)], [("default", "eth0"), ("default6", "eth0")], stack=True) as built:
        yield built


@contextlib.contextmanager
def sockets(lab: Laboratory, version: int) -> Iterator[None]:
    """Listening at 22 of one address, at 23 of all, at 25 of one and at 3129 of all, the latter two for foreign addresses too."""
    kind = socket.AF_INET if version == 4 else socket.AF_INET6
    everywhere, here = "0.0.0.0" if version == 4 else "::", OUTSIDE[version]
    with contextlib.ExitStack() as stack, lab.firewall.entered():
        for way in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for port, address, transparent in (
                (22, here, 0),
                (23, everywhere, 0),
                (25, here, 1),
                (3129, everywhere, 1),
            ):
                made = stack.enter_context(socket.socket(kind, way))
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if version == 6:
                    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                made.setsockopt(*_TRANSPARENT[version], transparent)
                made.bind((address, port))
                if way == socket.SOCK_STREAM:
                    made.listen()
        yield


def seen(lab: Laboratory, kind: str, text: str, version: int, sent: Sequence[Probe]) -> list[Seen]:
    """What becomes of the packets, sent one after the other; what bears the mark 1 is delivered here."""
    lab.load((kind, text))
    lab.firewall.run(["ip", f"-{version}", "rule", "del", "fwmark", "1/1", "lookup", "100"])
    lab.firewall.must(["ip", f"-{version}", "rule", "add", "fwmark", "1/1", "lookup", "100"])
    lab.firewall.must(["ip", f"-{version}", "route", "replace", "local", "default", "dev", "lo", "table", "100"])
    with sockets(lab, version):
        port = next(_PORTS)  # half open connections of the round before are still there
        fates = [fate for probe in sent for fate in lab.send([dataclasses.replace(probe, sport=port)], dry=False)]
    return [(fate.verdict, fate.path, fate.mark) for fate in fates]


def alike(lab: Laboratory, text: str, version: int, sent: Sequence[Probe]) -> list[Seen]:
    """What the original does with the packets, which all other forms do too."""
    found = forms(text, version)
    assert not isinstance(found, str), found
    nft, again = found
    tool = "iptables" if version == 4 else "ip6tables"
    wanted = seen(lab, f"{tool}-legacy", text, version, sent)
    assert seen(lab, f"{tool}-nft", text, version, sent) == wanted
    assert seen(lab, "nft", nft, version, sent) == wanted, nft
    assert seen(lab, f"{tool}-legacy", again, version, sent) == wanted, again
    return wanted


SOCKETS = """*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m conntrack --ctstate INVALID -j ACCEPT
-A PREROUTING -p tcp -m socket {options} -j MARK --set-xmark 0x2/0x2
-A PREROUTING -p udp -m socket {options} -j MARK --set-xmark 0x4/0x4
COMMIT
"""
"""Of each protocol the ports to which a packet bears a mark. The second packet of a handshake meets a socket that is no full one
yet, which is no wildcard, whatever the listening one is bound to."""
TAKEN = {
    "": {
        ("tcp", 22),
        ("tcp", 25),
        ("udp", 22),
        ("udp", 25),
        ("again", 22),
        ("again", 23),
        ("again", 25),
        ("again", 3129),
    },
    "--nowildcard": {(kind, port) for kind in ("tcp", "udp", "again") for port in (22, 23, 25, 3129)},
    "--transparent": {("tcp", 25), ("udp", 25), ("again", 25), ("again", 3129)},
    "--transparent --nowildcard": {(kind, port) for kind in ("tcp", "udp", "again") for port in (25, 3129)},
}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("options", TAKEN)
def test_sockets(lab: Laboratory, options: str, version: int) -> None:
    ports = (22, 23, 24, 25, 3129)
    kinds = [(kind, port) for kind in ("tcp", "udp", "again") for port in ports]
    sent = [
        packet(
            "eth0",
            CLIENT[version],
            OUTSIDE[version],
            "udp" if kind == "udp" else "tcp",
            port,
            seq=7 if kind != "udp" else None,
        )
        for kind, port in kinds
    ]
    found = alike(lab, SOCKETS.format(options=options), version, sent)
    assert {each for each, (_, _, mark) in zip(kinds, found, strict=True) if mark} == TAKEN[options]


PROXY = """*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 3129 --on-ip {any} --tproxy-mark 0x1/0x1
-A PREROUTING -p udp -m udp --dport 80 -j TPROXY --on-port 3129 --tproxy-mark 0x3/0x3
-A PREROUTING -p tcp -m tcp --dport 81 -j TPROXY --on-port 3128 --tproxy-mark 0x1/0x1
-A PREROUTING -p tcp -m tcp --dport 82 -j TPROXY --on-port 23 --tproxy-mark 0x1/0x1
-A PREROUTING -p tcp -m tcp --dport 83 -j TPROXY --on-port 25 --on-ip {own} --tproxy-mark 0x5/0xffffffff
-A PREROUTING -p tcp -m tcp --dport 25 -j TPROXY --on-port 0 --on-ip {own} --tproxy-mark 0x1/0x1
-A PREROUTING -p tcp -m tcp --dport 3129 -j TPROXY --on-port 3129
-A PREROUTING -p tcp -m tcp --dport 85 -j MARK --set-xmark 0x8/0xffffffff
COMMIT
"""


@pytest.mark.parametrize("version", [4, 6])
def test_proxies(lab: Laboratory, version: int) -> None:
    text = PROXY.format(any="0.0.0.0" if version == 4 else "::", own=OUTSIDE[version])
    kinds = [("tcp", p) for p in (80, 81, 82, 83, 25, 84, 85)] + [("udp", 80), ("udp", 81)]
    sent = [packet("eth0", CLIENT[version], AWAY[version], kind, port) for kind, port in kinds]
    sent.append(packet("eth0", CLIENT[version], OUTSIDE[version], "tcp", 3129))
    here = "input"
    assert alike(lab, text, version, sent) == [
        ("accept", here, 1), ("drop", "", 0), ("drop", "", 0), ("accept", here, 5), ("accept", here, 1),
        ("accept", "forward", 0), ("accept", "forward", 8), ("accept", here, 3), ("accept", "forward", 0),
        ("accept", here, 0),
    ]  # fmt: skip
