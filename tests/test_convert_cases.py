"""Every directory of tests/cases/convert: the policy is as blessed, laid out as `fwc fmt` does, and means what the source means.

The meaning is judged by the reference interpreters: they read the source and what the policy compiles to for the source's target.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from tests.convert_cases import cases, produced, source
from tests.properties.memory_files import NoFiles
from tests.reference.iptables_oracle import IptablesRules
from tests.reference.nft_oracle import NftRules
from tests.reference.packet import Packet

from fwc.api import CompileOptions, ReadRequest, compile_policy, convert
from fwc.lang.format import format_source
from fwc.source import SourceFile

CONVERTED = [case for case in cases() if (case / "expected.fw").exists()]


def name(case: Path) -> str:
    return case.name


@pytest.mark.parametrize("case", cases(), ids=name)
def test_text_is_as_blessed(case: Path) -> None:
    """`make bless` rewrites the expected files; a case has a README that says why it is there."""
    assert (case / "README.md").read_text().strip()
    expected, text = produced(case)
    assert (case / expected).read_text() == text
    assert len([*case.glob("expected.*"), *case.glob("refused.txt")]) == 1


@pytest.mark.parametrize("case", CONVERTED, ids=name)
def test_layout(case: Path) -> None:
    text = (case / "expected.fw").read_text()
    assert format_source(SourceFile("policy.fw", text)) == (text, [])


def compiled(case: Path, target: str) -> dict[str, str]:
    policy = SourceFile("policy.fw", (case / "expected.fw").read_text())
    outputs, found = compile_policy(policy, NoFiles(), CompileOptions((target,), lint=False))
    assert outputs, [d.message for d in found]
    return {file.name: file.text for file in outputs[0].files}


def packets(rng: Random, version: int, count: int) -> list[Packet]:
    """Packets with the addresses, ports and interfaces of the cases, and others."""
    addresses = (
        (0xC0A80105, 0xC0A80107, 0xC6336401, 0xCB00710A, 0x0A000001, 0x08080808)
        if version == 4
        else (0x20010DB8 << 96 | 1, 0x20010DB8 << 96 | 5)
    )
    out = []
    for _ in range(count):
        hook = rng.choice(("input", "forward", "output"))
        protocol = rng.choice((6, 6, 17, 1 if version == 4 else 58))
        out.append(
            Packet(
                hook,
                version,
                protocol,
                rng.choice(addresses),
                rng.choice(addresses),
                rng.choice((4000, 53)),
                rng.choice((22, 23, 25, 53, 80, 443, 8080, 8443)),
                (8 if version == 4 else 128, 0),
                rng.choice((0, 2, 18)),
                "" if hook == "output" else rng.choice(("eth0", "eth1", "eth2", "ppp0", "lo")),
                "" if hook == "input" else rng.choice(("eth0", "eth1", "ppp0")),
                state=rng.choice(("new", "new", "established", "related", "invalid")),
            )
        )
    return out


@pytest.mark.parametrize("case", [c for c in CONVERTED if c.name in ("web-server", "router")], ids=name)
def test_packets_of_iptables(case: Path) -> None:
    text, _ = source(case)
    before, after = IptablesRules(text.text), IptablesRules(compiled(case, "iptables")["rules.v4"])
    decided = set()
    for packet in packets(Random(1), 4, 600):
        want = before.decide(packet)
        assert after.decide(packet) == want, packet
        decided.add(want[0])
    assert len(decided) > 1


@pytest.mark.parametrize("case", [c for c in CONVERTED if c.name == "nft-sets"], ids=name)
def test_packets_of_nft(case: Path) -> None:
    text, _ = source(case)
    before, after = NftRules(text.text), NftRules(compiled(case, "nftables")["nftables.conf"])
    decided = set()
    for version in (4, 6):
        for packet in packets(Random(version), version, 400):
            want = before.decide(packet)
            assert after.decide(packet) == want, packet
            decided.add(want[0])
    assert len(decided) > 1


def test_the_example_is_what_the_command_writes() -> None:
    folder = Path(__file__).resolve().parents[1] / "examples" / "migrate-from-iptables"
    dump = SourceFile("rules.v4", (folder / "rules.v4").read_text())
    output, _ = convert(dump, ReadRequest("iptables-save"), "fwc")
    assert output is not None
    assert output.files[0].text == (folder / "converted.fw").read_text()


def test_recent_keeps_its_place_and_order() -> None:
    """`recent` writes down whom it is asked about: the compiled list asks the same packets in the same order."""
    (case,) = (c for c in CONVERTED if c.name == "two-families")
    text = compiled(case, "iptables")["rules.v4"]
    asked = [line for line in text.splitlines() if "-m recent" in line]
    assert ["--set" in line for line in asked] == [True, False]
    assert all("--ctstate NEW" in line and line.index("--ctstate NEW") < line.index("-m recent") for line in asked)
