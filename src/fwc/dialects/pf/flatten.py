"""A base chain as one list of guarded decisions: user chains inlined, RETURN turned into conditions, maps into rules."""

from __future__ import annotations

from collections.abc import Mapping

from fwc.dialects.pf.refuse import Report
from fwc.ir.match import ALWAYS, NEVER, AllOf, AnyOf, FieldIn, Match, Not, SetRef, all_of, any_of, negate
from fwc.ir.model import Chain, NamedSet, Rule, Ruleset
from fwc.ir.verdict import (
    CONTINUE,
    Action,
    Continue,
    Goto,
    Jump,
    Return,
    Verdict,
    VerdictMap,
)
from fwc.net.addresses import AddressSet, union
from fwc.records import Record

MAX_LINES = 200_000
MAX_DEPTH = 64


class Line(Record):
    """If `match` holds and no earlier line decided: do the actions, then the verdict (never Jump, Goto or Return)."""

    match: Match
    actions: tuple[Action, ...]
    verdict: Verdict
    rule: Rule


class TooLong(Exception):
    """The chains expand to more lines than a ruleset can sensibly have."""


def flatten(chain: Chain, ruleset: Ruleset, report: Report) -> list[Line]:
    """The lines of a base chain in order; packets that match none meet the chain's policy."""
    chains = {c.name: c for table in ruleset.tables for c in table.chains}
    sets = {s.name: s for table in ruleset.tables for s in table.sets if not s.runtime}
    work = _Work(chains, sets, report)
    policy = chain.base.policy if chain.base else CONTINUE
    try:
        work.walk(chain, ALWAYS, (), policy, 0)
    except TooLong:
        report.refuse(chain.origin, "hook", f"chain {chain.name} expands to more than {MAX_LINES} rules")
        return []
    return work.out


class _Work:
    __slots__ = ("chains", "out", "report", "sets")

    def __init__(self, chains: Mapping[str, Chain], sets: Mapping[str, NamedSet], report: Report) -> None:
        self.chains = chains
        self.sets = sets
        self.report = report
        self.out: list[Line] = []

    def walk(self, chain: Chain, guard: Match, actions: tuple[Action, ...], at_end: Verdict, depth: int) -> Match:
        """Inline `chain` under `guard`; `at_end` is what a RETURN means in a base chain.

        Returns the part of the guard under which the caller goes on: those packets that left by RETURN or the chain's end.
        """
        if depth > MAX_DEPTH:
            raise TooLong
        returned: list[Match] = []
        for rule in chain.rules:
            match = all_of(guard, self.resolve(rule.match))
            verdict = rule.verdict
            if isinstance(verdict, VerdictMap):
                for values, inner in verdict.entries:
                    entry = all_of(match, *(FieldIn(f, v) for f, v in zip(verdict.fields, values, strict=True)))
                    guard = self.step(entry, rule, inner, (*actions, *rule.actions), guard, returned, at_end, depth)
            else:
                guard = self.step(match, rule, verdict, (*actions, *rule.actions), guard, returned, at_end, depth)
            if guard == NEVER:
                break
        return any_of(guard, *returned) if returned else guard

    def step(
        self,
        match: Match,
        rule: Rule,
        verdict: Verdict,
        actions: tuple[Action, ...],
        guard: Match,
        returned: list[Match],
        at_end: Verdict,
        depth: int,
    ) -> Match:
        """One rule; gives the guard of the rules after it."""
        if len(self.out) > MAX_LINES:
            raise TooLong
        if isinstance(verdict, Return):
            if depth == 0:
                self.out.append(Line(match, actions, at_end, rule))
                return guard
            returned.append(match)
            return NEVER if match == guard else all_of(guard, negate(self.resolve(rule.match)))
        if isinstance(verdict, Jump | Goto):
            if rule.actions:
                self.out.append(Line(match, rule.actions, CONTINUE, rule))
            left = self.walk(self.chains[verdict.chain], match, (), at_end, depth + 1)
            if isinstance(verdict, Jump):
                return guard
            if left == NEVER:
                return guard
            if depth == 0:
                self.out.append(Line(left, (), at_end, rule))
                return guard
            returned.append(left)
            return NEVER if match == guard else all_of(guard, negate(self.resolve(rule.match)))
        if isinstance(verdict, Continue) and not actions:
            return guard
        self.out.append(Line(match, actions, verdict, rule))
        return guard if isinstance(verdict, Continue) or match != guard else NEVER

    def resolve(self, match: Match) -> Match:
        """Sets whose content is known become values, so that they can be intersected."""
        if isinstance(match, SetRef):
            known = self.sets.get(match.set)
            if known is not None and len(match.fields) == 1:
                addresses = [e[0] for e in known.elements]
                if all(isinstance(a, AddressSet) for a in addresses):
                    return FieldIn(match.fields[0], union(a for a in addresses if isinstance(a, AddressSet)), match.set)
                return any_of(*(FieldIn(match.fields[0], a) for a in addresses))
            return match
        if isinstance(match, AllOf):
            return AllOf(tuple(self.resolve(p) for p in match.parts))
        if isinstance(match, AnyOf):
            return AnyOf(tuple(self.resolve(p) for p in match.parts))
        if isinstance(match, Not):
            return Not(self.resolve(match.match))
        return match
