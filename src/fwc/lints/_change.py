"""What would change if a rule were another one: the exact comparison of the ruleset with and without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from fwc.analysis.equivalence import Difference, compare
from fwc.analysis.program import ProgramTooLarge, sees
from fwc.ir.match import ALWAYS, AllOf, Match, WithinConnections, WithinRate, all_of
from fwc.ir.model import Rule, Ruleset
from fwc.ir.verdict import DROP, Count, Log, OpaqueAction, Reject
from fwc.ir.walk import map_rules
from fwc.lints._context import LintContext

MOST_QUESTIONS = 24
"""Comparisons made for one lint and ruleset; each looks at the whole ruleset."""

MOST_RULES = 5_000
"""Rules of a ruleset beyond which no such comparison is made."""


MOST_STEPS = 200_000
"""Of one comparison: what takes longer stays undecided, since as many questions as there are rules may be asked."""


def is_small(ruleset: Ruleset) -> bool:
    return sum(len(chain.rules) for table in ruleset.tables for chain in table.chains) <= MOST_RULES


def with_rule(ruleset: Ruleset, old: Rule, change: Callable[[Rule], tuple[Rule, ...]]) -> Ruleset:
    """The ruleset with what `change` makes of the one rule `old` (by identity)."""
    return map_rules(ruleset, lambda rule: change(rule) if rule is old else (rule,))


def difference(
    context: LintContext, left: Ruleset, right: Ruleset, *, refusals_alike: bool = False
) -> Difference | None:
    """A packet that the two treat differently, logs and counters aside; with `refusals_alike` drop and reject are one verdict."""
    families = [f for f in context.facts.families if any(sees(table, f) for table in left.tables)]
    return compare(_plain(left, refusals_alike), _plain(right, refusals_alike), families=families, steps=MOST_STEPS)


def undecided(found: Difference | None) -> bool:
    return found is not None and found.undecided


def _plain(ruleset: Ruleset, refusals_alike: bool) -> Ruleset:
    def plain(rule: Rule) -> tuple[Rule, ...]:
        actions = tuple(a for a in rule.actions if not isinstance(a, Log | Count | OpaqueAction))
        verdict = DROP if refusals_alike and isinstance(rule.verdict, Reject) else rule.verdict
        if len(actions) == len(rule.actions) and verdict is rule.verdict:
            return (rule,)
        return (dataclasses.replace(rule, actions=actions, verdict=verdict),)

    return map_rules(ruleset, plain)


def limits(match: Match) -> list[WithinRate | WithinConnections]:
    """The rate and connection limits that the condition asks for, at the top of it."""
    parts = match.parts if isinstance(match, AllOf) else (match,)
    return [part for part in parts if isinstance(part, WithinRate | WithinConnections)]


def without_limits(match: Match) -> Match:
    parts = match.parts if isinstance(match, AllOf) else (match,)
    rest = [part for part in parts if not isinstance(part, WithinRate | WithinConnections)]
    return all_of(*rest) if rest else ALWAYS


__all__ = [
    "MOST_QUESTIONS", "ProgramTooLarge", "difference", "is_small", "limits", "undecided", "with_rule", "without_limits",
]  # fmt: skip
