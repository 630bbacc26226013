"""Translations: what is translated where, which accept they imply, and which they do not."""

from __future__ import annotations

import pytest
from tests.unit.elaborate.policy_support import ZONES, chains, errors, good, rules

from fwc.ir.model import Role
from fwc.ir.verdict import Dnat, Masquerade, PortChoice, Snat
from fwc.net.hooks import Family


def test_masquerade_is_v4_unless_v6_is_written() -> None:
    assert chains("masquerade from lan to wan") == {
        "postrouting-nat": ["oif eth0 and saddr 192.168.0.0/24; masquerade"]
    }
    assert chains("masquerade v6 from lan to wan") == {
        "postrouting-nat": ["oif eth0 and saddr 2001:db8:1::/64; masquerade"]
    }


def test_a_forward_is_translation_and_narrow_accept() -> None:
    found = chains("forward tcp 443 from wan to 203.0.113.5 -> nas:8443 as www")
    assert list(found) == ["prerouting-nat", "forward"]
    assert found["prerouting-nat"][0].startswith("iif eth0 and daddr 203.0.113.5 and protocol 6 and dport 443; dnat(")
    assert found["forward"] == [
        "iif eth0 and daddr 192.168.0.5 and protocol 6 and dport 8443 and ct-status & 0x20 32 and ct-original-dport 443; "
        "accept as www"
    ]


def test_without_accept() -> None:
    assert list(chains("forward tcp 443 from wan to 203.0.113.5 -> nas without accept")) == ["prerouting-nat"]


def test_a_port_range_keeps_each_ports_offset() -> None:
    done = good(ZONES + "forward tcp 8000-8010 from wan to 203.0.113.5 -> web:9000-9010")
    (rule,) = rules(done, "prerouting-nat")
    assert isinstance(rule.verdict, Dnat)
    assert rule.verdict.choice is PortChoice.OFFSET
    assert rule.verdict.targets[0].ports == (9000, 9010)


def test_several_targets() -> None:
    done = good(ZONES + "forward tcp 80 from wan to self -> 10.1.0.1, 10.1.0.3 random")
    (rule,) = rules(done, "prerouting-nat")
    assert isinstance(rule.verdict, Dnat)
    assert [t.low & 255 for t in rule.verdict.targets] == [1, 3]


def test_hairpin_translates_the_source_of_the_targets_own_zone_only() -> None:
    done = good(ZONES + "forward tcp 443 from wan, lan, dmz to 203.0.113.5 -> nas hairpin")
    (rule,) = rules(done, "postrouting-nat")
    assert rule.role is Role.HAIRPIN
    assert isinstance(rule.verdict, Masquerade)
    assert chains("forward tcp 443 from wan, lan, dmz to 203.0.113.5 -> nas hairpin")["postrouting-nat"] == [
        "oif eth1 and saddr 192.168.0.0/24 and daddr 192.168.0.5 and protocol 6 and dport 443 and ct-status & 0x20 32 "
        "and ct-original-dport 443; masquerade"
    ]


def test_local_traffic_is_translated_only_when_self_is_named() -> None:
    assert "output-nat" not in chains("forward tcp 443 from any to 203.0.113.5 -> nas")
    found = chains("forward tcp 443 from wan, self to 203.0.113.5 -> nas")
    assert set(found) == {"prerouting-nat", "output-nat", "forward", "output"}


def test_redirect_and_its_accept() -> None:
    found = chains("redirect tcp 80 from lan to any -> self:3128")
    assert found["prerouting-nat"] == [
        "iif eth1 and saddr {192.168.0.0/24, 2001:db8:1::/64} and protocol 6 and dport 80; redirect(ports=(3128, 3128))"
    ]
    assert found["input"][0].endswith("dport 3128 and ct-status & 0x20 32 and ct-original-dport 80; accept")


def test_map_works_both_ways_and_implies_no_accept() -> None:
    found = chains("map 203.0.113.16/28 <-> 10.1.0.16/28 on wan")
    assert set(found) == {"prerouting-nat", "postrouting-nat"}
    assert found["prerouting-nat"][0].startswith("iif eth0 and daddr 203.0.113.16/28; netmap(field=daddr")
    assert found["postrouting-nat"][0].startswith("oif eth0 and saddr 10.1.0.16/28; netmap(field=saddr")


def test_an_exemption_stands_before_later_translations_only() -> None:
    found = chains("no-nat from lan to 10.200.0.0/16\nmasquerade from lan to wan")
    assert list(found) == ["postrouting-nat"]
    assert [line.rsplit("; ", 1)[1] for line in found["postrouting-nat"]] == ["accept", "masquerade"]
    assert chains("masquerade from lan to wan\nno-nat from lan to 10.200.0.0/16") == chains(
        "masquerade from lan to wan"
    )


def test_source_ports_of_any_traffic_are_those_of_tcp_and_udp() -> None:
    done = good(ZONES + "snat from lan to wan -> 198.51.100.8-198.51.100.9 ports 20000-29999")
    first, second = rules(done, "postrouting-nat")
    assert isinstance(first.verdict, Snat)
    assert isinstance(second.verdict, Snat)
    assert first.verdict.target.ports == (20000, 29999)
    assert second.verdict.target.ports is None
    assert second.verdict.target.family is Family.V4


@pytest.mark.parametrize(
    ("rule", "code", "marked"),
    [
        ("forward tcp 80 from wan to self -> self:8080", "FW089", "self:8080"),
        ("redirect tcp 80 from lan to any -> nas:8080", "FW089", "nas:8080"),
        ("forward tcp 80-90 from wan to self -> web:9000-9020", "FW089", "web:9000-9020"),
        ("forward tcp from wan to self -> web:90", "FW089", "web:90"),
        ("forward tcp 80 from wan to 203.0.113.5 -> nas hairpin", "FW089", "hairpin"),
        ("snat from lan to wan -> 198.51.100.8, 198.51.100.10", "FW089", "198.51.100.10"),
        ("map 203.0.113.16/28 <-> 10.1.0.0/24 on wan", "FW089", "map 203.0.113.16/28 <-> 10.1.0.0/24 on wan"),
        ("masquerade v6 from dmz to wan", "FW082", "masquerade v6 from dmz to wan"),
        ("forward v6 tcp 80 from wan to self -> web", "FW082", "forward v6 tcp 80 from wan to self -> web"),
    ],
)
def test_mistakes(rule: str, code: str, marked: str) -> None:
    assert errors(rule) == [(code, marked)]
