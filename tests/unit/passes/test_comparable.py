"""A ruleset that needs no other spelling stays the same object, so that what is known of it stays known."""

from __future__ import annotations

from fwc.ir.match import Field, FieldIn, Match, SetRef, WithinRate, all_of
from fwc.ir.model import Base, Chain, NamedSet, Rule, Ruleset, Table
from fwc.ir.verdict import DROP, AddToSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.passes.comparable import comparable

SSH = all_of(FieldIn(Field.PROTOCOL, IntervalSet.of(6)), FieldIn(Field.DPORT, IntervalSet.of(22)))
BASE = Base(Hook.INPUT, ChainType.FILTER, 0, DROP)


def ruleset(*rules: Rule) -> Ruleset:
    sets = (NamedSet("bad", (Field.SADDR,), runtime=True),)
    return Ruleset(tables=(Table("t", chains=(Chain("c", rules, BASE),), sets=sets),))


def matched(given: Ruleset) -> Match:
    return given.tables[0].chains[0].rules[0].match


def test_nothing_to_respell_is_the_same_object() -> None:
    given = ruleset(
        Rule(SSH), Rule(all_of(SSH, SetRef("bad", (Field.SADDR,)))), Rule(SSH, (AddToSet("bad", (Field.SADDR,)),))
    )
    assert comparable(given, Family.V4, lambda name: name) is given


def test_names_are_respelled_wherever_they_stand() -> None:
    inside = all_of(SSH, SetRef("bad", (Field.SADDR,)), WithinRate(1, 1, 1, name="bad"))
    for given in (ruleset(Rule(inside)), ruleset(Rule(SSH, (AddToSet("bad", (Field.SADDR,)),)))):
        found = comparable(given, Family.V4, lambda name: name.upper())
        assert found is not given and found.tables[0].sets[0].name == "BAD"
        assert "BAD" in repr(found.tables[0].chains) and "bad" not in repr(found.tables[0].chains)
    assert matched(ruleset(Rule(SSH))) is matched(comparable(ruleset(Rule(SSH)), Family.V4, str.upper))
