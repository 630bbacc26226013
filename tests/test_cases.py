"""Every directory of tests/cases/compile: the text is as blessed, and it means what the policy's own `test` packets say.

The goldens are executed: by the simulator, by the reference interpreters, and by the kernel. So a golden that was blessed and
means the wrong thing still fails.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.compile_cases import EXPECTED, cases, elaborated, goldens, produced
from tests.reference.iptables_oracle import IptablesRules
from tests.reference.nft_oracle import NftRules
from tests.reference.packet import Packet

from fwc.api import TargetOutput
from fwc.diagnostics import Severity
from fwc.dialects.base import OutputFile
from fwc.elaborate.elaborated import TestPacket
from fwc.net.hooks import Hook
from fwc.project.kernel.laboratory import missing
from fwc.project.kernel.policy_tests import run_on_kernel
from fwc.sim.policy_tests import run_tests

WORDS = {"allow": "accept", "deny": "drop", "reject": "reject"}


def name(case: Path) -> str:
    return case.name


@pytest.mark.parametrize("case", cases(), ids=name)
def test_text_is_as_blessed(case: Path) -> None:
    """`make bless` rewrites the expected files; a case has a README that says why it is there."""
    assert (case / "README.md").read_text().strip()
    assert produced(case) == goldens(case)


@pytest.mark.parametrize("case", cases(), ids=name)
def test_packets_in_the_simulator(case: Path) -> None:
    policy = elaborated(case, "nftables")
    results = run_tests(policy.ruleset, policy.tests)
    assert results, "a case has at least one test packet"
    assert [(r.packet, r.differences) for r in results if r.differences] == []


@pytest.mark.parametrize("case", cases(), ids=name)
def test_packets_by_the_reference_interpreters(case: Path) -> None:
    """The goldens for Linux, read by interpreters that share nothing with fwc; packets that are translated are left out."""
    policy = elaborated(case, "nftables")
    texts = goldens(case)
    nft = NftRules(texts["expected.nft"])
    sets = texts.get("expected.ipset", "")
    iptables = {4: IptablesRules(texts["expected.v4"], sets), 6: IptablesRules(texts["expected.v6"], sets)}
    for result, test in zip(
        run_tests(policy.ruleset, policy.tests), (p for c in policy.tests for p in c.packets), strict=True
    ):
        if result.trace.snat or result.trace.dnat:
            continue
        packet = reference_packet(test, result.trace.packet.oif, result.trace.packet.mark)
        wanted = WORDS[test.expect.verdict]
        assert nft.decide(packet)[0] == wanted, result.packet
        assert iptables[packet.version].decide(packet)[0] == wanted, result.packet


def reference_packet(test: TestPacket, oif: str, mark: int) -> Packet:
    packet = test.packet
    return Packet(
        test.hook.value,
        packet.family.value,
        packet.protocol,
        packet.saddr,
        packet.daddr,
        packet.sport,
        packet.dport,
        (packet.icmp >> 8, packet.icmp & 255),
        packet.flags,
        "" if test.hook is Hook.OUTPUT else packet.iif,
        oif if test.hook is not Hook.INPUT else "",
        packet.ttl,
        packet.state,
        mark=mark,
    )


@pytest.mark.kernel
@pytest.mark.parametrize("target", ("nftables", "iptables"))
@pytest.mark.parametrize("case", cases(), ids=name)
def test_packets_on_the_kernel(case: Path, target: str) -> None:
    reason = missing()
    if reason:
        if os.environ.get("CI"):
            pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
        pytest.skip(f"no kernel laboratory: {reason}")
    texts = goldens(case)
    wanted = ("nftables.conf",) if target == "nftables" else ("ipset.conf", "rules.v4", "rules.v6")
    files = tuple(OutputFile(f, texts[EXPECTED[f]]) for f in wanted if EXPECTED[f] in texts)
    found = run_on_kernel(elaborated(case, target), TargetOutput(target, files))
    assert [d.message for d in found if d.severity is Severity.ERROR] == []
