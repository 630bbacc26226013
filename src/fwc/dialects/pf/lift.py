"""pf.conf tree to IR: last match becomes first match exactly, tags and anchors included.

Filter rules of each direction become one base chain (hooks PF_IN and PF_OUT): the quick rules in order, then the others in
reverse, then pf's implicit pass. Rules of an anchor stand at its place. A tag that a rule without `quick` sets is seen by the
rules after it, so `tagged` becomes a condition on those rules' matches.
"""

from __future__ import annotations

import dataclasses
import re

from fwc.diagnostics import Diagnostic, warning
from fwc.dialects.pf.check import Environment
from fwc.dialects.pf.lift_match import Conditions, family, interfaces, protocols
from fwc.dialects.pf.lift_nat import translation_rules
from fwc.dialects.pf.printer import lines, route_text
from fwc.dialects.pf.tree import (
    Antispoof,
    Filter,
    Host,
    HostKind,
    Iface,
    Macro,
    Peer,
    PfFile,
    RouteTo,
    Scrub,
    SetOption,
    Statement,
    TableDef,
    Translation,
)
from fwc.ir.match import (
    ALWAYS,
    NEVER,
    Field,
    FieldIn,
    Match,
    Per,
    WithinConnections,
    WithinRate,
    all_of,
    any_of,
    family_is,
    negate,
)
from fwc.ir.model import Base, Chain, NamedSet, Role, Rule, Ruleset, Settings, Table
from fwc.ir.verdict import (
    ACCEPT,
    CONTINUE,
    DROP,
    Action,
    AddToSet,
    ClampMss,
    Duplicate,
    Log,
    NoTrack,
    OpaqueAction,
    OpaqueVerdict,
    Reject,
    RejectKind,
    Tag,
    Verdict,
    Via,
)
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record
from fwc.source import Origin

KINDS4 = {
    0: RejectKind.NET_UNREACHABLE,
    1: RejectKind.HOST_UNREACHABLE,
    2: RejectKind.PROTO_UNREACHABLE,
    3: RejectKind.PORT_UNREACHABLE,
    9: RejectKind.NET_PROHIBITED,
    10: RejectKind.HOST_PROHIBITED,
    13: RejectKind.ADMIN_PROHIBITED,
}
KINDS6 = {
    0: RejectKind.NO_ROUTE,
    1: RejectKind.ADMIN_PROHIBITED,
    3: RejectKind.ADDRESS_UNREACHABLE,
    4: RejectKind.PORT_UNREACHABLE,
    5: RejectKind.POLICY_FAIL,
    6: RejectKind.REJECT_ROUTE,
}
_MACRO = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_MAX_MSS = re.compile(r"max-mss ([0-9]{1,5})\b")
DIRECTIONS = {"in": (Hook.PF_IN, Field.IIF), "out": (Hook.PF_OUT, Field.OIF)}


class Step(Record):
    """A rule in file order: it decides (`rule` without a verdict of its own never does), tags, or both."""

    match: Match
    rules: tuple[Rule, ...]
    quick: bool
    tag: str


def lift(tree: PfFile, environment: Environment | None = None) -> tuple[Ruleset, list[Diagnostic]]:
    """The meaning of a pf.conf. `environment` gives the addresses that pfctl would ask the system for; without it such names
    are opaque."""
    work = _Lift(tree, environment)
    chains: list[Chain] = []
    for way, (hook, field) in DIRECTIONS.items():
        chains += work.translations(way, hook, field)
        chains += work.scrubs(way, hook, field)
        chains.append(work.filters(way, hook, field))
    table = Table("pf", "pf", tuple(chains), work.sets())
    return Ruleset((table,), settings=Settings("pf", "macos"), source="pf", names=tuple(work.names)), work.diagnostics


def _besides_own(definition: TableDef) -> AddressSet | None:
    """What a table with `self` holds besides this machine's addresses, None when it is not a plain list."""
    runs: dict[Family, list[tuple[int, int]]] = {Family.V4: [], Family.V6: []}
    for host in definition.hosts or ():
        if host.kind is HostKind.NET and host.family is not None and not host.negated and not host.scope:
            runs[host.family].append((host.low, host.high))
        elif host.kind is not HostKind.SELF or host.negated:
            return None
    return AddressSet(IntervalSet(runs[Family.V4]), IntervalSet(runs[Family.V6]))


class _Lift:
    def __init__(self, tree: PfFile, environment: Environment | None) -> None:
        self.statements = tree.statements
        self.tables: dict[str, TableDef] = {}
        self.skip: list[str] = []
        self.block_policy = "drop"
        self.diagnostics: list[Diagnostic] = []
        self.names: dict[str, int] = {}
        self.passing: list[str] = []
        self.macros: dict[str, str] = {}
        for st in self.statements:
            if isinstance(st, TableDef):
                known = self.tables.get(st.name)
                hosts = st.hosts if known is None or known.hosts is None else (*known.hosts, *(st.hosts or ()))
                self.tables[st.name] = dataclasses.replace(st, hosts=hosts)
            elif isinstance(st, SetOption):
                if st.name == "skip":
                    self.skip += [v[-1] for v in st.values]
                elif st.name == "block-policy":
                    self.block_policy = st.values[0][0]
            elif isinstance(st, Macro):
                self.macros[st.name] = st.value
        for name in self._overload():
            if name in self.tables:
                self.tables[name] = dataclasses.replace(self.tables[name], hosts=None)
        self.conditions = Conditions(self.tables, environment)

    def _overload(self) -> set[str]:
        """Tables to which states add addresses at run time."""
        return {
            option[1].strip("<>")
            for st in self.statements
            if isinstance(st, Filter) and st.state is not None
            for option in st.state.options
            if option[0] == "overload" and len(option) > 1
        }

    def tag(self, name: str) -> int:
        return self.names.setdefault(name, len(self.names))

    def tagged(self, name: str, negated: bool) -> Match:
        match: Match = FieldIn(Field.PF_TAG, IntervalSet.of(self.tag(name)))
        return negate(match) if negated else match

    def skipped(self, field: Field) -> list[Rule]:
        if not self.skip:
            return []
        match = FieldIn(field, IfaceSet(frozenset(self.skip)))
        return [Rule(match, (NoTrack(),), ACCEPT, role=Role.IMPORTED)]

    def sets(self) -> tuple[NamedSet, ...]:
        out = []
        for name, definition in self.tables.items():
            values = self.conditions.tables[name]
            origin = Origin((definition.span,) if definition.span else ())
            own = any(host.kind is HostKind.SELF and not host.negated for host in definition.hosts or ())
            besides = _besides_own(definition) if own and values is None else values
            elements = () if besides is None else ((besides,),)
            out.append(
                NamedSet(name, (Field.SADDR,), elements, "networks", runtime=values is None, origin=origin, own=own)
            )
        out += [NamedSet(name, (Field.SADDR,), kind="networks", runtime=True) for name in self.conditions.machine_sets]
        return tuple(out)

    # ----- translation and scrub

    def translations(self, way: str, hook: Hook, field: Field) -> list[Chain]:
        kinds = ("rdr", "binat") if way == "in" else ("binat", "nat")
        rules = self.skipped(field)
        self.passing = []
        for kind in kinds:
            for st in self.statements:
                if isinstance(st, Translation) and st.kind == kind:
                    rules += translation_rules(st, way, field, self.conditions, self.tagged, self.passing)
        if not rules:
            return []
        for rule in rules:
            for action in rule.actions:
                if isinstance(action, Tag):
                    self.tag(action.name)
        return [Chain(f"nat-{way}", tuple(rules), Base(hook, ChainType.NAT, -100, ACCEPT))]

    def scrubs(self, way: str, hook: Hook, field: Field) -> list[Chain]:
        """Only what changes the packet's meaning: MSS clamps, first match."""
        out: list[Rule] = []
        before: list[tuple[Family | None, Match]] = []
        for st in self.statements:
            if not isinstance(st, Scrub) or st.direction not in ("", way) or st.anchor is not None:
                continue
            parts = [interfaces(st.ifaces, field), family(st.family), protocols(st.protocols)]
            match = all_of(*parts, *self.conditions.peers(st.source, st.dest))
            mss = next((int(o[1]) for o in st.options if o[0] == "max-mss"), None)
            if mss is not None and not st.no:
                earlier = [negate(m) for f, m in before if f is None or st.family in (None, f)]
                syn = all_of(match, FieldIn(Field.PROTOCOL, IntervalSet.of(6)), *earlier)
                out.append(Rule(syn, (ClampMss(mss, mss),), CONTINUE, role=Role.IMPORTED, origin=_origin(st)))
            if match == ALWAYS:
                break
            before.append((st.family, match))
        return [Chain(f"scrub-{way}", tuple(out), Base(hook, ChainType.FILTER, -150, ACCEPT))] if out else []

    # ----- filter rules

    def filters(self, way: str, hook: Hook, field: Field) -> Chain:
        steps: list[Step] = []
        taggers: list[tuple[Match, str]] = []
        for name in self.passing:
            match = self.tagged(name, False)
            steps.append(Step(match, (Rule(match, verdict=ACCEPT, role=Role.IMPORTED),), True, ""))
        self.walk(self.statements, ALWAYS, way, field, steps, taggers)
        rules = [*self.skipped(field), *_first_match(steps)]
        return Chain(f"filter-{way}", tuple(rules), Base(hook, ChainType.FILTER, 0, ACCEPT))

    def walk(
        self,
        statements: tuple[Statement, ...],
        guard: Match,
        way: str,
        field: Field,
        steps: list[Step],
        taggers: list[tuple[Match, str]],
    ) -> None:
        for st in statements:
            if isinstance(st, Antispoof):
                for rule in antispoof_rules(st):
                    self.step(rule, guard, way, field, steps, taggers)
            elif isinstance(st, Filter):
                self.step(st, guard, way, field, steps, taggers)

    def step(
        self, rule: Filter, guard: Match, way: str, field: Field, steps: list[Step], taggers: list[tuple[Match, str]]
    ) -> None:
        if rule.direction not in ("", way):
            return
        match = all_of(guard, self.conditions.filter(rule, field))
        if rule.tagged:
            match = all_of(match, self.tagged_now(rule.tagged, rule.not_tagged, taggers))
        if rule.tag:
            self.tag(rule.tag)
            if not rule.quick or rule.action == "anchor":
                taggers.append((match, rule.tag))
        if rule.action == "anchor":
            self.anchor(rule, match, way, field, steps, taggers)
            return
        if rule.action == "match":
            steps.append(
                Step(
                    match,
                    (Rule(match, self.actions(rule), CONTINUE, rule.label, origin=_origin(rule)),),
                    True,
                    rule.tag,
                )
            )
            return
        decided = self.rules(rule, match)
        if not rule.tag and taggers:
            decided = _with_tags(decided, taggers)
        steps.append(Step(match, tuple(decided), rule.quick, rule.tag))

    def tagged_now(self, name: str, negated: bool, taggers: list[tuple[Match, str]]) -> Match:
        """Whether the packet carries the tag at this place: the last rule before it that tagged decides."""
        match: Match = self.tagged(name, False)
        for condition, tag in taggers:
            match = any_of(condition, match) if tag == name else all_of(negate(condition), match)
        return negate(match) if negated else match

    def anchor(
        self, rule: Filter, match: Match, way: str, field: Field, steps: list[Step], taggers: list[tuple[Match, str]]
    ) -> None:
        if rule.body is None:
            text = lines(rule)[0]
            opaque = Rule(
                match, (), OpaqueVerdict("", text, "anchor"), rule.label, role=Role.IMPORTED, origin=_origin(rule)
            )
            steps.append(Step(match, (opaque,), True, ""))
            if rule.anchor not in ("com.apple/*",):
                message = f"the rules of anchor {rule.anchor} are not in this file, so what they decide is unknown"
                self.diagnostics.append(warning("FW002", message, rule.span, name="unsupported-construct"))
            return
        inner: list[Step] = []
        self.walk(rule.body, match, way, field, inner, taggers)
        if rule.quick:
            steps += [Step(r.match, (r,), True, "") for r in _first_match(inner)]
        else:
            steps += inner

    # ----- one rule

    def actions(self, rule: Filter) -> tuple[Action, ...]:
        out: list[Action] = []
        if rule.log is not None:
            out.append(Log())
        if rule.tag:
            out.append(Tag(rule.tag))
        if rule.state is not None and rule.state.kind == "no" and rule.action == "pass":
            out.append(NoTrack())
        if rule.route is not None:
            out.append(_via(rule.route))
        if rule.rtable is not None:
            out.append(Via("rtable", str(rule.rtable)))
        for text in rule.extra:
            out += self.later(text)
        return tuple(out)

    def later(self, text: str) -> tuple[Action, ...]:
        """An option of a later release: how the packet travels on, or what `scrub (...)` makes of it, as a scrub rule does."""
        word, _, rest = text.partition(" ")
        plain = _MACRO.sub(lambda m: self.macros.get(m[1], m[0]), rest)
        if word in ("route-to", "reply-to", "dup-to"):
            return (Via(word, plain),)
        if word == "scrub" and "set-tos" not in plain:
            mss = _MAX_MSS.search(plain)
            size = int(mss[1]) if mss else None
            return () if size is None else (ClampMss(size, size),)
        return (OpaqueAction("pf", text, word),)

    def rules(self, rule: Filter, match: Match) -> list[Rule]:
        """The rule, or several where answers differ by family or a limit refuses the excess."""
        actions = self.actions(rule)
        base = Rule(match, actions, ACCEPT, rule.label, role=Role.IMPORTED, origin=_origin(rule))
        if rule.action == "pass":
            return _limited(base, rule)
        verdicts = self.answers(rule)
        if len(verdicts) == 1:
            return [dataclasses.replace(base, verdict=verdicts[0][1])]
        return [dataclasses.replace(base, match=all_of(match, family_is(f)), verdict=v) for f, v in verdicts]

    def answers(self, rule: Filter) -> list[tuple[Family, Verdict]]:
        answer = rule.answer or self.block_policy
        if answer == "drop":
            return [(Family.V4, DROP)]
        if answer == "return":
            return [(Family.V4, Reject())]
        if answer == "return-rst":
            return [(Family.V4, Reject(RejectKind.TCP_RESET))]
        codes = rule.codes
        code4 = codes[0] if codes and answer == "return-icmp" else 3
        code6 = codes[-1] if codes and (answer == "return-icmp6" or len(codes) == 2) else 4
        kind4 = KINDS4.get(code4, RejectKind.PORT_UNREACHABLE)
        kind6 = KINDS6.get(code6, RejectKind.PORT_UNREACHABLE)
        if rule.family is not None:
            return [(rule.family, Reject(kind4 if rule.family is Family.V4 else kind6))]
        if kind4 is kind6:
            return [(Family.V4, Reject(kind4))]
        return [(Family.V4, Reject(kind4)), (Family.V6, Reject(kind6))]


def _via(route: RouteTo) -> Action:
    """A copy to one address is what Linux calls TEE; everything else is pf's own."""
    if route.kind == "dup-to" and len(route.targets) == 1:
        iface, gateway = route.targets[0]
        if gateway is not None and gateway.kind is HostKind.NET and gateway.family and gateway.low == gateway.high:
            return Duplicate(gateway.family, gateway.low, iface)
    return Via(route.kind, route_text(route).partition(" ")[2])


def _limited(base: Rule, rule: Filter) -> list[Rule]:
    limits: list[Match] = []
    overflow: list[Action] = []
    for option in rule.state.options if rule.state else ():
        word, value = option[0], option[1] if len(option) > 1 else ""
        if word == "max-src-conn-rate":
            count, _, seconds = value.partition("/")
            limits.append(WithinRate(int(count), int(seconds), int(count), per=Per.SOURCE))
        elif word in ("max-src-conn", "max-src-states"):
            limits.append(WithinConnections(int(value), Per.SOURCE))
        elif word == "max":
            limits.append(WithinConnections(int(value)))
        elif word == "overload":
            overflow.append(AddToSet(value.strip("<>"), (Field.SADDR,)))
    if not limits:
        return [base]
    within = dataclasses.replace(base, match=all_of(base.match, *limits))
    return [within, dataclasses.replace(base, actions=tuple(overflow), verdict=DROP)]


def _first_match(steps: list[Step]) -> list[Rule]:
    quick = [rule for s in steps if s.quick for rule in s.rules]
    return quick + [rule for s in reversed(steps) if not s.quick for rule in s.rules]


def _with_tags(rules: list[Rule], taggers: list[tuple[Match, str]]) -> list[Rule]:
    """A rule that passes keeps the tag that the last tagging rule before it gave."""
    out: list[Rule] = []
    for rule in rules:
        if rule.verdict == ACCEPT:
            for condition, tag in reversed(taggers):
                out.append(
                    dataclasses.replace(rule, match=all_of(rule.match, condition), actions=(*rule.actions, Tag(tag)))
                )
        out.append(rule)
    return [r for r in out if r.match != NEVER]


def antispoof_rules(rule: Antispoof) -> list[Filter]:
    """What pfctl expands antispoof to: not from another interface, and never from the interface's own address."""
    out: list[Filter] = []
    for host in rule.ifaces:
        for own in (False, True):
            name = host.name if own else f"{host.name}:network"
            peer = Peer((Host(host.kind if host.kind is HostKind.DYNAMIC else HostKind.NAME, name=name),))
            where = () if own else (Iface(host.name, not host.negated),)
            out.append(
                Filter(
                    "block",
                    "drop",
                    direction="in",
                    log=rule.log,
                    quick=rule.quick,
                    ifaces=where,
                    family=rule.family,
                    source=peer,
                    label=rule.label,
                    span=rule.span,
                )
            )
            if host.name == "lo0":
                break
    return out


def _origin(st: Filter | Scrub | Translation) -> Origin:
    return Origin((st.span,) if st.span else ())
