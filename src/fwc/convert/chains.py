"""`! --uid-owner` and `! --helper`, which hold for packets without a socket or a helper too, where nft's `!=` does not.

A chain leaves by the condition itself, and does what the rule does for every other packet.
"""

from __future__ import annotations

import dataclasses

from fwc.ir.match import ALWAYS, AllOf, Field, FieldIn, HelperIs, Match, Not, Owner, all_of
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import RETURN, Accept, Continue, Drop, Goto, Jump, Return, VerdictMap


def in_chains(ruleset: Ruleset) -> Ruleset:
    """The ruleset with such rules as calls of chains. Every packet fares as before."""
    return dataclasses.replace(ruleset, tables=tuple(_Splitting(t).table() for t in ruleset.tables))


class _Splitting:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._names = {chain.name for chain in table.chains}
        self._new: list[Chain] = []

    def table(self) -> Table:
        chains = tuple(self._chain(chain) for chain in self._table.chains)
        if not self._new:
            return self._table
        return dataclasses.replace(self._table, chains=(*chains, *self._new))

    def _chain(self, chain: Chain) -> Chain:
        """What stands behind a rule that itself returns or goes elsewhere moves into a chain of its own."""
        pieces: list[tuple[str, list[Rule]]] = [(chain.name, [])]
        for rule in chain.rules:
            out = pieces[-1][1]
            negated = _negated(rule.match)
            if negated and isinstance(rule.verdict, Return | Goto | VerdictMap):
                rest = Goto(self._fresh(f"{chain.name}_rest"))
                out.append(self._call(rule, negated, rest, chain.name))
                out.append(Rule(ALWAYS, (), rest, origin=rule.origin))
                pieces.append((rest.chain, []))
            elif negated:
                out.append(self._call(rule, negated, RETURN, chain.name))
            else:
                out.append(rule)
        self._new.extend(Chain(name, tuple(rules)) for name, rules in pieces[1:])
        rules = tuple(pieces[0][1])
        return chain if rules == chain.rules else dataclasses.replace(chain, rules=rules)

    def _call(self, rule: Rule, negated: list[Match], away: Return | Goto, chain: str) -> Rule:
        """The other conditions lead into a chain, where each negated one leads `away` and what is left does as the rule. The
        protocol stays with what is done where that may depend on it, as a translation of ports does."""
        inner = [Rule(each, (), away, origin=rule.origin) for each in negated]
        plain = isinstance(rule.verdict, Accept | Drop | Continue | Jump) and not rule.actions
        again = all_of(*(p for p in _parts(rule.match) if isinstance(p, FieldIn) and p.field is Field.PROTOCOL))
        inner.append(dataclasses.replace(rule, match=ALWAYS if plain else again))
        name = self._add(f"{chain}_unless", tuple(inner))
        match = all_of(*(p for p in _parts(rule.match) if not (isinstance(p, Not) and p.match in negated)))
        verdict = Jump(name) if away is RETURN else Goto(name)
        return dataclasses.replace(rule, match=match, actions=(), verdict=verdict)

    def _add(self, wish: str, rules: tuple[Rule, ...]) -> str:
        name = self._fresh(wish)
        self._new.append(Chain(name, rules))
        return name

    def _fresh(self, wish: str) -> str:
        name, number = wish, 1
        while name in self._names:
            number += 1
            name = f"{wish}{number}"
        self._names.add(name)
        return name


def _parts(match: Match) -> tuple[Match, ...]:
    return match.parts if isinstance(match, AllOf) else (match,)


def _negated(match: Match) -> list[Match]:
    return [p.match for p in _parts(match) if isinstance(p, Not) and isinstance(p.match, Owner | HelperIs)]
