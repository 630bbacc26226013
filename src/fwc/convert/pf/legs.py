"""One leg of pf: the rules for the packets that cross an interface in one direction, as Linux names things."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from fwc.ir.match import ALWAYS, NEVER, AllOf, AnyOf, Field, FieldIn, Match, Not, SetRef, all_of, any_of, negate
from fwc.ir.model import Chain, Rule
from fwc.ir.verdict import Accept, Drop, NoTrack, Reject
from fwc.ir.walk import conjuncts, map_leaves
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record

LOOPBACK = ("lo0", "lo")
_ONE = AddressSet(IntervalSet.of(127 << 24 | 1), IntervalSet.of(1))
_NET = AddressSet(IntervalSet.range(127 << 24, (128 << 24) - 1), IntervalSet.of(1))
_FROZEN = frozenset(f"{name}{part}" for name in LOOPBACK for part in ("", ":network"))
_LOOPBACK_ADDRESSES = {
    spelled.format(f"{name}{part}"): values
    for name in LOOPBACK
    for part, values in (("", _ONE), (":network", _NET))
    for spelled in ("{}", "({})")
}
"""What the loopback interface's names stand for on every system, but for link-local addresses."""
DECIDES = (Accept, Drop, Reject)
FIELDS = {"in": Field.IIF, "out": Field.OIF}
OwnAddress = Callable[[Field, str, bool], Match]
"""The target's words for "this side is an address of the interface that the packet crosses", coming in or going out,
or the contrary."""


class Leg(Record):
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


def leg(way: str, chain: Chain, own: OwnAddress) -> Leg:
    """The leg of a lifted chain, in the words of a target."""
    rules = [dataclasses.replace(rule, match=with_own(on_linux(rule.match), way, own)) for rule in chain.rules]
    skipped = None
    if rules and is_skip(rules[0]):
        node = rules.pop(0).match
        assert isinstance(node, FieldIn) and isinstance(node.values, IfaceSet)
        skipped = node.values
    return until_decided(Leg(way, (), skipped, False), rules)


def until_decided(each: Leg, rules: Iterable[Rule]) -> Leg:
    """The leg with these rules, up to the first that decides every packet."""
    met: list[Rule] = []
    for rule in rules:
        if rule.match == NEVER:
            continue
        met.append(rule)
        if rule.match == ALWAYS and isinstance(rule.verdict, DECIDES):
            return dataclasses.replace(each, rules=tuple(met), complete=True)
    return dataclasses.replace(each, rules=tuple(met), complete=False)


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
        case Not(SetRef(name)) if name in _FROZEN:
            return match  # several addresses, each of which is denied by itself
        case SetRef(name, (field,)) if name in _LOOPBACK_ADDRESSES:
            return FieldIn(field, _LOOPBACK_ADDRESSES[name])
        case AllOf(parts):
            new = [on_linux(part) for part in parts]
            return NEVER if NEVER in new else all_of(*(p for p in new if not _holds_anyway(p, new)))
        case AnyOf(parts):
            return any_of(*(on_linux(part) for part in parts))
        case Not(inner):
            each = on_linux(inner)
            return ALWAYS if each == NEVER else negate(each)
        case _:
            return match


def _holds_anyway(part: Match, beside: Iterable[Match]) -> bool:
    """Whether this denies a condition that cannot hold where the others do: it asks a field for values that another
    excludes. The tags of rules that are not `quick` make many of them."""
    if not isinstance(part, Not):
        return False
    inner = [p for p in conjuncts(part.match) if isinstance(p, FieldIn)]
    return any(_exclude(one, p) for p in beside if isinstance(p, FieldIn) for one in inner if one.field is p.field)


def _exclude(left: FieldIn, right: FieldIn) -> bool:
    match left.values, right.values:
        case IfaceSet() as one, IfaceSet() as other:
            plain = not (one.negated or other.negated or one.prefixes or other.prefixes)
            return plain and not one.names & other.names
        case IntervalSet() as one, IntervalSet() as other:
            return not one & other
        case AddressSet() as one, AddressSet() as other:
            return not one & other
        case _:
            return False


def without_loopback(match: Match) -> Match:
    """The condition for packets that cross no loopback interface, as forwarded ones do not."""
    return map_leaves(match, _not_loopback)


def _not_loopback(match: Match) -> Match:
    match match:
        case FieldIn(_, IfaceSet() as values) if "lo" in values.names:
            rest = dataclasses.replace(values, names=values.names - {"lo"})
            if rest.names or rest.prefixes:
                return dataclasses.replace(match, values=rest)
            return ALWAYS if values.negated else NEVER
        case _:
            return match


def of_one_family(match: Match) -> Match:
    """The condition with "not these addresses" as the others of its family, where it names one."""
    parts = conjuncts(match)
    named = [p.values for p in parts if isinstance(p, FieldIn) and p.field is Field.FAMILY]
    if not named or not isinstance(named[0], IntervalSet) or named[0].size() != 1:
        return match
    family = Family(named[0].runs[0][0])
    out: list[Match] = []
    for part in parts:
        if isinstance(part, Not) and isinstance(part.match, FieldIn) and isinstance(part.match.values, AddressSet):
            others = (~part.match.values).family(family)
            out.append(FieldIn(part.match.field, AddressSet.of_family(family, others)) if others else NEVER)
        else:
            out.append(part)
    return NEVER if NEVER in out else all_of(*out)


def with_own(match: Match, way: str, own: OwnAddress) -> Match:
    """The condition with `(em0)` and `em0` as the addresses of the interface that is crossed, where `on em0` says
    which."""
    for part in conjuncts(match):
        if isinstance(part, FieldIn) and part.field is FIELDS[way] and isinstance(part.values, IfaceSet):
            names = part.values.names
            if len(names) == 1 and not part.values.negated and not part.values.prefixes:
                (name,) = names
                return _own_of(match, {name, f"({name})"}, way, own)
    return match


def _own_of(match: Match, names: set[str], way: str, own: OwnAddress) -> Match:
    match match:
        case SetRef(name, (field,)) if name in names:
            return own(field, way, False)
        case Not(SetRef(name, (field,))) if name in names:
            return own(field, way, True)
        case AllOf(parts):
            return all_of(*(_own_of(part, names, way, own) for part in parts))
        case AnyOf(parts):
            return any_of(*(_own_of(part, names, way, own) for part in parts))
        case Not(inner):
            return negate(_own_of(inner, names, way, own))
        case _:
            return match
