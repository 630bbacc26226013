"""What nat chains translate, and whether the filter accepts the packets as they are then."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from fwc.analysis.facts import Answer
from fwc.analysis.firstmatch import Region
from fwc.analysis.program import base_chains
from fwc.ir.match import CtState, CtStatus, Field, FieldIn, MaskedIn, Match, all_of, state_in
from fwc.ir.model import Rule
from fwc.ir.verdict import Dnat, NatTarget, Redirect
from fwc.lints._conntrack import TCP, UDP, filtered, protocol
from fwc.lints._context import LintContext
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.records import Record
from fwc.source import Span
from fwc.space.fields import SHIFT, Box, Dimensions

_LOCAL = IntervalSet.range(127 << 24, (128 << 24) - 1)
_REPLACED = {Field.DADDR, Field.OIF, Field.MARK, Field.CT_MARK, Field.CT_STATE, Field.CT_STATUS, Field.PKTTYPE}


class Translation(Record):
    """A rule of a nat chain and packets that it is the one to translate."""

    family: Family
    region: Region
    rule: Rule
    span: Span


class Lost(Record):
    """A translation whose packets the filter never accepts. `old` accepts them as they were before it, `hook` is where they are
    refused, `by` what refuses them."""

    rule: Rule
    span: Span
    redirect: bool
    hook: Hook
    by: Span | None
    old: Span | None
    text: str
    where: str


_known: WeakKeyDictionary[LintContext, tuple[Lost, ...]] = WeakKeyDictionary()


def lost(context: LintContext) -> tuple[Lost, ...]:
    """Every translation of prerouting whose packets are refused afterwards, computed once."""
    found = _known.get(context)
    if found is None:
        found = _known[context] = tuple(_find(context))
    return found


def translations(context: LintContext, hook: Hook, *kinds: type) -> Iterator[Translation]:
    """What the nat chains of a hook rewrite with verdicts of these kinds, each rule once for every region that it decides; chains
    of other programs are left out."""
    facts = context.facts
    for family in facts.families:
        for table, chain in base_chains(context.ruleset, family).get(("ip", hook, ""), []):
            if chain.base is None or chain.base.type is not ChainType.NAT:
                continue
            for region in facts.chain_regions(family, table, chain) or ():
                rule, owner = facts.rule(region.place), facts.chain(region.place)
                if rule is None or owner is None or rule.origin.span is None or context.is_foreign(owner):
                    continue
                if isinstance(rule.verdict, kinds) or any(isinstance(e, kinds) for e in region.outcome.effects):
                    yield Translation(family, region, rule, rule.origin.span)


def _find(context: LintContext) -> Iterator[Lost]:
    seen: set[Span] = set()
    for each in translations(context, Hook.PREROUTING, Dnat, Redirect):
        effect = next((e for e in each.region.outcome.effects if isinstance(e, Dnat | Redirect)), None)
        if effect is not None and each.span not in seen:
            outcome = _judge(context, each.family, each.region, effect, each.rule, each.span)
            if outcome is not None:
                seen.add(each.span)
                yield outcome


def _judge(
    context: LintContext, family: Family, region: Region, effect: Dnat | Redirect, rule: Rule, span: Span
) -> Lost | None:
    targets = [t for t in effect.targets if t.family in (None, family)] if isinstance(effect, Dnat) else [None]
    if len(targets) != 1:
        return None
    target = targets[0]
    redirect = target is None or target.family is None or (family is Family.V4 and target.low in _LOCAL)
    hook = Hook.INPUT if redirect else Hook.FORWARD
    if not filtered(context, family, hook):
        return None
    ports = effect.ports if isinstance(effect, Redirect) else target.ports if target is not None else None
    if not _connects(context, family, region):
        return None
    after = _answer(context, family, region, hook, target, ports)
    if not after.none or after.undetermined:
        return None
    if not redirect and filtered(context, family, Hook.INPUT):
        inside = _answer(context, family, region, Hook.INPUT, target, ports)
        if not inside.none or inside.undetermined:
            return None  # the address may be this machine's own
    elif not redirect:
        return None
    from fwc.lints._conntrack import place_span

    before = _before(context, family, region, hook)
    return Lost(
        rule, span, redirect, hook, place_span(context, after.others_by), before, after.others_text,
        f"port {ports[0]}" if ports is not None else "the translated address",
    )  # fmt: skip


def _connects(context: LintContext, family: Family, region: Region) -> bool:
    """Whether the translation is about tcp or udp: what other protocols do in a first packet is not known here."""
    dimensions = context.facts.dimensions(family)
    return any(dimensions.meet(region.box, b) is not None for b in context.facts.boxes(family, protocol(TCP, UDP)))


def _kept(dimensions: Dimensions, box: Box, drop: set[Field]) -> Box:
    out = []
    for c in box:
        key = dimensions.dimensions[c >> SHIFT].key
        field = key[0] if isinstance(key, tuple) else key
        if field not in drop:
            out.append(c)
    return tuple(out)


def _answer(
    context: LintContext,
    family: Family,
    region: Region,
    hook: Hook,
    target: NatTarget | None,
    ports: tuple[int, int] | None,
) -> Answer:
    """What the hook does with the translated packets; an unknown own address is left open."""
    facts = context.facts
    dimensions = facts.dimensions(family)
    drop = set(_REPLACED) | ({Field.DPORT} if ports is not None else set())
    parts: list[Match] = [
        protocol(TCP, UDP), state_in(CtState.NEW), MaskedIn(Field.CT_STATUS, CtStatus.DNAT, IntervalSet.of(CtStatus.DNAT))
    ]  # fmt: skip
    if target is not None and target.family is not None:
        parts.append(FieldIn(Field.DADDR, AddressSet.of_family(family, IntervalSet.range(target.low, target.high))))
    if ports is not None:
        parts.append(FieldIn(Field.DPORT, IntervalSet.range(*ports)))
    rest = _kept(dimensions, region.box, drop)
    met = [dimensions.meet(rest, box) for box in facts.boxes(family, all_of(*parts))]
    return facts.accepts(family, hook, tuple(box for box in met if box is not None))


def _before(context: LintContext, family: Family, region: Region, hook: Hook) -> Span | None:
    """The rule that accepts the packets as they were sent: all of them, since a rule for one port of a redirect of every port has
    a purpose of its own."""
    facts = context.facts
    dimensions = facts.dimensions(family)
    rest = _kept(dimensions, region.box, _REPLACED - {Field.DADDR})
    connections = all_of(protocol(TCP, UDP), state_in(CtState.NEW))
    met = [dimensions.meet(rest, box) for box in facts.boxes(family, connections)]
    answer = facts.accepts(family, hook, tuple(box for box in met if box is not None))
    rule = facts.rule(answer.some_by) if answer.all and answer.some_by is not None else None
    return rule.origin.span if rule is not None else None
