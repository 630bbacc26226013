"""Options, conditions, defaults, implicit rules and early rules of the filter."""

from __future__ import annotations

import pytest
from tests.unit.elaborate.policy_support import ZONES, chains, errors, good, lines, rules

from fwc.ir.model import Role


def test_a_limit_is_a_chain_that_fails_closed() -> None:
    found = chains("allow tcp 22 from wan to self as door limit 6/minute burst 9 per source log")
    assert found["input"][0].startswith("iif eth0 and protocol 6 and dport 22; log(prefix='door: '")
    assert found["input"][0].endswith("goto door")
    assert found["door"] == [
        "withinrate(amount=6, seconds=60, burst=9, per=source, name='door'); accept as door",
        "always; drop",
    ]


def test_several_limits_are_nested_and_shared_by_all_hooks() -> None:
    text = (
        "set bad of addresses dynamic timeout 1h\n"
        "allow tcp 25 from any to self, lan {\n limit 10/minute else deny and add source to @bad timeout 6h\n"
        " max 5 connections per source else reject\n}"
    )
    found = chains(text)
    assert [line.rsplit("; ", 1)[1] for line in found["input"] + found["forward"]] == ["goto tcp-25", "goto tcp-25"]
    assert found["tcp-25"] == [
        "withinrate(amount=10, seconds=60, burst=5); goto tcp-25-2",
        "always; addtoset(set='bad', fields=(saddr), timeout=21600); drop",
    ]
    assert found["tcp-25-2"][0] == "withinconnections(count=5, per=source, name='tcp-25-2'); accept"
    assert found["tcp-25-2"][-1] == "always; reject"


def test_reject_is_silent_toward_multicast() -> None:
    assert lines("reject any from wan to self", "input") == [
        "iif eth0 and daddr {224.0.0.0/4, 255.255.255.255, ff00::/8}; drop",
        "iif eth0; reject",
    ]
    assert lines("reject any from wan to nas", "forward") == ["iif eth0 and daddr {192.168.0.5, 2001:db8:1::5}; reject"]
    assert lines("reject tcp 113 from wan to self with tcp-reset", "input") == [
        "iif eth0 and protocol 6 and dport 113; reject(kind=tcp-reset)"
    ]


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("ttl < 5", "ttl 0-4"),
        ("not fragment", "not (fragment 1)"),
        ("flags syn of syn, ack", "tcp-flags & 0x12 2"),
        ("mark 0x10/0xff", "mark & 0xff 16"),
        ("dnat port 443", "ct-status & 0x20 32 and ct-original-dport 443"),
        ("dscp ef", "dscp 46"),
        (
            "time 22:00-06:00 on sun",
            "((timewindow(start=79200, end=86400, days={6})) or (timewindow(start=0, end=21600, days={0})))",
        ),
        ("until 2026-12-31", "timewindow(until='2026-12-31T23:59:59')"),
        ("pkttype broadcast", "pkttype 1"),
    ],
)
def test_conditions(condition: str, text: str) -> None:
    assert lines(f"deny tcp from wan to self if {condition}", "input") == [f"iif eth0 and protocol 6 and {text}; drop"]


def test_user_holds_for_what_this_machine_sends() -> None:
    found = chains("deny tcp from any to any if user postfix")
    assert found == {"output": ["protocol 6 and owner(kind='user', names=('postfix')); drop"]}


def test_stateless_adds_the_reverse_rule() -> None:
    found = chains("allow udp 53 from wan to self stateless")
    assert found == {
        "input": ["iif eth0 and protocol 17 and dport 53; accept"],
        "output": ["oif eth0 and protocol 17 and sport 53; accept"],
    }


def test_the_reverse_of_any_does_not_open_this_machine() -> None:
    found = chains("allow any from any to lan stateless")
    assert set(found) == {"forward", "output"}
    reply = [r for r in rules(good(ZONES + "allow any from any to lan stateless"), "forward") if r.role is Role.REPLY]
    assert len(reply) == 1


def test_log_prefix_and_rate() -> None:
    text = 'settings { log prefix "fwc "; log rate 10/minute burst 20; log level info }\n'
    (found,) = lines(text + "deny tcp 1 from wan to self log", "input")
    assert "log(prefix='fwc input-8: ', level='info', rate=withinrate(amount=10, seconds=60, burst=20" in found
    (found,) = lines(text + 'deny tcp 1 from wan to self log "x" rate 1/second', "input")
    assert "log(prefix='fwc x: ', level='info', rate=withinrate(amount=1, seconds=1, burst=5" in found


def test_defaults() -> None:
    done = good(ZONES + "default input reject\ndefault forward allow\ndefault output deny log")
    table = done.ruleset.tables[0]
    policies = {c.name: type(c.base.policy).__name__ for c in table.chains if c.base is not None}
    assert policies == {"input": "Drop", "forward": "Accept", "output": "Drop"}
    assert [type(r.verdict).__name__ for r in rules(done, "input")[-2:]] == ["Drop", "Reject"]
    assert [r.role for r in rules(done, "forward")] == [Role.ESTABLISHED, Role.INVALID_DROP]
    assert rules(done, "output")[-1].role is Role.DEFAULT


def test_implicit_rules_in_order_and_their_switches() -> None:
    order = [r.role for r in rules(good("zone wan { iface eth0 }"), "input")]
    assert order == [
        Role.LOOPBACK,
        Role.ESTABLISHED,
        Role.INVALID_DROP,
        Role.ICMPV6_ND,
        Role.ICMPV6_ND,
        Role.DHCP_CLIENT,
        Role.DHCP_CLIENT,
    ]
    off = "settings { implicit loopback off; implicit invalid-drop off; implicit icmpv6-nd off; implicit dhcp-client off }"
    assert [r.role for r in rules(good(off), "input")] == [Role.ESTABLISHED]
    stateless = good(
        "settings { stateful off; implicit loopback off; implicit icmpv6-nd off; implicit dhcp-client off }"
    )
    assert [r.origin.via for r in rules(stateless, "input")] == [("icmp-errors",), ("icmp-errors",)]


def test_source_checks_are_the_first_of_the_raw_chain() -> None:
    text = "settings { implicit rpfilter strict; implicit antispoof on }\nearly { deny any from wan to any }"
    roles = [r.role for r in rules(good(ZONES + text), "prerouting-raw")]
    assert roles == [Role.RPFILTER, Role.ANTISPOOF, Role.ANTISPOOF, Role.ANTISPOOF, Role.USER]


def test_early_rules_stand_before_connection_tracking() -> None:
    found = chains("early {\n deny any from wan to any\n deny udp from self to iface eth2\n}")
    assert found == {
        "prerouting-raw": ["iif eth0; drop"],
        "output-raw": ["oif eth2 and protocol 17; drop"],
    }


@pytest.mark.parametrize(
    ("rule", "code", "marked"),
    [
        ("deny tcp 22 from wan to self stateless", "FW085", "stateless"),
        ("reject tcp 22 from wan to self with nonsense", "FW088", "nonsense"),
        ("reject any from wan to self with tcp-reset", "FW088", "with tcp-reset"),
        ("allow tcp 22 from wan to self with tcp-reset", "FW088", "with tcp-reset"),
        ("deny tcp from wan to self if flags syn of ack", "FW087", "flags syn of ack"),
        ("deny tcp from wan to self if state nonsense", "FW087", "nonsense"),
        ("deny tcp from wan to self if state established", "FW094", "state established"),
        ("deny tcp from wan to self if user root", "FW082", "deny tcp from wan to self if user root"),
        ("allow tcp 1 from self to wan if user root stateless", "FW090", "user root"),
        ("default input deny\ndefault input allow", "FW845", "default input allow"),
        ("early { reject any from wan to any }", "FW091", "reject any from wan to any"),
        ('native nft at nowhere """x"""', "FW091", "nowhere"),
    ],
)
def test_mistakes(rule: str, code: str, marked: str) -> None:
    assert errors(rule) == [(code, marked)]
