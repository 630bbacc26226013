"""Statements of every kind in random company, for pf: each policy is compiled and proved, or refused at a line of its own."""

from __future__ import annotations

import random

import pytest
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import Severity
from fwc.source import SourceFile

HEAD = """syntax 1
zone wan { iface eth0; address 203.0.113.5; mtu 1500 }
zone lan { iface eth1; net 192.168.10.0/24, 2001:db8:10::/64 }
zone dmz { iface eth2 }
host nas = 192.168.10.5, 2001:db8:10::5
group staff = { 198.51.100.0/28, 2001:db8:aa::/48 } except 198.51.100.3
set banned of addresses dynamic timeout 6h size 65536
"""
TRAFFIC = ("tcp 22", "udp 53", "any", "ping", "icmp", "tcp 80-90, udp 443", "proto gre", "tcp 22 sport 1024-65535")
SOURCES = ("wan", "lan", "any", "nas", "staff", "@banned in wan", "lan except nas", "iface eth3", "wan, dmz")
DESTINATIONS = ("self", "wan", "lan", "nas", "any except self", "dmz", "lan except nas", "203.0.113.5")
CONDITIONS = ("fragment", "flags syn, fin of syn, fin", "dnat", "sport 19, 123", "state new", "not within 6/minute")
OPTIONS = ('log "x" level warning', "stateless", "limit 6/minute per source", "max 20 connections per source",
           "max 1000 connections", "limit 6/minute per source else deny and add source to @banned timeout 1h")  # fmt: skip
OTHERS = ("notrack udp 53 from any to self", "notrack tcp 22 from lan to any", "notrack udp from self to any",
          "masquerade from lan to wan", "forward https from wan to 203.0.113.5 -> nas:8443",
          "settings { stateful off }", "default input allow", "default forward allow", "default output deny")  # fmt: skip
SEEDS = 100


def statement(pick: random.Random) -> str:
    action = pick.choice(["allow", "allow", "allow", "deny", "reject"])
    text = f"{action} {pick.choice(TRAFFIC)} from {pick.choice(SOURCES)} to {pick.choice(DESTINATIONS)}"
    if pick.random() < 0.35:
        text += f" if {pick.choice(CONDITIONS)}"
    if pick.random() < 0.6:
        text += " " + pick.choice(OPTIONS if action == "allow" else OPTIONS[:1])
    return text


def outcome(statements: list[str]) -> str:
    """`compiled` (the proof of the compiler ran), or the first code of the refusal."""
    source = SourceFile("policy.fw", HEAD + "\n".join(statements) + "\n")
    outputs, found = compile_policy(source, NoFiles(), CompileOptions(("pf",), today="2026-06-01", lint=False))
    errors = [d for d in found if d.severity is Severity.ERROR]
    for each in errors:
        assert each.primary is not None and each.primary.span.line > HEAD.count("\n"), each.message
    assert bool(outputs) is not bool(errors)
    return errors[0].code if errors else "compiled"


@pytest.mark.property
@pytest.mark.parametrize("first", range(0, 400, SEEDS))
def test_compiled_or_refused(first: int) -> None:
    outcomes = []
    for seed in range(first, first + SEEDS):
        pick = random.Random(seed)
        statements = [statement(pick) for _ in range(pick.choice([1, 1, 2, 3]))]
        if pick.random() < 0.5:
            statements.insert(0, pick.choice(OTHERS))
        statements = [s for s in statements if outcome([s]) == "compiled"]
        outcomes.append(outcome(statements) if statements else "none left")
    assert outcomes.count("compiled") >= SEEDS * 3 // 4, outcomes


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("deny tcp 25 from lan to self if fragment", "fragment"),
        ("allow udp 53 from wan to nas stateless", "stateless"),
        ("settings { stateful off }\nallow udp 53 from lan to nas", "stateless"),
        ("allow tcp 80-90, udp 443 from wan to self max 20 connections per source", "max connections"),
        ("deny tcp 22 from @banned in wan to any except self\nallow tcp 22 from nas to lan except nas max 9 connections",
         "max connections"),
        ("notrack udp 53 from wan to self\nallow udp 53 from wan to self max 9 connections", "notrack"),
    ],
)  # fmt: skip
def test_refused_at_the_statement(text: str, label: str) -> None:
    source = SourceFile("policy.fw", f"{HEAD}{text}\n")
    outputs, found = compile_policy(source, NoFiles(), CompileOptions(("pf",), today="2026-06-01", lint=False))
    errors = [d for d in found if d.severity is Severity.ERROR]
    assert not outputs
    assert {(d.code, d.primary.message if d.primary else "") for d in errors} == {("FW031", label)}
    assert {d.primary.span.line for d in errors if d.primary} == {HEAD.count("\n") + text.count("\n") + 1}
