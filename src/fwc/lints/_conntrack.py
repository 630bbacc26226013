"""Questions about connection states that several lints ask."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.analysis.facts import Answer
from fwc.analysis.program import Place, base_chains, sees
from fwc.ir.match import AllOf, CtState, Field, FieldIn, Match, Not, all_of, negate, state_in
from fwc.ir.model import Chain, Rule, Table
from fwc.lints._context import Authored, LintContext
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import Span

TCP, UDP, ICMP4, ICMP6 = 6, 17, 1, 58

_LO = IfaceSet(frozenset({"lo", "lo0"}))
_LOCAL_NETS = AddressSet(IntervalSet.range(127 << 24, (128 << 24) - 1), IntervalSet.of(1))
EPHEMERAL = IntervalSet.range(32768, 60999)
"""The ports from which Linux opens connections (net.ipv4.ip_local_port_range)."""


def protocol(*numbers: int) -> Match:
    return FieldIn(Field.PROTOCOL, IntervalSet.of(*numbers))


def outside(hook: Hook) -> Match:
    """Packets that are not the machine talking to itself."""
    parts: list[Match] = [
        negate(FieldIn(Field.SADDR, _LOCAL_NETS)),
        negate(FieldIn(Field.DADDR, _LOCAL_NETS)),
    ]
    if hook in (Hook.INPUT, Hook.FORWARD, Hook.PREROUTING):
        parts.append(negate(FieldIn(Field.IIF, _LO)))
    if hook in (Hook.OUTPUT, Hook.FORWARD, Hook.POSTROUTING):
        parts.append(negate(FieldIn(Field.OIF, _LO)))
    return all_of(*parts)


def ask(context: LintContext, family: Family, hook: Hook, *parts: Match, table: int = 0) -> Answer:
    """What the hook does with the packets that meet all `parts` and come from or go to elsewhere. `table` is the one whose sets
    the parts name."""
    facts = context.facts
    return facts.accepts(family, hook, facts.boxes(family, all_of(outside(hook), *parts), table))


def filtered(context: LintContext, family: Family, hook: Hook) -> list[tuple[int, Chain]]:
    """The base chains at an IP hook that packets of the family meet."""
    return base_chains(context.ruleset, family).get(("ip", hook, ""), [])


def place_span(context: LintContext, place: Place | None) -> Span | None:
    """The text of a rule, or the line of the chain whose policy decided."""
    if place is None:
        return None
    rule = context.facts.rule(place)
    if rule is not None and rule.origin.span is not None:
        return rule.origin.span
    chain = context.facts.chain(place)
    return chain.origin.span if chain is not None else None


_EVERY_STATE = IntervalSet.range(0, len(CtState) - 1)


def state_values(rule: Rule) -> IntervalSet | None:
    """The connection states that the rule's condition lists, None when it lists none."""
    parts = rule.match.parts if isinstance(rule.match, AllOf) else (rule.match,)
    found: IntervalSet | None = None
    for part in parts:
        values: IntervalSet | None = None
        if isinstance(part, FieldIn) and part.field is Field.CT_STATE:
            assert isinstance(part.values, IntervalSet)
            values = part.values
        elif isinstance(part, Not) and isinstance(part.match, FieldIn) and part.match.field is Field.CT_STATE:
            assert isinstance(part.match.values, IntervalSet)
            values = _EVERY_STATE - part.match.values
        if values is not None:
            found = values if found is None else found & values
    return found


def authored(context: LintContext) -> Sequence[Authored]:
    """The rules that an author wrote in chains that are not another program's."""
    return context.authored()


def families(context: LintContext, table: Table) -> list[Family]:
    return [family for family in context.facts.families if sees(table, family)]


def state(*states: CtState) -> Match:
    return state_in(*states)
