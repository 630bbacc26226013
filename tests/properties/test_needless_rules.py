"""FW105 on random small rulesets: what it reports may all be deleted together without any packet noticing. Where no limit, log or
run-time set is in the way, every rule of its kind that it leaves is noticed when it is deleted as well."""

from __future__ import annotations

import re
from random import Random

import pytest
from tests.properties.lint_rulesets import GENERATORS

from fwc import api
from fwc.analysis.equivalence import compare
from fwc.ir.model import Ruleset
from fwc.lints._context import LintContext
from fwc.lints._redundancy import _units, redundancy
from fwc.lints._settings import LintSettings
from fwc.source import SourceFile

COUNT = 120
EXTRA = re.compile(r"limit|log|@s\b|match-set s", re.I)


def read(kind: str, text: str) -> tuple[SourceFile, Ruleset]:
    source = SourceFile("ruleset", text)
    return source, api.import_ruleset(source, kind)[1]


def without(text: str, lines: set[int]) -> str:
    return "".join(line for number, line in enumerate(text.splitlines(keepends=True), 1) if number not in lines)


@pytest.mark.parametrize("dialect", ["iptables", "nft"])
def test_exactly_the_needless_rules(dialect: str) -> None:
    total = complete = 0
    for number in range(COUNT):
        generated = GENERATORS[dialect](Random(f"needless {dialect} {number}"))
        text, exact = generated.text, number % 2 == 1
        if exact:
            text = "".join(line for line in text.splitlines(keepends=True) if not EXTRA.search(line))
        source, ruleset = read(generated.kind, text)
        context = LintContext(generated.kind, source, ruleset, LintSettings())
        found = redundancy(context)
        assert found.complete
        gone = {each.span.line for each in found.rules}
        total += len(gone)
        after = read(generated.kind, without(text, gone))[1]
        difference = compare(ruleset, after)
        assert difference is None, f"{sorted(gone)}: {difference}\n{text}"
        for span, _ in _units(context):
            if span.line not in gone and exact:
                complete += 1
                fewer = read(generated.kind, without(text, gone | {span.line}))[1]
                assert compare(ruleset, fewer) is not None, f"missed {span.line} with {sorted(gone)}\n{text}"
    assert complete > 30, "too few rules that are left alone"
    assert total > 10, "the generator makes too few needless rules for the test to mean anything"
