"""Dead rules as their author sees them, each given to one lint: what the lints of FW1xx share.

Several rules of the IR that one line became are one rule here; it is dead when all of them are. `FW601` (pf: re-
decided by a later rule), `FW801` (a log after the decision) and `FW307` (a NAT exemption too late) say more about
their kind and get those rules when they exist. Chains of other programs are never spoken of, and what only they hide
is not counted as hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from fwc.analysis.facts import Dead, Facts
from fwc.analysis.program import Place, sees
from fwc.ir.graph import calls
from fwc.ir.match import NEVER, AllOf, FieldIn, Match, Not, Values
from fwc.ir.model import Base, Chain, Role, Rule
from fwc.ir.verdict import (
    ACCEPT,
    Accept,
    Continue,
    Count,
    Drop,
    Goto,
    Jump,
    Log,
    Masquerade,
    Reject,
    Return,
    Snat,
    Verdict,
    VerdictMap,
)
from fwc.ir.walk import target_chains
from fwc.lints._context import LintContext
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record
from fwc.source import Span

_MOST_DENIALS = 8
"""Denials among the causes of one dead rule that are compared in pairs."""

AUTHORED = frozenset({Role.USER, Role.IMPORTED})

_SPECIAL = ("FW601", "FW801", "FW307", "FW010")


class Cause(Record):
    """A rule (all that its line became), or a chain's policy, that takes packets from a dead rule. `span` is None for rules that
    no text caused."""

    place: Place
    rule: Rule | None
    span: Span | None


class DeadRule(Record):
    """A rule of the author that no packet reaches. `never` means that nothing takes its packets: there are none. `affects` are
    the spans of dead rules that are dead only because this one is (the chain that it leads to)."""

    place: Place
    rule: Rule
    span: Span
    causes: tuple[Cause, ...]
    never: bool
    affects: tuple[Span, ...] = ()


class Tail(Record):
    """The dead rules of a chain after one that decides everything."""

    cause: Cause
    rules: tuple[DeadRule, ...]


class Pair(Record):
    """Two denials of complements, which together deny everything, and the rules dead because of them."""

    first: Cause
    second: Cause
    rules: tuple[DeadRule, ...]


class Reach(Record):
    """The dead rules of one input, each in exactly one of these."""

    unreachable: tuple[DeadRule, ...]
    redundant: tuple[DeadRule, ...]
    union: tuple[DeadRule, ...]
    duplicate: tuple[DeadRule, ...]
    jumps: tuple[DeadRule, ...]
    tails: tuple[Tail, ...]
    pairs: tuple[Pair, ...]
    overridden: tuple[DeadRule, ...]  # FW601
    logs: tuple[DeadRule, ...]  # FW801
    exemptions: tuple[DeadRule, ...]  # FW307
    contradictory: tuple[DeadRule, ...]  # FW010


_parts_seen: WeakKeyDictionary[LintContext, Facts | None] = WeakKeyDictionary()


def facts_of(context: LintContext) -> Facts:
    """The facts that reachability is judged by."""
    return _facts_of_part(context) or context.facts


def _facts_of_part(context: LintContext) -> Facts | None:
    """For a part of a ruleset, as ufw's before.rules, in which nothing leads to the chains: the facts as if packets came into
    every chain that no other calls. None for whole rulesets."""
    if context not in _parts_seen:
        _parts_seen[context] = _entered(context) if context.kind == "iptables-save" else None
    return _parts_seen[context]


def _entered(context: LintContext) -> Facts | None:
    tables = context.ruleset.tables
    if any(chain.base is not None and chain.rules for table in tables for chain in table.chains):
        return None
    if not any(chain.rules for table in tables for chain in table.chains):
        return None
    out = []
    for table in tables:
        called = {name for targets in calls(table).values() for name in targets}
        base = Base(Hook.INPUT, ChainType.FILTER, 0, ACCEPT)
        chains = [c if c.base is not None or c.name in called else replace(c, base=base) for c in table.chains]
        out.append(replace(table, chains=tuple(chains)))
    return Facts(replace(context.ruleset, tables=tuple(out)), context.facts.families)


def _is_foreign(context: LintContext, chain: Chain) -> bool:
    """Chains of other programs; not in a part of a ruleset, which somebody edits."""
    return context.is_foreign(chain) and _facts_of_part(context) is None


_known: WeakKeyDictionary[LintContext, Reach] = WeakKeyDictionary()


def reach(context: LintContext) -> Reach:
    """The dead rules of the input, computed once."""
    found = _known.get(context)
    if found is None:
        found = _known[context] = _sorted_out(context, _without_callees(context, list(dead_rules(context))))
    return found


def verdict_class(rule: Rule | None, policy: Verdict | None = None) -> str:
    """ "accept", "deny", or the kind of anything else, for comparing what two rules do."""
    verdict = rule.verdict if rule is not None else policy
    if isinstance(verdict, Drop | Reject):
        return "deny"
    if isinstance(verdict, Accept):
        return "accept"
    return type(verdict).__name__.lower()


# ----- dead rules by line --------------------------------------------------------


def _key(span: Span) -> tuple[int, int, int]:
    return id(span.file), span.start, span.end


def dead_rules(context: LintContext) -> Iterator[DeadRule]:
    """Every dead rule that an author wrote, in file order of the IR."""
    facts = facts_of(context)
    dead: dict[tuple[int, int, int], list[Dead]] = {}
    for each in facts.dead():
        rule = facts.rule(each.place)
        if rule is not None and rule.origin.span is not None and rule.role in AUTHORED:
            dead.setdefault(_key(rule.origin.span), []).append(each)
    if not dead:
        return
    total = _copies(context, dead.keys())
    for key, parts in dead.items():
        if len(parts) < total[key]:
            continue
        chains = [facts.chain(p.place) for p in parts]
        if any(c is not None and _is_foreign(context, c) for c in chains):
            continue
        causes = _causes(context, parts)
        if causes is None:
            continue
        rule = facts.rule(parts[0].place)
        assert rule is not None and rule.origin.span is not None
        yield DeadRule(parts[0].place, rule, rule.origin.span, causes, never=not causes)


def _copies(context: LintContext, wanted: object) -> dict[tuple[int, int, int], int]:
    """How many rules of entered chains each line became."""
    out: dict[tuple[int, int, int], int] = {}
    for number, table in enumerate(context.ruleset.tables):
        if not any(sees(table, family) for family in facts_of(context).families):
            continue
        skip = facts_of(context).unentered(number)
        for chain in table.chains:
            if chain.name in skip:
                continue
            for rule in chain.rules:
                span = rule.origin.span
                if span is not None:
                    key = _key(span)
                    if key in wanted:  # type: ignore[operator]
                        out[key] = out.get(key, 0) + 1
    return out


def _causes(context: LintContext, parts: Sequence[Dead]) -> tuple[Cause, ...] | None:
    """What hides the rule, one cause for each line; None when a chain of another program has a part in it."""
    facts = facts_of(context)
    out: dict[object, Cause] = {}
    own = {part.place for part in parts}
    for part in parts:
        for place in part.cover:
            chain = facts.chain(place)
            if chain is not None and _is_foreign(context, chain):
                return None
            if place in own:
                continue
            rule = facts.rule(place)
            span = rule.origin.span if rule is not None else None
            key: object = _key(span) if span is not None else place
            out.setdefault(key, Cause(place, rule, span))
    return tuple(out.values())


def _without_callees(context: LintContext, dead: list[DeadRule]) -> list[DeadRule]:
    """Rules of a chain that only dead rules lead to belong to the rule that leads there."""
    if not any(next(target_chains(d.rule.verdict), None) for d in dead):
        return dead
    lines = {_key(d.span) for d in dead}
    callers: dict[tuple[int, str], list[Rule]] = {}
    for number, table in enumerate(context.ruleset.tables):
        skip = facts_of(context).unentered(number)
        for chain in table.chains:
            if chain.name in skip:
                continue
            for rule in chain.rules:
                for name in target_chains(rule.verdict):
                    callers.setdefault((number, name), []).append(rule)
    leader: dict[tuple[int, str], DeadRule] = {}
    by_line = {_key(d.span): d for d in dead}
    for where, rules in callers.items():
        spans = [r.origin.span for r in rules]
        if all(s is not None and _key(s) in lines for s in spans):
            assert spans[0] is not None
            leader[where] = by_line[_key(spans[0])]
    below: dict[tuple[int, int, int], list[Span]] = {}
    kept: list[DeadRule] = []
    for each in dead:
        head = leader.get((each.place.table, each.place.chain))
        if head is None:
            kept.append(each)
            continue
        seen = set()
        while (up := leader.get((head.place.table, head.place.chain))) is not None and head.place.chain not in seen:
            seen.add(head.place.chain)
            head = up
        below.setdefault(_key(head.span), []).append(each.span)
    return [DeadRule(d.place, d.rule, d.span, d.causes, d.never, tuple(below.get(_key(d.span), ()))) for d in kept]


# ----- one lint for each ---------------------------------------------------------


def _sorted_out(context: LintContext, dead: list[DeadRule]) -> Reach:
    from fwc.lints._registry import LISTED

    special = {code for code in _SPECIAL if code in LISTED and context.kind in LISTED[code].formats}
    lists: dict[str, list[DeadRule]] = {}
    tails: dict[Place, tuple[Cause, list[DeadRule]]] = {}
    pairs: dict[tuple[Place, Place], tuple[Cause, Cause, list[DeadRule]]] = {}
    for each in dead:
        if each.rule.match == NEVER and context.kind == "pf":
            continue
        code = _code(context, each, special)
        if code == "FW104":
            tails.setdefault(each.causes[0].place, (each.causes[0], []))[1].append(each)
            continue
        if code in ("FW101", "FW103", "FW111") and (pair := _pair(each)) is not None:
            pairs.setdefault((pair[0].place, pair[1].place), (*pair, []))[2].append(each)
            continue
        lists.setdefault(code, []).append(each)

    def of(code: str) -> tuple[DeadRule, ...]:
        return tuple(lists.get(code, ()))

    return Reach(
        of("FW101"), of("FW102"), of("FW103"), of("FW106"), of("FW111"),
        tuple(Tail(cause, tuple(rules)) for cause, rules in tails.values()),
        tuple(Pair(a, b, tuple(rules)) for a, b, rules in pairs.values()),
        of("FW601"), of("FW801"), of("FW307"), of("FW010"),
    )  # fmt: skip


def _code(context: LintContext, dead: DeadRule, special: set[str]) -> str:
    verdict = dead.rule.verdict
    if dead.never:
        if "FW010" in special and not _possible(context, dead):
            return "FW010"
        return "FW111" if isinstance(verdict, Jump | Goto) else "FW101"
    if "FW601" in special and any(c.span is not None and c.span.start > dead.span.start for c in dead.causes):
        return "FW601"
    if "FW307" in special and _is_exemption(context, dead):
        return "FW307"
    if "FW801" in special and isinstance(verdict, Continue) and any(isinstance(a, Log) for a in dead.rule.actions):
        return "FW801"
    if len(dead.causes) == 1:
        return _code_of_one(context, dead, dead.causes[0])
    if isinstance(verdict, Jump | Goto):
        return "FW111"
    return "FW103"


def _code_of_one(context: LintContext, dead: DeadRule, cause: Cause) -> str:
    here = (dead.place.table, dead.place.chain) == (cause.place.table, cause.place.chain)
    if here and cause.rule is not None and cause.span is not None and _unconditional(context, cause):
        return "FW104"
    if isinstance(dead.rule.verdict, Jump | Goto):
        return "FW111"
    if cause.rule is not None and here and _same_rule(cause.rule, dead.rule):
        return "FW106"
    chain = facts_of(context).chain(cause.place)
    policy = chain.base.policy if chain is not None and chain.base is not None else None
    same = verdict_class(cause.rule, policy) == verdict_class(dead.rule)
    return "FW102" if same and verdict_class(dead.rule) in ("accept", "deny", "return") else "FW101"


def _same_rule(left: Rule, right: Rule) -> bool:
    if left.match != right.match or left.verdict != right.verdict:
        return False
    return _lasting(left) == _lasting(right)


def _lasting(rule: Rule) -> list[object]:
    return [a for a in rule.actions if not isinstance(a, Count)]


def _unconditional(context: LintContext, cause: Cause) -> bool:
    rule = cause.rule
    assert rule is not None
    if isinstance(rule.verdict, Jump | Continue | VerdictMap):
        return False
    table = context.ruleset.tables[cause.place.table]
    facts = facts_of(context)
    families = [f for f in facts.families if sees(table, f)]
    return all(facts.boxes(f, rule.match, cause.place.table) == ((),) for f in families)


def _possible(context: LintContext, dead: DeadRule) -> bool:
    """Whether the rule's own condition holds for any packet at all."""
    facts = facts_of(context)
    table = context.ruleset.tables[dead.place.table]
    return any(
        facts.boxes(family, dead.rule.match, dead.place.table) for family in facts.families if sees(table, family)
    )


def _is_exemption(context: LintContext, dead: DeadRule) -> bool:
    if not isinstance(dead.rule.verdict, Accept | Return):
        return False
    if not all(c.rule is not None and isinstance(c.rule.verdict, Masquerade | Snat) for c in dead.causes):
        return False
    chain = facts_of(context).chain(dead.place)
    return chain is not None and (chain.base is None or chain.base.type is ChainType.NAT)


def _pair(dead: DeadRule) -> tuple[Cause, Cause] | None:
    """Two denials among the causes that are each of all but some values of one field, the values disjoint."""
    denials = [c for c in dead.causes if c.rule is not None and isinstance(c.rule.verdict, Drop | Reject)]
    for number, left in enumerate(denials[:_MOST_DENIALS]):
        for right in denials[number + 1 : _MOST_DENIALS]:
            assert left.rule is not None and right.rule is not None
            if left.span is None or right.span is None or left.place.chain != right.place.chain:
                continue
            if _complementary(left.rule.match, right.rule.match):
                return left, right
    return None


def _complementary(left: Match, right: Match) -> bool:
    ours, theirs = _parts(left), _parts(right)
    only_left = [p for p in ours if p not in theirs]
    only_right = [p for p in theirs if p not in ours]
    if len(only_left) != 1 or len(only_right) != 1:
        return False
    match only_left[0], only_right[0]:
        case Not(FieldIn(field, a)), Not(FieldIn(other, b)) if field is other:
            return _disjoint(a, b)
    return False


def _disjoint(left: Values, right: Values) -> bool:
    if isinstance(left, IntervalSet) and isinstance(right, IntervalSet):
        return left.isdisjoint(right)
    if isinstance(left, AddressSet) and isinstance(right, AddressSet):
        return not left & right
    if isinstance(left, IfaceSet) and isinstance(right, IfaceSet):
        return (
            not left.negated
            and not right.negated
            and not any(n in right for n in left.names)
            and not (left.prefixes or right.prefixes)
        )
    return False


def _parts(match: Match) -> tuple[Match, ...]:
    return match.parts if isinstance(match, AllOf) else (match,)
