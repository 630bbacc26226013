"""A pf.conf converted to nftables treats every packet of every connection as pf does, or is refused.

The judges are two naive interpreters that know nothing of fwc: pf's with its states, and nft's with the connections
that conntrack would keep. What the two systems do not share is said in docs/dialects/pf.md and not asked here: see
`Judge`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from tests.properties import pf_rulesets
from tests.properties.pf_rulesets import Event, Flow
from tests.reference.nft_oracle import NftRules
from tests.reference.packet import Packet

from fwc.api import ReadRequest, convert
from fwc.source import SourceFile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))
from pf_oracle import Pf

LINUX = {"lo0": "lo"}
PASSES = ("pass", "accept")
BEGINNINGS = (pf_rulesets.SYN, pf_rulesets.ACK)
"""Flags of tcp packets of which conntrack makes a connection; others are invalid to it unless they belong to one."""


def converted(text: str, target: str = "nftables") -> str | None:
    output, _ = convert(SourceFile("pf.conf", text), ReadRequest("pf"), target)
    return None if output is None else output.files[0].text


@dataclass
class Connection:
    """An entry of conntrack: the ends of its first packet, and whether a packet went the other way."""

    first: tuple[int, ...]
    mark: int = 0
    answered: bool = False


@dataclass
class Judge:
    """Both systems at work, packet by packet. Not asked: what begins a connection on one of them only. That is a flow
    whose first packet was passed coming in and blocked going out (pf keeps half a state, conntrack nothing), an
    unasked echo reply, and what comes behind a tcp packet that is neither SYN nor ACK and belongs to no connection
    (pf may make a state of it, conntrack does not)."""

    text: str
    nft_text: str
    connections: dict[tuple[int, ...], Connection] = field(default_factory=dict)
    given_up: set[Flow] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pf = Pf(self.text, pf_rulesets.IFACES)
        self.nft = NftRules(self.nft_text)

    # ----- pf

    def pf_verdict(self, event: Event) -> tuple[str, ...]:
        """The verdict of each leg that the packet meets."""
        flow = event.flow
        source, sport, destination, dport = event.ends
        base, other = (5000, 1000) if event.back else (1000, 5000)
        opening = bool(event.flags & 2)
        packet = {
            "version": flow.version, "proto": flow.protocol, "src": source, "dst": destination, "sport": sport,
            "dport": dport, "flags": event.flags, "type": event.icmp[0], "code": event.icmp[1], "id": flow.cport,
            "seq": base if opening else base + 1, "ack": other + 1 if event.flags & 16 else 0, "win": 65535,
            "tag": None, "fragment": False, "user": None, "group": None,
        }  # fmt: skip
        came, goes = event.way
        if flow.kind == "loopback":
            legs = [("out", "lo0"), ("in", "lo0")]
        else:
            legs = [(way, iface) for way, iface in (("in", came), ("out", goes)) if iface]
        out = []
        for way, iface in legs:
            out.append(self.pf.run(packet, way, iface)["verdict"])
            if out[-1] != "pass":
                break
        return tuple(out)

    # ----- nft

    def nft_verdict(self, event: Event) -> tuple[str, Connection | None]:
        """The verdict, and the packet's connection."""
        entry, direction, state = self.lookup(event)
        came, goes = ("" if each is None else LINUX.get(each, each) for each in event.way)
        kind = event.flow.kind
        hooks = ["output", "input"] if kind == "loopback" else [
            "forward" if came and goes else "input" if came else "output"
        ]  # fmt: skip
        verdict = "accept"
        for hook in hooks:
            source, sport, destination, dport = event.ends
            packet = Packet(
                hook, event.flow.version, event.flow.protocol, source, destination, sport, dport, event.icmp,
                event.flags, "" if hook == "output" else came, "" if hook == "input" else goes, 64, state, (), 0,
                direction, entry.mark if entry else 0,
            )  # fmt: skip
            verdict, _ = self.nft.decide(packet)
            if entry is not None:
                entry.mark = self.nft.ct_mark
            if verdict != "accept":
                break
            if entry is not None:
                self.connections[entry.first] = entry
        return verdict, entry

    def lookup(self, event: Event) -> tuple[Connection | None, str, str]:
        """The packet's connection, its direction there and its state, as nf_conntrack_in finds them."""
        flow = event.flow
        source, sport, destination, dport = event.ends
        protocol = (flow.version, flow.protocol)
        forth, back = (*protocol, source, sport, destination, dport), (*protocol, destination, dport, source, sport)
        if flow.protocol in (1, 58):
            kind = event.icmp[0]
            if event.icmp == pf_rulesets.ERROR[flow.version]:
                return None, "", "invalid"
            reply = kind in (0, 129)
            forth, back = (*forth, "request"), (*back, "request")  # type: ignore[assignment]
            if reply:
                forth = ()
            else:
                back = ()
        if forth in self.connections:
            entry = self.connections[forth]
            return entry, "original", "established" if entry.answered else "new"
        if back in self.connections:
            entry = self.connections[back]
            entry.answered = True
            return entry, "reply", "established"
        if (flow.protocol == 6 and event.flags not in BEGINNINGS) or not forth:
            return None, "", "invalid"
        return Connection(forth), "original", "new"

    def unsolicited(self, event: Event) -> bool:
        """An echo reply that nobody asked for, which is a connection to pf only."""
        source, sport, destination, dport = event.ends
        key = (event.flow.version, event.flow.protocol, destination, dport, source, sport, "request")
        return event.icmp[0] in (0, 129) and event.flow.protocol in (1, 58) and key not in self.connections

    # ----- both

    def agree(self, event: Event) -> str:
        """Empty when both decide alike, else what they say."""
        if event.flow in self.given_up or self.unsolicited(event):
            return ""
        legs = self.pf_verdict(event)
        verdict, entry = self.nft_verdict(event)
        passed = legs[-1] == "pass"
        half = not passed and len(legs) == 2 and event.flow.kind == "forward"
        if entry is None or (half and entry.first not in self.connections):
            self.given_up.add(event.flow)
        return "" if passed is (verdict == "accept") else f"pf {legs}, nft {verdict}: {event}"


def run(seed: int) -> tuple[bool, int, str]:
    """Whether the ruleset was converted, the packets asked, and the first disagreement."""
    random = Random(seed)
    text = pf_rulesets.ruleset(random)
    nft = converted(text)
    if nft is None:
        return False, 0, ""
    asked = 0
    for _ in range(6):
        flows: dict[tuple[object, ...], Flow] = {}
        for _ in range(random.randrange(1, 4)):
            one = pf_rulesets.flow(random)
            ends = frozenset({(one.client, one.cport), (one.server, one.sport)})
            flows.setdefault((one.version, one.protocol, ends), one)
        judge = Judge(text, nft)
        for event in pf_rulesets.mixed(random, [pf_rulesets.story(random, one) for one in flows.values()]):
            asked += 1
            problem = judge.agree(event)
            if problem:
                return True, asked, f"seed {seed}\n{problem}\n{text}\n{nft}"
    return True, asked, ""


@pytest.mark.parametrize("block", range(8))
def test_every_packet_of_every_connection(block: int) -> None:
    results = [run(seed) for seed in range(block * 20, block * 20 + 20)]
    for _, _, problem in results:
        assert not problem, problem
    assert sum(done for done, _, _ in results) >= 15, "too few are converted for this to say anything"
    assert sum(asked for _, asked, _ in results) > 500
