"""Coming out of an IPsec transform and going into one are two conditions; forwarded packets may meet both."""

from __future__ import annotations

import pytest
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, ReadRequest, compile_policy, convert
from fwc.source import SourceFile

SAVE = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A FORWARD -i eth1 -m policy --dir in --pol ipsec -j ACCEPT
-A FORWARD -i eth1 -m policy --dir out --pol ipsec -j ACCEPT
-A OUTPUT -o eth1 -m policy --dir out --pol none -j ACCEPT
COMMIT
"""
RULES = {
    "nftables": (
        'iifname "eth1" meta ipsec exists accept',
        'iifname "eth1" rt ipsec exists accept',
        'oifname "eth1" rt ipsec missing accept',
    ),
    "iptables": tuple(line for line in SAVE.splitlines() if line.startswith("-A")),
    "fwc": (
        "allow any from eth1 to any except self if ipsec",
        'allow any from eth1 to any except self if native iptables """-m policy --dir out --pol ipsec"""',
        "allow any from self to eth1 if not ipsec",
    ),
}


@pytest.mark.parametrize("target", RULES)
def test_both_sides_are_kept_apart(target: str) -> None:
    output, found = convert(SourceFile("rules.v4", SAVE), ReadRequest("iptables-save"), target)
    assert output is not None, [d.message for d in found]
    lines = [line.strip() for line in output.files[0].text.splitlines()]
    assert [line for line in lines if "eth1" in line and line in RULES[target]] == list(RULES[target])


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nftables", ("meta ipsec exists", "rt ipsec exists")),
        ("iptables", ("--dir in --pol ipsec", "--dir out --pol ipsec")),
    ],
)
def test_a_chain_for_both_directions_asks_for_each(target: str, words: tuple[str, str]) -> None:
    policy = """syntax 1
chain secured { allow any from any to any if ipsec }
jump secured for any from any to self
jump secured for any from self to any
"""
    outputs, found = compile_policy(SourceFile("p.fw", policy), NoFiles(), CompileOptions((target,), lint=False))
    assert outputs, [d.message for d in found]
    text = outputs[0].files[0].text
    assert all(text.count(each) == 1 for each in words)
