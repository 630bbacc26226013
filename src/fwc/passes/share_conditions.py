"""Neighbouring rules that begin with the same zones share one test of them, in a chain of their own.

`from lan, guest to self { ... }` compiles to rules that all ask for the same pairs of interface and network. Asked once, before a
jump, the output is shorter to read and a packet from elsewhere passes the whole block in one step.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from math import prod

from fwc.ir.match import AllOf, Always, AnyOf, Field, FieldIn, Match, TupleIn, all_of, family_is
from fwc.ir.model import Chain, Role, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Continue, Dnat, Drop, Goto, Jump, Netmap, Reject, Return, Snat, VerdictMap
from fwc.ir.walk import conjuncts, match_nodes
from fwc.source import Origin

FEWEST_LINES = 3
WORTHWHILE = 6
"""Lines in the chain and conditions saved, from which a chain of its own is easier to read than the repetition."""

PLACES = frozenset({Field.IIF, Field.OIF, Field.SADDR, Field.DADDR, Field.FAMILY})


def share_conditions(ruleset: Ruleset) -> Ruleset:
    """The ruleset with every long enough repetition shared."""
    return dataclasses.replace(ruleset, tables=tuple(_table(t) for t in ruleset.tables))


def _table(table: Table) -> Table:
    taken = {chain.name for chain in table.chains}
    final = frozenset(chain.name for chain in table.chains if _is_final(chain))
    chains: list[Chain] = []
    made: list[Chain] = []
    for chain in table.chains:
        rules = tuple(_rules(chain, taken, made, final))
        same = len(rules) == len(chain.rules) and all(a is b for a, b in zip(rules, chain.rules, strict=True))
        chains.append(chain if same else dataclasses.replace(chain, rules=rules))
    return dataclasses.replace(table, chains=(*chains, *made)) if made else table


def _rules(chain: Chain, taken: set[str], made: list[Chain], final: frozenset[str]) -> Iterator[Rule]:
    at = 0
    rules = chain.rules
    while at < len(rules):
        end, common = _run(rules, at, final)
        lines = sum(_lines(rule, common) for rule in rules[at:end])
        if lines < FEWEST_LINES or (lines - 1) * sum(map(_size, common)) < WORTHWHILE:
            yield rules[at]
            at += 1
            continue
        run = rules[at:end]
        name = _name(common, chain.name, taken)
        inner = tuple(
            dataclasses.replace(r, match=all_of(*_family(r, common), *_without(conjuncts(r.match), common)))
            for r in run
        )
        made.append(Chain(name, inner, origin=run[0].origin))
        spans = tuple(dict.fromkeys(rule.origin.spans[0] for rule in run if rule.origin.spans))
        yield Rule(all_of(*common), (), Jump(name), role=Role.OPTIMIZER, origin=Origin(spans, ("share-conditions",)))
        at = end


def _run(rules: Sequence[Rule], at: int, final: frozenset[str]) -> tuple[int, tuple[Match, ...]]:
    """The longest run from `at` whose rules share the place conditions of the first, and those conditions."""
    common: tuple[Match, ...] = tuple(part for part in conjuncts(rules[at].match) if _is_place(part))
    if not common or not _fits(rules[at], common, final):
        return at + 1, ()
    end = at + 1
    while end < len(rules):
        parts = conjuncts(rules[end].match)
        shared = tuple(part for part in common if part in parts)
        if sum(map(_size, shared)) < sum(map(_size, common)) or not _fits(rules[end], shared, final):
            break
        end += 1
    return end, common


def _fits(rule: Rule, common: tuple[Match, ...], final: frozenset[str]) -> bool:
    """A packet may be in two alternatives of the shared part and then visits the chain twice, so each rule must decide; and
    RETURN, or coming back from a goto, would lead to another place. A 1:1 translation needs its prefix beside it."""
    if isinstance(rule.verdict, Goto) and rule.verdict.chain not in final:
        return False
    if isinstance(rule.verdict, Return | Netmap) or rule.role not in (
        Role.USER,
        Role.FORWARD_ACCEPT,
        Role.REPLY,
        Role.OPTIMIZER,
    ):
        return False
    return not isinstance(rule.verdict, (Continue, Jump)) or not any(isinstance(p, AnyOf | TupleIn) for p in common)


def _family(rule: Rule, common: tuple[Match, ...]) -> tuple[Match, ...]:
    """The family of a translation, which a shared address said: a target must see it in the rule itself."""
    verdict = rule.verdict
    targets = verdict.targets if isinstance(verdict, Dnat) else (verdict.target,) if isinstance(verdict, Snat) else ()
    families = {target.family for target in targets if target.family is not None}
    shared = {f for part in common for node in match_nodes(part) for f in _fields(node)}
    if len(families) == 1 and shared & {Field.SADDR, Field.DADDR, Field.FAMILY}:
        return (family_is(families.pop()),)
    return ()


def _fields(node: Match) -> tuple[Field, ...]:
    return (node.field,) if isinstance(node, FieldIn) else node.fields if isinstance(node, TupleIn) else ()


def _is_final(chain: Chain) -> bool:
    """No packet comes back from the chain: its last rule takes all, and none returns."""
    return (
        bool(chain.rules)
        and isinstance(chain.rules[-1].match, Always)
        and isinstance(chain.rules[-1].verdict, Accept | Drop | Reject)
        and not any(isinstance(rule.verdict, Return | Goto | VerdictMap) for rule in chain.rules)
    )


def _without(parts: tuple[Match, ...], common: tuple[Match, ...]) -> tuple[Match, ...]:
    return tuple(part for part in parts if part not in common)


def _lines(rule: Rule, common: tuple[Match, ...]) -> int:
    """About how many rules of a target the rule becomes: one per combination of its alternatives."""
    return prod(len(part.parts) for part in _without(conjuncts(rule.match), common) if isinstance(part, AnyOf))


def _is_place(part: Match) -> bool:
    return all(
        isinstance(node, AllOf | AnyOf)
        or (isinstance(node, FieldIn) and node.field in PLACES)
        or (isinstance(node, TupleIn) and PLACES.issuperset(node.fields))
        for node in match_nodes(part)
    )


def _size(part: Match) -> int:
    """How many comparisons a reader sees."""
    nodes = [node for node in match_nodes(part) if not isinstance(node, AllOf)]
    return sum(len(node.elements) if isinstance(node, TupleIn) else 1 for node in nodes)


def _name(common: tuple[Match, ...], chain: str, taken: set[str]) -> str:
    """Named after the zones of the shared part, else after the chain."""
    words = dict.fromkeys(
        node.name for part in common for node in match_nodes(part) if isinstance(node, FieldIn) and node.name
    )
    stem = "-".join(w for w in words if re.fullmatch(r"[A-Za-z_][\w-]*", w))
    base = f"{stem}-{chain}" if stem and len(stem) <= 20 else f"{chain}-shared"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name
