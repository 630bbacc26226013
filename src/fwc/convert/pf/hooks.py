"""A pf.conf as a ruleset of netfilter's hooks.

A packet to this machine is judged by the leg coming in, one from it by the leg going out, and one that is forwarded
by both, one after the other, as pf does. What pf decides by its states is in `states`, what has no words in netfilter
in `refusals`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fwc.convert.pf.legs import Leg, leg, leg_chain
from fwc.convert.pf.refusals import filters, of_rule, of_statements
from fwc.convert.pf.scrubs import scrub_chains
from fwc.convert.pf.states import (
    IP6TABLES,
    IPTABLES,
    NFT,
    OPTIONS,
    Words,
    answer_name,
    answering,
    answers_pass,
    keep_name,
    keeping,
    options_chain,
)
from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import PfFile
from fwc.ir.match import ALWAYS, Field, SetRef
from fwc.ir.model import Base, Chain, NamedSet, Role, Rule, Ruleset, Settings, Table
from fwc.ir.verdict import ACCEPT, Jump, Reject
from fwc.ir.walk import match_nodes, target_chains
from fwc.net.hooks import PRIORITY_FILTER, ChainType, Hook
from fwc.source import Span

_LEGS = {Hook.INPUT: ("in",), Hook.FORWARD: ("in", "out"), Hook.OUTPUT: ("out",)}


def in_hooks(tree: PfFile, lifted: Ruleset, target: str) -> tuple[Ruleset | None, list[Diagnostic]]:
    """The pf.conf with netfilter's hooks, in the words of `target`; None with every reason at its line when that
    cannot be."""
    table = lifted.tables[0]
    legs = {way: leg(way, _filter_chain(table, hook)) for way, hook in (("in", Hook.PF_IN), ("out", Hook.PF_OUT))}
    used = _used_sets(rule for each in legs.values() for rule in each.rules)
    problems = of_statements(tree.statements, used)
    unknown = {s.name for s in table.sets if s.runtime and not s.origin.spans}
    for each in legs.values():
        for rule in each.rules:
            problems += of_rule(rule, each.way, unknown)
    problems = sorted(dict.fromkeys(problems), key=Diagnostic.sort_key)
    if any(d.severity is Severity.ERROR for d in problems):
        return None, problems
    sets = _sets(table, used)
    work = _Hooks(tree, legs)
    if target == "iptables":
        tables = [
            Table("filter", family, work.chains(words), sets, kind="filter") for family, words in _IPTABLES.items()
        ]
    else:
        tables = [Table("fwc", "inet", work.chains(NFT), sets)]
    settings = Settings(target, "linux")
    return Ruleset(tuple(tables), settings=settings, source="pf"), problems


_IPTABLES = {"ip": IPTABLES, "ip6": IP6TABLES}


def _filter_chain(table: Table, hook: Hook) -> Chain:
    return next(
        c
        for c in table.chains
        if c.base is not None and c.base.hook is hook and c.base.type is ChainType.FILTER and c.base.priority == 0
    )


def _used_sets(rules: Iterable[Rule]) -> frozenset[str]:
    return frozenset(n.set for rule in rules for n in match_nodes(rule.match) if isinstance(n, SetRef))


def _sets(table: Table, used: Collection[str]) -> tuple[NamedSet, ...]:
    """The tables that rules ask and that are filled at run time; one that no statement names is empty when pf
    starts."""
    found = {s.name: s for s in table.sets}
    return tuple(
        found.get(name, NamedSet(name, (Field.SADDR,), kind="networks", runtime=True)) for name in sorted(used)
    )


class _Hooks:
    """The chains, in the words of one table."""

    def __init__(self, tree: PfFile, legs: dict[str, Leg]) -> None:
        self.legs = legs
        self.scrubs = scrub_chains(tree)
        self.with_options: frozenset[Span] = frozenset(
            rule.span for rule in filters(tree.statements) if rule.allow_opts and rule.action == "pass" and rule.span
        )
        self.marked = bool(self.with_options) or not _states_of_all(legs)

    def chains(self, words: Words) -> tuple[Chain, ...]:
        called: dict[str, Chain] = {}
        for way, each in self.legs.items():
            scrub = self.scrubs.get(way, ())
            chain = leg_chain(each, scrub[0].name if scrub else "", words if self.marked else None, self.with_options)
            called[chain.name] = chain
            for other in scrub:
                called[other.name] = other
            for options in (False, True):
                called[keep_name(way, options)] = keeping(way, words, options)
        kinds = dict.fromkeys(
            r.verdict.kind for each in self.legs.values() for r in each.rules if isinstance(r.verdict, Reject)
        )
        for kind in kinds:
            called[answer_name(kind)] = answering(kind, self.marked)
        called[OPTIONS] = options_chain(words)
        bases = [self._hook(hook, bool(kinds) and self.marked) for hook in _LEGS]
        return (*bases, *_reached(bases, called))

    def _hook(self, hook: Hook, answers: bool) -> Chain:
        rules = [Rule(ALWAYS, (), Jump(f"pf_{way}"), role=Role.IMPORTED) for way in _LEGS[hook]]
        if answers and hook is Hook.OUTPUT:
            rules.insert(0, answers_pass())
        return Chain(str(hook), tuple(rules), Base(hook, ChainType.FILTER, PRIORITY_FILTER, ACCEPT))


def _states_of_all(legs: dict[str, Leg]) -> bool:
    """Every packet that passes makes a state on each leg, but on interfaces that pf skips on both, where everything
    passes; and this machine's own packets to itself are among those, as they meet both legs one after the other."""
    skipped = [each.skipped for each in legs.values()]
    if any(each.loose for each in legs.values()) or skipped[0] is None or skipped[0] != skipped[1]:
        return False
    return "lo" in skipped[0].names


def _reached(bases: list[Chain], called: dict[str, Chain]) -> tuple[Chain, ...]:
    """The chains that a packet may come to, those of the legs first."""
    seen: dict[str, None] = {}
    pending = list(bases)
    while pending:
        for rule in pending.pop(0).rules:
            for name in target_chains(rule.verdict):
                if name not in seen:
                    seen[name] = None
                    pending.append(called[name])
    return tuple(called[name] for name in seen)
