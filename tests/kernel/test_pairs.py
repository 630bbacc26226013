"""Pairs of conditions that convert takes on trust: packets that meet them and packets that do not, in both languages of Linux."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import pytest
from tests.kernel.convert_campaign import forms
from tests.kernel.traffic import CLIENT, OUTSIDE, packet

from fwc.project.kernel.frames import ACK, RST, SYN, Probe
from fwc.project.kernel.laboratory import Interface, Laboratory

pytestmark = pytest.mark.kernel

ECE, CWR = 0x40, 0x80
OTHER = {4: "203.0.113.2", 6: "2001:db8:77::2"}
MARKS = """*mangle
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING {condition} -j MARK --set-xmark 0x1/0xffffffff
-A OUTPUT {condition} -j MARK --set-xmark 0x1/0xffffffff
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate INVALID -j ACCEPT
COMMIT
"""
"""Marks what meets the condition; the second table tracks connections, as every firewall does."""

SACK_PERMITTED = b"\1\1\4\2"
TIMESTAMP = b"\1\1\x08\x0a" + bytes(8)
FOREIGN = b"\x4d\4\0\0"
ENDED = b"\0\x4d\3\0"


def syn(version: int, number: int, **more: object) -> Probe:
    return packet("eth0", CLIENT[version], OUTSIDE[version], sport=20000 + number, **more)


def sizes(version: int) -> list[Probe]:
    shapes: list[dict[str, object]] = [{"mss": size} for size in (1, 499, 500, 501, 535, 536, 537, 1460, 65535)]
    shapes += [{}, {"options": TIMESTAMP}, {"mss": 536, "options": SACK_PERMITTED}, {"mss": 90, "options": FOREIGN}]
    return [syn(version, number, **shape) for number, shape in enumerate(shapes)] + [
        packet("eth0", CLIENT[version], OUTSIDE[version], "udp", sport=30000)
    ]


def options(version: int) -> list[Probe]:
    shapes: list[dict[str, object]] = [{"options": each} for each in (SACK_PERMITTED, TIMESTAMP, FOREIGN, ENDED, b"")]
    shapes += [{"mss": 1460}, {"mss": 1460, "options": FOREIGN + SACK_PERMITTED}]
    return [syn(version, number, **shape) for number, shape in enumerate(shapes)]


def flags(version: int) -> list[Probe]:
    sets = (SYN, SYN | ECE, SYN | CWR, SYN | ECE | CWR, ACK, ACK | ECE, ACK | CWR, RST | CWR)
    return [syn(version, number, flags=each) for number, each in enumerate(sets)]


def classes(version: int) -> list[Probe]:
    return [
        syn(version, number, tos=each) for number, each in enumerate((0, 1, 2, 3, 0x10, 0x11, 0x13, 0x50, 0xB8, 0xFF))
    ]


def indexes(version: int) -> list[Probe]:
    """ESP and AH packets, and such as hold the same bytes under another protocol."""
    out = []
    for spi in (4, 5, 6, 7, 8, 0xFFFFFFFF):
        esp, ah = struct.pack("!II", spi, 1) + bytes(16), struct.pack("!BBHII", 6, 4, 0, spi, 1) + bytes(12)
        for protocol, payload in ((50, esp), (51, ah), (99, esp)):
            probe = packet("eth0", CLIENT[version], OUTSIDE[version])
            out.append(Probe("eth0", probe.family, probe.saddr, probe.daddr, protocol, payload=payload))
    return out


def talk(version: int) -> list[Probe]:
    """Two conversations over UDP, one of large packets, handshakes in both directions that are not answered, and pings."""
    here, there = OUTSIDE[version], CLIENT[version]
    out = []
    for turn in range(6):
        for port, size in ((80, 20), (81, 400)):
            out.append(packet("eth0", there, here, "udp", port, sport=9000, payload=bytes(size) + bytes([turn, port])))
            if turn % 2:
                out.append(
                    packet(None, here, there, "udp", 9000, sport=port, payload=bytes(3 * size) + bytes([turn, port]))
                )
        out.append(packet("eth0", there, here, "tcp", 82, sport=9000, seq=1000))
        out.append(packet("eth0", there, here, "icmp" if version == 4 else "icmpv6", icmp_id=80))
    out.append(packet(None, here, there, "tcp", 83, sport=9001))
    out.append(packet("eth0", OTHER[version], here, "tcp", 84, sport=9002))
    return out


BOTH, V4 = (4, 6), (4,)
OWN = {4: "198.51.100.1", 6: "2001:db8:100::1"}
CASES = [
    *((f"-p tcp -m tcpmss {each}", sizes, BOTH) for each in ("--mss 500", "--mss 500:536", "! --mss 500", "! --mss 500:536")),
    *((f"-p tcp -m tcp {each}", options, BOTH) for each in ("--tcp-option 2", "! --tcp-option 2", "--tcp-option 4",
      "! --tcp-option 8", "--tcp-option 77", "! --tcp-option 77")),
    *((f"-p tcp -m ecn {each}", flags, BOTH) for each in ("--ecn-tcp-cwr", "! --ecn-tcp-cwr", "--ecn-tcp-ece",
      "--ecn-tcp-cwr ! --ecn-tcp-ece")),
    *((f"-m ecn {each}", classes, BOTH) for each in ("--ecn-ip-ect 0", "! --ecn-ip-ect 1", "--ecn-ip-ect 2", "--ecn-ip-ect 3")),
    *((f"-m tos {each}", classes, BOTH) for each in ("--tos 0x10/0xff", "! --tos 0x10/0xff", "--tos 0x10/0x3f",
      "! --tos 0x10/0x3f", "--tos 0x10/0xfc", "--tos 0x03/0x03", "--tos Minimize-Delay")),
    ("-p esp -m esp --espspi 5:7", indexes, BOTH),
    ("-p esp -m esp ! --espspi 5", indexes, BOTH),
    ("-p ah -m ah --ahspi 5:7", indexes, V4),
    ("-p ah -m ah ! --ahspi 5", indexes, V4),
    *((f"-m connbytes {each}", talk, BOTH) for each in (
        "--connbytes 3 --connbytes-mode packets --connbytes-dir both",
        "--connbytes 2:4 --connbytes-mode packets --connbytes-dir original",
        "! --connbytes 2:4 --connbytes-mode packets --connbytes-dir original",
        "--connbytes 1:1 --connbytes-mode packets --connbytes-dir reply",
        "--connbytes 0:2000 --connbytes-mode bytes --connbytes-dir both",
        "! --connbytes 100:3000 --connbytes-mode bytes --connbytes-dir original",
        "--connbytes 1000 --connbytes-mode bytes --connbytes-dir reply",
        "--connbytes 500 --connbytes-mode avgpkt --connbytes-dir both",
        "--connbytes 1:100 --connbytes-mode avgpkt --connbytes-dir original",
        "! --connbytes 0:500 --connbytes-mode avgpkt --connbytes-dir reply",
    )),
    *((f"-m conntrack {each}", talk, BOTH) for each in (
        "--ctproto 6", "! --ctproto 17", "--ctdir ORIGINAL", "--ctdir REPLY", "--ctexpire 100:200", "! --ctexpire 100:200",
    )),
    *((f"-p udp -m conntrack {each}", talk, BOTH) for each in (
        "--ctorigsrcport 9000 -m udp --dport 80", "--ctreplsrcport 81", "! --ctreplsrcport 81", "--ctreplsrcport 80:80",
        "! --ctreplsrcport 70:80", "! --ctorigsrcport 1:8999 --ctreplsrcport 80",
    )),
    *((f"-m conntrack {each}", talk, V4) for each in (
        "--ctreplsrc 198.51.100.0/24 --ctproto 6", "! --ctreplsrc 198.51.100.1 --ctproto 6", "--ctrepldst 203.0.113.0/29",
    )),
]  # fmt: skip


@pytest.fixture(scope="module")
def pair_lab(_possible: None) -> Iterator[Laboratory]:
    own = (f"{OWN[4]}/24", f"{OWN[6]}/64")
    with Laboratory([Interface("eth0", own)], [("default", "eth0"), ("default6", "eth0")]) as built:
        yield built


def marked(lab: Laboratory, kind: str, text: str, sent: Sequence[Probe]) -> list[tuple[str, int]]:
    """What becomes of the packets, one after the other, and which of them bear the mark."""
    lab.load((kind, text))
    lab.flush_connections()
    return [(fate.verdict, fate.mark) for probe in sent for fate in lab.send([probe], dry=False)]


@pytest.mark.parametrize(
    ("condition", "version", "draw"),
    [(c, v, d) for c, d, versions in CASES for v in versions],
    ids=[f"{c} v{v}" for c, _, versions in CASES for v in versions],
)
def test_both_spellings_decide_alike(pair_lab: Laboratory, condition: str, version: int, draw: object) -> None:
    text = MARKS.format(condition=condition)
    found = forms(text, version)
    assert not isinstance(found, str), found
    nft, again = found
    sent = draw(version)  # type: ignore[operator]
    tool = "iptables" if version == 4 else "ip6tables"
    wanted = marked(pair_lab, f"{tool}-nft", text, sent)
    assert len({mark for _, mark in wanted}) == 2, "the packets do not try the condition"
    assert marked(pair_lab, f"{tool}-legacy", text, sent) == wanted
    assert marked(pair_lab, "nft", nft, sent) == wanted, nft
    assert marked(pair_lab, f"{tool}-legacy", again, sent) == wanted, again
    assert marked(pair_lab, f"{tool}-nft", again, sent) == wanted, again
