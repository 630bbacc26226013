"""What the language has so that existing rulesets can be said exactly: verbatim prefixes, own addresses, one-way changes."""

from __future__ import annotations

from tests.unit.elaborate.policy_support import chains, errors, lines


def test_verbatim_log_prefixes_are_what_is_written() -> None:
    head = "settings { log verbatim on }\n"
    assert lines(head + 'deny any from wan to self log "[UFW BLOCK] "', "input") == [
        "iif eth0; log(prefix='[UFW BLOCK] '); drop"
    ]
    assert lines(head + "deny any from wan to self as door log", "input") == ["iif eth0; log; drop as door"]


def test_established_packets_are_said_where_the_implicit_rule_is_off() -> None:
    rule = "allow any from any to self if state established"
    assert errors(rule)
    text = "settings { implicit established off; implicit invalid-drop off; implicit loopback off }\n"
    assert "ct-state 1; accept" in lines(text + rule, "input")


def test_no_flag_is_set() -> None:
    found = lines("deny tcp from wan to self if flags none of fin, syn", "input")
    assert found == ["iif eth0 and protocol 6 and tcp-flags & 0x3 0; drop"]
    assert errors("deny tcp from wan to self if flags none")


def test_own_addresses_in_blocks() -> None:
    assert lines("from self { allow tcp 25 from 203.0.113.5 to any }", "output") == [
        "saddr 203.0.113.5 and protocol 6 and dport 25; accept"
    ]
    assert lines("to self { allow tcp 25 from any to 203.0.113.5 }", "input") == [
        "daddr 203.0.113.5 and protocol 6 and dport 25; accept"
    ]


def test_changes_in_a_hook_block_are_one_way() -> None:
    text = "hook forward priority mangle as m { clamp mss to pmtu for tcp from any to wan }\n"
    assert chains(text)["m"] == ["oif eth0 and protocol 6 and tcp-flags & 0x6 2; clampmss; continue"]
    text = "hook prerouting priority raw as r { notrack udp 53 from wan to any }\n"
    assert chains(text)["r"] == ["iif eth0 and protocol 17 and dport 53; notrack; continue"]
    assert errors("chain c { clamp mss to pmtu for tcp from any to wan }\njump c from lan to wan")


def test_a_translation_of_own_traffic_keeps_its_exception() -> None:
    text = "forward tcp 80 from self to self except 127.0.0.0/8 -> 10.0.0.7 without accept"
    (rule,) = chains(text)["output-nat"]
    assert "127.0.0.0/8" in rule


def test_helper_in_a_hook_block_stands_at_that_hook() -> None:
    text = "hook prerouting priority raw as r { helper ftp for tcp 21 from wan to any }\n"
    assert chains(text)["r"] == [
        "iif eth0 and protocol 6 and dport 21; assignhelper(name='ftp', protocol='tcp'); continue"
    ]
