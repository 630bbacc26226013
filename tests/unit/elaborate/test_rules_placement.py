"""Which hook a rule stands in, and with which conditions (language 5.1, 5.2, D1 to D8)."""

from __future__ import annotations

import pytest
from tests.unit.elaborate.policy_support import chains, errors, lines

COVER = "{0.0.0.0, 192.168.0.0/24, ::, 2001:db8:1::/64, fe80::/10}"


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ("allow tcp 22 from wan to self", {"input"}),
        ("allow tcp 22 from self to wan", {"output"}),
        ("allow tcp 22 from wan to lan", {"forward"}),
        ("allow tcp 22 from 198.51.100.1 to self", {"input"}),
        ("allow tcp 22 from wan to 8.8.8.8", {"input", "forward"}),
        ("allow tcp 22 from self to 8.8.8.8", {"output"}),
        ("allow tcp 22 from wan to nas", {"forward"}),
        ("allow tcp 22 from wan to 203.0.113.5", {"input"}),
        ("deny tcp 22 from any to any", {"input", "forward", "output"}),
        ("deny tcp 22 from any to lan", {"forward", "output"}),
        ("allow tcp 22 from wan to any except self", {"forward"}),
        ("allow tcp 22 from wan to any, self", {"input", "forward"}),
        ("allow tcp 22 from wan to iface eth3", {"forward"}),
    ],
)
def test_hooks(rule: str, where: set[str]) -> None:
    assert set(chains(rule)) == where


def test_a_zone_is_interface_and_network_and_covers_link_addresses_toward_self() -> None:
    assert lines("allow tcp 22 from lan to self", "input") == [
        f"iif eth1 and saddr {COVER} and protocol 6 and dport 22; accept"
    ]
    assert lines("allow tcp 22 from lan to wan", "forward") == [
        "iif eth1 and oif eth0 and saddr {192.168.0.0/24, 2001:db8:1::/64} and protocol 6 and dport 22; accept"
    ]


def test_a_zone_with_one_family_never_matches_the_other() -> None:
    assert lines("allow tcp 22 from dmz to lan", "forward") == [
        "iif eth2 and oif eth1 and saddr 10.1.0.0/24 and daddr 192.168.0.0/24 and protocol 6 and dport 22; accept"
    ]


def test_families_by_keyword() -> None:
    assert lines("allow v6 tcp 22 from wan to self", "input") == [
        "iif eth0 and family 6 and protocol 6 and dport 22; accept"
    ]
    assert lines("allow v6 tcp 22 from wan to nas", "forward") == [
        "iif eth0 and daddr 2001:db8:1::5 and protocol 6 and dport 22; accept"
    ]


def test_zones_that_differ_only_in_the_interface_become_one() -> None:
    text = "zone a { iface eth5 }\nzone b { iface eth6 }\nallow tcp 22 from a, b to self"
    assert lines(text, "input") == ["iif {eth5, eth6} and protocol 6 and dport 22; accept"]


def test_except_subtracts_addresses_and_negates_zones_and_sets() -> None:
    assert lines("allow tcp 1 from lan except nas to wan", "forward") == [
        "iif eth1 and oif eth0 and saddr {192.168.0.0-192.168.0.4, 192.168.0.6-192.168.0.255, 2001:db8:1::-2001:db8:1::4, "
        "2001:db8:1::6-2001:db8:1:0:ffff:ffff:ffff:ffff} and protocol 6 and dport 1; accept"
    ]
    assert lines("allow tcp 1 from any except nas to self", "input") == [
        "not (saddr {192.168.0.5, 2001:db8:1::5}) and protocol 6 and dport 1; accept"
    ]
    assert lines("allow tcp 1 from any except lan to self", "input") == [
        f"not (iif eth1 and saddr {COVER}) and protocol 6 and dport 1; accept"
    ]
    text = "set bad of addresses dynamic timeout 1h\nallow tcp 1 from wan except @bad to self"
    assert lines(text, "input") == ["iif eth0 and not ((saddr) in set bad) and protocol 6 and dport 1; accept"]


def test_a_prefix_block_is_an_intersection() -> None:
    block = "from dmz to lan {\n allow tcp 5432 from web to nas\n deny any\n}"
    assert lines(block, "forward") == [
        "iif eth2 and oif eth1 and saddr 10.1.0.10 and daddr 192.168.0.5 and protocol 6 and dport 5432; accept",
        "iif eth2 and oif eth1 and saddr 10.1.0.0/24 and daddr 192.168.0.0/24; drop",
    ]


def test_self_to_self_stands_before_the_loopback_accept() -> None:
    found = lines("deny tcp 5432 from self to self", "input", implicit=True)
    assert found[:2] == ["iif lo and protocol 6 and dport 5432; drop", "iif lo; accept"]
    found = lines("deny tcp 5432 from self to self", "output", implicit=True)
    assert found[:2] == ["oif lo and protocol 6 and dport 5432; drop", "oif lo; accept"]


@pytest.mark.parametrize(
    ("rule", "code", "marked"),
    [
        ("allow tcp 22 from wan to any", "FW083", "any"),
        ("allow tcp 22 from any to any except lan", "FW083", "any except lan"),
        ("allow tcp 22 from web in lan to self", "FW082", "allow tcp 22 from web in lan to self"),
        ("allow tcp 22 from self in wan to lan", "FW082", "allow tcp 22 from self in wan to lan"),
        ("allow v6 tcp 22 from web to self", "FW082", "allow v6 tcp 22 from web to self"),
        ("allow icmpv6 from dmz to wan", "FW082", "allow icmpv6 from dmz to wan"),
        ("deny tcp 22 from lan to lan except lan", "FW082", "deny tcp 22 from lan to lan except lan"),
        ("deny tcp 22 to self", "FW084", "deny tcp 22 to self"),
        ("deny tcp 22 from lan", "FW084", "deny tcp 22 from lan"),
        ("deny tcp 22 from lan to mac 52:54:00:12:34:56", "FW087", "mac 52:54:00:12:34:56"),
    ],
)
def test_mistakes(rule: str, code: str, marked: str) -> None:
    assert errors(rule) == [(code, marked)]


def test_an_empty_file_set_never_opens_anything() -> None:
    text = 'set s of networks = file "s.txt"\n'
    assert errors(text + "deny any from @s to self", s_txt="") != []
    assert lines(text + "deny any from @s to self", "input", s_txt="10.0.0.0/8\n") == ["saddr 10.0.0.0/8; drop"]
