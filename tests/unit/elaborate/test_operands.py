"""Who and what: kinds, messages, merging, memory of what was resolved."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.elaborate.expansion_support import at, program_of, rule, texts
from tests.unit.watchdog import ends

from fwc.diagnostics import Diagnostic
from fwc.elaborate.operands import (
    ANY_FLOW,
    Ends,
    Flow,
    merge_flows,
    resolve_ends,
    resolve_host,
    resolve_traffic,
    runtime_set,
)
from fwc.elaborate.program import Program
from fwc.lang import ast
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet

NAMES = (
    "zone lan { iface eth1 }\nzone wan { iface eth0 }\nhost a = 10.0.0.1\nhost b = 10.0.0.2\nhost six = 2001:db8::1\n"
    "group g = 10.1.0.0/16\nset ban of addresses dynamic\nset fixed of networks = 10.2.0.0/16\n"
    "set ifs of ifaces = eth8, wg*\nset cards of macs = 52:54:00:12:34:56\nset doors of ports = 22\n"
    'set none of networks = file "none"\n'
    "template t() { }\nservice web = tcp 80, 443, udp 443\n"
)


def program_with(statement: str) -> tuple[Program, ast.Rule]:
    program = program_of(NAMES + statement + "\n", {"none": "# nothing\n"})
    return program, rule(program.statements[-1])


def source(who: str) -> tuple[Program, Ends | None, list[Diagnostic]]:
    program, node = program_with(f"allow any from {who} to self")
    out: list[Diagnostic] = []
    assert node.clauses.source is not None
    return program, resolve_ends(program, node.clauses.source, out), out


def good(who: str) -> Ends:
    _, ends, out = source(who)
    assert ends is not None and not out
    return ends


def flows(traffic: str) -> tuple[Flow, ...]:
    program, node = program_with(f"allow {traffic} from any to self")
    out: list[Diagnostic] = []
    found = resolve_traffic(program, node.traffic, out)
    assert found is not None and not out
    return found


def test_each_kind_of_item() -> None:
    ends = good("lan, a, @ban, @fixed, self, any, iface wg*, @ifs, mac 52:54:00:12:34:56, @cards")
    zone, host, ban, fixed, own, everything, iface, ifs, mac, cards = ends.items
    assert zone.zone == "lan" and ban.set == "ban" and own.self_ and everything.any
    assert host.addresses is not None and texts(host.addresses) == ["10.0.0.1"] and host.name == "a"
    assert fixed.addresses is not None and texts(fixed.addresses) == ["10.2.0.0/16"] and fixed.name == "@fixed"
    assert iface.ifaces == IfaceSet.of(["wg*"]) and ifs.ifaces == IfaceSet.of(["eth8", "wg*"])
    assert mac.mac == 0x525400123456 and cards.macs == "cards"


def test_neighbouring_addresses_are_one_item() -> None:
    ends = good("a, 10.0.0.2, six, lan, g, b except b, 10.9.0.0/16 in wan, lan")
    assert [texts(e.addresses) if e.addresses else e.zone for e in ends.items] == [
        ["10.0.0.1-10.0.0.2", "2001:db8::1"],
        "lan",
        ["10.0.0.2", "10.1.0.0/16"],
    ]
    assert [texts(e.addresses) for e in ends.excluded if e.addresses] == [["10.0.0.2", "10.9.0.0/16"]]
    assert ends.zones == ("wan", "lan")


@pytest.mark.parametrize(
    ("who", "code", "pointed", "word"),
    [
        ("https", "FW070", "https", "is a service"),
        ("web", "FW070", "web", "before `from`"),
        ("t", "FW070", "t", "use t("),
        ("ban", "FW070", "ban", "@ban"),
        ("@a", "FW070", "@a", "without @"),
        ("@bann", "FW841", "@bann", "@ban"),
        ("lann", "FW841", "lann", "`lan`"),
        ("a in g", "FW070", "g", "zone"),
        ("a in lann", "FW841", "lann", "`lan`"),
        ("@doors", "FW070", "@doors", "ports"),
        ("any except any", "FW070", "any", "nothing"),
        ("any except @none", "FW844", "@none", "empty"),
        ('dns "x.example"', "FW071", 'dns "x.example"', "fwc lock"),
    ],
)
def test_wrong_items(who: str, code: str, pointed: str, word: str) -> None:
    _, ends, out = source(who)
    assert ends is None
    assert [(p.code, at(p)) for p in out] == [(code, pointed)]
    assert word in out[0].message + out[0].help


def test_an_empty_file_set_is_seen() -> None:
    ends = good("a, @none, b")
    assert [e.name for e in ends.items] == ["a", "@none", "b"]
    assert ends.items[1].addresses is not None and not ends.items[1].addresses


def test_mistakes_are_reported_at_every_use() -> None:
    program = program_of("allow any from nobody to self\nallow any from nobody to self\n")
    lines = []
    for placed in program.statements:
        out: list[Diagnostic] = []
        source = rule(placed).clauses.source
        assert source is not None and resolve_ends(program, source, out) is None
        lines += [p.primary.span.line for p in out if p.primary]
    assert lines == [1, 2]


def test_alike_lists_are_one_object() -> None:
    program = program_of(
        NAMES + "allow any from a, g in lan to self\nallow any from a, g in lan to lan\n", {"none": ""}
    )
    found = []
    for placed in program.statements:
        node = rule(placed).clauses.source
        assert node is not None
        found.append(resolve_ends(program, node, []))
    assert found[0] is not None and found[0] is found[1]


def test_used_names_are_kept() -> None:
    program, _, _ = source("a, @ban except b in lan")
    assert {"a", "b", "lan", "@ban"} <= program.used and "g" not in program.used


def test_runtime_sets_for_add() -> None:
    program, node = program_with("deny any from any to self add source to @ban")
    option = node.clauses.options[0]
    assert isinstance(option, ast.AddOption)
    found = runtime_set(program, option.add.set, [])
    assert found is not None and found.name == "ban"
    program, node = program_with("deny any from any to self add source to @fixed")
    option = node.clauses.options[0]
    assert isinstance(option, ast.AddOption)
    out: list[Diagnostic] = []
    assert runtime_set(program, option.add.set, out) is None
    assert [p.code for p in out] == ["FW073"]


def test_hosts_of_translations() -> None:
    program = program_of(NAMES + "forward https from any to self -> a\n", {"none": ""})
    statement = program.statements[-1].statement
    assert isinstance(statement, ast.Forward)
    addresses = resolve_host(program, statement.targets[0].host, [])
    assert addresses is not None and texts(addresses) == ["10.0.0.1"]


TCP, UDP = IntervalSet.of(6), IntervalSet.of(17)


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [
        ("any", (ANY_FLOW,)),
        ("tcp 22, any", (ANY_FLOW,)),
        ("tcp", (Flow(TCP),)),
        ("tcp 80, 443", (Flow(TCP, dport=IntervalSet.of(80, 443)),)),
        ("tcp 80, 81-90, tcp", (Flow(TCP),)),
        ("tcp 53, udp 53", (Flow(TCP | UDP, dport=IntervalSet.of(53)),)),
        ("web", (Flow(TCP, dport=IntervalSet.of(80, 443)), Flow(UDP, dport=IntervalSet.of(443)))),
        ("https", (Flow(TCP | UDP, dport=IntervalSet.of(443)),)),
        ("udp 67 sport 68", (Flow(UDP, IntervalSet.of(68), IntervalSet.of(67)),)),
        ("icmp echo-request", (Flow(IntervalSet.of(1), icmp=IntervalSet.range(0x800, 0x8FF), family=Family.V4),)),
        ("icmp 3/4", (Flow(IntervalSet.of(1), icmp=IntervalSet.of(0x304), family=Family.V4),)),
        ("icmp 3/4, icmp", (Flow(IntervalSet.of(1), family=Family.V4),)),
        ("icmpv6 packet-too-big", (Flow(IntervalSet.of(58), icmp=IntervalSet.range(0x200, 0x2FF), family=Family.V6),)),
        ("proto gre, proto 50", (Flow(IntervalSet.of(47, 50)),)),
    ],
)
def test_traffic(traffic: str, expected: tuple[Flow, ...]) -> None:
    assert flows(traffic) == expected


def test_ping_is_both_families() -> None:
    assert {f.family for f in flows("ping")} == {Family.V4, Family.V6}


@pytest.mark.parametrize(
    ("traffic", "code", "word"),
    [
        ("htps", "FW841", "`https`"),
        ("lan", "FW070", "is a zone"),
        ("icmp ecko-request", "FW077", "`echo-request`"),
        ("icmp packet-too-big", "FW077", "`icmpv6`"),
        ("proto grre", "FW077", "`gre`"),
    ],
)
def test_wrong_traffic(traffic: str, code: str, word: str) -> None:
    program, node = program_with(f"allow {traffic} from any to self")
    out: list[Diagnostic] = []
    assert resolve_traffic(program, node.traffic, out) is None
    assert [p.code for p in out] == [code]
    assert word in out[0].message + out[0].help


def test_services_in_services() -> None:
    chain = "".join(f"service s{n} = s{n + 1}, tcp {n}\n" for n in range(2000)) + "service s2000 = tcp 2000\n"
    program = program_of(chain + "allow s0 from any to self\n")
    found = resolve_traffic(program, rule(program.statements[0]).traffic, [])
    assert found == (Flow(TCP, dport=IntervalSet.range(0, 2000)),)


def test_services_that_contain_each_other() -> None:
    from tests.unit.elaborate.expansion_support import errors_of

    found = errors_of("service a = b, tcp 1\nservice b = a\nservice c = a\nallow c from any to self\n")
    assert [p.code for p in found] == ["FW078"] and "a -> b -> a" in found[0].message


_SMALL = st.frozensets(st.integers(0, 3), min_size=1, max_size=3)
_BOX = st.tuples(_SMALL, st.none() | _SMALL, st.none() | _SMALL)


@settings(max_examples=300, deadline=None)
@given(st.lists(_BOX, min_size=1, max_size=6))
def test_merging_keeps_exactly_the_packets(
    boxes: list[tuple[frozenset[int], frozenset[int] | None, frozenset[int] | None]],
) -> None:
    def to_set(values: frozenset[int] | None) -> IntervalSet | None:
        return None if values is None else IntervalSet.of(*values)

    def packets(found: list[Flow] | tuple[Flow, ...]) -> set[tuple[int, int, int]]:
        return {
            (p, s, d)
            for flow in found
            for p, s, d in itertools.product(range(4), range(5), range(5))
            if (flow.protocols is None or p in flow.protocols)
            and (flow.sport is None or s in flow.sport)
            and (flow.dport is None or d in flow.dport)
        }

    before = [Flow(IntervalSet.of(*p), to_set(s), to_set(d)) for p, s, d in boxes]
    after = merge_flows(before)
    assert packets(before) == packets(after)
    assert len(after) <= len(set(before))


def test_ten_thousand_rules_are_quick() -> None:
    text = "".join(f"host h{n} = 10.0.{n}.1\n" for n in range(200))
    text += "".join(f"allow tcp {n % 60 + 1} from h{n % 200} to h{n * 7 % 200}\n" for n in range(10_000))
    program = program_of(text)
    with ends():
        for placed in program.statements:
            node = rule(placed)
            assert node.clauses.source is not None and node.clauses.destination is not None
            resolve_traffic(program, node.traffic, [])
            resolve_ends(program, node.clauses.source, [])
            resolve_ends(program, node.clauses.destination, [])
