"""A ruleset converted to a policy and compiled back decides every packet as the ruleset does; else it is refused with reasons.

The judge is the reference interpreter of the source's own syntax: it reads the source and the text that the policy compiles to.
"""

from __future__ import annotations

import dataclasses
from random import Random

import pytest
from tests.properties import lint_rulesets, small_rulesets
from tests.properties.memory_files import NoFiles
from tests.reference.iptables_oracle import IptablesRules
from tests.reference.nft_oracle import NftRules
from tests.reference.packet import Packet

from fwc.api import CompileOptions, ReadRequest, compile_policy, convert
from fwc.convert.policy.convert import policy_of
from fwc.convert.policy.proof import elaborated
from fwc.diagnostics import Severity
from fwc.ir.match import Field
from fwc.lang.format import format_source
from fwc.source import SourceFile

_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "gre": 47, "esp": 50}
_SOURCES = {"10.0.0.1": 0x0A000001, "10.0.0.7": 0x0A000007, "10.1.0.1": 0x0A010001, "192.0.2.9": 0xC0000209}

REST = {
    Field.FAMILY: 4,
    Field.DADDR: 9,
    Field.SPORT: 4000,
    Field.ICMP: 0,
    Field.ICMPV6: 0,
    Field.TTL: 64,
    Field.OIF: "",
}
"""What packets of the small space have besides the fields that its rules name: a policy may ask for it."""

NATIVE = dataclasses.replace(small_rulesets.OPAQUE, kind="native")


def policy_text(kind: str, text: str, family: str = "") -> str:
    """The policy, or "" when it was refused, and then every reason has a place."""
    source = SourceFile("rules", text)
    output, found = convert(source, ReadRequest(kind, family=family), "fwc")
    errors = [d for d in found if d.severity is Severity.ERROR]
    if output is None:
        assert errors and all(d.primary is not None and d.primary.span.file is source for d in errors)
        return ""
    assert not errors
    return output.files[0].text


def compiled(policy: str, target: str) -> dict[str, str]:
    outputs, found = compile_policy(SourceFile("policy.fw", policy), NoFiles(), CompileOptions((target,), lint=False))
    assert outputs, [d.message for d in found]
    return {file.name: file.text for file in outputs[0].files}


def packets(rng: Random, count: int) -> list[Packet]:
    """Packets at INPUT with the values that the rulesets name, and others."""
    every = [p for p in lint_rulesets.packets("4") if p["s"] == "no"]
    return [
        Packet(
            "input",
            4,
            _PROTOCOLS[p["proto"]],
            _SOURCES[p["src"]],
            0xC0000201,
            4000,
            int(p["port"] or 0),
            (8, 0),
            iif=p["iif"],
            state=p["state"].lower(),
        )
        for p in rng.sample(every, count)
    ]


def one_source_each(line: str) -> str:
    """A rule for each address of `-s a,b`, as iptables itself loads it; the interpreter reads what iptables-save writes."""
    before, found, rest = line.partition(" -s ")
    if not found:
        return line
    values, _, after = rest.partition(" ")
    return "".join(f"{before} -s {value} {after}" for value in values.split(","))


@pytest.mark.parametrize("seed", range(60))
def test_iptables_by_the_reference_interpreter(seed: int) -> None:
    rng = Random(seed)
    text = lint_rulesets.iptables(rng).text
    text = text.replace(" -m set --match-set s src", "").replace(" -m set ! --match-set s src", "")
    text = "".join(one_source_each(line) for line in text.splitlines(keepends=True))
    policy = policy_text("iptables-save", text, "v4")
    if not policy:
        return
    assert format_source(SourceFile("policy.fw", policy)) == (policy, [])
    before, after = IptablesRules(text), IptablesRules(compiled(policy, "iptables")["rules.v4"])
    for packet in packets(rng, 150):
        assert after.decide(packet) == before.decide(packet), (packet, policy)


@pytest.mark.parametrize("seed", range(60))
def test_nft_by_the_reference_interpreter(seed: int) -> None:
    rng = Random(seed)
    text = lint_rulesets.nft(rng).text
    policy = policy_text("nft", text)
    if not policy:
        return
    assert format_source(SourceFile("policy.fw", policy)) == (policy, [])
    before, after = NftRules(text), NftRules(compiled(policy, "nftables")["nftables.conf"])
    for packet in packets(rng, 150):
        assert after.decide(packet) == before.decide(packet), (packet, policy)


def test_most_of_them_are_converted() -> None:
    """The two tests above would pass if everything were refused."""
    texts = [("iptables-save", lint_rulesets.iptables(Random(seed)).text, "v4") for seed in range(60)]
    texts += [("nft", lint_rulesets.nft(Random(seed)).text, "") for seed in range(60)]
    done = sum(bool(policy_text(*each)) for each in texts)
    assert done >= 40, done


@pytest.mark.parametrize("seed", range(150))
def test_every_packet_of_a_small_space(seed: int) -> None:
    """Rules with any nesting of conditions: the policy decides all packets of the space as the naive walk does."""
    ruleset = small_rulesets.random_ruleset(Random(seed), limits=False)
    files, found = policy_of(SourceFile("rules", "x"), ruleset)
    if not files:
        assert any(d.severity is Severity.ERROR for d in found)
        return
    policy, problems = elaborated(files[0].text)
    assert policy is not None, problems
    for small in small_rulesets.packets():
        packet = {**small, **REST, NATIVE: small[small_rulesets.OPAQUE]}
        effects, verdict = small_rulesets.verdict_of(ruleset, packet)
        got = small_rulesets.verdict_of(policy, packet)
        assert got == (effects, verdict), (packet, files[0].text)
