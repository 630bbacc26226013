"""Damaged nft rulesets: cut off, with bytes changed, doubled or nested; they give diagnostics and no exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.watchdog import ends

from fwc.dialects.nft import dialect
from fwc.net.services import SERVICES
from fwc.source import SourceFile

RULESET = """#!/usr/sbin/nft -f
flush ruleset
define lan = { 10.0.0.0/8, 192.168.0.0/16 }
define self = $self
table inet filter {
    set banned { type ipv4_addr . inet_service; flags interval,timeout; auto-merge; elements = { 10.0.0.1 . 22-25 timeout 1h } }
    map ways { type iifname : verdict; elements = { "eth0" : jump own, "wg*" : drop } }
    counter hits { packets 1 bytes 2 }
    limit slow { rate over 5/minute burst 3 packets }
    chain own { meta hour "08:00"-"17:00" ct mark set (meta mark | 0x10) << 8 accept }
    chain in {
        type filter hook input priority filter - 5; policy drop;
        ct state vmap { established : accept, invalid : drop }
        ip saddr . tcp dport @banned counter name "hits" log prefix "x: " group 3 drop
        ip saddr $lan udp dport { 53, 1000-2000 } meter m size 9 { ip saddr limit rate 3/second } accept
        tcp flags & (syn | ack) == syn jump { limit name "slow" accept; reject with tcp reset; }
        iifname vmap @ways
    }
    chain nat { type nat hook prerouting priority -100; tcp dport 80 dnat ip to 10.0.0.1:8080-8090 random }
}
include "nftables.conf"
add rule inet filter own ip saddr $self accept comment "it is its own value"
"""
LISTED = json.dumps(
    {
        "nftables": [
            {"table": {"family": "ip", "name": "f"}},
            {"chain": {"family": "ip", "table": "f", "name": "c", "type": "filter", "hook": "input", "prio": 0}},
            {"set": {"family": "ip", "table": "f", "name": "s", "type": "ipv4_addr", "elem": [{"elem": {"val": "1.1.1.1"}}]}},
            {"rule": {"family": "ip", "table": "f", "chain": "c", "expr": [
                {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [22]}}},
                {"limit": {"rate": 3, "per": "second", "burst": 5}}, {"snat": {"addr": "1.2.3.4", "port": 9}},
                {"accept": None}]}},
        ]
    }
)  # fmt: skip
PIECES = [*'{}()\\\n\0;,.:-/"é', "$self", "@banned", "0x", "9" * 5000, "a" * 5000, "\ud800"]


def survives(text: str) -> None:
    tree, _ = dialect.parse(SourceFile("hostile.nft", text))
    dialect.lift(tree)
    dialect.print(tree)


@pytest.mark.parametrize("digits", ["9" * 5000, "0" + "7" * 5000, "0x" + "f" * 5000])
@pytest.mark.parametrize("left", ["ct mark", "tcp dport", "ip ttl", "meta day"])
def test_a_number_of_any_length_gives_diagnostics(left: str, digits: str) -> None:
    survives(f"table ip f {{\n chain c {{\n {left} {digits} accept\n }}\n}}\n")


damage = st.lists(
    st.tuples(
        st.sampled_from(("cut", "put", "drop", "double")), st.floats(0, 1), st.sampled_from(PIECES), st.integers(1, 40)
    ),
    min_size=1,
    max_size=6,
)


def test_every_cut_gives_diagnostics() -> None:
    for text in (RULESET, "table ip f { chain c { @ll,0,8 1 ct original ip saddr 1.1.1.1 srh sid[0] :: } }"):
        for at in range(len(text)):
            survives(text[:at])
            survives(text[:at] + text[at + 14 :])


@given(st.sampled_from((RULESET, LISTED)), damage)
@settings(max_examples=400, deadline=None)
def test_damage_gives_diagnostics(text: str, steps: list[tuple[str, float, str, int]]) -> None:
    for kind, where, piece, count in steps:
        at = int(where * len(text))
        if kind == "cut":
            text = text[:at]
        elif kind == "put":
            text = text[:at] + piece + text[at:]
        elif kind == "drop":
            text = text[:at] + text[at + count :]
        else:
            text = text[: at + count] + text[at:]
    survives(text)


@given(
    st.sampled_from(("{ ", "( ", "jump { ", "ip saddr . ", "! ", "1 | ", "1 << ", "map { 1 : ", "ct mark & (")),
    st.integers(1, 20_000),
)
@settings(max_examples=60, deadline=None)
def test_depth_is_refused(opening: str, times: int) -> None:
    survives("table ip f { chain c { ip saddr " + opening * times + " } }")
    survives("define x = " + opening * times)


@given(st.integers(1, 200), st.sampled_from(sorted(SERVICES)))
@settings(max_examples=30, deadline=None)
def test_variables_of_variables_end(count: int, name: str) -> None:
    chained = "".join(f"define v{i} = {{ $v{i + 1}, $v{(i * 7) % count}, {name} }}\n" for i in range(count))
    doubled = "define w0 = 1\n" + "".join(f"define w{i + 1} = {{ $w{i}, $w{i} }}\n" for i in range(count))
    survives(doubled + f"table ip f {{ chain c {{ tcp dport $w{count} accept }} }}")
    survives(chained + "table ip f { chain c { tcp dport $v0 accept } }")


def test_a_long_chain_of_variables_ends() -> None:
    with ends():
        chain = "define v0 = 1\n" + "".join(f"define v{n + 1} = $v{n}\n" for n in range(20_000))
        survives(chain + "table ip f { chain c { tcp dport $v20000 accept; udp dport $v190 ip saddr $v190 accept; } }")


@pytest.mark.parametrize(
    "text",
    [
        "define a = $a\n",
        "define a = $b\ndefine b = $a\n",
        "define a = 1\ndefine b = $a\nredefine a = $b\n",
        "define a = 1\ndefine b = $a\ndefine c = $b\nundefine a\ndefine a = { 2, $c }\n",
    ],
)
def test_a_variable_that_is_defined_by_itself_is_said(text: str) -> None:
    tree, found = dialect.parse(SourceFile("circle.nft", text))
    _, more = dialect.lift(tree)
    assert [d.message.partition("`")[2].partition("`")[2] for d in [*found, *more]] == [" is defined by itself"]
