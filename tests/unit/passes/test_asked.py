"""Who empties a bucket is an effect of both sides of a proof."""

from __future__ import annotations

import pytest

from fwc.ir.match import Chance, Field, FieldIn, Match, WithinRate, all_of
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, CONTINUE, Action, Log, OpaqueAction, Verdict
from fwc.ir.walk import rules
from fwc.net.intervals import IntervalSet
from fwc.passes.asked import asking

RATE = WithinRate(3, 60, 5)
OTHER = WithinRate(4, 60, 5)
SSH = FieldIn(Field.DPORT, IntervalSet.of(22))
WEB = FieldIn(Field.SPORT, IntervalSet.of(80))


def one(match: Match, actions: tuple[Action, ...] = (), verdict: Verdict = ACCEPT) -> Ruleset:
    return Ruleset((Table("t", "ip", (Chain("c", (Rule(match, actions, verdict),)),)),))


def asked(ruleset: Ruleset) -> list[Match]:
    return [r.match for *_, r in rules(ruleset) for a in r.actions if isinstance(a, OpaqueAction) and a.kind == "asked"]


def test_a_policy_asks_last_and_a_text_where_it_says() -> None:
    match = all_of(SSH, RATE, WEB)
    wanted, lifted = asking(one(match), one(match))
    assert asked(wanted) == [all_of(SSH, WEB)]
    assert asked(lifted) == [SSH]


def test_a_text_that_only_logs_is_read_as_a_log_with_a_rate() -> None:
    wanted, lifted = asking(one(all_of(SSH, RATE), (Log("x"),), CONTINUE), one(SSH, (Log("x", rate=RATE),), CONTINUE))
    assert asked(wanted) == asked(lifted) == [SSH]


@pytest.mark.parametrize(
    "wanted",
    [
        one(all_of(SSH, RATE), (), CONTINUE),
        one(all_of(SSH, RATE), (Log("x", rate=OTHER),)),
        one(all_of(SSH, RATE, OTHER)),
        one(all_of(SSH, RATE, Chance(5))),
        one(all_of(SSH, WithinRate(3, 60, 5, over=True))),
        one(SSH),
    ],
)
def test_where_it_is_not_clear_nothing_is_said(wanted: Ruleset) -> None:
    assert asked(asking(wanted, one(all_of(RATE, SSH)))[0]) == []


def test_one_rule_that_is_not_clear_is_enough() -> None:
    mixed = Rule(all_of(WEB, RATE), (Log("x", rate=RATE),), ACCEPT)
    ruleset = Ruleset((Table("t", "ip", (Chain("c", (Rule(all_of(SSH, RATE), (), ACCEPT), mixed)),)),))
    wanted, lifted = asking(ruleset, one(all_of(RATE, SSH)))
    assert wanted is ruleset
    assert asked(lifted) == []
