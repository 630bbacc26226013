"""`compare` says "equal" exactly when no packet of the whole space is treated differently."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from tests.properties.small_rulesets import packets, random_rule, random_ruleset, verdict_of

from fwc.analysis.equivalence import compare
from fwc.analysis.facts import Facts
from fwc.ir.model import Ruleset
from fwc.net.hooks import Family, Hook

EVERY = packets()


def variant(rng: Random, ruleset: Ruleset) -> Ruleset:
    """The ruleset with one small change, which may or may not change what it does."""
    table = ruleset.tables[0]
    at = rng.randrange(len(table.chains))
    chain = table.chains[at]
    rules = list(chain.rules)
    where = rng.randrange(len(rules))
    match rng.randrange(4):
        case 0:
            del rules[where]
        case 1:
            other = rng.randrange(len(rules))
            rules[where], rules[other] = rules[other], rules[where]
        case 2:
            rules.insert(where, rules[rng.randrange(len(rules))])
        case _:
            rules[where] = replace(rules[where], verdict=random_rule(rng, [], limits=False).verdict)
    chains = (*table.chains[:at], replace(chain, rules=tuple(rules)), *table.chains[at + 1 :])
    return replace(ruleset, tables=(replace(table, chains=chains),))


@pytest.mark.parametrize("seed", range(8))
def test_equal_means_equal_for_every_packet(seed: int) -> None:
    rng = Random(seed)
    seen = {True: 0, False: 0}
    for _ in range(25):
        left = random_ruleset(rng, limits=False)
        right = variant(rng, left)
        same = all(verdict_of(left, p) == verdict_of(right, p) for p in EVERY)
        found = compare(left, right, families=(Family.V4,))
        assert (found is None) == same, (left, right, found)
        assert found is None or not found.undecided
        seen[same] += 1
    assert min(seen.values()) > 0


def test_a_ruleset_equals_itself() -> None:
    rng = Random(99)
    for _ in range(50):
        ruleset = random_ruleset(rng)
        assert compare(ruleset, ruleset) is None


@pytest.mark.parametrize("seed", range(8))
def test_what_is_known_of_the_left_changes_no_answer(seed: int) -> None:
    rng = Random(100 + seed)
    for _ in range(25):
        left = random_ruleset(rng)
        right = variant(rng, left)
        facts = Facts(left)
        facts.dead()
        for hook in (Hook.INPUT, Hook.FORWARD):
            facts.regions(Family.V4, hook)
        known = {family: facts.programs(family) for family in facts.families}
        assert (compare(left, right, known=known) is None) == (compare(left, right) is None)
        assert compare(left, left, known=known) is None
