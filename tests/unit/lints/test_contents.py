"""What lints are told of a ruleset as a whole."""

from __future__ import annotations

from fwc.ir.match import AllOf, AnyOf, Field, FieldIn, Not, Owner, SetRef, TupleIn, WithinRate, all_of
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Count, Drop, Log
from fwc.lints._contents import contents_of
from fwc.net.intervals import IntervalSet

_PORT = FieldIn(Field.DPORT, IntervalSet.of(22))


def _of(*rules: Rule) -> tuple[frozenset[type], frozenset[Field]]:
    found = contents_of(Ruleset((Table("t", chains=(Chain("a"), Chain("b", rules))),)))
    return found.types, found.fields


def test_conditions_are_found_at_any_depth() -> None:
    types, fields = _of(Rule(all_of(_PORT, Not(AnyOf((Owner("user", ("0",)), TupleIn((Field.SADDR,), ())))))))
    assert {AllOf, Not, AnyOf, Owner, TupleIn, FieldIn} <= types
    assert WithinRate not in types
    assert fields == {Field.DPORT, Field.SADDR}


def test_actions_verdicts_and_sets_are_found() -> None:
    types, fields = _of(Rule(SetRef("s", (Field.IIF,)), (Log(""), Count()), Drop()), Rule(verdict=Accept()))
    assert {Log, Count, Drop, Accept, SetRef} <= types
    assert fields == {Field.IIF}


def test_nothing_is_in_an_empty_ruleset() -> None:
    assert _of() == (frozenset(), frozenset())
