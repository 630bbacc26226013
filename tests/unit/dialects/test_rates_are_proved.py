"""Rates, chances and logs with rates in rules that become several: each target asks as often as the policy says."""

from __future__ import annotations

import pytest

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import has_errors
from fwc.project.loader import DiskFiles, standard_policies
from fwc.source import SourceFile

POLICIES = {
    "a bucket named after a reserved word": "allow icmpv6 echo-request from wan to self limit 6/minute per source",
    "buckets whose names end in digits": """
        allow tcp 22 from wan to self limit 6/minute per source as ssh6
        allow tcp 23 from wan to self limit 6/minute per source as ssh64""",
    "one rate for several protocols": "allow tcp 22, ping from wan to self if within 6/minute",
    "one chance for several protocols": """
        allow tcp 22, ping from wan to self if chance 10%
        allow ping from wan to self if chance 10%""",
    "the same rate for the rule and its log": 'allow tcp 22 from wan to self if within 3/minute log "x" rate 3/minute',
    "a rate and a log with another rate": 'allow tcp 22, ping from wan to self if within 3/minute log "x" rate 4/minute',
    "a rate per source and a log with a rate": """
        allow tcp 22 from wan to self if within 6/minute per source log "x" rate 4/minute""",
    "a chance and a log with a rate": 'deny tcp 22, ping from wan to self if chance 10% log "x" rate 4/minute',
    "equal refusals with buckets of their own": """
        reject udp 6 from wan to self if within 3/minute
        reject udp 7 from wan to self if within 3/minute
        reject udp 7 from wan to self if within 3/minute""",
    "an answer that IPv6 does not have": "reject udp 5 from wan to self with proto-unreachable",
    "an answer that IPv4 does not have": "reject udp 5 from wan to self with reject-route",
}


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("target", ["nftables", "iptables"])
@pytest.mark.parametrize("name", POLICIES)
def test_is_proved(name: str, target: str, level: int) -> None:
    text = f"syntax 1\nzone wan {{ iface eth0 }}\n{POLICIES[name]}\ndefault input deny\n"
    options = CompileOptions((target,), today="2026-01-01", lint=False, optimize=level)
    outputs, found = compile_policy(SourceFile("policy.fw", text), DiskFiles("policy.fw", standard_policies()), options)
    assert not has_errors(found), found
    assert outputs  # a proof that fails raises InternalError
