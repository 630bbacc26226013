"""A ruleset spelled so that another spelling of it can be compared: names that targets choose, and what one family ignores.

Two programs that share nothing but their meaning name their buckets and sets differently, and a rule of one family carries
sizes and masks of the other that no packet ever sees. Here both get one spelling; no condition or effect is dropped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from operator import is_
from typing import TypeVar

from fwc.ir.match import AllOf, AnyOf, Match, Not, Opaque, Per, SetRef, WithinConnections, WithinRate
from fwc.ir.model import Chain, NamedSet, Rule, Ruleset, Table
from fwc.ir.verdict import Action, AddToSet, AssignHelper, ClampMss, Log
from fwc.ir.walk import only_compares
from fwc.net.hooks import Family
from fwc.space.boxes import is_stateless

Rename = Callable[[str], str]
_Limit = TypeVar("_Limit", WithinRate, WithinConnections)


def comparable(ruleset: Ruleset, family: Family, rename: Rename) -> Ruleset:
    """The ruleset as far as packets of `family` can tell, with run-time sets and buckets called by `rename`."""
    spelling = _Spelling(family, rename)
    tables = tuple(spelling.table(t) for t in ruleset.tables)
    return ruleset if _are(tables, ruleset.tables) else dataclasses.replace(ruleset, tables=tables)


def _are(new: Sequence[object], old: Sequence[object]) -> bool:
    """Whether nothing changed: then what is known of the old ruleset is known of the new one."""
    return all(map(is_, new, old))


class _Spelling:
    def __init__(self, family: Family, rename: Rename) -> None:
        self.family = family
        self.rename = rename

    def table(self, table: Table) -> Table:
        chains = tuple(self.chain(c) for c in table.chains)
        sets = tuple(self.named_set(s) for s in table.sets)
        if _are(chains, table.chains) and _are(sets, table.sets):
            return table
        return dataclasses.replace(table, chains=chains, sets=sets)

    def chain(self, chain: Chain) -> Chain:
        rules = tuple([self.rule(r) for r in chain.rules])
        return chain if _are(rules, chain.rules) else dataclasses.replace(chain, rules=rules)

    def named_set(self, named: NamedSet) -> NamedSet:
        name = self.rename(named.name) if named.runtime else named.name
        return named if name == named.name else dataclasses.replace(named, name=name)

    def rule(self, rule: Rule) -> Rule:
        if not rule.actions and only_compares(rule.match):
            return rule
        match = self.match(rule.match)
        actions = tuple(self.action(a) for a in rule.actions) if rule.actions else rule.actions
        if match is rule.match and actions == rule.actions:
            return rule
        return dataclasses.replace(rule, match=match, actions=actions)

    def match(self, match: Match) -> Match:
        match match:
            case AllOf(parts) | AnyOf(parts):
                new = tuple(self.match(part) for part in parts)
                return match if all(a is b for a, b in zip(new, parts, strict=True)) else type(match)(new)
            case Not(inner):
                changed = self.match(inner)
                return match if changed is inner else Not(changed)
            case SetRef():
                name = self.rename(match.set)
                return match if name == match.set else dataclasses.replace(match, set=name)
            case Opaque() if match.kind and not is_stateless(match):
                return dataclasses.replace(match, kind="")  # what it is about is said in messages only
            case WithinRate():
                return self.rate(match)
            case WithinConnections():
                # a count of tracked connections: the name is only where the target keeps its list
                return dataclasses.replace(self._masks(match), name="")
            case _:
                return match

    def rate(self, rate: WithinRate) -> WithinRate:
        name = self.rename(rate.name) if rate.name else ""
        return dataclasses.replace(self._masks(rate), name=name)

    def _masks(self, limit: _Limit) -> _Limit:
        """The masks as the family uses them; a bucket for everybody uses none."""
        mask4 = limit.mask4 if limit.per is not Per.ALL and self.family is Family.V4 else 32
        mask6 = limit.mask6 if limit.per is not Per.ALL and self.family is Family.V6 else 128
        if (mask4, mask6) == (limit.mask4, limit.mask6):
            return limit
        return dataclasses.replace(limit, mask4=mask4, mask6=mask6)

    def action(self, action: Action) -> Action:
        match action:
            case ClampMss(size4, size6):
                return ClampMss(size4=size4) if self.family is Family.V4 else ClampMss(size6=size6)
            case AssignHelper(name):
                return AssignHelper(name)
            case AddToSet():
                return dataclasses.replace(action, set=self.rename(action.set))
            case Log() if action.rate is not None:
                return dataclasses.replace(action, rate=self.rate(action.rate))
            case _:
                return action
