"""A pf.conf as a ruleset of netfilter's hooks.

A packet to this machine is judged by the leg coming in, one from it by the leg going out, and one that is forwarded
by both, one after the other, as pf does. What pf decides by its states is in `states`, by tags in `tags`, what it
translates in `nat`, what has no words in netfilter in `refusals`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence

from fwc.convert.pf.legs import Leg, is_loose, leg, of_one_family, until_decided, without_loopback
from fwc.convert.pf.nat import Unsure, as_translated, of_translation, translations, with_live_pools
from fwc.convert.pf.refusals import filters, of_rule, of_statements, refused
from fwc.convert.pf.scrubs import scrub_chains
from fwc.convert.pf.states import IP6TABLES, IPTABLES, NFT, REDIRECTED, Words, answers_pass
from fwc.convert.pf.tags import GIVEN, INWARD_TAG, Tags, decide, negated_tests, tag_of, tested
from fwc.convert.pf.writing import INTO, THROUGH, Chains, Style, Translated, out
from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.lift import lift
from fwc.dialects.pf.tree import PfFile
from fwc.ir.match import ALWAYS, NEVER, Field, Match, Opaque, SetRef, all_of, any_of
from fwc.ir.model import Base, Chain, NamedSet, Role, Rule, Ruleset, Settings, Table
from fwc.ir.verdict import ACCEPT, RETURN, Accept, Goto, Jump, Reject, SetField
from fwc.ir.walk import match_nodes, target_chains
from fwc.net.hooks import PRIORITY_DSTNAT, PRIORITY_FILTER, PRIORITY_SRCNAT, ChainType, Hook
from fwc.source import Span

_HOOKS = {"in": Hook.PF_IN, "out": Hook.PF_OUT}
_IPTABLES = {"ip": IPTABLES, "ip6": IP6TABLES}


def in_hooks(tree: PfFile, target: str) -> tuple[Ruleset | None, list[Diagnostic]]:
    """The pf.conf with netfilter's hooks, in the words of `target`; None with every reason at its line when that
    cannot be."""
    tree = with_live_pools(tree)
    lifted, _ = lift(tree)
    table = lifted.tables[0]
    vocabularies = _IPTABLES if target == "iptables" else {"inet": NFT}
    works = {family: _Work(tree, lifted, words) for family, words in vocabularies.items()}
    problems = [d for work in works.values() for d in work.problems]
    if target == "fwc":
        problems += _beyond_policies(works["inet"])
    problems = sorted(dict.fromkeys(problems), key=Diagnostic.sort_key)
    if any(d.severity is Severity.ERROR for d in problems):
        return None, problems
    tables: list[Table] = []
    for family, work in works.items():
        filtering, translating = work.chains(apart=target == "fwc")
        sets = _sets(table, work.used)
        if target == "iptables":
            tables.append(Table("filter", family, filtering, sets, kind="filter"))
            if translating:
                tables.append(Table("nat", family, translating, sets, kind="nat"))
        else:
            tables.append(Table("fwc", family, (*translating, *filtering), sets))
    return Ruleset(tuple(tables), settings=Settings(target, "linux"), source="pf"), problems


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


class _Work:
    """The file in the words of one table: first what stands in the way, then the chains."""

    def __init__(self, tree: PfFile, lifted: Ruleset, words: Words) -> None:
        table = lifted.tables[0]
        self.words = words
        self.source = tree.source
        self.numbers = lifted.names
        self.legs = {way: leg(way, _filter_chain(table, hook), words.own) for way, hook in _HOOKS.items()}
        self.nat = {way: translations(table, hook, words.own) for way, hook in _HOOKS.items()}
        self.used = _used_sets(rule for side in (self.legs, self.nat) for each in side.values() for rule in each.rules)
        self.passing = {name for name in self.numbers if name.startswith("pf-pass-")}
        self.tags = self._tags()
        self.scrubs = scrub_chains(tree)
        self.with_options: frozenset[Span] = frozenset(
            rule.span for rule in filters(tree.statements) if rule.allow_opts and rule.action == "pass" and rule.span
        )
        unknown = {s.name for s in table.sets if s.runtime and not s.origin.spans}
        self.problems = of_statements(tree.statements, self.used)
        for way, each in self.legs.items():
            for rule in each.rules:
                self.problems += of_rule(rule, unknown)
            for rule in self.nat[way].rules:
                self.problems += of_rule(rule, unknown)
                self.problems += of_translation(rule, way, each.skipped)
        self.problems += self._tag_problems()
        self.translated: dict[str, list[Translated]] = {}
        for tag in ("", *self.tags.leaving):
            self.translated[tag] = self._translated(tag)

    # ----- tags ------------------------------------------------------------------

    def _tags(self) -> Tags:
        """The tags that one place gives and another tests."""
        entering = {self.numbers[n] for n in tested(r.match for r in self.legs["in"].rules)}
        going_out = (*self.legs["out"].rules, *self.nat["out"].rules)
        leaving = {self.numbers[n] for n in tested(rule.match for rule in going_out)} - self.passing
        by_rdr = {tag_of(rule) for rule in self.nat["in"].rules} - {""}
        places = (self.legs["in"], self.nat["in"], self.legs["out"], self.nat["out"])
        going = leaving & {tag_of(rule) for place in places for rule in place.rules}
        given = by_rdr & (entering | going)
        return Tags(tuple(sorted(going | given)), tuple(sorted(going)), tuple(sorted(given)))

    def _tag_problems(self) -> list[Diagnostic]:
        found = []
        given = {n for n, name in enumerate(self.numbers) if name in self.tags.given}
        for rule in self.legs["in"].rules:
            if negated_tests(rule.match) & given:
                text = "`! tagged` of a tag that rdr gives is not converted"
                found.append(
                    refused(text, rule.origin.span, "write the rule for the tagged packets before, with `quick`")
                )
        skipped = self.legs["out"].skipped
        if skipped is None or "lo" not in skipped.names:
            by_out = {tag_of(rule) for rule in (*self.legs["out"].rules, *self.nat["out"].rules)} - {""}
            for rule in (*self.legs["in"].rules, *self.nat["in"].rules):
                if any(self.numbers[n] in by_out for n in tested((rule.match,))) and rule.origin.span is not None:
                    text = "the packets of this machine to itself may come in with a tag that they got going out"
                    found.append(refused(text, rule.origin.span, "write `set skip on lo0`"))
        return found

    def _entering(self, match: Match) -> Match:
        """A condition of the way in: a packet comes with the tag that rdr gave it, or none."""

        def answer(numbers: frozenset[int]) -> Match:
            names = [self.numbers[n] for n in sorted(numbers) if self.numbers[n] in self.tags.given]
            return any_of(*(all_of(self.words.original, self.tags.is_in(name, GIVEN)) for name in names))

        return decide(match, answer)

    def _leaving(self, match: Match, *tags: str) -> Match:
        """A condition of the way out, for packets with a tag."""
        return decide(match, lambda numbers: ALWAYS if any(self.numbers[n] in tags for n in numbers) else NEVER)

    def _leg(self, way: str, *tags: str) -> Leg:
        """The leg with every test of a tag decided, going out for packets with these."""
        each = self.legs[way]
        decided = [
            dataclasses.replace(r, match=self._leaving(r.match, *tags) if way == "out" else self._entering(r.match))
            for r in each.rules
        ]
        return until_decided(each, decided)

    # ----- translations ------------------------------------------------------------

    def _translated(self, tag: str) -> list[Translated]:
        """What nat rules do with packets of a tag, first match."""
        found: list[Translated] = []
        for rule in self.nat["out"].rules:
            match = self._leaving(rule.match, tag)
            if match == NEVER:
                continue
            if isinstance(rule.verdict, Accept):
                found.append(Translated(match, None))
                continue
            given = tag_of(rule)
            carried = tag if given in (*self.passing, "") else given
            rules = self._leg("out", carried, given).rules
            try:
                matters = carried if carried in self.tags.leaving else ""
                found.append(Translated(match, as_translated(rules, rule), matters))
            except Unsure as problem:
                text = "this tests the source of packets to which nat gives another that is not known here"
                secondary = rule.origin.span
                self.problems.append(
                    refused(
                        text,
                        problem.rule.origin.span,
                        "test the source where the packet comes in, or give it a tag there",
                        f"line {secondary.line} translates them" if secondary else "",
                    )
                )
        return found

    def _nat_chains(self) -> tuple[Chain, ...]:
        chains = []
        places = (("in", Hook.PREROUTING, PRIORITY_DSTNAT), ("out", Hook.POSTROUTING, PRIORITY_SRCNAT))
        for way, hook, priority in places:
            if self.nat[way].translating:
                rules = [r for rule in self.nat[way].rules for r in self._nat_rule(way, rule)]
                skipped = self.nat[way].skip
                chains.append(Chain(f"nat_{way}", (*skipped, *rules), Base(hook, ChainType.NAT, priority, ACCEPT)))
        return tuple(chains)

    def _nat_rule(self, way: str, rule: Rule) -> list[Rule]:
        """A translation in its hook: the tag of its packets is known from the mark."""
        tag = tag_of(rule)
        if way == "in":
            match = decide(rule.match, lambda numbers: NEVER)
            redirects = REDIRECTED if self._says_redirected() and not isinstance(rule.verdict, Accept) else 0
            value, mask = redirects, redirects
            if tag in self.tags.given:
                value, mask = value | self.tags.value(tag, GIVEN), mask | self.tags.mask(GIVEN)
            actions = (SetField(Field.CT_MARK, value, mask),) if mask else ()
        else:

            def answer(numbers: frozenset[int]) -> Match:
                names = [self.numbers[n] for n in sorted(numbers) if self.numbers[n] in self.tags.leaving]
                return any_of(*(self.tags.is_in(name, INWARD_TAG) for name in names))

            match, actions = decide(rule.match, answer), ()
        return [] if match == NEVER else [dataclasses.replace(rule, match=match, actions=actions)]

    # ----- chains ------------------------------------------------------------------

    def _says_redirected(self) -> bool:
        """Whether a packet may pass coming in by a rule that keeps no state, so that it matters that rdr took it."""
        return self.marked() and self.legs["in"].loose

    def tagged_nat(self) -> bool:
        return bool(tested(rule.match for rule in self.nat["out"].rules))

    def marked(self) -> bool:
        """Whether states have to be told apart by marks."""
        return bool(self.with_options or self.tags.given or self.tagged_nat()) or not _states_of_all(self.legs)

    def chains(self, apart: bool) -> tuple[tuple[Chain, ...], tuple[Chain, ...]]:
        """Those of the filter hooks, and those of the nat hooks. `apart`: every hook has chains of its own, which
        accept."""
        ends = ACCEPT if apart else RETURN
        redirecting = self.nat["in"].translating and self._says_redirected()
        style = Style(self.words, self.marked(), redirecting, self.tagged_nat(), self.tags, self.with_options, ends)
        work = Chains(style)
        redirected = [
            Translated(decide(rule.match, lambda numbers: NEVER), None if isinstance(rule.verdict, Accept) else ())
            for rule in self.nat["in"].rules
        ]
        redirected = [found for found in redirected if found.match != NEVER]
        work.leg(INTO, self._leg("in"), self.scrubs.get("in", ()), redirected)
        for tag in ("", *self.tags.leaving):
            work.leg(out(tag), self._leg("out", tag), self.scrubs.get("out", ()), self.translated[tag])
        through = apart or bool(self.tags.leaving)
        if through:
            work.leg(THROUGH, self._leg("in"), self.scrubs.get("in", ()), redirected)
        answers = style.marked and any(isinstance(r.verdict, Reject) for each in self.legs.values() for r in each.rules)
        bases = [
            _base(Hook.INPUT, ("pf_in",)),
            _base(Hook.FORWARD, ("pf_through",) if through else ("pf_in", "pf_out")),
            _base(Hook.OUTPUT, ("pf_out",), [answers_pass()] if answers else []),
        ]
        chains = (*bases, *_reached(bases, work.made))
        return _by_hook(chains) if apart else chains, self._nat_chains()


def _beyond_policies(work: _Work) -> list[Diagnostic]:
    """Why a policy, which keeps one state of whatever it lets by, would let by more, and what else it cannot say: each
    reason at its line."""
    first = Span(work.source, 0, max(0, work.source.text.find("\n"))) if work.source is not None else None
    out: list[Diagnostic] = []
    for way, each in work.legs.items():
        for rule in each.rules:
            if any(isinstance(node, Opaque) for node in match_nodes(rule.match)):
                text = "a policy has no word for the addresses of one interface"
                out.append(refused(text, rule.origin.span, "write the address, or `self`"))
            if is_loose(rule):
                text = "this passes packets without a state, and a policy keeps one of whatever it lets by"
                out.append(refused(text, rule.origin.span, "write `keep state`"))
        if not each.complete:
            text = f"what no rule names passes {way} without a state, and a policy keeps one of whatever it lets by"
            help = (
                "begin with `block all`; or write `flags any` where a rule passes everything but asks tcp for its SYN"
            )
            out.append(refused(text, first, help))
    skipped = [each.skipped for each in work.legs.values()]
    if not out and (skipped[0] != skipped[1] or skipped[0] is None or "lo" not in skipped[0].names):
        text = "what the machine sends to itself makes a state going out and is asked again coming in"
        out.append(refused(text, first, "write `set skip on lo0`"))
    out += [refused("a policy has no word for `allow-opts`", span, "take it out") for span in work.with_options]
    if work.tags.given or work.tagged_nat():
        text = "a policy cannot carry the tag of a translation, nor ask for one where it translates"
        tagging = [r for side in work.nat.values() for r in side.rules if tag_of(r) or tested((r.match,))]
        out += [refused(text, rule.origin.span, "take the tag out") for rule in tagging]
    return out


def _base(hook: Hook, calls: Sequence[str], front: Sequence[Rule] = ()) -> Chain:
    rules = (*front, *(Rule(ALWAYS, (), Jump(name), role=Role.IMPORTED) for name in calls))
    return Chain(str(hook), rules, Base(hook, ChainType.FILTER, PRIORITY_FILTER, ACCEPT))


def _states_of_all(legs: dict[str, Leg]) -> bool:
    """Every packet that passes makes a state on each leg, but on interfaces that pf skips on both, where everything
    passes; and this machine's own packets to itself are among those, as they meet both legs one after the other."""
    skipped = [each.skipped for each in legs.values()]
    if any(each.loose for each in legs.values()) or skipped[0] is None or skipped[0] != skipped[1]:
        return False
    return "lo" in skipped[0].names


def _by_hook(chains: Sequence[Chain]) -> tuple[Chain, ...]:
    """Every hook with chains of its own, as in a policy `self` stands where a hook's packets begin or end."""
    by_name = {chain.name: chain for chain in chains}
    out: list[Chain] = []
    for base in (chain for chain in chains if chain.base is not None):
        mine = _reached([base], by_name)
        names = {chain.name: f"{chain.name}_{base.name}" for chain in mine}

        for chain in (base, *mine):
            rules = [_moved(rule, names, base.name == "forward") for rule in chain.rules]
            kept = tuple(rule for rule in rules if rule.match != NEVER)
            out.append(dataclasses.replace(chain, name=names.get(chain.name, chain.name), rules=kept))
    return tuple(out)


def _moved(rule: Rule, names: dict[str, str], forwarded: bool) -> Rule:
    verdict = rule.verdict
    if isinstance(verdict, Jump | Goto):
        verdict = type(verdict)(names[verdict.chain])
    match = without_loopback(rule.match) if forwarded else rule.match
    return dataclasses.replace(rule, match=of_one_family(match), verdict=verdict)


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
