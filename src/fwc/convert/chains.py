"""Rules that a target can only say as a call: what the rule does stands in a chain of its own, and a rule leads there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from fwc.ir.match import ALWAYS, Field, FieldIn, Match, all_of
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import RETURN, Goto, Jump, Return, VerdictMap
from fwc.records import Record

Away = Return | Goto
"""What leads from the new chain on to the rule behind its call."""


class Call(Record):
    """Packets that meet `match` pass the rules that `inside` makes; it is told what leads on. At the end of the chain they go on
    by themselves where that is `RETURN`. `suffix` ends the name of the chain."""

    match: Match
    inside: Callable[[Away], tuple[Rule, ...]]
    suffix: str


Split = Callable[[Rule], Call | None]
"""The rule as a call, or None where it can stay."""


def called(ruleset: Ruleset, split: Split) -> Ruleset:
    """The ruleset with rules as the calls that `split` makes of them, those of the new chains too."""
    tables = tuple(_Splitting(table, split).table() for table in ruleset.tables)
    if all(new is old for new, old in zip(tables, ruleset.tables, strict=True)):
        return ruleset
    return dataclasses.replace(ruleset, tables=tables)


def followed(rules: tuple[Rule, ...], away: Away) -> tuple[Rule, ...]:
    """The rules of a new chain and, where its end does not, what leads on."""
    return rules if away is RETURN else (*rules, Rule(verdict=away, origin=rules[-1].origin))


def narrowed(before: Iterable[Match], behind: Iterable[Match]) -> Match:
    """The conditions `behind` as a rule of the new chain asks them. The protocol that `before` asks is said again: a port alone
    has several."""
    behind = tuple(behind)
    return all_of(protocol_of(before), *behind) if behind else ALWAYS


def protocol_of(parts: Iterable[Match]) -> Match:
    """What the conditions say of the protocol."""
    return all_of(*(part for part in parts if isinstance(part, FieldIn) and part.field is Field.PROTOCOL))


class _Splitting:
    def __init__(self, table: Table, split: Split) -> None:
        self._table = table
        self._split = split
        self._names = {chain.name for chain in table.chains}
        self._pending = [(chain.name, chain) for chain in reversed(table.chains)]

    def table(self) -> Table:
        old = len(self._pending)
        chains: list[Chain] = []
        while self._pending:
            chains.append(self._chain(*self._pending.pop()))
        if len(chains) == old:
            return self._table
        return dataclasses.replace(self._table, chains=tuple(chains))

    def _chain(self, root: str, chain: Chain) -> Chain:
        """What stands behind a call of a rule that itself returns or goes elsewhere moves into a chain of its own. The new
        chains are named after the source's chain `root`."""
        out: list[Rule] = []
        for at, rule in enumerate(chain.rules):
            call = self._split(rule)
            if call is None:
                out.append(rule)
            elif isinstance(rule.verdict, Return | Goto | VerdictMap):
                rest = Goto(self._fresh(f"{root}_rest"))
                inner = self._add(root, call.suffix, call.inside(rest))
                out.append(dataclasses.replace(rule, match=call.match, actions=(), verdict=Goto(inner)))
                out.append(Rule(verdict=rest, origin=rule.origin))
                self._pending.append((root, Chain(rest.chain, chain.rules[at + 1 :])))
                break
            else:
                inner = self._add(root, call.suffix, call.inside(RETURN))
                out.append(dataclasses.replace(rule, match=call.match, actions=(), verdict=Jump(inner)))
        rules = tuple(out)
        return chain if rules == chain.rules else dataclasses.replace(chain, rules=rules)

    def _add(self, root: str, suffix: str, rules: tuple[Rule, ...]) -> str:
        name = self._fresh(f"{root}_{suffix}")
        self._pending.append((root, Chain(name, rules)))
        return name

    def _fresh(self, wish: str) -> str:
        name, number = wish, 1
        while name in self._names:
            number += 1
            name = f"{wish}{number}"
        self._names.add(name)
        return name
