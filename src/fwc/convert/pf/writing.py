"""The chains of a leg: what a state lets by, then the rules, then where a packet goes that passes.

`pf_in` and `pf_out` return what passes and end what does not. Where the way out asks for tags, forwarded packets meet
`pf_through` instead of `pf_in`: the same rules, and behind each the way out of the packet's tag. Chains are made as
they are asked for, in `Chains.made`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from fwc.convert.pf.legs import FIELDS, Leg, is_loose
from fwc.convert.pf.refusals import PRIORITY
from fwc.convert.pf.states import (
    OPTIONS,
    REGISTERS,
    WITH_OPTIONS,
    Words,
    answer_name,
    answering,
    bit,
    bits,
    keep,
    redirected,
    remember,
    tracked,
    without_options,
)
from fwc.convert.pf.tags import GIVEN, Tags, tag_of
from fwc.ir.match import ALWAYS, CtState, FieldIn, Match, all_of, state_in
from fwc.ir.model import Chain, Role, Rule
from fwc.ir.verdict import DROP, RETURN, Accept, Action, Goto, Jump, NoTrack, OpaqueAction, Reject, Tag, Verdict
from fwc.records import Record
from fwc.source import Span


class Translated(Record):
    """Packets that a translation rule takes going out, the rules that they meet (None: those that it exempts), and
    the tag that they then carry."""

    match: Match
    rules: tuple[Rule, ...] | None
    tag: str = ""


class Style(Record):
    """`marked`: states are bits of marks, else conntrack's. `redirecting`: packets coming in may have a new
    destination. `tagged_nat`: nat rules ask for tags. `with_options` are the statements with `allow-opts`."""

    words: Words
    marked: bool
    redirecting: bool
    tagged_nat: bool
    tags: Tags
    with_options: Collection[Span]
    ends: Verdict = RETURN


class Way(Record):
    """A leg on a packet's way: its name in chains, its direction, and the tag that its packets carry."""

    name: str
    direction: str
    tag: str = ""


INTO, THROUGH = Way("in", "in"), Way("through", "in")


def out(tag: str) -> Way:
    return Way("out", "out", tag)


class Chains:
    """The chains of both legs in the words of one table."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.made: dict[str, Chain] = {}
        last = [] if style.ends == RETURN else [Rule(ALWAYS, (), style.ends, role=Role.IMPORTED)]
        comment = "pf drops IP options and routing headers unless a rule has allow-opts"
        self.add(OPTIONS, [*without_options(style.words), *last], comment)

    def add(self, name: str, rules: Sequence[Rule], comment: str = "") -> Goto:
        self.made[name] = Chain(name, tuple(rules), comment=comment)
        return Goto(name)

    def leg(self, way: Way, each: Leg, scrub: Sequence[Chain], translated: Sequence[Translated]) -> None:
        """The chain `pf_...` of the way; `scrub` are the chain to ask before and what it calls."""
        rules: list[Rule] = []
        if each.skipped is not None:
            skipped = self._out(way.tag) if way is THROUGH else self.style.ends
            rules.append(Rule(FieldIn(FIELDS[way.direction], each.skipped), (), skipped, role=Role.LOOPBACK))
        for chain in scrub:
            self.made[chain.name] = chain
        if scrub:
            rules.append(Rule(ALWAYS, (), Jump(scrub[0].name), role=Role.IMPORTED))
        rules += self._known(way)
        plain = self._body(way, each.rules, each.complete, None)
        if way.direction == "out" and any(found.rules is None for found in translated):
            exempt = self.add(self._name("untranslated", way), plain)
            plain = [Rule(ALWAYS, (), exempt, role=Role.IMPORTED)]
        rules += self._untranslatable(way, translated)
        self.add(self._name("pf", way), (*rules, *self._translated(way, translated), *plain))

    def _name(self, what: str, way: Way, options: bool = False) -> str:
        return f"{what}_{way.name}{self.style.tags.suffix(way.tag)}{'_options' if options else ''}"

    def _out(self, tag: str) -> Goto:
        return Goto(self._name("pf", out(tag)))

    # ----- states --------------------------------------------------------------

    def _known(self, way: Way) -> list[Rule]:
        """What a state of this leg lets by: on to the test of its options, or past it where the state says so."""
        if not self.style.marked:
            return [Rule(each.match, (), self._past(way, "", False), role=each.role) for each in tracked()]
        rules: list[Rule] = []
        tags = self.style.tags
        for direction, state in bits(way.direction, self.style.words):
            for tag in (*tags.leaving, "") if way is THROUGH else ("",):
                mine = [tags.is_in(tag, REGISTERS[state])] if tag else []
                for options in (True, False) if self.style.with_options else (False,):
                    needed = state | state << WITH_OPTIONS if options else state
                    match = all_of(direction, bit(needed), *mine)
                    rules.append(Rule(match, (), self._past(way, tag, options), role=Role.ESTABLISHED))
        return rules

    def _past(self, way: Way, tag: str, options: bool) -> Verdict:
        """Where a packet goes that this leg passes and that makes no state; with `options` those of IP need no test."""
        if way is not THROUGH:
            return self.style.ends if options else Goto(OPTIONS)
        if options:
            return self._out(tag)
        rules = [*without_options(self.style.words), Rule(ALWAYS, (), self._out(tag), role=Role.IMPORTED)]
        return self.add(self._name("pass", dataclasses.replace(way, tag=tag)), rules)

    def _passing(self, way: Way, keeps: bool, options: bool, tag: str | None) -> Verdict:
        """Where a packet goes that passes. `keeps`: with a state; `options`: with IP options; `tag`: the one that the
        rule gives, None for the one that it came with."""
        tags = self.style.tags
        if way is THROUGH and tag is None and set(tags.given) & set(tags.leaving):
            return self._by_given_tag(way, keeps, options)
        carried = way.tag if tag is None or way is INTO else tag
        on = dataclasses.replace(way, tag=carried)
        past = self._past(way, carried, options)
        if not self.style.marked:
            return past
        words = self.style.words
        if keeps:
            rules = [keep(direction, state, options, tags, carried) for direction, state in bits(way.direction, words)]
            return self._then("keep", on, options, rules, past, f"pf keeps a state of what passes {way.direction}")
        rules = []
        if way.direction == "in" and self.style.redirecting:
            rules.append(Rule(redirected(words), (), self._passing(way, True, options, carried), role=Role.IMPORTED))
        if way is THROUGH and self.style.tagged_nat:
            rules.append(remember(words, tags, carried))
        return self._then("loose", on, options, rules, past, "pf keeps no state of this") if rules else past

    def _then(self, what: str, way: Way, options: bool, rules: list[Rule], past: Verdict, comment: str) -> Goto:
        last = [] if past == RETURN else [Rule(ALWAYS, (), past, role=Role.IMPORTED)]
        return self.add(self._name(what, way, options), (*rules, *last), comment)

    def _by_given_tag(self, way: Way, keeps: bool, options: bool) -> Goto:
        """A packet keeps the tag that rdr gave it."""
        tags = self.style.tags
        rules = [
            Rule(
                all_of(self.style.words.original, tags.is_in(tag, GIVEN)),
                (),
                self._passing(way, keeps, options, tag),
                role=Role.IMPORTED,
            )
            for tag in tags.given
            if tag in tags.leaving
        ]
        rules.append(Rule(ALWAYS, (), self._passing(way, keeps, options, ""), role=Role.IMPORTED))
        return self.add(self._name("kept" if keeps else "passed", way, options), rules, "by the tag that rdr gave")

    # ----- rules ---------------------------------------------------------------

    def _translated(self, way: Way, translated: Sequence[Translated]) -> list[Rule]:
        """Where first packets go that a translation takes: to the same rules, with the new source decided. Coming in
        they have their new destination already."""
        if way.direction == "in":
            return []
        names: dict[tuple[Rule, ...], str] = {}
        rules: list[Rule] = []
        for found in translated:
            if found.rules is None:
                exempt = Goto(self._name("untranslated", way))
                rules.append(Rule(found.match, (), exempt, role=Role.IMPORTED))
                continue
            for direction, keeps in self._directions():
                body = tuple(self._body(out(found.tag), found.rules, False, keeps))
                what = "translated" if keeps else "answering"
                alike = sum(name.startswith(what) for name in names.values())
                name = names.setdefault(body, self._name(what, way) + (str(alike + 1) if alike else ""))
                self.add(
                    name, body, "packets that get another source" + (", and a state with it" if keeps else " in pf")
                )
                rules.append(Rule(all_of(direction, found.match), (), Goto(name), role=Role.IMPORTED))
        return rules

    def _directions(self) -> tuple[tuple[Match, bool], ...]:
        """First packets get a state with their new source. Answers to what passed without a state meet the same
        rules, but netfilter leaves their source, and pf's state is for the new one."""
        if not self.style.marked:
            return ((state_in(CtState.NEW), True),)
        return (self.style.words.original, True), (self.style.words.reply, False)

    def _untranslatable(self, way: Way, translated: Sequence[Translated]) -> list[Rule]:
        """A packet that belongs to no connection is not translated, nor an answer coming in. pf translates it, so it
        must not go on as it is."""
        if all(found.rules is None for found in translated):
            return []
        rules = [
            Rule(found.match, (), DROP if found.rules is not None else RETURN, role=Role.IMPORTED)
            for found in translated
        ]
        name = self._name("untranslatable", way)
        self.add(name, rules, "what belongs to no connection cannot be translated")
        jumps = [Rule(state_in(CtState.INVALID), (), Jump(name), role=Role.INVALID_DROP)]
        if way.direction == "in" and self.style.marked:
            jumps.append(Rule(self.style.words.reply, (), Jump(name), role=Role.INVALID_DROP))
        return jumps

    def _body(self, way: Way, rules: Sequence[Rule], complete: bool, keeps: bool | None) -> list[Rule]:
        """The rules, with states as they say or as `keeps` does."""
        done = [self._rule(rule, way, keeps) for rule in rules]
        if not complete and not (done and done[-1].match == ALWAYS):
            done.append(Rule(ALWAYS, (), self._passing(way, bool(keeps), False, None), role=Role.DEFAULT))
        return done

    def _rule(self, rule: Rule, way: Way, keeps: bool | None) -> Rule:
        verdict = rule.verdict
        if isinstance(verdict, Accept):
            options = rule.origin.span in self.style.with_options
            keeps = not is_loose(rule) if keeps is None else keeps
            verdict = self._passing(way, keeps, options, self._given(rule))
        elif isinstance(verdict, Reject):
            chain = answering(verdict.kind, self.style.marked)
            verdict = self.add(answer_name(verdict.kind), chain.rules, chain.comment)
        actions = tuple(a for a in rule.actions if not _left_out(a))
        return dataclasses.replace(rule, actions=actions, verdict=verdict)

    def _given(self, rule: Rule) -> str | None:
        """The tag that a rule gives, as far as it matters; None where it gives none."""
        tag = tag_of(rule)
        return (tag if tag in self.style.tags.leaving else "") if tag else None


def _left_out(action: Action) -> bool:
    """What the chains say otherwise, and the order in which packets are sent."""
    if isinstance(action, OpaqueAction):
        return action.text.startswith(PRIORITY)
    return isinstance(action, NoTrack | Tag)
