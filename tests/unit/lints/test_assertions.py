"""Assertions of policies: which hold, which do not, and the packet that shows it."""

from __future__ import annotations

import pytest
from tests.properties.memory_files import NoFiles

from fwc import api
from fwc.elaborate.program import ElaborateOptions
from fwc.lints._assertions import Failure, failures
from fwc.roundtrip import read_back
from fwc.sim.netfilter import simulate
from fwc.source import SourceFile

HEAD = """\
zone wan { iface eth0; address 203.0.113.5 }
zone lan { iface eth1; net 192.168.1.0/24; address 192.168.1.1 }
zone dmz { iface eth2; net 10.1.0.0/24 }
host web = 10.1.0.10
host pc  = 192.168.1.9
"""
TAIL = """
default input   deny
default forward deny
default output  allow
"""


FILES = NoFiles()


def check(rules: str, assertion: str, target: str = "") -> list[Failure]:
    source = SourceFile("policy.fw", f"{HEAD}{rules}{TAIL}{assertion}\n")
    elaborated, diagnostics = api.load_policy(source, FILES, ElaborateOptions(target or "nftables", "", "2026-01-01"))
    assert elaborated is not None, diagnostics
    if not target:
        return list(failures(elaborated))
    outputs, found = api.compile_policy(
        source, FILES, api.CompileOptions((target,), "", "2026-01-01", assertions=False)
    )
    assert outputs, found
    return list(failures(elaborated, read_back(target, outputs[0].files, elaborated.ruleset)))


HOLD = [
    ("allow ssh from lan to self", "assert never ssh from wan to self"),
    ("allow https from any to self", "assert always https from any to self"),
    ("allow dns from lan to self", "assert some dns from any to self"),
    ("deny any from wan to dmz\nallow any from any to dmz", "assert never any from wan to dmz"),
    ("forward https from wan to self -> web", "assert never any from wan to dmz unless to web"),
    ("forward https from wan to self -> web", "assert always https from wan to 203.0.113.5"),
    ("forward tcp 8080 from wan to self -> web:80", "assert never tcp 8080 from wan to dmz"),
    ("forward tcp 8080 from wan to self -> web:80", "assert never any from wan to lan"),
    ("redirect tcp 80 from lan to any -> self:3128", "assert some tcp 80 from lan to 198.51.100.1"),
    (
        "early { deny any from 198.51.100.0/24 to any }\nallow ssh from any to self",
        "assert never ssh from 198.51.100.0/24 to self",
    ),
]

FAIL = [
    ("allow ssh from any to self", "assert never ssh from wan to self"),
    ("allow any from lan to self, dmz", "assert never ssh from lan to self"),
    ("allow https from wan to self", "assert always https from any to self"),
    ("deny any from 198.51.100.0/24 to self\nallow https from any to self", "assert always https from any to self"),
    (
        "early { deny any from 198.51.100.0/24 to any }\nallow https from any to self",
        "assert always https from any to self",
    ),
    ("", "assert some dns from lan to self"),
    ("allow dns from lan to self if time 08:00-18:00", "assert some dns from lan to self"),
    ("allow dns from lan to self limit 10/minute", "assert some dns from lan to self"),
    ("allow dns from lan to self if time 08:00-18:00", "assert never dns from lan to self"),
    ("forward https from wan to self -> web", "assert never any from wan to dmz"),
    ("forward tcp 8080 from wan to self -> web:80", "assert never tcp 80 from wan to dmz"),
    ("forward https from wan to self -> web without accept", "assert always https from wan to 203.0.113.5"),
    ("redirect tcp 80 from lan to any -> self:3128", "assert never tcp 3128 from lan to self"),
]


@pytest.mark.parametrize("target", ["", "nftables", "iptables"])
@pytest.mark.parametrize(("rules", "assertion"), HOLD)
def test_holds(rules: str, assertion: str, target: str) -> None:
    found = check(rules, assertion, target)
    assert not found, (found[0].message, found[0].found)


@pytest.mark.parametrize("target", ["", "nftables", "iptables"])
@pytest.mark.parametrize(("rules", "assertion"), FAIL)
def test_fails(rules: str, assertion: str, target: str) -> None:
    found = check(rules, assertion, target)
    assert len(found) == 1
    assert not found[0].undecided
    assert (found[0].found is None) == assertion.startswith("assert some")


@pytest.mark.parametrize(
    ("rules", "assertion"), [case for case in FAIL if "some" not in case[1] and "time" not in case[0]]
)
def test_the_packet_shows_it(rules: str, assertion: str) -> None:
    """The simulator, which shares no code with the search, does with the packet what the message says."""
    source = SourceFile("policy.fw", f"{HEAD}{rules}{TAIL}{assertion}\n")
    elaborated, _ = api.load_policy(source, FILES, ElaborateOptions("nftables", "", "2026-01-01"))
    assert elaborated is not None
    (failure,) = failures(elaborated)
    assert failure.found is not None
    hook = failure.assertion.matches[0][0]
    trace = simulate(elaborated.ruleset, failure.found.packet, failure.found.hook if not rules else hook)
    assert (trace.verdict == "accept") == (failure.assertion.quantifier == "never")


def test_strict_counts_the_implicit_rules() -> None:
    assert not check("", "assert never any from any to self")
    (failure,) = check("", "assert strict never any from wan to self")
    assert failure.found is not None


def policy(rules: str, assertion: str) -> SourceFile:
    return SourceFile("policy.fw", f"{HEAD}{rules}{TAIL}{assertion}\n")


def test_an_assertion_that_fails_blocks_the_compile() -> None:
    broken = policy("allow ssh from any to self", "assert never ssh from wan to self")
    outputs, diagnostics = api.compile_policy(
        broken, FILES, api.CompileOptions(("nftables", "iptables"), "", "2026-01-01")
    )
    assert outputs == ()
    assert [d.code for d in diagnostics] == ["FW530"]


def test_fwc_test_counts_assertions_and_names_what_nothing_touches() -> None:
    source = policy("allow ssh from any to self\nallow dns from lan to self", "assert never ssh from wan to self")
    outcome, diagnostics = api.test_policy(source, FILES, api.TestRequest("", "", "2026-01-01", coverage=True))
    assert outcome is not None
    assert [d.code for d in diagnostics] == ["FW530"]
    assert outcome.summary.endswith("1 assertions, 0 hold, 1 not")
    assert outcome.lines[-1] == "not touched by any test packet or assertion: policy.fw:7"


@pytest.mark.parametrize(("rules", "assertion"), HOLD[:5])
def test_holds_on_pf(rules: str, assertion: str) -> None:
    outcome, diagnostics = api.test_policy(policy(rules, assertion), FILES, api.TestRequest("pf", "", "2026-01-01"))
    assert outcome is not None, diagnostics
    assert not diagnostics


@pytest.mark.parametrize(("rules", "assertion"), FAIL[:3] + FAIL[5:6])
def test_fails_on_pf(rules: str, assertion: str) -> None:
    _, diagnostics = api.test_policy(policy(rules, assertion), FILES, api.TestRequest("pf", "", "2026-01-01"))
    assert [d.code for d in diagnostics] == ["FW530"]
