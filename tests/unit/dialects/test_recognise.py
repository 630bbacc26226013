"""A text is recognised as if every sign were looked for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwc.dialects.recognise import _MOST_HITS, _SIGNS, KINDS, recognise

LINES = (
    "syntax 1", "zone wan { iface eth0 }", "allow tcp 22 from lan to self", "default input deny", "group a = 10.0.0.1", "*filter",
    ":INPUT DROP [0:0]", "-A INPUT -j ACCEPT", "iptables -A INPUT -j DROP", "COMMIT", "create a hash:ip", "table inet filter {",
    "flush ruleset", "#!/usr/sbin/nft -f", "add rule inet filter input accept", "type filter hook input priority 0;",
    "define a = 1", "pass in all", "block", "set skip on lo0", "nat on en0 from any to any -> (en0)", 'anchor "com.apple/*"',
    "table <bad> persist", 'a = "en0"', "# nothing", "match out all", "host a = 10.0.0.1", "",
)  # fmt: skip


def by_every_sign(text: str) -> str | None:
    scores = dict.fromkeys(KINDS, 0)
    for kind, weight, _, pattern in _SIGNS:
        hits = len(re.findall(pattern, text, re.M)[:_MOST_HITS])
        scores[kind] += weight * (2 + hits) if hits else 0
    return max(KINDS, key=lambda kind: scores[kind]) if any(scores.values()) else None


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=8).map("\n".join))
def test_signs_that_are_not_looked_for_change_nothing(text: str) -> None:
    assert recognise(text) == by_every_sign(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("zone a {\n", "fwc"),
        ("*filter\nCOMMIT\n", "iptables-save"),
        ("table ip a {\n", "nft"),
        ('{"nftables": []}', "nft-json"),
        ("{}", None),
        ("pass in\n", "pf"),
        ("nothing", None),
    ],
)
def test_kinds(text: str, kind: str | None) -> None:
    assert recognise(text) == kind
