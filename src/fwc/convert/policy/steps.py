"""The source's chains as lists of steps, one family at a time: calls inlined where that is the same, conditions as terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from fwc.convert.policy.terms import ANYTHING, Term, counts, meet, terms_of
from fwc.convert.policy.unsaid import Unsaid
from fwc.ir.match import (
    AllOf,
    Chance,
    EveryNth,
    FieldIn,
    Match,
    Opaque,
    Recent,
    WithinConnections,
    WithinRate,
    all_of,
    negate,
)
from fwc.ir.model import Chain, Rule, Table
from fwc.ir.verdict import (
    CONTINUE,
    Accept,
    Action,
    Continue,
    Count,
    Drop,
    Goto,
    Jump,
    Log,
    OpaqueVerdict,
    Reject,
    Return,
    Verdict,
    VerdictMap,
)
from fwc.ir.walk import match_nodes, target_chains
from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import Span

MOST_STEPS = 60_000
"""Steps of one ruleset after inlining; more than this is refused."""

SHORT = 3
"""A chain with at most so many rules is written where it is called, however many call it."""

MOST_NESTING = 60


class Refusal(Record):
    """Why a rule cannot be written in the language."""

    rule: Rule
    what: str
    help: str = ""

    @property
    def span(self) -> Span | None:
        return self.rule.origin.span


class Step(Record):
    """One statement to be: packets, what happens to them, and the rules of the source that say so. `place` is the id of the
    first of those rules: what a difference that the proof finds is traced to."""

    term: Term
    actions: tuple[Action, ...]
    verdict: Verdict
    rules: tuple[Rule, ...] = dataclasses.field(compare=False, default=())
    comment: str = ""
    label: str = ""

    @property
    def silent(self) -> bool:
        """Nothing happens to the packet, and it goes on; a condition that counts is no silence."""
        return isinstance(self.verdict, Continue) and not self.actions and not counts(self.term)


class CalledChain(Record):
    """A chain that is kept: its name in the source and what it does, for one family."""

    table: str
    name: str
    steps: tuple[Step, ...]


class Steps:
    """Walks the chains of one table for one family. `refusals` collects what cannot be said, `called` the chains that are
    kept."""

    def __init__(self, table: Table, family: Family, refusals: list[Refusal]) -> None:
        self.table = table
        self.family = family
        self.refusals = refusals
        self.chains: Mapping[str, Chain] = {c.name: c for c in table.chains}
        self.called: dict[str, CalledChain] = {}
        self.refused: set[int] = set()
        self.size = 0
        self._calls = self._count_calls()

    def _count_calls(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for chain in self.table.chains:
            for rule in chain.rules:
                for name in target_chains(rule.verdict):
                    counts[name] = counts.get(name, 0) + 1
        return counts

    # ----- base chains ------------------------------------------------------------

    def base(self, chain: Chain) -> list[Step]:
        """The steps of a base chain without its policy; RETURN there is the policy's verdict."""
        assert chain.base is not None
        policy = chain.base.policy
        steps = self._body(chain, ANYTHING, flat=False, depth=0)
        return [dataclasses.replace(s, verdict=policy) if isinstance(s.verdict, Return) else s for s in steps]

    def translation(self, chain: Chain) -> list[Step]:
        """The steps of a nat chain with every call inlined: the language has no chains there."""
        steps = self._body(chain, ANYTHING, flat=True, depth=0)
        return [dataclasses.replace(s, verdict=Accept()) if isinstance(s.verdict, Return) else s for s in steps]

    def _body(self, chain: Chain, context: Term, flat: bool, depth: int) -> list[Step]:
        out: list[Step] = []
        for rule in chain.rules:
            try:
                for match, verdict in _cases(rule):
                    for term in terms_of(match, frozenset({self.family})):
                        both = meet(context, term)
                        if both is not None:
                            out.extend(self._rule(rule, both, verdict, flat, depth))
            except Unsaid as problem:
                self._refuse(rule, problem)
            if len(out) > MOST_STEPS:
                self._refuse(rule, Unsaid("a ruleset this large after its chains are written where they are called"))
                return []
        return out

    def _refuse(self, rule: Rule, problem: Unsaid) -> None:
        if id(rule) not in self.refused:
            self.refused.add(id(rule))
            self.refusals.append(Refusal(rule, problem.what, problem.help))

    def _rule(self, rule: Rule, term: Term, verdict: Verdict, flat: bool, depth: int) -> Iterator[Step]:
        actions = tuple(a for a in rule.actions if not isinstance(a, Count) or a.name)
        if isinstance(verdict, Jump | Goto):
            if actions:
                yield Step(term, actions, CONTINUE, (rule,), rule.comment, rule.label)
            yield from self._call(rule, term, verdict, flat, depth)
            return
        if isinstance(verdict, OpaqueVerdict):
            raise Unsaid(f"`{verdict.text}`", "")
        step = Step(term, actions, verdict, (rule,), rule.comment, rule.label)
        if not step.silent:
            yield step

    # ----- calls ------------------------------------------------------------------

    def _call(self, rule: Rule, term: Term, verdict: Jump | Goto, flat: bool, depth: int) -> Iterator[Step]:
        chain = self.chains.get(verdict.chain)
        if chain is None or depth > MOST_NESTING:
            raise Unsaid(f"a jump to chain {verdict.chain}, which is not in the file")
        if not chain.rules:
            if isinstance(verdict, Goto):
                yield Step(term, (), Return(), (rule,), rule.comment, rule.label)
            return
        if flat:
            yield from self._flat(rule, chain, term, isinstance(verdict, Goto), depth)
            return
        if self._inlined(chain, term, isinstance(verdict, Goto)):
            inside = self._body(chain, term, flat, depth + 1)
            if inside and isinstance(inside[-1].verdict, Return) and not inside[-1].actions:
                inside.pop()
            yield from (_commented(step, rule) for step in inside)
            return
        self._keep(chain, depth)
        yield Step(term, (), type(verdict)(chain.name), (rule,), rule.comment, rule.label)

    def _inlined(self, chain: Chain, term: Term, goes: bool) -> bool:
        """Whether the chain's rules may stand in the caller's place. A rate is asked once for a call, by all who call: not again
        for each rule, and not only by those that meet the rule. RETURN needs a chain to return from."""
        if counts(term):
            return len(chain.rules) == 1 and chain.rules[0].match == all_of()
        if goes and not _decides(chain.rules[-1]):
            return False
        body = (
            chain.rules[:-1]
            if isinstance(chain.rules[-1].verdict, Return) and chain.rules[-1].match == all_of()
            else chain.rules
        )
        if any(isinstance(v, Return) for r in body for _, v in _cases(r)):
            return False
        if self._calls.get(chain.name, 0) < 2:
            return True
        return len(chain.rules) <= SHORT and not any(_has_bucket(rule) for rule in chain.rules)

    def _keep(self, chain: Chain, depth: int) -> None:
        if chain.name in self.called:
            return
        self.called[chain.name] = CalledChain(self.table.kind, chain.name, ())
        steps = self._body(chain, ANYTHING, False, depth + 1)
        self.called[chain.name] = CalledChain(self.table.kind, chain.name, tuple(steps))

    def _flat(self, rule: Rule, chain: Chain, term: Term, goes: bool, depth: int) -> Iterator[Step]:
        """Every rule of the chain for the packets that no earlier RETURN of it took away."""
        if depth > MOST_NESTING:
            raise Unsaid("chains that call each other this deep")
        left: Match = all_of()
        for each in chain.rules:
            for match, verdict in _cases(each):
                narrowed = all_of(left, match)
                if isinstance(verdict, Return):
                    left = all_of(left, negate(match))
                    continue
                for more in terms_of(narrowed, frozenset({self.family})):
                    both = meet(term, more)
                    if both is not None:
                        yield from self._rule(each, both, verdict, True, depth + 1)
            self.size += 1
            if self.size > MOST_STEPS:
                raise Unsaid("chains this large where they are called")
        if goes:
            yield Step(term, (), Return(), (rule,))


def _cases(rule: Rule) -> Iterator[tuple[Match, Verdict]]:
    """The rule's condition and verdict; one pair for each entry of a verdict map."""
    verdict = rule.verdict
    if not isinstance(verdict, VerdictMap):
        yield rule.match, verdict
        return
    if rule.actions:
        raise Unsaid("a verdict map behind other statements", "split the rule")
    for element, each in verdict.entries:
        parts = tuple(FieldIn(f, v) for f, v in zip(verdict.fields, element, strict=True))
        inner: Match = parts[0] if len(parts) == 1 else AllOf(parts)
        yield all_of(rule.match, inner), each


def _decides(rule: Rule) -> bool:
    """Whether every packet that gets to the rule is accepted or refused by it."""
    return rule.match == all_of() and isinstance(rule.verdict, Accept | Drop | Reject)


def _has_bucket(rule: Rule) -> bool:
    """Whether the rule counts packets, so that all who call its chain must share it."""
    logs = any(isinstance(a, Log) and a.rate is not None for a in rule.actions)
    return logs or any(
        isinstance(n, WithinRate | WithinConnections | Recent | EveryNth | Chance | Opaque)
        for n in match_nodes(rule.match)
    )


def _commented(step: Step, caller: Rule) -> Step:
    """A step of an inlined chain with what the caller says about it."""
    comment = step.comment or caller.comment
    return dataclasses.replace(step, comment=comment, rules=(caller, *step.rules))
