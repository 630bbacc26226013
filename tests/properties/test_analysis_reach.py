"""The dead rules are exactly those that no packet reaches, under every answer of sets, conditions and limits."""

from __future__ import annotations

from random import Random

import pytest
from tests.properties.small_rulesets import packets, random_ruleset, reached

from fwc.analysis.facts import Facts
from fwc.net.hooks import Family

EVERY = packets()


@pytest.mark.parametrize("seed", range(8))
def test_dead_rules_are_those_that_no_packet_reaches(seed: int) -> None:
    rng = Random(1000 + seed)
    dead_seen = 0
    for _ in range(20):
        ruleset = random_ruleset(rng)
        visited: set[tuple[str, int]] = set()
        for some in reached(ruleset, EVERY):
            visited |= some
        entered = {(c.name, i) for c in ruleset.tables[0].chains for i in range(len(c.rules))}
        facts = Facts(ruleset, families=(Family.V4,))
        dead = {(d.place.chain, d.place.index) for d in facts.dead()}
        unentered = {(name, i) for name, i in entered if name in facts.unentered(0)}
        assert not facts.undetermined()
        assert dead | unentered == entered - visited, ruleset
        dead_seen += len(dead)
    assert dead_seen > 10
