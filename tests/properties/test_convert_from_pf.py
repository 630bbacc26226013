"""A pf.conf converted to nftables treats every packet of every connection as pf does, or is refused.

The judges are two naive interpreters that know nothing of fwc: pf's with its states, and nft's with the connections
that conntrack would keep. What the two systems do not share is said in docs/dialects/pf.md and not asked here: see
`Judge`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest
from tests.properties import pf_rulesets
from tests.properties.memory_files import NoFiles
from tests.properties.pf_rulesets import Choices, Event, Flow, route
from tests.reference.nft_oracle import NftRules
from tests.reference.packet import Packet

from fwc.api import CompileOptions, ReadRequest, compile_policy, convert
from fwc.source import SourceFile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))
from pf_oracle import Pf

LINUX = {"lo0": "lo"}
BEGINNINGS = (pf_rulesets.SYN, pf_rulesets.ACK)
"""Flags of tcp packets of which conntrack makes a connection; others are invalid to it unless they belong to one."""
REPLIES = (0, 129)
"""Types of echo replies."""
ADDRESSES = {
    LINUX.get(name, name): [int(ip_address(a.split("/")[0])) for a in texts]
    for name, texts in pf_rulesets.IFACES.items()
}


def converted(text: str, target: str = "nftables") -> str | None:
    """The nft text; that of "fwc" is what the policy compiles to."""
    output, found = convert(SourceFile("pf.conf", text), ReadRequest("pf"), target)
    if output is None:
        assert target == "fwc" or not any("for instance" in note for d in found for note in d.notes), (text, found)
        return None
    if target != "fwc":
        return output.files[0].text
    policy = SourceFile("policy.fw", output.files[0].text)
    compiled, found = compile_policy(policy, NoFiles(), CompileOptions(("nftables",), lint=False))
    assert compiled, (policy.text, found)
    return next(file.text for file in compiled[0].files if file.name == "nftables.conf")


def one_to_one(words: list[str], address: int) -> int:
    """What `snat ip prefix to ip saddr map { A : B }` makes of A."""
    assert words[:4] in (["dnat", "ip", "prefix", "to"], ["snat", "ip", "prefix", "to"]) and len(words) == 12, words
    assert int(ip_address(words[8])) == address
    return int(ip_address(words[10]))


@dataclass(frozen=True)
class Wire:
    """A packet where it comes in, or leaves a program of this machine (no `ingress`). A port that nat chose is None."""

    ingress: str
    source: int
    sport: int | None
    destination: int
    dport: int | None

    @property
    def ends(self) -> tuple[int, int | None, int, int | None]:
        return self.source, self.sport, self.destination, self.dport


@dataclass
class Connection:
    """An entry of conntrack: the first packet, what it became, and whether a packet went the other way."""

    first: Wire
    became: Wire
    mark: int = 0
    answered: bool = False

    def answers(self, wire: Wire) -> bool:
        return wire.ends == (*self.became.ends[2:], *self.became.ends[:2])


class WatchedPf(Pf):  # type: ignore[misc,no-any-unimported]
    """pf, and whether a rule translated the last packet."""

    translated = False

    def translate(self, p: dict[str, object], direction: str, iface: str) -> tuple[object, object]:
        rule, new = super().translate(p, direction, iface)
        self.translated = self.translated or new is not None
        return rule, new


@dataclass
class Outcome:
    """`result`: what the packet became, where it leaves or is delivered. `legs`: how many pf asked. `anew`: pf
    translated it by a rule."""

    passed: bool
    result: Wire
    legs: int = 0
    anew: bool = False


@dataclass
class Judge:
    """Both systems at work, packet by packet.

    Not asked: what begins a connection on one of them only. That is a flow whose first packet was passed coming in
    and blocked going out (pf keeps half a state, conntrack nothing), an unasked echo reply, and what comes behind a
    tcp packet that is neither SYN nor ACK and belongs to no connection (pf may make a state of it, conntrack does
    not). Nor where packets go that pf translates by a rule although they are not the first of a connection (the first
    was passed without a state, or conntrack has no connection for it): these must be blocked where pf does so, may be
    where it does not, and what comes behind is not asked. Nor what rdr sends back to its sender, and a connection whose
    answers would be another's first packets.
    """

    text: str
    nft_text: str
    connections: list[Connection] = field(default_factory=list)
    given_up: set[Flow] = field(default_factory=set)
    arrived: dict[Flow, Wire] = field(default_factory=dict)
    asked: int = 0

    def __post_init__(self) -> None:
        self.pf = WatchedPf(self.text, pf_rulesets.IFACES)
        self.nft = NftRules(self.nft_text, ADDRESSES)

    def wire(self, event: Event) -> Wire:
        """Answers go to where the last packet came from, as the far end saw it."""
        flow = event.flow
        client, server = int(ip_address(flow.client)), int(ip_address(flow.server))
        if not event.back:
            return Wire("" if flow.kind == "loopback" else flow.ingress, client, flow.cport, server, flow.sport)
        seen = self.arrived.get(flow)
        if seen is None:
            return Wire("" if flow.kind == "loopback" else flow.egress, server, flow.sport, client, flow.cport)
        return Wire(seen.ingress, seen.destination, seen.dport, seen.source, seen.sport)

    # ----- pf

    def by_pf(self, event: Event, wire: Wire) -> Outcome:
        flow = event.flow
        base, other = (5000, 1000) if event.back else (1000, 5000)
        opening = bool(event.flags & 2)
        packet = {
            "version": flow.version, "proto": flow.protocol, "src": wire.source, "dst": wire.destination,
            "sport": wire.sport, "dport": wire.dport, "flags": event.flags, "type": event.icmp[0], "code": event.icmp[1],
            "id": flow.cport, "seq": base if opening else base + 1, "ack": other + 1 if event.flags & 16 else 0,
            "win": 65535, "tag": None, "fragment": False, "user": None, "group": None,
        }  # fmt: skip
        legs, egress = 0, ""
        self.pf.translated = False
        ways = [("in", wire.ingress)] if wire.ingress else [("out", route(flow.version, wire.destination))]
        for way, iface in ways:
            legs += 1
            if self.pf.run(packet, way, iface)["verdict"] != "pass":
                return Outcome(False, wire, legs)
            egress = route(flow.version, packet["dst"])
            if way == "out" and iface == "lo0":
                ways.append(("in", "lo0"))
                legs = 0
            elif way == "in" and iface == wire.ingress and egress != "lo0":
                ways.append(("out", egress))
        result = Wire("" if egress == "lo0" else egress, packet["src"], packet["sport"], packet["dst"], packet["dport"])
        return Outcome(True, result, legs, self.pf.translated)

    # ----- nft

    def by_nft(self, event: Event, wire: Wire, pf: Outcome) -> tuple[Outcome, Connection | None]:
        """The verdict, and the packet's connection. Ports that a translation chooses are those that pf chose."""
        flow = event.flow
        entry, direction, state = self.lookup(event, wire)
        source, sport, destination, dport = wire.ends
        if entry is not None and direction == "reply":
            destination, dport = entry.first.source, entry.first.sport
        elif entry is not None and entry in self.connections:
            destination, dport = entry.became.destination, entry.became.dport
        came = LINUX.get(wire.ingress, wire.ingress)

        def packet(hook: str, goes: str) -> Packet:
            translated = entry is not None and entry.first.ends[2:] != (destination, dport) and direction == "original"
            status = ("dnat",) if translated else ()
            return Packet(
                hook, flow.version, flow.protocol, source, destination, sport or 0, dport or 0, event.icmp, event.flags,
                came, goes, 64, state, status, 0, direction, entry.mark if entry else 0,
            )  # fmt: skip

        new = entry is not None and entry not in self.connections
        if new and came:
            words = self.nft.translate(packet("prerouting", "")).split()
            entry.mark = self.nft.ct_mark
            destination, dport = self.new_end(words, flow.version, came, destination, dport)
        egress = route(flow.version, destination)
        goes = LINUX.get(egress, egress)
        hooks = ["output", "input"] if not came and goes == "lo" else ["output"] if not came else (
            ["input"] if goes == "lo" else ["forward"]
        )  # fmt: skip
        for hook in hooks:
            came = "lo" if hooks == ["output", "input"] and hook == "input" else came
            one = packet(hook, "" if hook == "input" else goes)
            verdict, _ = self.nft.decide(one)
            if entry is not None:
                entry.mark = self.nft.ct_mark
            if verdict != "accept":
                return Outcome(False, Wire(wire.ingress, source, sport, destination, dport)), entry
            if entry is not None and new:
                if hook != "input":
                    words = self.nft.translate(replace(packet("postrouting", goes))).split()
                    source, sport = self.new_source(words, flow.version, goes, source, sport, pf.result)
                entry.became = Wire("", source, sport, destination, dport)
                self.connections.append(entry)
                new = False
        if entry is not None:
            if direction == "original":
                source, sport = entry.became.ends[:2]
            else:
                source, sport = entry.first.ends[2:]
        return Outcome(True, Wire("" if hooks[-1] == "input" else egress, source, sport, destination, dport)), entry

    def new_end(
        self, words: list[str], version: int, iface: str, destination: int, dport: int | None
    ) -> tuple[int, int | None]:
        if not words:
            return destination, dport
        if words[0] == "redirect":
            own = next(a for a in ADDRESSES[iface] if (a < 1 << 32) is (version == 4))
            return own, int(words[2].removeprefix(":")) if len(words) > 1 else dport
        if "prefix" in words:
            return one_to_one(words, destination), dport
        assert words[:3] == ["dnat", "ip", "to"] and len(words) == 4, words
        address, _, port = words[3].partition(":")
        return int(ip_address(address)), int(port) if port else dport

    def new_source(
        self, words: list[str], version: int, iface: str, source: int, sport: int | None, pf: Wire
    ) -> tuple[int, int | None]:
        if not words:
            return source, sport
        if words[0] == "masquerade":
            return next(a for a in ADDRESSES[iface] if (a < 1 << 32) is (version == 4)), pf.sport
        if "prefix" in words:
            return one_to_one(words, source), sport
        assert words[:3] == ["snat", "ip", "to"] and len(words) == 4, words
        return int(ip_address(words[3])), pf.sport

    def lookup(self, event: Event, wire: Wire) -> tuple[Connection | None, str, str]:
        """The packet's connection, its direction there and its state, as nf_conntrack_in finds them."""
        flow = event.flow
        if event.flow.protocol in (1, 58) and event.icmp == pf_rulesets.ERROR[flow.version]:
            return None, "", "invalid"
        mine = [c for c in self.connections if c.first.source != 0 and self.protocols.get(id(c)) == flow.protocol]
        reply = flow.protocol in (1, 58) and event.icmp[0] in REPLIES
        for entry in mine:
            if entry.first.ends == wire.ends and not reply:
                return entry, "original", "established" if entry.answered else "new"
            if entry.answers(wire) and (flow.protocol not in (1, 58) or reply):
                entry.answered = True
                return entry, "reply", "established"
        if (flow.protocol == 6 and event.flags not in BEGINNINGS) or reply:
            return None, "", "invalid"
        entry = Connection(wire, wire)
        self.protocols[id(entry)] = flow.protocol
        self.kept.append(entry)
        return entry, "original", "new"

    protocols: dict[int, int] = field(default_factory=dict)
    kept: list[Connection] = field(default_factory=list)

    # ----- both

    def agree(self, event: Event) -> str:
        """Empty when both decide alike, else what they say."""
        flow = event.flow
        wire = self.wire(event)
        if flow in self.given_up or self.unsolicited(event, wire):
            return ""
        if self.clashes(event, wire):
            self.given_up.add(flow)
            return ""
        self.asked += 1
        pf = self.by_pf(event, wire)
        before = list(self.connections)
        nft, entry = self.by_nft(event, wire, pf)
        half = not pf.passed and pf.legs == 2
        to_itself = nft.result.ends[:2] == nft.result.ends[2:]
        late = pf.anew and (entry is None or entry in before)
        if to_itself or (late and (entry is not None or not nft.passed)):
            self.given_up.add(flow)
            return ""
        if entry is None or (half and entry not in self.connections):
            self.given_up.add(flow)
        if pf.passed and not event.back:
            self.arrived[flow] = pf.result
        same = pf.passed is nft.passed and (not pf.passed or entry is None or pf.result == nft.result)
        return "" if same else f"pf {pf}, nft {nft}: {event} {wire}"

    def clashes(self, event: Event, wire: Wire) -> bool:
        """The answer to it would be the first packet of a connection that was translated: Linux takes another port
        then."""
        mine = [c for c in self.connections if self.protocols[id(c)] == event.flow.protocol]
        turned = (*wire.ends[2:], *wire.ends[:2])
        known = any(c.first.ends == wire.ends or c.answers(wire) for c in mine)
        return not known and any(c.first.ends == turned for c in mine)

    def unsolicited(self, event: Event, wire: Wire) -> bool:
        """An echo reply that nobody asked for, which is a connection to pf only."""
        if event.flow.protocol not in (1, 58) or event.icmp[0] not in REPLIES:
            return False
        return not any(c.answers(wire) and self.protocols[id(c)] == event.flow.protocol for c in self.connections)


def stories(random: Random) -> list[list[Event]]:
    """The packets of one to three flows with different ends."""
    flows: dict[tuple[object, ...], Flow] = {}
    for _ in range(random.randrange(1, 4)):
        one = pf_rulesets.flow(random)
        ends = frozenset({(one.client, one.cport), (one.server, one.sport)})
        flows.setdefault((one.version, one.protocol, ends), one)
    return [pf_rulesets.story(random, one) for one in flows.values()]


def run(seed: int, choices: Choices | None = None, target: str = "nftables") -> tuple[bool, int, str]:
    """Whether the ruleset was converted, the packets asked, and the first disagreement."""
    random = Random(seed)
    text = pf_rulesets.ruleset(random, choices)
    nft = converted(text, target)
    if nft is None:
        return False, 0, ""
    asked = 0
    for _ in range(6):
        judge = Judge(text, nft)
        for event in pf_rulesets.mixed(random, stories(random)):
            problem = judge.agree(event)
            if problem:
                return True, asked, f"seed {seed}\n{problem}\n{text}\n{nft}"
        asked += judge.asked
    return True, asked, ""


KINDS = {
    "filter": (None, "nftables", 0.95),
    "nat": (Choices(translations=90), "nftables", 0.6),
    "redirects": (Choices(redirects=True), "nftables", 0.9),
    "tags": (Choices(tags=35), "nftables", 0.7),
    "nat-and-tags": (Choices(translations=90, tags=30), "nftables", 0.5),
    "policy": (Choices(no_state=0, options=0, own=0, plain=True), "fwc", 0.6),
    "policy-nat-tags": (Choices(no_state=0, options=0, own=0, plain=True, translations=40, tags=15), "fwc", 0.2),
}
"""Choices of rulesets, the target, and the share of them that is converted at least."""


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_every_packet_of_every_connection(kind: str, block: int) -> None:
    choices, target, share = KINDS[kind]
    results = [run(seed, choices, target) for seed in range(block * 25, block * 25 + 25)]
    for _, _, problem in results:
        assert not problem, problem
    assert sum(done for done, _, _ in results) >= share * len(results), "too few are converted for this to say anything"
    assert sum(asked for _, asked, _ in results) > 150
