"""What an assertion says of all packets is true of every packet that the simulator is given."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.memory_files import NoFiles

from fwc import api
from fwc.elaborate.program import ElaborateOptions
from fwc.lints._assertions import failures
from fwc.net.addresses import parse_v4
from fwc.net.hooks import Family, Hook
from fwc.net.packet import Packet
from fwc.sim.netfilter import Simulator
from fwc.source import SourceFile

HEAD = """\
settings { family v4 }
zone wan { iface eth0; address 203.0.113.5 }
zone lan { iface eth1; net 192.168.1.0/24; address 192.168.1.1 }
zone dmz { iface eth2; net 10.1.0.0/24; address 10.1.0.1 }
host web = 10.1.0.10
host pc  = 192.168.1.9
"""
TAIL = "default input deny\ndefault forward deny\ndefault output allow\n"
RULES = (
    "allow tcp 22 from lan to self", "allow tcp 22 from wan to self", "deny tcp 22 from 198.51.100.0/24 to self",
    "allow tcp 80 from any to web", "allow tcp 22-80 from lan to dmz", "deny any from pc to dmz",
    "forward tcp 8080 from wan to self -> web:80", "forward tcp 22 from wan to self -> web:22", "allow any from dmz to lan",
    "redirect tcp 80 from lan to any -> self:8080", "allow tcp 8080 from lan to self", "reject tcp 80 from lan to dmz",
)  # fmt: skip
ZONES = {"wan": "eth0", "lan": "eth1", "dmz": "eth2"}
SOURCES = {
    "wan": ("198.51.100.7", "192.0.2.9"),
    "lan": ("192.168.1.9", "192.168.1.77"),
    "dmz": ("10.1.0.10", "10.1.0.44"),
}
TARGETS = {
    "self": ("203.0.113.5", "192.168.1.1"),
    "lan": ("192.168.1.9", "192.168.1.77"),
    "dmz": ("10.1.0.10", "10.1.0.44"),
}
PORTS = (22, 80, 8080)


def number(text: str) -> int:
    value = parse_v4(text)
    assert value is not None
    return value


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(RULES), min_size=1, max_size=6, unique=True),
    st.sampled_from(sorted(ZONES)),
    st.sampled_from(sorted(TARGETS)),
    st.sampled_from(PORTS),
)
def test_never_is_never(rules: list[str], zone: str, target: str, port: int) -> None:
    if zone == target:
        return
    text = "\n".join(rules)
    source = SourceFile("p.fw", f"{HEAD}{text}\n{TAIL}assert never tcp {port} from {zone} to {target}\n")
    elaborated, diagnostics = api.load_policy(source, NoFiles(), ElaborateOptions("nftables", "", "2026-01-01"))
    assert elaborated is not None, diagnostics
    found = list(failures(elaborated))
    simulator = Simulator(elaborated.ruleset)
    reached = []
    everywhere = [a for addresses in TARGETS.values() for a in addresses]
    for saddr, daddr, dport in itertools.product(SOURCES[zone], everywhere, PORTS):
        own = daddr in ("203.0.113.5", "192.168.1.1", "10.1.0.1")
        packet = Packet(Family.V4, 6, number(saddr), number(daddr), 40000, dport, iif=ZONES[zone])
        trace = simulator.simulate(packet, Hook.INPUT if own else Hook.FORWARD)
        delivered = trace.packet
        place = next((t for t, a in TARGETS.items() if delivered.daddr in map(number, a)), "self")
        if trace.verdict == "accept" and place == target and delivered.dport == port:
            reached.append(trace)
    assert not reached or found, (rules, reached[0].sent, reached[0].packet)
    for failure in found:
        assert failure.found is not None
        witness = failure.found.packet
        own = witness.daddr in map(number, TARGETS["self"])
        trace = simulator.simulate(witness, Hook.INPUT if own or target == "self" else Hook.FORWARD)
        assert trace.verdict == "accept", (rules, witness)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(RULES), min_size=1, max_size=6, unique=True),
    st.sampled_from(sorted(ZONES)),
    st.sampled_from(sorted(TARGETS)),
    st.sampled_from(PORTS),
    st.sampled_from(["always", "some"]),
)
def test_always_is_always_and_some_is_some(
    rules: list[str], zone: str, target: str, port: int, quantifier: str
) -> None:
    """`always` and `some` speak of the destination that a packet was sent to."""
    if zone == target:
        return
    text = "\n".join(rules)
    source = SourceFile("p.fw", f"{HEAD}{text}\n{TAIL}assert {quantifier} tcp {port} from {zone} to {target}\n")
    elaborated, diagnostics = api.load_policy(source, NoFiles(), ElaborateOptions("nftables", "", "2026-01-01"))
    assert elaborated is not None, diagnostics
    found = list(failures(elaborated))
    simulator = Simulator(elaborated.ruleset)
    verdicts = []
    for saddr, daddr in itertools.product(SOURCES[zone], TARGETS[target]):
        packet = Packet(Family.V4, 6, number(saddr), number(daddr), 40000, port, iif=ZONES[zone])
        trace = simulator.simulate(packet, Hook.INPUT if target == "self" else Hook.FORWARD)
        verdicts.append(trace.verdict == "accept")
    if quantifier == "always":
        assert found or all(verdicts), (rules, verdicts)
    else:
        assert not found or not any(verdicts), (rules, verdicts)
