"""Several rules that only exist because iptables lacks a word for one, put together again."""

from __future__ import annotations

from fwc.ir.match import AllOf, Chance, Match, all_of
from fwc.ir.model import Rule
from fwc.ir.verdict import Dnat


def fold_balanced(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """`statistic 1/n ... DNAT a`, `1/(n-1) ... DNAT b`, ..., `DNAT z` with one and the same match: a DNAT to one of n."""
    translations = [rule for rule in rules if isinstance(rule.verdict, Dnat)]
    if not any(_chance(rule.match) for rule in translations):
        return rules
    out: list[Rule] = []
    at = 0
    while at < len(rules):
        size = _run(rules, at)
        if size > 1:
            out.append(_together(rules[at : at + size]))
        else:
            out.append(rules[at])
            size = 1
        at += size
    return tuple(out)


def _parts(match: Match) -> tuple[Match, ...]:
    return match.parts if isinstance(match, AllOf) else (match,)


def _chance(match: Match) -> int | None:
    found = [p for p in _parts(match) if isinstance(p, Chance)]
    return found[0].millionths if len(found) == 1 else None


def _rest(match: Match) -> Match:
    return all_of(*(p for p in _parts(match) if not isinstance(p, Chance)))


def _run(rules: tuple[Rule, ...], at: int) -> int:
    """How many rules from `at` on are one balanced translation, 0 when they are none."""
    first = rules[at]
    chance = _chance(first.match)
    if chance is None or not chance or not isinstance(first.verdict, Dnat):
        return 0
    count = round(1_000_000 / chance)
    group = rules[at : at + count]
    if count < 2 or len(group) < count:
        return 0
    rest = _rest(first.match)
    for index, rule in enumerate(group):
        left = count - index
        want = None if left == 1 else round(1_000_000 / left)
        same = isinstance(rule.verdict, Dnat) and rule.verdict.choice is first.verdict.choice and not rule.actions
        if not same or _chance(rule.match) != want or _rest(rule.match) != rest:
            return 0
    return count


def _together(group: tuple[Rule, ...]) -> Rule:
    first = group[0]
    assert isinstance(first.verdict, Dnat)
    targets = tuple(t for r in group if isinstance(r.verdict, Dnat) for t in r.verdict.targets)
    verdict = Dnat(targets, first.verdict.choice)
    return Rule(_rest(first.match), (), verdict, first.label, first.comment, first.role, first.origin)
