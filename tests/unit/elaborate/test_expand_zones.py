"""Zones: interfaces per OS, subsets, overlaps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.elaborate.expansion_support import at, error_of, errors_of, expand_text, messages, program_of, texts
from tests.unit.watchdog import ends

from fwc.elaborate.operands import resolve_ends
from fwc.lang import ast
from fwc.net.interfaces import IfaceSet


def test_interfaces_per_os() -> None:
    text = "zone lan { iface linux: br-lan; iface macos: bridge100; iface tun0; mtu 1500; net 10.0.0.0/8 }\n"
    assert program_of(text).zones["lan"].ifaces == IfaceSet.of(["br-lan", "tun0"])
    zone = program_of(text, target="pf").zones["lan"]
    assert zone.ifaces == IfaceSet.of(["bridge100", "tun0"])
    assert zone.mtu == 1500 and zone.has_nets and texts(zone.nets) == ["10.0.0.0/8"]


def test_a_zone_of_another_os_is_an_error_only_where_used() -> None:
    text = "zone apple { iface macos: en0 }\nwhen os macos { allow ssh from apple to self }\n"
    assert program_of(text).absent == {"apple"}
    program = program_of(text + "allow ssh from apple to self\nallow ssh from any in apple to self\n")
    for placed in program.statements:
        assert isinstance(placed.statement, ast.Rule) and placed.statement.clauses.source is not None
        out: list = []
        assert resolve_ends(program, placed.statement.clauses.source, out) is None
        assert [p.code for p in out] == ["FW081"]


def test_static_addresses_are_our_own() -> None:
    program = program_of("zone wan { iface eth0; address 203.0.113.5, 2001:db8::5 }\n")
    assert texts(program.own_addresses) == ["203.0.113.5", "2001:db8::5"]


def test_within_inherits_and_checks() -> None:
    program = program_of(
        "zone lan { iface eth1; net 10.0.0.0/24; mtu 1400 }\nzone voip within lan { net 10.0.0.64/26 }\n"
    )
    voip = program.zones["voip"]
    assert voip.ifaces == IfaceSet.of(["eth1"]) and voip.parent == "lan" and voip.mtu == 1400
    part = program_of("zone lan { iface eth1, eth2; net 10.0.0.0/24 }\nzone one within lan { iface eth1 }\n").zones[
        "one"
    ]
    assert texts(part.nets) == ["10.0.0.0/24"] and part.has_nets


@pytest.mark.parametrize(
    ("child", "word"),
    [
        ("zone c within lan { net 10.0.1.0/24 }", "10.0.1.0/24 does not"),
        ("zone c within lan { net 10.0.0.0/25, 2001:db8::/64 }", "2001:db8::/64 does not"),
        ("zone c within lan { iface eth9; net 10.0.0.0/25 }", "no interface eth9"),
        ("zone c within lan { iface eth*; net 10.0.0.0/25 }", "no interface eth*"),
        ('zone c within lan { comment "x" }', "the same as"),
        ("zone c within lna { net 10.0.0.0/25 }", "no zone named `lna`"),
        ("zone c within h { net 10.0.0.0/25 }", "not a zone"),
        ("zone c { net 10.0.0.0/25 }", "no interface"),
        ("zone c { iface eth5; mtu 1500; mtu 1400 }", "twice"),
        ("zone c { iface eth5; overlaps nowhere }", "no zone named"),
        ("zone c { iface eth5; overlaps c }", "itself"),
    ],
)
def test_wrong_zones(child: str, word: str) -> None:
    assert word in error_of(f"zone lan {{ iface eth1; net 10.0.0.0/24 }}\nhost h = 10.0.0.1\n{child}\n").message


def test_zones_within_each_other() -> None:
    assert {p.code for p in errors_of("zone a within b { net 10.0.0.0/8 }\nzone b within a { net 10.0.0.0/8 }\n")} == {
        "FW843"
    }


@pytest.mark.parametrize(
    ("second", "shared"),
    [
        ("zone b { iface eth1; net 10.0.0.128/25 }", "10.0.0.128/25 on eth1"),
        ("zone b { iface eth* }", "share eth1"),
        ("zone b { iface e*; net 10.0.0.0/16 }", "10.0.0.0/24 on eth1"),
    ],
)
def test_undeclared_overlaps(second: str, shared: str) -> None:
    first = "zone a { iface eth1; net 10.0.0.0/24 }\n"
    found = error_of(first + second + "\n")
    assert found.code == "FW068" and shared in found.message and at(found) == "b"
    program = program_of(first + second.replace(" }", "; overlaps a }") + "\n")
    assert program.zone_overlaps == {frozenset("ab")}


def test_overlaps_by_wildcards_of_both() -> None:
    assert error_of("zone a { iface wg* }\nzone b { iface wg1* }\n").code == "FW068"


def test_distinct_networks_tell_zones_of_one_interface_apart() -> None:
    program_of(
        "zone a { iface eth1; net 10.0.0.0/24 }\nzone b { iface eth1; net 10.0.1.0/24 }\nzone c { iface eth1; net fd00::/8 }\n"
    )


def test_an_overlap_follows_into_a_zone_within() -> None:
    program = program_of(
        "zone a { iface eth1; net 10.0.0.0/16 }\nzone sub within a { net 10.0.1.0/24 }\n"
        "zone b { iface eth1; net 10.0.0.0/20; overlaps a }\n"
    )
    assert program.zone_overlaps == {frozenset({"a", "b"}), frozenset({"sub", "b"})}


@pytest.mark.parametrize(
    "name", ["eth0 accept", 'a\\"b', "a\\nb", "averyveryverylong", "*", "", "a/b", "eth0;", "ä", "-i", ".."]
)
def test_interface_names_that_could_be_read_as_syntax(name: str) -> None:
    text = f'zone z {{ iface "{name}" }}\n'
    from fwc.lang.parse import parse
    from fwc.source import SourceFile

    if parse(SourceFile("x", text))[1]:
        return  # refused even earlier
    assert {p.code for p in errors_of(text)} == {"FW069"}, messages(errors_of(text))


_NETS = st.lists(st.tuples(st.integers(0, 15), st.integers(29, 32)), max_size=3)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["e0", "e1", "e*"]), _NETS), min_size=2, max_size=4))
def test_overlaps_are_those_of_sets(zones: list[tuple[str, list[tuple[int, int]]]]) -> None:
    """Reported pairs are exactly those that share an (interface, address) pair."""
    lines, members = [], []
    for number, (iface, nets) in enumerate(zones):
        runs = [(value >> 32 - size << 32 - size, size) for value, size in nets]
        net = "; net " + ", ".join(f"10.0.0.{low}/{size}" for low, size in runs) if runs else ""
        lines.append(f"zone z{number} {{ iface {iface}{net} }}\n")
        addresses = {low + n for low, size in runs for n in range(1 << 32 - size)} if runs else set(range(256))
        ifaces = ["e0", "e1"] if iface == "e*" else [iface]
        members.append({(i, a) for i in ifaces for a in addresses})
    _, problems = expand_text("".join(lines))
    found = {(p.secondary[0].span.text, at(p)) for p in problems if p.code == "FW068"}
    expected = {
        (f"z{a}", f"z{b}") for a in range(len(zones)) for b in range(a + 1, len(zones)) if members[a] & members[b]
    }
    assert found == expected


def test_thousands_of_zones_on_one_interface() -> None:
    lines = "".join(f"zone z{n} {{ iface eth0; net 10.{n >> 8}.{n & 255}.0/24 }}\n" for n in range(4000))
    with ends():
        program_of(lines)
    assert len(errors_of(lines + "zone all { iface eth* }\n")) == 50
