"""Converted pf.conf files on the kernel: random connections fare as the reference interpreters of pf and nft say, and
files that nobody here wrote convert to what loads.

`-s` prints the figures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from tests.properties import pf_rulesets
from tests.properties.pf_rulesets import Event, Flow
from tests.properties.test_convert_from_pf import KINDS as CHOICES
from tests.properties.test_convert_from_pf import Connection, Judge, Outcome, Wire, converted, stories

from fwc.api import ReadRequest, convert
from fwc.diagnostics import Severity
from fwc.net.hooks import Family
from fwc.project.kernel.fates import Fate
from fwc.project.kernel.frames import ICMP, ICMPV6, TCP, UDP, Probe
from fwc.project.kernel.laboratory import Interface, Laboratory
from fwc.source import SourceFile

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "corpora" / "pf"
pytestmark = pytest.mark.kernel
KINDS = {
    "ipset.conf": "ipset",
    "nftables.conf": "nft",
    "rules.v4": "iptables-nft",
    "rules.v6": "ip6tables-nft",
}
"""How the files of a target are loaded, in the order in which they are."""


def sources() -> list[SourceFile]:
    return [SourceFile(p.name, p.read_text(encoding="utf-8", errors="replace")) for p in sorted(FOLDER.glob("*.pf"))]


@pytest.mark.corpus
@pytest.mark.skipif(not FOLDER.is_dir(), reason="the collection of rulesets is not beside the checkout")
@pytest.mark.parametrize(("target", "least"), [("nftables", 165), ("iptables", 159)])
def test_what_is_converted_loads(lab: Laboratory, target: str, least: int) -> None:
    readable = converted = 0
    for source in sources():
        output, found = convert(source, ReadRequest("pf"), target)
        errors = [d for d in found if d.severity is Severity.ERROR]
        if output is None:
            assert errors and all(d.primary is not None for d in errors), source.path
            readable += all(d.code == "FW031" for d in errors)
            continue
        readable += 1
        converted += 1
        texts = {file.name: file.text for file in output.files}
        lab.load(*((kind, texts[name]) for name, kind in KINDS.items() if name in texts))
    print(f"{readable} of {len(sources())} files are read, {converted} converted to {target}")
    assert converted >= least


INTERFACES = tuple(Interface(n, tuple(a)) for n, a in pf_rulesets.IFACES.items() if n != "lo0")
ROUTES = (("default", "em0"), ("default6", "em0"), ("2001:db8:2::/64", "em2"))


@pytest.fixture(scope="module")
def router(_possible: None) -> Iterator[Laboratory]:
    """The machine of the random rulesets."""
    with Laboratory(INTERFACES, ROUTES) as laboratory:
        yield laboratory


@dataclass
class OnTheKernel(Judge):
    """The judge of the property tests, and the kernel beside the interpreter of nft."""

    lab: Laboratory | None = None
    last: dict[Flow, Fate] = field(default_factory=dict)
    sent: int = 0
    passed: int = 0

    def by_nft(self, event: Event, wire: Wire, pf: Outcome) -> tuple[Outcome, Connection | None]:
        outcome, entry = super().by_nft(event, wire, pf)
        assert self.lab is not None
        probe = self.probe(event, wire)
        (fate,) = self.lab.send([probe], dry=False)
        self.sent += 1
        self.passed += fate.verdict == "accept"
        if fate.verdict == "accept" and not event.back:
            self.last[event.flow] = fate
        assert (fate.verdict == "accept") is outcome.passed, f"{fate} {outcome}\n{event}\n{self.text}\n{self.nft_text}"
        if outcome.passed and entry is not None:
            seen = fate.packet
            assert seen.saddr == outcome.result.source and seen.daddr == outcome.result.destination, (fate, outcome)
        return outcome, entry

    def probe(self, event: Event, wire: Wire) -> Probe:
        """The packet with the ports that the kernel chose."""
        flow = event.flow
        base, other = (5000, 1000) if event.back else (1000, 5000)
        sport, dport = wire.sport, wire.dport
        if event.back and flow in self.last and flow.protocol in (TCP, UDP):
            sport, dport = self.last[flow].packet.dport, self.last[flow].packet.sport
        icmp = flow.protocol in (ICMP, ICMPV6)
        error = icmp and event.icmp == pf_rulesets.ERROR[flow.version]
        return Probe(
            wire.ingress or None, Family(flow.version), wire.source, wire.destination, flow.protocol, sport or 0, dport or 0,
            event.flags, event.icmp[0] << 8 | event.icmp[1] if icmp else None, flow.cport if icmp else None,
            bytes(40) if error else None, seq=base if event.flags & 2 else base + 1,
            ack=other + 1 if event.flags & 16 else 0,
        )  # fmt: skip


@pytest.mark.parametrize("target", ["nftables", "iptables"])
@pytest.mark.parametrize("kind", ["filter", "nat", "redirects", "tags", "nat-and-tags"])
def test_connections_fare_as_in_pf(router: Laboratory, kind: str, target: str) -> None:
    """What the interpreters of the property tests agree on is what the kernel does: marks, directions, translations, tags."""
    converted_files = sent = passed = 0
    for seed in range(500, 560):
        random = Random(seed)
        text = pf_rulesets.ruleset(random, CHOICES[kind][0])
        nft = converted(text)
        output, _ = convert(SourceFile("pf.conf", text), ReadRequest("pf"), target)
        if nft is None or output is None:
            continue
        converted_files += 1
        texts = {file.name: file.text for file in output.files}
        router.load(*((kind, texts[name]) for name, kind in KINDS.items() if name in texts))
        for _ in range(3):
            judge = OnTheKernel(text, nft, lab=router)
            router.flush_connections()
            for event in pf_rulesets.mixed(random, stories(random)):
                assert not judge.agree(event)
            sent += judge.sent
            passed += judge.passed
    print(f"{kind}, {target}: {converted_files} files, {sent} packets, {passed} passed")
    assert converted_files > 25 and passed > 150 and sent - passed > 150


PEER, HOST, INSIDE = 0xC6336407, 0xCB007101, 0x0A010005


def test_refusals_are_answered(router: Laboratory) -> None:
    """Answers leave although no rule lets them: to this machine's peers, and to those of machines behind it."""
    router.load(("nft", converted("block return all\n") or ""))
    for destination in (HOST, INSIDE):
        tcp = Probe("em0", Family.V4, PEER, destination, dport=22)
        fates = router.send([tcp, dataclasses.replace(tcp, protocol=UDP), dataclasses.replace(tcp, protocol=47)])
        assert [(f.verdict, f.reject) for f in fates] == [
            ("reject", "tcp-reset"),
            ("reject", "port-unreachable"),
            ("drop", ""),
        ]


def test_errors_about_a_known_connection_come_in(router: Laboratory) -> None:
    """An ICMP error passes by the state of the packet that it quotes; others meet the rules."""
    router.load(("nft", converted("block in all\npass out all\n") or ""))
    question = Probe(None, Family.V4, HOST, PEER, UDP, 40000, 53, oif="em0")
    (sent,) = router.send([question], dry=False)
    assert sent.verdict == "accept" and sent.raw is not None
    error = Probe("em0", Family.V4, 0xC0000209, HOST, ICMP, icmp=3 << 8 | 1, icmp_id=0, payload=sent.raw[:28])
    other = dataclasses.replace(error, payload=sent.raw[:22] + b"\1\1" + sent.raw[24:28])
    assert [fate.verdict for fate in router.send([error, other], dry=False)] == ["accept", "drop"]
