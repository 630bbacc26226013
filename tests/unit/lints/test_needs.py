"""What lints say they are about; tests/conftest.py asks the skipped ones in all tests whether that is so."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import get_args

import pytest
from tests.skipped_lints import silent

from fwc.ir.match import CtState, Field, Match, state_in
from fwc.ir.model import Base, Chain, Role, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, DROP, Action, Dnat, Goto, Log, NatTarget, Verdict, VerdictMap
from fwc.lints import _run
from fwc.lints._contents import Feature, name_of
from fwc.lints._context import LintContext
from fwc.lints._registry import LISTED
from fwc.lints._settings import Interface, LintSettings
from fwc.net.hooks import ChainType, Hook
from fwc.source import NO_ORIGIN, Origin, SourceFile, Span

SOURCE = SourceFile("rules", "-A INPUT -j LOG\n")
LINE = Origin((Span(SOURCE, 0, 15),), NO_ORIGIN.via)


def context(*rules: Rule, called: bool = False, settings: LintSettings | None = None) -> LintContext:
    chains = [Chain("input", rules, Base(Hook.INPUT, ChainType.FILTER, 0, DROP))]
    chains += [Chain("other")] if called else []
    ruleset = Ruleset((Table("t", chains=tuple(chains)),), source="iptables-save")
    return LintContext("iptables-save", SOURCE, ruleset, settings or LintSettings())


def test_every_word_stands_for_one_thing() -> None:
    things = (*get_args(Match), *get_args(Action), *get_args(Verdict), *Field, *get_args(Feature))
    words = Counter(map(name_of, things))
    assert set(words.values()) == {1}
    needed = {word for lint in LISTED.values() for word in lint.needs}
    assert len(needed) > 15
    assert needed <= set(words)


def test_what_rules_are_made_of_is_had() -> None:
    rules = context(Rule(state_in(CtState.NEW), (Log(),), ACCEPT))
    for word in ("Log", "Accept", "FieldIn", "ct-state"):
        assert rules.has_any(("Snat", word))
    assert not rules.has_any(("Snat", "sport", *get_args(Feature)))


def test_what_verdict_maps_lead_to_is_had() -> None:
    found = context(Rule(verdict=VerdictMap((Field.DPORT,), (((), Goto("a")), ((), Dnat((NatTarget(),)))))))
    assert found.has_any(("Goto",))
    assert found.has_any(("Dnat",))
    assert found.has_any(("dport",))
    assert not found.has_any(("Jump",))


def test_features_are_had() -> None:
    assert context(called=True).has_any(("called chain",))
    inventory = LintSettings(interfaces=(Interface("lan", ("eth0",)),))
    assert context(settings=inventory).has_any(("inventory",))
    assert not context().has_any(get_args(Feature))


def test_a_lint_that_needs_nothing_always_runs() -> None:
    assert _run.is_about(LISTED["FW101"], context())


def test_the_tests_notice_a_lint_that_is_left_out_and_speaks() -> None:
    """FW802 on an unlimited log, as if it said that it is about owners of sockets."""
    found = context(Rule(actions=(Log(),), role=Role.IMPORTED, origin=LINE))
    listed = LISTED["FW802"]
    assert silent(_run.is_about)(listed, found)
    wrong = dataclasses.replace(listed, needs=("Owner",))
    with pytest.raises(AssertionError, match="FW802 needs Owner and finds without"):
        silent(_run.is_about)(wrong, found)
    with pytest.raises(AssertionError, match="FW802 needs Owner and finds without"):
        _run.is_about(wrong, found)  # what all tests run
