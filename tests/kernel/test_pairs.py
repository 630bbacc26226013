"""Pairs of conditions that convert takes on trust: packets that meet them and packets that do not, in both languages of Linux."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence

import pytest
from tests.kernel.convert_campaign import forms
from tests.kernel.traffic import CLIENT, OUTSIDE, packet

from fwc.api import ReadRequest, convert
from fwc.project.kernel.frames import ACK, RST, SYN, Probe
from fwc.project.kernel.laboratory import Interface, Laboratory
from fwc.source import SourceFile

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
    out.append(packet(None, here, there, "udp", 85, sport=9005))
    out.append(packet("eth0", there, here, "udp", 9005, sport=85))
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
    inside = ("10.0.0.1/24", "2001:db8:1::1/64")
    with Laboratory(
        [Interface("eth0", own), Interface("lan0", inside)], [("default", "eth0"), ("default6", "eth0")]
    ) as built:
        yield built


def marked(lab: Laboratory, kind: str, text: str, sent: Sequence[Probe]) -> list[tuple[str, int]]:
    """What becomes of the packets, one after the other, and which of them bear the mark."""
    lab.load((kind, text))
    lab.firewall.must(["ip", "link", "set", "lan0", "group", "7"])
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


NFT = """table inet t {{
 chain before {{
  type filter hook prerouting priority mangle; policy accept;
  ct state untracked accept
  {condition} meta mark set 1
 }}
}}
"""


def ways(version: int) -> list[Probe]:
    other = "10.0.0.9" if version == 4 else "2001:db8:1::9"
    return [syn(version, 1), packet("lan0", other, OUTSIDE[version], sport=20002)]


FROM_NFT = [
    ("tcp option maxseg size != { 1-500, 536 }", sizes, BOTH), ("tcp option maxseg size > 536", sizes, BOTH),
    ("tcp option maxseg missing", sizes, BOTH), ("tcp option sack-perm missing", options, BOTH),
    ("ct packets > 3", talk, BOTH), ("ct bytes != { 100-500, 600-2000 }", talk, BOTH), ("ct original avgpkt 1-100", talk, BOTH),
    ("ct expiration 100s-200s999ms", talk, BOTH), ("ct direction != reply", talk, BOTH),
    ("ct original protocol != udp", talk, BOTH), ("meta l4proto tcp tcp option maxseg missing", sizes, BOTH),
    ("esp spi { 5, 7-8 }", indexes, BOTH), ("esp spi != { 5, 7-8 }", indexes, BOTH), ("ah spi 5", indexes, V4),
    ("ip ecn { ect0, ce }", classes, V4), ("ip6 ecn != ce", classes, (6,)), ("tcp flags & cwr == cwr", flags, BOTH),
    ("ct reply ip daddr 203.0.113.9", talk, V4), ("meta l4proto udp ct reply proto-src { 80, 90 }", talk, BOTH),
    ("iifgroup 7", ways, BOTH), ("iifgroup != { 5, 7 }", ways, BOTH), ("iifgroup default", ways, BOTH),
]  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "version", "draw"),
    [(c, v, d) for c, d, versions in FROM_NFT for v in versions],
    ids=[f"{c} v{v}" for c, _, versions in FROM_NFT for v in versions],
)
def test_what_nft_asks_is_asked_by_iptables(pair_lab: Laboratory, condition: str, version: int, draw: object) -> None:
    text = NFT.format(condition=condition)
    output, found = convert(SourceFile("nftables.conf", text), ReadRequest("nft"), "iptables")
    assert output is not None, found
    rules = next(f.text for f in output.files if f.name == f"rules.v{version}")
    sent = draw(version)  # type: ignore[operator]
    wanted = marked(pair_lab, "nft", text, sent)
    assert len({mark for _, mark in wanted}) == 2, "the packets do not try the condition"
    tool = "iptables" if version == 4 else "ip6tables"
    assert marked(pair_lab, f"{tool}-nft", rules, sent) == wanted, rules
    assert marked(pair_lab, f"{tool}-legacy", rules, sent) == wanted, rules


def test_each_processor_is_its_own(_possible: None) -> None:
    """Packets are handled by the processor that sends them over a veth."""
    able = os.sched_getaffinity(0)
    if len(able) < 2:
        pytest.skip("this machine has one processor")
    first, second, *_ = sorted(able)
    text = MARKS.format(condition=f"-m cpu ! --cpu {first}")
    found = forms(text, 4)
    assert not isinstance(found, str), found
    for processor, mark in ((first, 0), (second, 1)):
        os.sched_setaffinity(0, {processor})
        try:
            with Laboratory([Interface("eth0", (f"{OWN[4]}/24",))], [("default", "eth0")]) as lab:
                for kind, rules in (("iptables-legacy", text), ("nft", found[0]), ("iptables-legacy", found[1])):
                    lab.load((kind, rules))
                    assert [fate.mark for fate in lab.send([syn(4, 1)])] == [mark], rules
        finally:
            os.sched_setaffinity(0, able)
