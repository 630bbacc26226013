"""ICMP messages that connections cannot do without, and whether a hook lets them through."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from fwc.analysis.facts import Answer
from fwc.analysis.program import sees
from fwc.ir.match import CtState, Field, FieldIn, Match, all_of
from fwc.ir.model import Rule
from fwc.ir.verdict import Drop, Reject
from fwc.ir.walk import match_nodes
from fwc.lints._conntrack import (
    EPHEMERAL,
    ICMP4,
    ICMP6,
    TCP,
    ask,
    authored,
    filtered,
    place_span,
    protocol,
    state,
    state_values,
)
from fwc.lints._context import LintContext
from fwc.lints._hooks import hooks_of
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.records import Record
from fwc.source import Span

TOO_BIG = {Family.V4: 3 << 8 | 4, Family.V6: 2 << 8}
"""type << 8 | code of "fragmentation needed" (RFC 1191) and "packet too big" (RFC 8201)."""


def icmp(family: Family, value: int) -> Match:
    field, number = (Field.ICMP, ICMP4) if family is Family.V4 else (Field.ICMPV6, ICMP6)
    return all_of(protocol(number), FieldIn(field, IntervalSet.of(value)))


class BlackHole(Record):
    """A hook that passes TCP and loses every "too big" that belongs to it. `drop` is the rule that refuses it although a later
    one would accept RELATED."""

    hook: Hook
    family: Family
    passes: Span
    lost: Span | None
    drop: Rule | None
    text: str


_known: WeakKeyDictionary[LintContext, tuple[BlackHole, ...]] = WeakKeyDictionary()


def black_holes(context: LintContext) -> tuple[BlackHole, ...]:
    """Of all IP hooks and families, computed once."""
    found = _known.get(context)
    if found is None:
        found = _known[context] = tuple(_find(context))
    return found


def _find(context: LintContext) -> Iterator[BlackHole]:
    for hook in (Hook.INPUT, Hook.FORWARD):
        for family in context.facts.families:
            if not filtered(context, family, hook):
                continue
            answer = _too_big(context, family, hook)
            if not answer.none or answer.undetermined:
                continue
            talks = ask(
                context, family, hook, protocol(TCP), state(CtState.ESTABLISHED), FieldIn(Field.DPORT, EPHEMERAL)
            )
            passes = place_span(context, talks.some_by)
            if talks.some is None or passes is None:
                continue
            yield BlackHole(
                hook, family, passes, place_span(context, answer.others_by), _early_drop(context, family, hook),
                answer.others_text,
            )  # fmt: skip


def _too_big(context: LintContext, family: Family, hook: Hook) -> Answer:
    return ask(context, family, hook, icmp(family, TOO_BIG[family]), state(CtState.RELATED))


def _early_drop(context: LintContext, family: Family, hook: Hook) -> Rule | None:
    """A rule that the hook leads to, drops all of these messages and stands above an accept of RELATED in its chain."""
    facts = context.facts
    query = facts.boxes(family, icmp(family, TOO_BIG[family]))
    dimensions = facts.dimensions(family)
    number_of = Field.ICMP if family is Family.V4 else Field.ICMPV6
    hooks = [hooks_of(table) for table in context.ruleset.tables]
    for number, table, chain, index, rule, _ in authored(context):
        if hook not in hooks[number].get(chain.name, ()) or not sees(table, family):
            continue
        if not isinstance(rule.verdict, Drop | Reject):
            continue
        asked = {node.field for node in match_nodes(rule.match) if isinstance(node, FieldIn)}
        if number_of not in asked and Field.PROTOCOL not in asked:
            continue
        own = facts.boxes(family, rule.match, number)
        if not query or not all(any(dimensions.contains(box, each) for box in own) for each in query):
            continue
        for later in chain.rules[index + 1 :]:
            states = state_values(later)
            if states is not None and CtState.RELATED.value in states and not isinstance(later.verdict, Drop | Reject):
                return rule
    return None
