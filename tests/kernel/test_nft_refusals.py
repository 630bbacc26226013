"""Rules that need to know the packet's protocols: the importer refuses what nft refuses, and nothing else."""

from __future__ import annotations

from contextlib import closing

import pytest

from fwc.api import import_ruleset
from fwc.diagnostics import has_errors
from fwc.project.kernel.namespaces import Namespace
from fwc.source import SourceFile

pytestmark = pytest.mark.kernel

TABLE = """table {family} t {{
 set four {{
  type ipv4_addr
 }}
 set pairs {{
  type ipv4_addr . inet_service
 }}
 chain c {{
  type {hook}
  {rule}
 }}
}}
"""
INPUT = "filter hook input priority 0"
BEFORE = "filter hook prerouting priority -150"
ARRIVING = "nat hook prerouting priority -100"
LEAVING = "nat hook postrouting priority 100"
OUTPUT = "filter hook output priority 0"

RULES = [
    ("inet", LEAVING, rule) for rule in (
        "snat to 192.0.2.1", "meta nfproto ipv4 snat to 192.0.2.1", "ip saddr 192.0.2.7 snat to 192.0.2.1",
        "snat ip to 192.0.2.1", "masquerade",
    )
] + [
    ("inet", ARRIVING, rule) for rule in (
        "tcp dport 5 dnat to 192.0.2.1:5", "tcp dport 5 dnat to :5", "meta nfproto { ipv4 } dnat to 192.0.2.1",
        "meta nfproto != ipv6 dnat to 192.0.2.1", "ip saddr != 192.0.2.7 dnat to 192.0.2.1", "ip saddr @four dnat to 192.0.2.1",
        "meta mark set ip saddr map { 192.0.2.7 : 5 } dnat to 192.0.2.1", "icmp type echo-request dnat to 192.0.2.1",
        "dnat to ip saddr map { 192.0.2.7 : 192.0.2.1 }", "limit rate 5/second dnat to 192.0.2.1", "counter dnat to 192.0.2.1",
        "meta l4proto icmp dnat to 192.0.2.1", "fib daddr type local dnat to 192.0.2.1", 'iifname "eth0" dnat to 192.0.2.1',
        "ip saddr vmap { 192.0.2.7 : accept } dnat to 192.0.2.1", "ether type ip dnat to 192.0.2.1",
        "ip6 daddr 2001:db8::1 dnat to 2001:db8::2", "redirect", "udp dport 53 redirect to 53",
    )
] + [
    ("inet", INPUT, rule) for rule in (
        "ct original saddr 192.0.2.1", "meta nfproto ipv4 ct original saddr 192.0.2.1", "ct original ip saddr 192.0.2.1",
        "ip protocol tcp ct original daddr 192.0.2.1", "meta nfproto ipv6 reject with icmp host-unreachable",
        "ip saddr 192.0.2.1 reject with icmpv6 no-route", "ip6 nexthdr tcp reject with icmp host-unreachable",
        "ip saddr 192.0.2.1 reject with icmp host-unreachable", "ip6 saddr ::1 reject with icmpx no-route",
        "ip6 saddr ::1 reject", "reject with icmp host-unreachable", "ip saddr @four drop", "ip6 saddr @four drop",
        "ip saddr . tcp dport @pairs drop", "ip6 saddr . tcp dport @pairs drop",
    )
] + [
    ("inet", BEFORE, rule) for rule in (
        "tproxy to :80", "tcp dport 5 tproxy to :80", "tcp dport 5 tproxy to :80 meta mark set 5 accept",
        "tcp dport 5 tproxy to 192.0.2.1:80",
        "tcp dport 5 tproxy ip to 192.0.2.1:80", "ip6 nexthdr tcp tproxy ip to 192.0.2.1:80",
        "ip protocol tcp tproxy to 192.0.2.1:80", "meta l4proto { tcp, udp } tproxy to :80", "meta mark 5 tproxy to :80",
        "meta nfproto ipv4 meta l4proto tcp tproxy to 192.0.2.1:80",
    )
] + [
    ("ip", INPUT, "ct original saddr 192.0.2.1"), ("ip", INPUT, "meta nfproto ipv4 accept"),
    ("ip", OUTPUT, "rt nexthop 192.0.2.1"),    ("inet", OUTPUT, "rt nexthop 192.0.2.1"),
    ("inet", INPUT, "meta nfproto vmap { ipv4 : accept }"),
    ("bridge", INPUT, "meta protocol ip6 reject with icmp host-unreachable"), ("bridge", INPUT, "meta nfproto ipv4 accept"),
    ("ip", BEFORE, "tcp dport 5 tproxy to 192.0.2.1:80"), ("ip", LEAVING, "snat to 192.0.2.1"),
]  # fmt: skip


def test_refused_alike() -> None:
    refused = 0
    with closing(Namespace()) as machine:
        for family, hook, rule in RULES:
            text = TABLE.format(family=family, hook=hook, rule=rule)
            loaded = machine.run(["nft", "-c", "-f", "-"], text)
            refused += loaded.returncode != 0
            found = import_ruleset(SourceFile("x.nft", text), "nft")[2]
            assert has_errors(found) is (loaded.returncode != 0), (family, rule, loaded.stderr)
    assert 20 < refused < len(RULES) - 20
