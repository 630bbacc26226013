"""rdr, nat and binat as chains of netfilter's nat hooks, and what the rules of the way out see of them.

Both systems translate the first packet of a connection and the others as that one. pf judges a packet behind its
translation: coming in so does netfilter, but going out netfilter's filter still sees the old source. So the packets
that a nat rule takes meet the rules of the leg with every test of the source decided for the new one.
"""

from __future__ import annotations

import dataclasses
from functools import partial

from fwc.convert.pf.legs import OwnAddress, is_skip, on_linux, with_own
from fwc.convert.pf.refusals import refused
from fwc.convert.pf.states import IPTABLES, NFT
from fwc.diagnostics import Diagnostic
from fwc.dialects.pf.tree import HostKind, PfFile, Statement, Translation
from fwc.ir.match import ALWAYS, NEVER, AddressTypeIs, Field, FieldIn, MaskedIn, Match, Opaque, SetRef
from fwc.ir.model import Rule, Table
from fwc.ir.verdict import Accept, Dnat, Masquerade, NatTarget, OpaqueVerdict, Redirect, Snat, Verdict
from fwc.ir.walk import conjuncts, map_leaves
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record

OWN_SOURCE, OTHER_SOURCE = (
    frozenset(words.own(Field.SADDR, "out", negated) for words in (NFT, IPTABLES)) for negated in (False, True)
)
_LOOPBACK = AddressSet(IntervalSet.range(127 << 24, (128 << 24) - 1), IntervalSet.of(1))


def with_live_pools(tree: PfFile) -> PfFile:
    """`-> em0` as `-> (em0)` in a rule `on em0`: the address that the interface has."""
    return dataclasses.replace(tree, statements=tuple(_live(st) for st in tree.statements))


def _live(st: Statement) -> Statement:
    if not isinstance(st, Translation) or st.pool is None or len(st.ifaces) != 1:
        return st
    hosts = st.pool.hosts
    name = st.ifaces[0].name
    if len(hosts) != 1 or hosts[0].kind is not HostKind.NAME or hosts[0].name.removesuffix(":0") != name:
        return st
    host = dataclasses.replace(hosts[0], kind=HostKind.DYNAMIC)
    return dataclasses.replace(st, pool=dataclasses.replace(st.pool, hosts=(host,)))


class Translations(Record):
    """The translation rules of one direction, first match; `skip` is what `set skip` makes of them."""

    rules: tuple[Rule, ...] = ()
    skip: tuple[Rule, ...] = ()

    @property
    def translating(self) -> bool:
        return any(not isinstance(rule.verdict, Accept) for rule in self.rules)


def translations(table: Table, hook: Hook, own: OwnAddress) -> Translations:
    way = "in" if hook is Hook.PF_IN else "out"
    rules: list[Rule] = []
    skip: list[Rule] = []
    for chain in table.chains:
        if chain.base is not None and chain.base.hook is hook and chain.base.type is ChainType.NAT:
            for rule in chain.rules:
                match = with_own(on_linux(rule.match), way, own)
                if is_skip(rule):
                    skip.append(dataclasses.replace(rule, match=match, actions=()))
                elif match != NEVER:
                    rules.append(dataclasses.replace(rule, match=match))
    return Translations(tuple(rules), tuple(skip))


def of_translation(rule: Rule, way: str, skipped: IfaceSet | None) -> list[Diagnostic]:
    """What of a translation netfilter does not do, or does elsewhere."""
    span = rule.origin.span
    out: list[Diagnostic] = []
    verdict = rule.verdict
    if isinstance(verdict, OpaqueVerdict) and verdict.dialect:
        text = "where this translation leads is known to the machine only, or a table that may change"
        out.append(refused(text, span, "write the address, or `(interface)` of the rule's own interface"))
    if way == "in" and not isinstance(verdict, Accept) and _meets_loopback(rule.match, skipped):
        text = "this may translate what the machine sends to itself, which netfilter has translated before"
        out.append(refused(text, span, "write `set skip on lo0`, or name an interface with `on`"))
    if any(t.ports is not None and t.ports[0] > t.ports[1] for t in _targets(verdict)):
        out.append(refused("this range of ports runs backwards", span, "write the lower port first"))
    if isinstance(verdict, Dnat):
        targets = [
            AddressSet.of_family(t.family, IntervalSet.range(t.low, t.high)) for t in verdict.targets if t.family
        ]
        if any(_LOOPBACK & target for target in targets):
            text = "Linux drops what comes from outside and is translated to a loopback address"
            out.append(refused(text, span, "let the program listen on the interface, and write `-> (interface)`"))
    return out


def _targets(verdict: Verdict) -> tuple[NatTarget, ...]:
    match verdict:
        case Dnat(targets):
            return targets
        case Snat(target):
            return (target,)
        case Redirect(ports) | Masquerade(ports):
            return (NatTarget(ports=ports),)
        case _:
            return ()


def _meets_loopback(match: Match, skipped: IfaceSet | None) -> bool:
    if skipped is not None and "lo" in skipped.names:
        return False
    for part in conjuncts(match):
        if isinstance(part, FieldIn) and part.field is Field.IIF and isinstance(part.values, IfaceSet):
            return ("lo" in part.values.names) is not part.values.negated
    return True


class Unsure(Exception):
    """A rule tests the source of packets whose new source is not known here."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule


def as_translated(rules: tuple[Rule, ...], nat: Rule) -> tuple[Rule, ...]:
    """The rules of the way out as the packets that `nat` translates meet them. Raises Unsure."""
    out: list[Rule] = []
    for rule in rules:
        if not _apart(rule.match, nat.match):
            match = map_leaves(rule.match, partial(_decided, nat, rule))
            if match != NEVER:
                out.append(dataclasses.replace(rule, match=match))
                if match == ALWAYS and not isinstance(rule.verdict, OpaqueVerdict):
                    break
    return tuple(out)


def _decided(nat: Rule, rule: Rule, match: Match) -> Match:
    match match:
        case FieldIn(Field.SADDR, AddressSet() as values) if isinstance(nat.verdict, Snat):
            target = nat.verdict.target
            if target.family is not None:
                new_source = IntervalSet.range(target.low, target.high)
                tested = values.family(target.family)
                if not new_source - tested:
                    return ALWAYS
                if not new_source & tested:
                    return NEVER
            raise Unsure(rule)
        case AddressTypeIs(Field.SADDR, "local") if isinstance(nat.verdict, Masquerade):
            return ALWAYS
        case Opaque() if match in OWN_SOURCE | OTHER_SOURCE:
            if isinstance(nat.verdict, Masquerade):  # the new source is an address of the interface by which it leaves
                return ALWAYS if match in OWN_SOURCE else NEVER
            raise Unsure(rule)
        case FieldIn(Field.SADDR | Field.SPORT) | MaskedIn(Field.SADDR) | AddressTypeIs(Field.SADDR):
            raise Unsure(rule)
        case SetRef(_, fields) if Field.SADDR in fields:
            raise Unsure(rule)
        case _:
            return match


def _apart(left: Match, right: Match) -> bool:
    """Both name their egress interfaces, and none in common."""
    sides = []
    for match in (left, right):
        found = [
            part.values
            for part in conjuncts(match)
            if isinstance(part, FieldIn) and part.field is Field.OIF and isinstance(part.values, IfaceSet)
        ]
        if not found or found[0].negated:
            return False
        sides.append(found[0].names)
    return not sides[0] & sides[1]
