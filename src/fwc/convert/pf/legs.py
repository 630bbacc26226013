"""One leg of pf, the packets that cross an interface in one direction, as a chain that returns what passes and ends
what does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from fwc.convert.pf.states import OPTIONS, Words, answer_name, keep_name, known, tracked
from fwc.ir.match import ALWAYS, NEVER, AllOf, AnyOf, Field, FieldIn, Match, Not, all_of, any_of, negate
from fwc.ir.model import Chain, Role, Rule
from fwc.ir.verdict import (
    RETURN,
    Accept,
    Drop,
    Goto,
    Jump,
    NoTrack,
    Reject,
    Tag,
)
from fwc.net.addresses import AddressSet
from fwc.net.interfaces import IfaceSet
from fwc.records import record
from fwc.source import Span

LOOPBACK = ("lo0", "lo")
_DECIDES = (Accept, Drop, Reject)


@record
class Leg:
    """The lifted filter rules of one direction, up to the first that decides every packet. `skipped` are the
    interfaces on which pf does nothing; `complete`: some rule decides every packet, so pf's own pass at the end is
    not met."""

    way: str
    rules: tuple[Rule, ...]
    skipped: IfaceSet | None
    complete: bool

    @property
    def loose(self) -> bool:
        """Whether packets pass without a state."""
        return not self.complete or any(is_loose(rule) for rule in self.rules)


def leg(way: str, chain: Chain) -> Leg:
    rules = [dataclasses.replace(rule, match=on_linux(rule.match)) for rule in chain.rules]
    skipped = None
    if rules and is_skip(rules[0]):
        node = rules.pop(0).match
        assert isinstance(node, FieldIn) and isinstance(node.values, IfaceSet)
        skipped = node.values
    met: list[Rule] = []
    for rule in rules:
        if rule.match == NEVER:
            continue
        met.append(rule)
        if rule.match == ALWAYS and isinstance(rule.verdict, _DECIDES):
            return Leg(way, tuple(met), skipped, True)
    return Leg(way, tuple(met), skipped, False)


def is_skip(rule: Rule) -> bool:
    """The rule that the lift makes of `set skip`."""
    return not rule.origin.spans and isinstance(rule.match, FieldIn) and NoTrack() in rule.actions


def is_loose(rule: Rule) -> bool:
    """A `pass ... no state`."""
    return isinstance(rule.verdict, Accept) and NoTrack() in rule.actions


def on_linux(match: Match) -> Match:
    """The condition with the loopback interface as Linux names it."""
    match match:
        case FieldIn(_, IfaceSet() as values) if not values.names.isdisjoint(LOOPBACK):
            names = frozenset("lo" if name in LOOPBACK else name for name in values.names)
            return dataclasses.replace(match, values=dataclasses.replace(values, names=names))
        case FieldIn(_, AddressSet() as values) if not values:
            return NEVER
        case AllOf(parts):
            new = [on_linux(part) for part in parts]
            return NEVER if NEVER in new else all_of(*new)
        case AnyOf(parts):
            return any_of(*(on_linux(part) for part in parts))
        case Not(inner):
            each = on_linux(inner)
            return ALWAYS if each == NEVER else negate(each)
        case _:
            return match


def leg_chain(each: Leg, scrub: str, words: Words | None, with_options: Collection[Span]) -> Chain:
    """The chain of a leg. `words` are the target's for directions, None where every packet that passes makes its
    states; `scrub` is the chain to ask before; `with_options` are the statements with `allow-opts`."""
    rules: list[Rule] = []
    if each.skipped is not None:
        field = Field.IIF if each.way == "in" else Field.OIF
        rules.append(Rule(FieldIn(field, each.skipped), (), RETURN, role=Role.LOOPBACK))
    if scrub:
        rules.append(Rule(ALWAYS, (), Jump(scrub), role=Role.IMPORTED))
    rules += tracked() if words is None else known(each.way, words, bool(with_options))
    for rule in each.rules:
        rules.append(_passing(rule, each.way, words is not None, rule.origin.span in with_options))
    if not each.complete:
        rules.append(Rule(ALWAYS, (), Goto(OPTIONS), role=Role.DEFAULT))
    return Chain(f"pf_{each.way}", tuple(rules))


def _passing(rule: Rule, way: str, marked: bool, options: bool) -> Rule:
    verdict = rule.verdict
    if isinstance(verdict, Accept):
        keeps = marked and not is_loose(rule)
        verdict = Goto(keep_name(way, options)) if keeps else RETURN if options else Goto(OPTIONS)
    elif isinstance(verdict, Reject):
        verdict = Goto(answer_name(verdict.kind))
    actions = tuple(a for a in rule.actions if not isinstance(a, NoTrack | Tag))
    return dataclasses.replace(rule, actions=actions, verdict=verdict)
