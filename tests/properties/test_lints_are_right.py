"""The rules that lints call dead are exactly those that no packet meets, on random small rulesets of every dialect.

A few dozen here; `python -m tests.properties.lint_campaign --count 2000` for thousands.
"""

from __future__ import annotations

from random import Random

import pytest
from tests.properties.lint_campaign import disagreement
from tests.properties.lint_rulesets import GENERATORS

COUNT = 60


@pytest.mark.parametrize("dialect", GENERATORS)
def test_dead_rules_are_exactly_those(dialect: str) -> None:
    dead = 0
    for number in range(COUNT):
        ruleset = GENERATORS[dialect](Random(f"default {dialect} {number}"))
        dead += len(ruleset.dead)
        assert disagreement(ruleset) == ""
    assert dead > COUNT // 2, "the generator makes too few dead rules for the test to mean anything"
