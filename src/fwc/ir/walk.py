"""Iterating over the parts of a ruleset, and rebuilding it with parts replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from fwc.ir.match import (
    ALWAYS,
    NEVER,
    AllOf,
    Always,
    AnyOf,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    SetRef,
    TupleIn,
    Values,
    all_of,
    any_of,
    negate,
)
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import AddToSet, Goto, Jump, Verdict, VerdictMap


def chains(ruleset: Ruleset) -> Iterator[tuple[Table, Chain]]:
    for table in ruleset.tables:
        for chain in table.chains:
            yield table, chain


def rules(ruleset: Ruleset) -> Iterator[tuple[Table, Chain, int, Rule]]:
    """Every rule with its place: table, chain and index in the chain."""
    for table, chain in chains(ruleset):
        for index, rule in enumerate(chain.rules):
            yield table, chain, index, rule


def map_rules(ruleset: Ruleset, change: Callable[[Rule], tuple[Rule, ...]]) -> Ruleset:
    """Every rule replaced by the rules that `change` makes of it; the same object when nothing changed."""

    def of_chain(chain: Chain) -> Chain:
        out: list[Rule] = []
        same = True
        for rule in chain.rules:
            new = change(rule)
            same = same and len(new) == 1 and new[0] is rule
            out.extend(new)
        return chain if same else replace(chain, rules=tuple(out))

    return map_chains(ruleset, of_chain)


def map_chains(ruleset: Ruleset, change: Callable[[Chain], Chain]) -> Ruleset:
    tables = []
    same = True
    for table in ruleset.tables:
        new = tuple(change(chain) for chain in table.chains)
        if all(a is b for a, b in zip(new, table.chains, strict=True)):
            tables.append(table)
        else:
            same = False
            tables.append(replace(table, chains=new))
    return ruleset if same else replace(ruleset, tables=tuple(tables))


def replace_chain(table: Table, chain: Chain) -> Table:
    """`table` with the chain of the same name replaced."""
    return replace(table, chains=tuple(chain if c.name == chain.name else c for c in table.chains))


def bare(match: Match) -> Match:
    """The condition that is asked for, or asked not to hold."""
    return match.match if isinstance(match, Not) else match


def conjuncts(match: Match) -> tuple[Match, ...]:
    """The conditions that must all hold."""
    return match.parts if isinstance(match, AllOf) else (match,)


def match_nodes(match: Match) -> Iterator[Match]:
    """`match` and every condition inside it, outermost first, left to right; no recursion, so depth does not matter."""
    stack = [match]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Not):
            stack.append(node.match)
        elif isinstance(node, AllOf | AnyOf):
            stack.extend(reversed(node.parts))


Columns = list[tuple[tuple[Values, ...], dict[int, Values]]]
"""For each field of a lookup its value in each element, and its different values by identity."""

_recent: list[tuple[Sequence[tuple[Values, ...]], Columns]] = []
"""The two large lookups that were asked for last, since each step of a compile asks for the same; they are kept until then."""


def columns_of(elements: Sequence[tuple[Values, ...]]) -> Columns:
    """The columns of a lookup: most have few different values for their size, as one object each."""
    known = next((columns for asked, columns in _recent if asked is elements), None)
    if known is None:
        columns = zip(*elements, strict=True)
        known = [(column, dict(zip(map(id, column), column, strict=True))) for column in columns]
        if len(elements) > 1000 and type(elements) is tuple:  # which cannot change
            _recent[:] = [*_recent[-1:], (elements, known)]
    return known


def different_values(elements: Sequence[tuple[Values, ...]]) -> list[dict[int, Values]]:
    """The different values of each field of a lookup, by identity."""
    return [different for _, different in columns_of(elements)]


_COMPARISONS = frozenset((Always, FieldIn, MaskedIn, TupleIn))


def only_compares(match: Match) -> bool:
    """Whether `match` is a comparison of fields with values or a conjunction of such, as the conditions of most rules are: it
    names no set or bucket and counts nothing. False may be said of conditions that do neither, too."""
    if type(match) is AllOf:
        return _COMPARISONS.issuperset(map(type, match.parts))
    return type(match) in _COMPARISONS


def map_leaves(match: Match, leaf: Callable[[Match], Match]) -> Match:
    """The match with every condition that holds no other replaced by what `leaf` makes of it, simplified."""
    match match:
        case AllOf(parts):
            new = [map_leaves(part, leaf) for part in parts]
            return NEVER if NEVER in new else all_of(*new)
        case AnyOf(parts):
            return any_of(*(map_leaves(part, leaf) for part in parts))
        case Not(inner):
            each = map_leaves(inner, leaf)
            return ALWAYS if each == NEVER else negate(each)
        case Always():
            return match
        case _:
            return leaf(match)


CALLS = (Jump, Goto, VerdictMap)
"""The verdicts that may continue in another chain."""


def target_chains(verdict: Verdict) -> Iterator[str]:
    """The chains that `verdict` may continue in."""
    if isinstance(verdict, Jump | Goto):
        yield verdict.chain
    elif isinstance(verdict, VerdictMap):
        for _, each in verdict.entries:
            if isinstance(each, Jump | Goto):
                yield each.chain


def referenced_sets(rule: Rule) -> Iterator[str]:
    """Names of the run-time sets that the rule reads or fills."""
    for node in match_nodes(rule.match):
        if isinstance(node, SetRef):
            yield node.set
    for action in rule.actions:
        if isinstance(action, AddToSet):
            yield action.set
