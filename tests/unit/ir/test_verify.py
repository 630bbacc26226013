"""The structural invariants of the IR, the call graph, and the dump."""

from __future__ import annotations

from fwc.diagnostics import Severity
from fwc.ir.graph import cycles, depths, reachable
from fwc.ir.match import ALWAYS, NEVER, Field, FieldIn, Match, SetRef
from fwc.ir.model import Base, Chain, NamedSet, Rule, Ruleset, Table
from fwc.ir.text import dump
from fwc.ir.verdict import ACCEPT, DROP, AddToSet, Goto, Jump, Verdict, VerdictMap
from fwc.ir.verify import verify
from fwc.net.hooks import ChainType, Hook
from fwc.net.intervals import EMPTY, IntervalSet

BASE = Base(Hook.INPUT, ChainType.FILTER, 0, DROP)


def rule(verdict: Verdict, match: Match = ALWAYS) -> Rule:
    return Rule(match=match, verdict=verdict)


def ruleset(*chains: Chain, sets: tuple[NamedSet, ...] = ()) -> Ruleset:
    return Ruleset(tables=(Table("t", chains=chains, sets=sets),))


def codes(*chains: Chain, sets: tuple[NamedSet, ...] = ()) -> list[str]:
    return [d.code for d in verify(ruleset(*chains, sets=sets))]


def test_a_sound_ruleset_is_clean() -> None:
    table = (Chain("input", (rule(Jump("a")), rule(ACCEPT)), BASE), Chain("a", (rule(Goto("b")),)), Chain("b"))
    assert codes(*table) == []


def test_jump_targets() -> None:
    assert codes(Chain("input", (rule(Jump("gone")),), BASE)) == ["FW015"]
    assert codes(Chain("input", (rule(Jump("out")),), BASE), Chain("out", (), BASE)) == ["FW017"]
    entries = (((IntervalSet.of(6),), Goto("gone")),)
    assert codes(Chain("input", (rule(VerdictMap((Field.PROTOCOL,), entries)),), BASE)) == ["FW015"]


def test_a_cycle_names_its_path_and_is_a_warning_where_no_packet_gets() -> None:
    a, b = Chain("a", (rule(Jump("b")),)), Chain("b", (rule(Jump("a")),))
    found = verify(ruleset(Chain("input", (rule(Jump("a")),), BASE), a, b))
    assert [d.code for d in found] == ["FW016"]
    assert "a -> b -> a" in found[0].message
    assert [d.severity for d in verify(ruleset(a, b))] == [Severity.WARNING]


def test_empty_collections_match_nothing_and_are_said() -> None:
    assert codes(Chain("input", (rule(ACCEPT, NEVER),), BASE)) == ["FW844"]
    assert codes(Chain("input", (rule(ACCEPT, FieldIn(Field.DPORT, EMPTY)),), BASE)) == ["FW844"]


def test_sets_exist_and_have_the_right_width() -> None:
    known = NamedSet("s", (Field.SADDR,), runtime=True)
    use = SetRef("s", (Field.SADDR,))
    assert codes(Chain("input", (rule(DROP, use),), BASE), sets=(known,)) == []
    assert codes(Chain("input", (rule(DROP, use),), BASE)) == ["FW015"]
    wide = SetRef("s", (Field.SADDR, Field.DPORT))
    assert codes(Chain("input", (rule(DROP, wide),), BASE), sets=(known,)) == ["FW024"]
    filling = Rule(actions=(AddToSet("other", (Field.SADDR,)),))
    assert codes(Chain("input", (filling,), BASE), sets=(known,)) == ["FW015"]


def test_double_definitions() -> None:
    assert codes(Chain("a"), Chain("a")) == ["FW845"]


def test_two_hundred_nested_jumps_and_a_long_chain_of_calls() -> None:
    nested = [Chain(f"c{i}", (rule(Jump(f"c{i + 1}")),)) for i in range(5000)]
    table = Table("t", chains=(Chain("input", (rule(Jump("c0")),), BASE), *nested, Chain("c5000")))
    assert verify(Ruleset(tables=(table,))) == []
    assert len(reachable(table)) == 5002
    assert depths(table)["c5000"] == 5001


def test_every_back_edge_gives_one_cycle() -> None:
    assert cycles({"a": {"b": 0, "a": 0}, "b": {"c": 0}, "c": {"a": 0, "b": 0}}) == [
        ("a", "b", "c", "a"),
        ("b", "c", "b"),
        ("a", "a"),
    ]


def test_dump_is_readable() -> None:
    match = FieldIn(Field.DPORT, IntervalSet.of(22, 443))
    text = dump(ruleset(Chain("input", (rule(ACCEPT, match), rule(Jump("x"))), BASE), Chain("x")))
    assert text == (
        "table inet t\n"
        "  chain input at input type filter priority 0 policy drop\n"
        "    dport {22, 443}; accept\n"
        "    always; jump x\n"
        "  chain x\n"
    )
