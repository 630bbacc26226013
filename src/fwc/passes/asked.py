"""Who empties the bucket of a rate, as an effect that a comparison sees.

A rate that stands before `tcp dport 22` counts packets to other ports too, though it lets the same packets by while its bucket
is full.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

from fwc.ir.match import Match, WithinRate, all_of
from fwc.ir.model import Rule, Ruleset
from fwc.ir.verdict import CONTINUE, Log, OpaqueAction
from fwc.ir.walk import conjuncts, map_rules, only_compares, rules
from fwc.space.boxes import answers_anew


def asking(wanted: Ruleset, lifted: Ruleset) -> tuple[Ruleset, Ruleset]:
    """Both with an effect wherever packets ask a rate. In `wanted` those do that meet all other conditions of the rule, in
    `lifted`, which was read from text, those that meet the conditions before the rate.

    Only rates of rules without anything else that answers anew: an effect is a rule of its own, which would ask that again.
    """
    alone: dict[WithinRate, None] = {}
    mixed: set[WithinRate] = set()
    for _, _, _, rule in rules(wanted):
        if not rule.actions and only_compares(rule.match):
            continue
        parts = conjuncts(rule.match)
        asked = [part for part in parts if isinstance(part, WithinRate) and not part.over]
        logged = [a.rate for a in rule.actions if isinstance(a, Log) and a.rate is not None]
        if len(asked) == 1 and not logged and all(part is asked[0] or not answers_anew(part) for part in parts):
            alone[_plain_rate(asked[0])] = None
        elif asked or logged:
            mixed.update(map(_plain_rate, (*asked, *logged)))
    keys = [rate for rate in alone if rate not in mixed]
    if not keys:
        return wanted, lifted
    return map_rules(wanted, partial(_asking, keys, False)), map_rules(lifted, partial(_asking, keys, True))


def _asking(keys: Sequence[WithinRate], ordered: bool, rule: Rule) -> tuple[Rule, ...]:
    """A rule that does nothing does not tell whether it asked."""
    if not rule.actions and (rule.verdict == CONTINUE or only_compares(rule.match)):
        return (rule,)
    parts = conjuncts(rule.match)
    out = []
    for at, part in enumerate(parts):
        if isinstance(part, WithinRate) and not part.over and _plain_rate(part) in keys:
            out.append(_effect(all_of(*parts[:at], *(() if ordered else parts[at + 1 :])), part, rule))
    for action in rule.actions:  # a log with a rate is how a text is read that has nothing else in the rule
        if isinstance(action, Log) and action.rate is not None and _plain_rate(action.rate) in keys:
            out.append(_effect(rule.match, action.rate, rule))
    return (*out, rule)


def _effect(match: Match, rate: WithinRate, rule: Rule) -> Rule:
    return Rule(match, (OpaqueAction("", f"asks {_plain_rate(rate)}", "asked"),), CONTINUE, origin=rule.origin)


def _plain_rate(rate: WithinRate) -> WithinRate:
    return dataclasses.replace(rate, name="", over=False)
