"""The sets that `in_sets` made of lists of `recent`, as these lists again: for iptables, which else needs ipsets for them.

What the names say is only a guess. It counts when every set is as `in_sets` makes it and every rule that touches one is
understood; the proof then compares the sets of both sides.
"""

from __future__ import annotations

import dataclasses
import re
from functools import partial

from fwc.convert.recent import SIZE, List, Window, in_order
from fwc.diagnostics import Diagnostic, warning
from fwc.ir.match import Field, Match, Not, Recent, RecentAct, SetRef, all_of, family_is, negate
from fwc.ir.model import NamedSet, Rule, Ruleset, Table
from fwc.ir.verdict import CONTINUE, Action, AddToSet, Jump
from fwc.ir.walk import bare, conjuncts, map_rules, match_nodes, referenced_sets, rules
from fwc.net.hooks import Family

_SET = re.compile(r"(recent_\w+?)_(?:(?:last_)?\d+_of_([1-9]\d{0,2})_)?in_([1-9]\d{0,9})s", re.ASCII)
_SIDES = (Field.SADDR, Field.DADDR)
_FAMILY = {"ip": Family.V4, "ip6": Family.V6}


def as_lists(ruleset: Ruleset) -> Ruleset:
    """The ruleset with lists in place of the sets that are clearly theirs; the same object where there are none."""
    tables = tuple(_table(table) if table.family in _FAMILY else table for table in ruleset.tables)
    if all(new is old for new, old in zip(tables, ruleset.tables, strict=True)):
        return ruleset
    return dataclasses.replace(ruleset, tables=tables)


def _table(table: Table) -> Table:
    guesses = _guesses(table)
    if not guesses:
        return table
    family = _FAMILY[table.family]
    new = plain = map_rules(Ruleset((table,)), partial(_without_family, family)).tables[0]
    for mine in guesses:
        new = _Reading(mine, family.bits).table(new)
    return table if new is plain else new


def _without_family(family: Family, rule: Rule) -> tuple[Rule, ...]:
    """The rule without the condition, which nft's sets of addresses bring along, that every packet of the table meets."""
    kept = [p for p in conjuncts(rule.match) if p != family_is(family)]
    return (rule,) if len(kept) == len(conjuncts(rule.match)) else (dataclasses.replace(rule, match=all_of(*kept)),)


def _guesses(table: Table) -> list[List]:
    """The lists that the names of sets speak of, where all their sets are there."""
    named = {each.name: each for each in table.sets}
    windows: dict[str, set[Window]] = {}
    for name in named:
        found = _SET.fullmatch(name)
        if found is not None:
            windows.setdefault(found[1], set()).add(Window(int(found[3]), int(found[2] or 1)))
    lists = [List(base, in_order(each)) for base, each in windows.items()]
    return [each for each in lists if all(_alike(named.get(s.name), s) for s in each.sets())]


def _alike(found: NamedSet | None, wanted: NamedSet) -> bool:
    return (
        found is not None
        and found.runtime
        and not found.elements
        and not found.counters
        and found.timeout == wanted.timeout
        and found.size == SIZE
        and found.fields == wanted.fields
    )


class _Reading:
    """One list of a table."""

    def __init__(self, mine: List, bits: int) -> None:
        self._list = mine
        self._mask = (1 << bits) - 1
        self._names = frozenset(each.name for each in mine.sets())
        self._chains = {chain.name: chain for side in _SIDES for chain in mine.chains(side)}
        self._writing = {side: mine.writing(side, Rule()) for side in _SIDES}
        self._striking = {side: tuple(a for r in mine.striking(side, Rule()) for a in r.actions) for side in _SIDES}

    def table(self, table: Table) -> Table:
        """The table with the list, or as it was."""
        calls = {chain.name for chain in table.chains if chain.name in self._chains}
        for name in calls:
            found = table.chain(name)
            if found is None or found.base is not None or found.rules != self._chains[name].rules:
                return table
        kept = tuple(chain for chain in table.chains if chain.name not in calls)
        new = map_rules(Ruleset((dataclasses.replace(table, chains=kept),)), self._rule).tables[0]
        for chain in new.chains:
            for rule in chain.rules:
                called = rule.verdict.chain if isinstance(rule.verdict, Jump) else ""
                if called in calls or not self._names.isdisjoint(referenced_sets(rule)):
                    return table
        return dataclasses.replace(new, sets=tuple(each for each in new.sets if each.name not in self._names))

    def _rule(self, rule: Rule) -> tuple[Rule, ...]:
        """The rule in the list's words, as far as they reach."""
        match = self._asked(rule.match)
        actions, verdict = rule.actions, rule.verdict
        for side in _SIDES:
            writing = self._writing[side]
            if verdict == writing.verdict != CONTINUE:
                match, verdict = all_of(match, self._recent(RecentAct.SET, side)), CONTINUE
            elif writing.actions and writing.actions[0] in actions:
                match = all_of(match, self._recent(RecentAct.SET, side))
                actions = _without(actions, writing.actions)
            elif verdict == CONTINUE and set(actions) == set(self._striking[side]):
                match, actions = all_of(match, self._recent(RecentAct.REMOVE, side)), ()
        if match is rule.match and verdict is rule.verdict and actions is rule.actions:
            return (rule,)
        return (dataclasses.replace(rule, match=match, actions=actions, verdict=verdict),)

    def _asked(self, match: Match) -> Match:
        parts = conjuncts(match)
        if not any(isinstance(bare(p), SetRef) for p in parts):
            return match
        for window in self._list.windows:
            for side in _SIDES:
                recent = self._recent(RecentAct.CHECK, side, window)
                ring = tuple(SetRef(name, (side,)) for name in self._list.ring(window))
                if all(each in parts for each in ring):
                    parts = tuple(recent if p == ring[0] else p for p in parts if p not in ring[1:])
                elif len(ring) == 1:
                    parts = tuple(negate(recent) if p == Not(ring[0]) else p for p in parts)
        return all_of(*parts)

    def _recent(self, act: RecentAct, side: Field, window: Window | None = None) -> Recent:
        name = self._list.base.removeprefix("recent_")
        if window is None:
            return Recent(name, act, side, self._mask)
        return Recent(name, act, side, self._mask, window.seconds, window.hits if window.hits > 1 else 0)


def shorter_lists(ruleset: Ruleset) -> list[Diagnostic]:
    """A warning for each list that sets became."""
    first: dict[str, Rule] = {}
    for _, _, _, rule in rules(ruleset):
        for node in match_nodes(rule.match):
            if isinstance(node, Recent):
                first.setdefault(node.name, rule)
    return [
        warning(
            "FW031",
            f"the recent list {name} holds 100 addresses (xt_recent's parameter ip_list_tot) and forgets the one met longest "
            f"ago; the sets hold {SIZE}",
            rule.origin.span,
            name="lossy-compile",
        )
        for name, rule in first.items()
    ]


def _without(actions: tuple[Action, ...], taken: tuple[Action, ...]) -> tuple[Action, ...]:
    return tuple(a for a in actions if not (isinstance(a, AddToSet) and a in taken))
