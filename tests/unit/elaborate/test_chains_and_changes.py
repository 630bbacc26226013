"""Packet changes, chains and hooks, tests and assertions."""

from __future__ import annotations

import itertools
import sys

import pytest
from tests.unit.elaborate.policy_support import ZONES, chains, errors, good

from fwc.ir.text import match_text
from fwc.net.hooks import Hook


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("mark 0x1 for any from lan to any", {"prerouting-mangle"}),
        ("mark 0x1 for any from any to any", {"prerouting-mangle", "output-mangle"}),
        ("mark 0x1 for any from lan to wan", {"forward-mangle"}),
        ("mark 0x1 for any from self to wan", {"output-mangle"}),
        ("mark 0x1 for any from any to wan", {"postrouting-mangle"}),
        ("rewrite dscp to ef for udp 5060 from lan to wan", {"forward-mangle"}),
        ("rewrite priority to 5 for any from lan to any", {"forward-mangle"}),
        ("helper sip for udp 5060 from lan to any", {"prerouting-mangle"}),
    ],
)
def test_where_changes_stand(statement: str, where: set[str]) -> None:
    assert set(chains(statement)) == where


def test_clamp_is_on_both_directions() -> None:
    assert chains("clamp mss to mtu 1420 for tcp from any to wan") == {
        "forward-mangle": [
            "oif eth0 and protocol 6 and tcp-flags & 0x6 2; clampmss(size4=1380, size6=1360); continue",
            "iif eth0 and protocol 6 and tcp-flags & 0x6 2; clampmss(size4=1380, size6=1360); continue",
        ]
    }


def test_notrack_is_on_both_directions() -> None:
    found = chains("notrack udp 53 from wan to self")
    assert found == {
        "prerouting-raw": ["iif eth0 and daddr is local and protocol 17 and dport 53; notrack; continue"],
        "output-raw": ["oif eth0 and protocol 17 and sport 53; notrack; continue"],
    }


def test_a_chain_called_from_one_hook() -> None:
    found = chains("chain ok {\n deny tcp 1 from any to any\n return\n}\njump ok for tcp from wan to self")
    assert found == {
        "input": ["iif eth0 and protocol 6; jump ok"],
        "ok": ["protocol 6 and dport 1; drop", "always; return"],
    }


def test_a_chain_called_from_two_hooks_has_a_version_for_each_where_they_differ() -> None:
    text = "chain c {\n deny tcp 1 from lan to any\n}\njump c from lan to self\njump c from lan to wan"
    found = chains(text)
    assert found["input"][0].endswith("jump c")
    assert found["forward"][0].endswith("jump c-forward")
    assert "0.0.0.0" in found["c"][0]
    assert "0.0.0.0" not in found["c-forward"][0]
    same = "chain c {\n deny tcp 1 from any to any\n}\njump c from lan to self\njump c from lan to wan"
    assert "c-forward" not in chains(same)


def test_chains_may_call_chains() -> None:
    found = chains("chain a { jump b; return }\nchain b { deny tcp 9 from any to any }\ngoto a from wan to self")
    assert found == {
        "input": ["iif eth0; goto a"],
        "a": ["always; jump b", "always; return"],
        "b": ["protocol 6 and dport 9; drop"],
    }


def test_a_hook_block_is_a_base_chain() -> None:
    done = good(
        ZONES + "hook prerouting priority raw -10 type filter policy accept as early-drop { deny udp from wan to any }"
    )
    chain = done.ruleset.tables[0].chain("early-drop")
    assert chain is not None
    assert chain.base is not None
    assert (chain.base.hook, chain.base.priority, len(chain.rules)) == (Hook.PREROUTING, -310, 1)


def test_assertions_per_hook() -> None:
    (claim,) = good(ZONES + "assert never tcp 22 from dmz to lan unless to nas").assertions
    assert [(h, match_text(m)) for h, m in claim.matches] == [
        (
            Hook.FORWARD,
            "iif eth2 and oif eth1 and saddr 10.1.0.0/24 and daddr 192.168.0.0/24 and protocol 6 and dport 22 "
            "and not (daddr {192.168.0.5, 2001:db8:1::5})",
        )
    ]
    (claim,) = good(ZONES + "assert never tcp 22 from any to lan unless from self").assertions
    assert [h for h, _ in claim.matches] == [Hook.FORWARD]


def test_test_packets() -> None:
    text = (
        'test "t" {\n packet tcp 198.51.100.7 -> 203.0.113.5:443 in wan expect allow by www dnat 192.168.0.5:8443\n'
        " packet tcp 192.168.0.9 -> 8.8.8.8:443 expect deny\n packet udp self -> 10.1.0.3:53 expect allow\n}"
    )
    (case,) = good(ZONES + text).tests
    assert [(p.hook, p.packet.iif, p.packet.oif) for p in case.packets] == [
        (Hook.INPUT, "eth0", ""),
        (Hook.FORWARD, "eth1", "eth0"),
        (Hook.OUTPUT, "", "eth2"),
    ]
    assert case.packets[0].expect.dnat == (0xC0A80005, 8443)
    assert case.packets[0].expect.by == "www"


def test_suppressions_and_levels() -> None:
    text = (
        'lint ignore time-rule because "clock is kept"\nlint off note-x\n'
        'allow tcp 23 from lan to self ignore cleartext because "old"'
    )
    done = good(ZONES + text)
    assert [(s.lint, s.reason, s.span is None) for s in done.suppressions] == [
        ("time-rule", "clock is kept", True),
        ("cleartext", "old", False),
    ]
    assert [(s.level, s.lint) for s in done.lint_settings] == [("off", "note-x")]


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("clamp mss to pmtu for udp from any to wan", "FW092", "udp"),
        ("helper sip for any from lan to any", "FW092", "any"),
        ("jump nowhere from wan to self", "FW015", "nowhere"),
        ("chain a { jump b }\nchain b { jump a }", "FW016", "jump a"),
        ("return for tcp from wan to self", "FW091", "return for tcp from wan to self"),
        ("hook input priority 0 as forward { deny any from any to any }", "FW845", "forward"),
        ("chain c { masquerade from lan to wan }", "FW091", "masquerade from lan to wan"),
        ("chain c { deny any from wan to lan }\njump c from lan to self", "FW082", "deny any from wan to lan"),
        (
            'test "t" { packet tcp 10.1.0.1 -> 2001:db8::1 expect deny }',
            "FW093",
            "packet tcp 10.1.0.1 -> 2001:db8::1 expect deny",
        ),
    ],
)
def test_mistakes(text: str, code: str, marked: str) -> None:
    assert errors(text) == [(code, marked)]


def test_growth_is_linear() -> None:
    """Ten times the rules take at most fifteen times as many calls of functions."""

    def calls(count: int) -> int:
        text = ZONES + "\n".join(
            f"allow tcp {i % 60000 + 1} from 10.1.{i >> 8 & 255}.{i & 255} to nas" for i in range(count)
        )
        made = itertools.count()
        before = sys.getprofile()
        sys.setprofile(lambda frame, event, argument: next(made) if "call" in event else None)
        try:
            good(text)
        finally:
            sys.setprofile(before)
        return next(made)

    calls(200)  # what is kept for later is made
    assert calls(5000) < 15 * calls(500)
