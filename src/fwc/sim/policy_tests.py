"""The `test` packets of a policy, run through the simulator and compared with what they expect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from fwc.ir.model import Ruleset
from fwc.net.addresses import format_address
from fwc.net.hooks import Family, Hook
from fwc.net.packet import Packet
from fwc.net.packet_words import packet_text
from fwc.records import Record
from fwc.sim.netfilter import Simulator
from fwc.sim.trace import Trace, rule_place
from fwc.source import Span

VERDICT_WORDS = {"accept": "allow", "drop": "deny", "reject": "reject"}


class Expected(Protocol):
    """What a test packet expects (`elaborate.elaborated.Expectation`, which lies above this package)."""

    @property
    def verdict(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def snat(self) -> tuple[int, int | None] | None: ...
    @property
    def dnat(self) -> tuple[int, int | None] | None: ...


class PacketTest(Protocol):
    """One `packet` line."""

    @property
    def packet(self) -> Packet: ...
    @property
    def hook(self) -> Hook: ...
    @property
    def expect(self) -> Expected: ...
    @property
    def span(self) -> Span: ...


class Case(Protocol):
    """One `test` block."""

    @property
    def title(self) -> str: ...
    @property
    def packets(self) -> Sequence[PacketTest]: ...


class PacketResult(Record):
    """`differences` are sentences, empty when the packet did as expected. `got` is what happened in one line."""

    title: str
    packet: str
    span: Span
    verdict: str
    by: str
    got: str
    differences: tuple[str, ...]
    assumed: tuple[str, ...]
    trace: Trace

    @property
    def passed(self) -> bool:
        return not self.differences


def run_tests(ruleset: Ruleset, cases: Iterable[Case], trace: bool = False) -> tuple[PacketResult, ...]:
    """Every packet of every case, each on its own: a test packet is the first of its connection. With `trace` the results
    carry the steps of every packet, not only of failed ones."""
    simulator = Simulator(ruleset)
    return tuple(_result(simulator, case.title, packet, trace) for case in cases for packet in case.packets)


def _result(simulator: Simulator, title: str, test: PacketTest, steps: bool) -> PacketResult:
    trace = simulator.simulate(test.packet, test.hook, trace=steps)
    differences = tuple(compare(test.expect, trace))
    if differences and not steps:
        trace = simulator.simulate(test.packet, test.hook)
    verdict = VERDICT_WORDS[trace.verdict]
    decided = rule_place(trace.rule) if trace.rule else f"the policy of {trace.chain}" if trace.chain else "no rule"
    return PacketResult(
        title,
        packet_text(test.packet),
        test.span,
        verdict,
        trace.label,
        f"{verdict} by {decided}",
        differences,
        trace.assumed,
        trace,
    )


def compare(expect: Expected, trace: Trace) -> Iterable[str]:
    """Sentences about every way in which a trace is not what was expected."""
    verdict = VERDICT_WORDS[trace.verdict]
    if verdict != expect.verdict:
        decided = rule_place(trace.rule) if trace.rule else f"the policy of {trace.chain or 'no chain'}"
        yield f"expected {expect.verdict}, got {verdict} by {decided}"
    if expect.by and expect.by not in (trace.label, trace.label.split(" ")[0].rstrip(":")):
        yield f"expected to be decided by {expect.by}, was decided by {trace.label or 'a rule without that name'}"
    packet = trace.packet
    yield from _translated("snat", expect.snat, (packet.saddr, packet.sport), packet.family)
    yield from _translated("dnat", expect.dnat, (packet.daddr, packet.dport), packet.family)


def _translated(
    word: str, expected: tuple[int, int | None] | None, got: tuple[int, int], family: Family
) -> Iterable[str]:
    if expected is None:
        return
    address, port = expected
    if got[0] != address or port not in (None, got[1]):
        want = format_address(family, address) + (f" port {port}" if port is not None else "")
        have = format_address(family, got[0]) + (f" port {got[1]}" if port is not None else "")
        yield f"expected {word} {want}, the packet has {have}"
