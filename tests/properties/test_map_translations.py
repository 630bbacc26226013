"""A map of translations translates as the list did, and leaves what it does not hold to the rules that follow."""

from __future__ import annotations

import random

import pytest
from tests.properties.memory_files import NoFiles

from fwc.analysis.equivalence import compare
from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import has_errors
from fwc.ir.match import CtState, Field, FieldIn, Match, all_of
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, Dnat, NatTarget, PortChoice, VerdictMap
from fwc.net.addresses import AddressSet
from fwc.net.hooks import PRIORITY_DSTNAT, ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.passes.map_translations import map_translations
from fwc.sim.netfilter import Simulator
from fwc.source import SourceFile


def translation(rng: random.Random) -> Rule:
    """Mostly one value of three fields, so few that some rules are dead; now and then what no map holds."""
    odd = rng.random()
    port = rng.randrange(12)
    family = Family.V4 if rng.random() < 0.9 else Family.V6
    parts: list[Match] = [FieldIn(Field.IIF, IfaceSet.of(["a" if odd > 0.004 else "b"]))]
    if odd > 0.008:
        parts.append(FieldIn(Field.DADDR, AddressSet.of_family(family, IntervalSet.of(rng.randrange(3)))))
    parts.append(FieldIn(Field.PROTOCOL, IntervalSet.of(rng.choice((6, 6, 17)))))
    parts.append(FieldIn(Field.DPORT, IntervalSet.of(port) if odd > 0.02 else IntervalSet.range(port, port + 1)))
    if odd < 0.012:
        return Rule(all_of(*parts[-2:]), (), ACCEPT)
    target = NatTarget(family, rng.randrange(90, 99), 0, rng.choice((None, (80, 80), (443, 443))))
    target = NatTarget(family, target.low, target.low if odd > 0.016 else target.low + 1, target.ports)
    return Rule(all_of(*parts), (), Dnat((target,), PortChoice.DEFAULT if odd > 0.024 else PortChoice.PERSISTENT))


def ruleset(rng: random.Random, size: int) -> Ruleset:
    base = Base(Hook.PREROUTING, ChainType.NAT, PRIORITY_DSTNAT, ACCEPT)
    rules = tuple(translation(rng) for _ in range(size))
    return Ruleset((Table("t", chains=(Chain("nat", rules, base),)),))


@pytest.mark.parametrize("seed", range(40))
def test_no_packet_notices(seed: int) -> None:
    rng = random.Random(seed)
    before = ruleset(rng, rng.choice((60, 120)))
    after = map_translations(before)
    old, new = Simulator(before), Simulator(after)
    for _ in range(300):
        packet = Packet(
            rng.choice((Family.V4, Family.V4, Family.V6)),
            rng.choice((6, 6, 17)),
            50,
            rng.randrange(4),
            1000,
            rng.randrange(14),
            iif=rng.choice("aaab"),
            state=CtState.NEW.name.lower(),
        )
        want = old.simulate(packet, Hook.PREROUTING, trace=False)
        got = new.simulate(packet, Hook.PREROUTING, trace=False)
        assert (want.dnat, want.packet) == (got.dnat, got.packet), packet
    assert compare(before, after) is None


def test_maps_are_made() -> None:
    after = [map_translations(ruleset(random.Random(seed), 120)).tables[0].chains[0].rules for seed in range(40)]
    assert sum(isinstance(rule.verdict, VerdictMap) for rules in after for rule in rules) > 15


@pytest.mark.parametrize("seed", range(10))
def test_many_forwards_compile_and_are_proved(seed: int) -> None:
    """Both families, both protocols, with and without a new port, denies in between, a port given away twice."""
    rng = random.Random(seed)
    head = ["syntax 1", "zone wan { iface eth0; address 198.51.100.1, 198.51.100.2, 2001:db8:100::1 }"]
    head += ["zone lan { iface eth1; net 10.0.0.0/24, 2001:db8:1::/64 }"]
    rules = dict.fromkeys(_forward(rng) for _ in range(120))
    text = "\n".join([*head, *rules, ""])
    source = SourceFile("forwards.fw", text)
    outputs, diagnostics = compile_policy(source, NoFiles(), CompileOptions(targets=("nftables",), lint=False))
    assert not has_errors(diagnostics), diagnostics[:2]
    nft = outputs[0].files[0].text
    assert " map @forwards" in nft and " @published" in nft


def _forward(rng: random.Random) -> str:
    if rng.random() < 0.03:
        return f"deny tcp from 203.0.113.{rng.randrange(1, 9)} to 10.0.0.{rng.randrange(2, 250)} in lan"
    to = rng.choice(("198.51.100.1", "198.51.100.1", "198.51.100.2", "2001:db8:100::1"))
    inside = f"2001:db8:1::{rng.randrange(2, 99)}" if ":" in to else f"10.0.0.{rng.randrange(2, 250)}"
    new = rng.choice(("", ":80", ":8443"))
    target = f"[{inside}]{new}" if new and ":" in inside else f"{inside}{new}"
    return (
        f"forward {rng.choice(('tcp', 'tcp', 'tcp', 'udp'))} {rng.randrange(1000, 1400)} from wan to {to} -> {target}"
    )
