"""The tables of a source as a target has them: one a family for nftables, with the names that iptables repeats told apart."""

from __future__ import annotations

import dataclasses

from fwc.ir.match import SetRef
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, AddToSet, Goto, Jump
from fwc.ir.walk import match_nodes
from fwc.net.hooks import Family

_WORDS = {"ip": (Family.V4,), "ip6": (Family.V6,), "inet": (Family.V4, Family.V6)}


def families(ruleset: Ruleset) -> tuple[Family, ...]:
    """The families that the ruleset speaks of. A file of iptables-save speaks of one."""
    spoken = {family for table in ruleset.tables for family in _WORDS.get(table.family, ())}
    return tuple(f for f in Family if f in spoken)


def shaped(ruleset: Ruleset, target: str) -> Ruleset:
    """The same meaning with tables as the target has them, and settings that name the target and the source's families."""
    settings = dataclasses.replace(ruleset.settings, target=target, families=families(ruleset) or tuple(Family))
    tables = ruleset.tables
    if target == "nftables" and ruleset.source == "iptables-save":
        tables = _joined(tables)
    return dataclasses.replace(ruleset, tables=tables, settings=settings)


def _joined(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """iptables' filter, nat, mangle and raw of a family as one table `fwc`; sets stand in each table that uses them."""
    sets = {each.name: each for table in tables for each in table.sets}
    out = []
    for family in dict.fromkeys(t.family for t in tables):
        members = [t for t in tables if t.family == family]
        counts: dict[str, int] = {}
        for table in members:
            for chain in _busy(table):
                counts[chain.name] = counts.get(chain.name, 0) + 1
        chains: list[Chain] = []
        for table in members:
            names = {c.name: _name(c.name, table.kind, counts.get(c.name, 0) > 1) for c in table.chains}
            chains.extend(_renamed(chain, names) for chain in _busy(table))
        used = tuple(sets[name] for name in _used_sets(chains) if name in sets)
        out.append(Table("fwc", family, tuple(chains), used, "", members[0].origin))
    return tuple(out)


def _busy(table: Table) -> list[Chain]:
    """Chains but the builtin ones that let everything pass."""
    return [c for c in table.chains if c.rules or c.base is None or not isinstance(c.base.policy, Accept)]


def _name(name: str, kind: str, repeated: bool) -> str:
    return f"{kind}_{name}" if repeated else name


def _renamed(chain: Chain, names: dict[str, str]) -> Chain:
    rules = tuple(_pointing(rule, names) for rule in chain.rules)
    return dataclasses.replace(chain, name=names[chain.name], rules=rules)


def _pointing(rule: Rule, names: dict[str, str]) -> Rule:
    if isinstance(rule.verdict, Jump | Goto) and rule.verdict.chain in names:
        return dataclasses.replace(rule, verdict=type(rule.verdict)(names[rule.verdict.chain]))
    return rule


def _used_sets(chains: list[Chain]) -> list[str]:
    found: dict[str, None] = {}
    for chain in chains:
        for rule in chain.rules:
            found.update((n.set, None) for n in match_nodes(rule.match) if isinstance(n, SetRef))
            found.update((a.set, None) for a in rule.actions if isinstance(a, AddToSet))
    return list(found)
