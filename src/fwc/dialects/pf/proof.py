"""Two views of a compile to pf that must be the same: what the policy says, and what the emitted text does from end to end.

`whole` turns a lifted pf ruleset (hooks PF_IN and PF_OUT) into the three ways a packet can take: to this machine, through it,
and out of it. `expected` brings the policy to the same terms. Both speak of first packets of connections. Neither knows how
the compiler chose its classes of forwarded packets: `whole` follows the tags from leg to leg.

Terms: `PF_TAG` holds the tag that an rdr rule gave (names of the result), so "was translated by us" is a set of tags.
What is assumed: Apple's own anchors decide nothing; `<fwc_local>` holds what is delivered to this machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from fwc.dialects.pf.emit import CODES
from fwc.dialects.pf.lift import KINDS4, KINDS6
from fwc.dialects.pf.tables import LOCAL, SELF, identifier
from fwc.ir.match import (
    ALWAYS,
    NEVER,
    AddressTypeIs,
    AllOf,
    CtState,
    CtStatus,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Opaque,
    Owner,
    SetRef,
    WithinConnections,
    WithinRate,
    all_of,
    any_of,
    family_is,
    negate,
)
from fwc.ir.model import Base, Chain, NamedSet, Role, Rule, Ruleset, Table
from fwc.ir.verdict import (
    ACCEPT,
    DROP,
    Accept,
    Action,
    AddToSet,
    Count,
    Dnat,
    Drop,
    Goto,
    Log,
    Masquerade,
    Netmap,
    NoTrack,
    OpaqueVerdict,
    PortChoice,
    Redirect,
    Reject,
    RejectKind,
    Snat,
    Tag,
    Verdict,
    VerdictMap,
)
from fwc.ir.walk import map_leaves
from fwc.net.addresses import AddressSet, prefixes
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet

Leaf = Callable[[Match], Match]
TRANSLATING = (Dnat, Redirect, Netmap)
_APPLE = '"com.apple/*"'
_SCRUB = -150  # priority of the chains that hold MSS clamps
_NOT_FIRST = all_of(
    FieldIn(Field.PROTOCOL, IntervalSet.of(6)), negate(MaskedIn(Field.TCP_FLAGS, 18, IntervalSet.of(2)))
)
_TCP = FieldIn(Field.PROTOCOL, IntervalSet.of(6))


# ----- what the emitted text does ---------------------------------------------


def whole(lifted: Ruleset) -> Ruleset:
    """The lifted pf.conf from end to end: chains input, forward, output, prerouting and postrouting."""
    table = lifted.tables[0]
    into = [_mapped(r, _given) for r in _chain(table, Hook.PF_IN, False)]
    out = [_mapped(r, _given) for r in _chain(table, Hook.PF_OUT, False)]
    rdr, nat = _chain(table, Hook.PF_IN, True), _chain(table, Hook.PF_OUT, True)
    local = _local_is_known(lifted, table)
    crossing = _reachable([_mapped(r, _delivered(False, local)) for r in into])
    users: dict[str, Chain] = {}
    forward: list[Rule] = [_scope(lifted, rdr)]
    for rule in crossing:
        if not isinstance(rule.verdict, Accept):
            forward.append(rule)
            continue
        tag = next((a.name for a in rule.actions if isinstance(a, Tag)), "")
        name = f"out-{tag}"
        if name not in users:
            specialised = [_mapped(r, _tag_is(lifted, tag) if tag else lambda m: m) for r in out]
            users[name] = Chain(name, tuple(_source_checked(r, nat) for r in _reachable(specialised)))
        forward.append(dataclasses.replace(rule, actions=_only_log(rule.actions), verdict=Goto(name)))
    own = _reachable([_mapped(r, _delivered(True, local)) for r in into])
    sent = _reachable([_mapped(r, _tag_is(lifted, "")) for r in out])
    result = (
        Chain("input", (_scope(lifted, rdr), *_tidy(own)), _base(Hook.INPUT)),
        Chain("forward", tuple(_tidy(forward)), _base(Hook.FORWARD)),
        Chain("output", (_scope(lifted, []), *_tidy(sent)), _base(Hook.OUTPUT)),
        Chain("prerouting", tuple(_joined(_tidy(_named_self(r) for r in rdr))), _base(Hook.PREROUTING, ChainType.NAT)),
        Chain(
            "postrouting",
            (_nat_scope(lifted, rdr), *_joined(_tidy(_untagged(nat, crossing, lifted)))),
            _base(Hook.POSTROUTING, ChainType.NAT),
        ),
        *(Chain(c.name, tuple(_tidy(c.rules))) for c in users.values()),
    )
    sets = tuple(s for s in table.sets if s.runtime and s.name not in (LOCAL, SELF))
    return dataclasses.replace(lifted, tables=(Table("pf", "pf", result, sets),))


def _reachable(rules: list[Rule]) -> list[Rule]:
    """Without rules that never match, and up to the first that always decides."""
    out: list[Rule] = []
    for rule in rules:
        if rule.match != NEVER:
            out.append(rule)
            if rule.match == ALWAYS and isinstance(rule.verdict, Accept | Drop | Reject):
                break
    return out


def _given(match: Match) -> Match:
    """`flags S/SA` holds for every packet that begins a tcp connection, and others are out of scope."""
    first = isinstance(match, MaskedIn) and match.field is Field.TCP_FLAGS and match.mask == 18
    return ALWAYS if first and isinstance(match, MaskedIn) and 2 in match.values else match


def _chain(table: Table, hook: Hook, nat: bool) -> list[Rule]:
    """The rules of the filter or translation chain of a hook, without Apple's anchors."""
    for chain in table.chains:
        base = chain.base
        if base is not None and base.hook is hook and (base.type is ChainType.NAT) is nat and base.priority != _SCRUB:
            return [r for r in chain.rules if not (isinstance(r.verdict, OpaqueVerdict) and _APPLE in r.verdict.text)]
    return []


def _base(hook: Hook, type_: ChainType = ChainType.FILTER) -> Base:
    return Base(hook, type_, 0, ACCEPT)


def _mapped(rule: Rule, leaf: Leaf) -> Rule:
    return dataclasses.replace(rule, match=map_leaves(rule.match, leaf))


def _local_is_known(lifted: Ruleset, table: Table) -> bool:
    """The table of delivered addresses is filled by the machine, and names nothing else than multicast and broadcasts."""
    found = next((s for s in table.sets if s.name == LOCAL and s.runtime and s.own), None)
    if found is None:
        return False
    wanted = _everyone(lifted)
    return all(isinstance(v, AddressSet) and v == wanted for element in found.elements for v in element) and bool(
        found.elements
    )


def _everyone(policy: Ruleset) -> AddressSet:
    """The addresses that this machine receives besides its own: multicast, and the broadcasts of its networks."""
    v4 = [(0xE0000000, 0xEFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF)]
    for zone in policy.zones:
        for run in zone.nets.v4.runs:
            for value, length in prefixes(run, 32):
                if 8 <= length <= 30:
                    last = value | (1 << 32 - length) - 1
                    v4.append((last, last))
    return AddressSet(IntervalSet(v4), IntervalSet([(0xFF << 120, (1 << 128) - 1)]))


def _delivered(yes: bool, known: bool) -> Leaf:
    def leaf(match: Match) -> Match:
        if known and isinstance(match, SetRef) and match.set == LOCAL and match.fields == (Field.DADDR,):
            return ALWAYS if yes else NEVER
        return _self_leaf(match)

    return leaf


def _self_leaf(match: Match) -> Match:
    if isinstance(match, SetRef) and match.set == SELF and len(match.fields) == 1:
        return AddressTypeIs(match.fields[0], "local")
    return match


def _named_self(rule: Rule) -> Rule:
    return _mapped(rule, _self_leaf)


def _tag_is(lifted: Ruleset, name: str) -> Leaf:
    """Tests of the tag decided: the packet carries `name`, or no tag when it is empty."""
    number = lifted.names.index(name) if name in lifted.names else -1

    def leaf(match: Match) -> Match:
        if isinstance(match, FieldIn) and match.field is Field.PF_TAG:
            assert isinstance(match.values, IntervalSet)
            return ALWAYS if number in match.values else NEVER
        return _self_leaf(match)

    return leaf


def _scope(lifted: Ruleset, rdr: list[Rule]) -> Rule:
    """What is not compared: packets that begin no connection, tags of classes, and rdr tags on interfaces without that rdr."""
    tags = _rdr_tags(lifted, rdr)
    others = [i for i in range(len(lifted.names)) if i not in tags]
    outside: list[Match] = [_NOT_FIRST]
    if others:
        outside.append(FieldIn(Field.PF_TAG, IntervalSet.of(*others)))
    for number, rule in tags.items():
        where = _interfaces(rule.match)
        if where is not None:
            outside.append(all_of(FieldIn(Field.PF_TAG, IntervalSet.of(number)), negate(where)))
    return Rule(any_of(*outside), (), DROP, role=Role.DEFAULT)


def _nat_scope(lifted: Ruleset, rdr: list[Rule]) -> Rule:
    """The same for source translations, which `tagged` ties to packets that begin a connection."""
    return dataclasses.replace(_scope(lifted, rdr), verdict=ACCEPT)


def _interfaces(match: Match) -> Match | None:
    parts = match.parts if isinstance(match, AllOf) else (match,)
    return next((p for p in parts if isinstance(p, FieldIn) and p.field is Field.IIF), None)


def _rdr_tags(lifted: Ruleset, rdr: list[Rule]) -> dict[int, Rule]:
    out: dict[int, Rule] = {}
    for rule in rdr:
        for action in rule.actions:
            if isinstance(action, Tag) and action.name in lifted.names:
                out[lifted.names.index(action.name)] = rule
    return out


def _source_checked(rule: Rule, nat: list[Rule]) -> Rule:
    """On the way out pf sees the translated source: a test of it means something else where a translation may apply."""
    changes = [r for r in nat if isinstance(r.verdict, Snat | Masquerade | Netmap) and not _apart(r.match, rule.match)]

    def leaf(match: Match) -> Match:
        tests_source = isinstance(match, FieldIn | MaskedIn) and match.field in (Field.SADDR, Field.SPORT)
        tests_set = isinstance(match, SetRef) and Field.SADDR in match.fields
        if changes and (tests_source or tests_set):
            return Opaque("pf", f"translated {match!r}", "source")
        return match

    return _mapped(rule, leaf)


def _apart(left: Match, right: Match) -> bool:
    """Both name their egress interfaces, and none in common."""
    sides = []
    for match in (left, right):
        parts = match.parts if isinstance(match, AllOf) else (match,)
        found = [
            p.values
            for p in parts
            if isinstance(p, FieldIn) and p.field is Field.OIF and isinstance(p.values, IfaceSet)
        ]
        if not found or found[0].negated:
            return False
        sides.append(found[0].names)
    return not sides[0] & sides[1]


def _untagged(nat: list[Rule], crossing: list[Rule], lifted: Ruleset) -> list[Rule]:
    """Source translations with tags of classes replaced by what made the tag."""

    def leaf(match: Match) -> Match:
        if not (isinstance(match, FieldIn) and match.field is Field.PF_TAG):
            return _self_leaf(match)
        assert isinstance(match.values, IntervalSet)
        makers: list[Match] = []
        before: list[Match] = []
        for rule in crossing:
            tag = next((a.name for a in rule.actions if isinstance(a, Tag)), "")
            if tag in lifted.names and lifted.names.index(tag) in match.values:
                makers.append(all_of(rule.match, *(negate(b) for b in before)))
            before.append(rule.match)
        return any_of(*makers)

    return [_mapped(rule, leaf) for rule in nat]


def _only_log(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    return tuple(a for a in actions if isinstance(a, Log))


def _tidy(rules: Iterable[Rule]) -> list[Rule]:
    """Without tags, rules that never match, names and places; packets of known connections and flags are out of scope."""
    out: list[Rule] = []
    for rule in rules:
        if rule.match == NEVER:
            continue
        actions = tuple(a for a in rule.actions if not isinstance(a, Tag | Count))
        out.append(dataclasses.replace(rule, actions=actions, label="", comment=""))
    return out


def _joined(rules: Iterable[Rule]) -> list[Rule]:
    """Neighbours that do the same, as one rule: pf needs several where the policy has one, and the other way round."""
    out: list[Rule] = []
    for rule in rules:
        if out and out[-1].verdict == rule.verdict and out[-1].actions == rule.actions:
            out[-1] = dataclasses.replace(out[-1], match=any_of(out[-1].match, rule.match))
        else:
            out.append(rule)
    return out


# ----- what the policy says ---------------------------------------------------


def expected(policy: Ruleset, lifted: Ruleset) -> Ruleset:
    """The policy in the terms of `whole`; `lifted` tells which rdr rules there are to ask about."""
    rdr = _chain(lifted.tables[0], Hook.PF_IN, True)
    terms = _Terms(policy, lifted, rdr)
    chains: list[Chain] = []
    early: dict[Hook, list[Rule]] = {Hook.PREROUTING: [], Hook.OUTPUT: []}
    untracked: dict[Hook, list[Match]] = {Hook.PREROUTING: [], Hook.OUTPUT: []}
    filters: dict[Hook, Chain] = {}
    for table in policy.tables:
        for chain in table.chains:
            rules = tuple(r for rule in chain.rules for r in terms.rule(rule))
            if chain.base is None:
                chains.append(dataclasses.replace(chain, rules=rules))
            elif chain.base.type is ChainType.NAT:
                base = dataclasses.replace(chain.base, priority=0)
                name = str(chain.base.hook)
                front = [_nat_scope(lifted, rdr)] if chain.base.hook is Hook.POSTROUTING else []
                chains.append(Chain(name, (*front, *_joined(rules)), base))
            elif chain.base.priority == 0 and chain.base.hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT):
                filters[chain.base.hook] = dataclasses.replace(chain, rules=rules)
            elif chain.base.hook in early:
                untracked[chain.base.hook] += [
                    map_leaves(r.match, terms.leaf)
                    for r in chain.rules
                    if any(isinstance(a, NoTrack) for a in r.actions)
                ]
                early[chain.base.hook] += [r for r in rules if isinstance(r.verdict, type(DROP) | Reject)]
    for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT):
        found = filters.get(hook, Chain(str(hook), (), _base(hook)))
        before = Hook.OUTPUT if hook is Hook.OUTPUT else Hook.PREROUTING
        first, free = early[before], any_of(*untracked[before])
        scope = _scope(lifted, [] if hook is Hook.OUTPUT else rdr)
        accepting = found.base is not None and isinstance(found.base.policy, Accept)
        last = [Rule(ALWAYS, (NoTrack(),), ACCEPT)] if accepting and not policy.settings.stateful else []
        if accepting and free != NEVER:
            last = [Rule(free, (NoTrack(),), ACCEPT), *last]
        rules = tuple(r for rule in found.rules for r in _untracked(rule, free))
        chains.append(dataclasses.replace(found, name=str(hook), rules=(scope, *first, *rules, *last)))
    sets = tuple(
        dataclasses.replace(s, name=identifier(s.name)) if s.runtime else s
        for table in policy.tables
        for s in table.sets
    )
    return dataclasses.replace(policy, tables=(Table("pf", "pf", tuple(chains), sets),), names=lifted.names)


def _untracked(rule: Rule, free: Match) -> list[Rule]:
    """An accept whose packets of `free` are passed without state, because a `notrack` exempted them before."""
    if free == NEVER or not isinstance(rule.verdict, Accept) or any(isinstance(a, NoTrack) for a in rule.actions):
        return [rule]
    return [dataclasses.replace(rule, match=all_of(rule.match, free), actions=(*rule.actions, NoTrack())), rule]


def _port_choice(verdict: Verdict) -> Verdict:
    """pf chooses the port at random unless `static-port` says otherwise (pf.conf(5)), so the word makes no difference."""
    if isinstance(verdict, Snat | Masquerade | Dnat | Redirect) and verdict.choice is PortChoice.RANDOM:
        return dataclasses.replace(verdict, choice=PortChoice.DEFAULT)
    return verdict


class _Terms:
    """Rewrites the policy's rules."""

    def __init__(self, policy: Ruleset, lifted: Ruleset, rdr: list[Rule]) -> None:
        self.names = lifted.names
        self.rdr = _rdr_tags(lifted, rdr)
        self.untagged = any(
            isinstance(r.verdict, TRANSLATING) and not any(isinstance(a, Tag) for a in r.actions) for r in rdr
        )
        self.sets: dict[str, NamedSet] = {s.name: s for table in policy.tables for s in table.sets}
        self.stateful = policy.settings.stateful
        self.replies = frozenset(
            r.origin.spans for table in policy.tables for c in table.chains for r in c.rules if r.role is Role.REPLY
        )

    def rule(self, rule: Rule) -> list[Rule]:
        if isinstance(rule.verdict, VerdictMap):
            fields = rule.verdict.fields
            entries = [
                dataclasses.replace(
                    rule,
                    match=all_of(rule.match, *(FieldIn(f, v) for f, v in zip(fields, values, strict=True))),
                    verdict=verdict,
                )
                for values, verdict in rule.verdict.entries
            ]
            return [one for entry in entries for one in self.rule(entry)]
        nd = rule.role is Role.ICMPV6_ND
        match = map_leaves(rule.match, lambda m: self.nd_leaf(m) if nd else self.leaf(m))
        if match == NEVER:
            return []
        actions = tuple(self.action(a) for a in rule.actions if not isinstance(a, Count | NoTrack))
        if isinstance(rule.verdict, Accept) and self.stateless(rule):
            actions = (*actions, NoTrack())
        base = dataclasses.replace(
            rule, match=match, actions=actions, verdict=_port_choice(rule.verdict), label="", comment=""
        )
        if isinstance(rule.verdict, Reject):
            return [
                dataclasses.replace(base, match=all_of(match, *extra), verdict=verdict)
                for extra, verdict in rejects(rule.verdict.kind)
            ]
        return [base]

    def stateless(self, rule: Rule) -> bool:
        if rule.role is Role.REPLY or not self.stateful:
            return True
        parts = rule.match.parts if isinstance(rule.match, AllOf) else (rule.match,)
        loop = any(
            isinstance(p, FieldIn)
            and isinstance(p.values, IfaceSet)
            and p.values.names == {"lo0"}
            and not p.values.negated
            for p in parts
        )
        return loop or (bool(rule.origin.spans) and rule.origin.spans in self.replies)

    @staticmethod
    def action(action: Action) -> Action:
        if isinstance(action, Log):
            return Log()
        return AddToSet(identifier(action.set), action.fields) if isinstance(action, AddToSet) else action

    def nd_leaf(self, match: Match) -> Match:
        """The kernel itself drops neighbour discovery whose hop limit is not 255."""
        if isinstance(match, FieldIn) and match.field is Field.TTL:
            return ALWAYS
        return self.leaf(match)

    def leaf(self, match: Match) -> Match:
        if isinstance(match, FieldIn) and match.field is Field.CT_STATE:
            assert isinstance(match.values, IntervalSet)
            return ALWAYS if CtState.NEW.value in match.values else NEVER
        if isinstance(match, MaskedIn) and match.field is Field.CT_STATUS and match.mask == CtStatus.DNAT:
            tags = self.tags()
            return tags if CtStatus.DNAT in match.values else negate(tags)
        if isinstance(match, FieldIn) and match.field in (Field.CT_ORIG_DPORT, Field.CT_ORIG_DADDR):
            return self.original(match)
        if isinstance(match, MaskedIn) and match.field is Field.TCP_FLAGS:
            return _given(match)
        if isinstance(match, WithinRate):
            return dataclasses.replace(match, burst=match.amount, name="")
        if isinstance(match, SetRef):
            known = self.sets.get(match.set)
            if known is not None and known.runtime:
                return SetRef(identifier(match.set), match.fields)
        if isinstance(match, Owner):
            names = any_of(*(Owner(match.kind, (name,)) for name in match.names))
            return all_of(FieldIn(Field.PROTOCOL, IntervalSet.of(6, 17)), names)
        if isinstance(match, WithinConnections):
            return dataclasses.replace(match, name="")
        return match

    def tags(self) -> Match:
        if self.untagged:
            return Opaque("pf", "an rdr rule that gives no tag", "tag")
        return FieldIn(Field.PF_TAG, IntervalSet.of(*self.rdr)) if self.rdr else NEVER

    def original(self, match: FieldIn) -> Match:
        if self.untagged:
            return self.tags()  # nothing tells its packets from others; without this the test could never hold
        field = Field.DPORT if match.field is Field.CT_ORIG_DPORT else Field.DADDR
        found = []
        for number, rule in self.rdr.items():
            parts = rule.match.parts if isinstance(rule.match, AllOf) else (rule.match,)
            tests = [p.values for p in parts if isinstance(p, FieldIn) and p.field is field]
            if tests and tests[0] <= match.values:  # type: ignore[operator]
                found.append(number)
        return FieldIn(Field.PF_TAG, IntervalSet.of(*found)) if found else NEVER


def rejects(kind: RejectKind) -> list[tuple[tuple[Match, ...], Verdict]]:
    """A refusal as pf can answer it: a reset for tcp, else the ICMP code of each family."""
    if kind is RejectKind.TCP_RESET:
        return [((), Reject(kind))]
    code4, code6 = CODES[RejectKind.PORT_UNREACHABLE if kind is RejectKind.DEFAULT else kind]
    by_family: list[tuple[tuple[Match, ...], Verdict]] = [
        ((family_is(Family.V4),), Reject(KINDS4[code4])),
        ((family_is(Family.V6),), Reject(KINDS6[code6])),
    ]
    return [((_TCP,), Reject(RejectKind.TCP_RESET)), *by_family] if kind is RejectKind.DEFAULT else by_family
