"""IR to pf.conf: sections in order, every rule quick, forwarded packets decided on their way out by the tag of their class."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

from fwc.analysis.fates import effect_text
from fwc.diagnostics import Diagnostic, has_errors
from fwc.dialects.base import LowerOptions
from fwc.dialects.pf import emit
from fwc.dialects.pf.clause import Clause, Inexpressible, Side, clauses
from fwc.dialects.pf.flatten import Line, flatten
from fwc.dialects.pf.forward import Forwarding
from fwc.dialects.pf.hosts import net
from fwc.dialects.pf.limits import fold_limits, fold_logs
from fwc.dialects.pf.mss import scrub_rules
from fwc.dialects.pf.natives import Places
from fwc.dialects.pf.refuse import Report
from fwc.dialects.pf.tables import LOCAL, SELF, Tables
from fwc.dialects.pf.translate import Translations
from fwc.dialects.pf.tree import (
    Comment,
    Dummynet,
    Filter,
    Host,
    HostKind,
    LoadAnchor,
    PfFile,
    Scrub,
    SetOption,
    Statement,
    TableDef,
    Translation,
)
from fwc.ir.match import ALWAYS, AllOf, AnyOf, Field, FieldIn, Match, Not
from fwc.ir.model import Chain, Role, Rule, Ruleset
from fwc.ir.verdict import ACCEPT, Accept, AddToSet, ClampMss, Continue, Count, Drop, Log, NoTrack, Reject, SetZone
from fwc.net.addresses import AddressSet, prefixes
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import Span

LOOPBACK = "lo0"
_V4_MULTICAST = net(Family.V4, 224 << 24, 4)
_V4_BROADCAST = net(Family.V4, (1 << 32) - 1, 32)
_V6_MULTICAST = net(Family.V6, 0xFF << 120, 8)


def lower(ruleset: Ruleset, options: LowerOptions) -> tuple[PfFile | None, list[Diagnostic]]:
    """The pf.conf of a policy, or None with every reason why macOS cannot express it."""
    work = _Lowering(ruleset, options)
    tree = work.file()
    found = work.report.diagnostics
    return (None if has_errors(found) else tree), found


class _Lowering:
    def __init__(self, ruleset: Ruleset, options: LowerOptions) -> None:
        self.ruleset = ruleset
        self.options = options
        self.report = Report(options.lossy)
        self.families = ruleset.settings.families
        self.tables = Tables(_names(ruleset))
        self.reply_spans = _reply_spans(ruleset)
        self.untracked: dict[Hook, list[Clause]] = {}
        self.fragments = False

    # ----- chains

    def chains(self, hook: Hook, type_: ChainType) -> list[Chain]:
        found = [
            c
            for table in self.ruleset.tables
            for c in table.chains
            if c.base is not None and c.base.hook is hook and (c.base.type is ChainType.NAT) is (type_ is ChainType.NAT)
        ]
        return sorted(found, key=lambda c: c.base.priority if c.base else 0)

    def main(self, hook: Hook) -> Chain | None:
        found = [c for c in self.chains(hook, ChainType.FILTER) if c.base is not None and c.base.priority == 0]
        for extra in found[1:]:
            if extra.rules:
                self.report.refuse(
                    extra.origin, "hook", f"chain {extra.name}: pf has one list of rules, not several chains a hook"
                )
        return found[0] if found else None

    def others(self) -> list[tuple[Chain, Rule]]:
        """Rules of filter chains beside the main ones: early rules, packet changes."""
        out: list[tuple[Chain, Rule]] = []
        for hook in Hook:
            for chain in self.chains(hook, ChainType.FILTER):
                if chain.base is not None and (chain.base.priority != 0 or hook in (Hook.PREROUTING, Hook.POSTROUTING)):
                    out.extend((chain, rule) for rule in chain.rules)
                    if isinstance(chain.base.policy, Drop):
                        self.report.refuse(
                            chain.origin, "hook", f"chain {chain.name} drops by policy at a hook pf does not have"
                        )
        return out

    # ----- rules to filters

    def stateless(self, rule: Rule) -> bool:
        if not self.ruleset.settings.stateful or rule.role is Role.REPLY:
            return True
        return rule.origin.spans in self.reply_spans and bool(rule.origin.spans)

    def decide(self, line: Line, hook: Hook) -> list[tuple[Clause, list[Filter]]]:
        """The clauses of a line and their rules, without direction and interface."""
        rule, verdict = line.rule, line.verdict
        if isinstance(verdict, Continue):
            self.continuing(line)
            return []
        if not isinstance(verdict, Accept | Drop | Reject):
            self.report.refuse(rule, "hook", f"pf has no equivalent of `{effect_text(verdict)}`")
            return []
        log, overload = False, ""
        for action in line.actions:
            if isinstance(action, AddToSet):
                if not isinstance(verdict, Accept) or action.delete or action.fields != (Field.SADDR,):
                    self.report.refuse(
                        rule, "add to set", "pf fills a table with the source of a tcp connection over its limit only"
                    )
                overload = self.tables.runtime(action.set)
            elif isinstance(action, Log):
                log = True
                if action.nflog_group is not None:
                    self.report.lose(rule, "log", "the NFLOG group is dropped; the line goes to pflog0", widens=False)
            elif not isinstance(action, Count):
                self.refuse_action(rule, action)
        label = emit.label_of(rule, line.actions)
        out: list[tuple[Clause, list[Filter]]] = []
        for clause in clauses(line.match, rule, isinstance(verdict, Accept), self.families, self.report):
            self.fragments = self.fragments or clause.fragment
            if isinstance(verdict, Accept):
                out.extend(self.accepting(clause, rule, label, log, hook, overload))
            else:
                if clause.limits:
                    self.report.refuse(rule, "limit", "pf can limit what a rule passes, not what it blocks")
                out.append((clause, emit.filters(clause, verdict, rule, label, log, False, self.tables, self.report)))
        counting = [clause for clause, found in out for f in found if clause.limits]
        if any(set(a.families) & set(b.families) for a, b in itertools.pairwise(counting)):
            emit.refuse_shared(counting[0], rule, self.report)
        return out

    def accepting(
        self, clause: Clause, rule: Rule, label: str, log: bool, hook: Hook, overload: str
    ) -> Iterable[tuple[Clause, list[Filter]]]:
        """An accept; the part of it that `notrack` covers is passed without state, before the rest."""
        stateless = self.stateless(rule) or _only_loopback(clause)
        if not stateless:
            for untracked in self.untracked.get(hook, ()):
                both = _meet(clause, untracked, rule, self.report)
                if both is not None:
                    yield both, emit.filters(both, ACCEPT, rule, label, log, True, self.tables, self.report)
        found = emit.filters(clause, ACCEPT, rule, label, log, stateless, self.tables, self.report, overload)
        yield clause, found

    def continuing(self, line: Line) -> None:
        for action in line.actions:
            if isinstance(action, Log):
                self.report.lose(line.rule, "log without verdict", "the log line is not written", widens=False)
            elif isinstance(action, Count):
                self.report.lose(line.rule, "count", "the packets are not counted", widens=False)
            else:
                self.refuse_action(line.rule, action)

    def refuse_action(self, rule: Rule, action: object) -> None:
        feature = {
            "SetField": "rewrite",
            "SetPriority": "rewrite",
            "CopyMark": "mark",
            "AssignHelper": "helper",
            "AddToSet": "add to set",
            "ClampMss": "clamp mss",
            "NoTrack": "notrack",
        }.get(type(action).__name__, "hook")
        if isinstance(action, SetZone):
            text = "pf keeps all its states in one table; it has no conntrack zones"
            self.report.refuse(rule, "hook", text, "leave the zone out where no two networks use the same addresses")
            return
        field = getattr(action, "field", None)
        if field in (Field.MARK, Field.CT_MARK):
            feature = "mark"
        self.report.refuse(rule, feature)

    # ----- sections

    def file(self) -> PfFile:
        places = Places(self.ruleset, self.report)
        early, scrubs = self.early()
        translations = Translations(self.ruleset, self.tables, self.report, self.families, self.lines)
        rdrs = translations.incoming(self.chains(Hook.PREROUTING, ChainType.NAT))
        for chain in self.chains(Hook.OUTPUT, ChainType.NAT) + self.chains(Hook.INPUT, ChainType.NAT):
            for rule in chain.rules:
                self.report.refuse(rule, "dnat of local traffic")
        sources = translations.outgoing(self.chains(Hook.POSTROUTING, ChainType.NAT))
        forwarding = Forwarding(self.tables, self.report, translations)
        self.forward_rules(forwarding, sources)
        into, out = forwarding.legs()
        nats = translations.finish(forwarding.tags_of)
        input_rules = self.plain(self.main(Hook.INPUT), Hook.INPUT, translations)
        output_rules = self.plain(self.main(Hook.OUTPUT), Hook.OUTPUT, translations)
        filters: list[Statement] = [
            *places.take("filter-start"),
            *self.section("Early", early),
            *places.take("input-start"),
            *self.section("Forwarded packets, coming in: tagged by where they come from", into),
            *self.section("To this machine", dict.fromkeys(input_rules)),
            *places.take("input-end"),
            *places.take("forward-start"),
            *self.section("Forwarded packets, going out", dict.fromkeys(out)),
            *places.take("forward-end"),
            *places.take("output-start"),
            *self.section("From this machine", dict.fromkeys(output_rules)),
            *places.take("output-end"),
        ]
        if not self.fragments:
            scrubs = [*scrubs, Scrub(direction="in", options=(("fragment", "reassemble"),))]
        statements = self.assemble(places, scrubs, [*rdrs, *nats], filters)
        settings = self.ruleset.settings
        anchor = "" if settings.keep_apple else settings.anchor
        return PfFile(tuple(statements), None, "pf.anchor" if anchor else "pf.conf", anchor)

    def assemble(
        self, places: Places, scrubs: list[Scrub], translations: list[Translation], filters: list[Statement]
    ) -> list[Statement]:
        apple = self.ruleset.settings.keep_apple
        out: list[Statement] = [Comment(line) for line in self.header()]
        if apple:
            out += [Comment(""), SetOption("ruleset-optimization", (("none",),))]
        options = places.take("options")
        if options and not apple:
            self.report.refuse(self.ruleset.natives[0].origin, "native", "options are ignored in an anchor's file")
        out += options
        out += self.section("Tables", self.table_section())
        out += places.take("tables")
        out += self.section("Normalisation", [*([Scrub(anchor="com.apple/*")] if apple else []), *scrubs])
        anchors = [Translation("nat", anchor="com.apple/*"), Translation("rdr", anchor="com.apple/*")] if apple else []
        nat_end = places.take("nat-end")
        out += self.section("Translation", [*anchors, *places.take("nat-start"), *translations, *nat_end])
        if apple:
            out += [
                Dummynet('dummynet-anchor "com.apple/*"'),
                Filter("anchor", anchor="com.apple/*"),
                LoadAnchor("com.apple", "/etc/pf.anchors/com.apple"),
            ]
        out += filters
        places.refuse_rest()
        return out

    def header(self) -> list[str]:
        notes = list(self.options.header)
        notes += self.report.losses
        if not self.ruleset.settings.keep_apple:
            notes.append(
                f"rules of anchor {self.ruleset.settings.anchor}: pfctl -a {self.ruleset.settings.anchor} -f FILE"
            )
        return [" ".join(line.split()) for line in notes]

    @staticmethod
    def section(title: str, statements: Iterable[Statement]) -> list[Statement]:
        rules = list(statements)
        return [Comment(""), Comment(title), *rules] if rules else []

    def table_section(self) -> list[Statement]:
        own: list[Statement] = []
        if self.tables.uses_local:
            hosts = (Host(HostKind.SELF), _V4_MULTICAST, _V4_BROADCAST, *self.broadcasts(), _V6_MULTICAST)
            own.append(TableDef(LOCAL, ("const",), hosts))
        if self.tables.uses_self:
            own.append(TableDef(SELF, ("const",), (Host(HostKind.SELF),)))
        return [*own, *self.tables.defined.values()]

    def broadcasts(self) -> tuple[Host, ...]:
        """The directed broadcast address of every IPv4 network of a zone that has one."""
        found: set[int] = set()
        for zone in self.ruleset.zones:
            for low, high in zone.nets.v4.runs:
                found.update(
                    value | (1 << 32 - length) - 1 for value, length in prefixes((low, high), 32) if 8 <= length <= 30
                )
        return tuple(net(Family.V4, value, 32) for value in sorted(found))

    def lines(self, chain: Chain) -> list[Line]:
        """The chain's lines, the last one its policy when it is a filter chain."""
        lines = flatten(chain, self.ruleset, self.report)
        if chain.base is not None and chain.base.type is not ChainType.NAT:
            policy = chain.base.policy
            lines.append(
                Line(ALWAYS, (), policy, Rule(verdict=policy, label=f"{chain.base.hook}-policy", role=Role.DEFAULT))
            )
        return fold_limits(fold_logs(lines, self.report), self.report)

    # ----- early rules and packet changes

    def early(self) -> tuple[list[Filter], list[Scrub]]:
        filters: list[Filter] = []
        clamps: list[tuple[ClampMss, Rule]] = []
        for chain, rule in self.others():
            assert chain.base is not None
            hook = chain.base.hook
            for action in rule.actions:
                if isinstance(action, ClampMss):
                    clamps.append((action, rule))
            actions = tuple(a for a in rule.actions if not isinstance(a, ClampMss | NoTrack))
            if any(isinstance(a, NoTrack) for a in rule.actions):
                found = clauses(rule.match, rule, False, self.families, self.report)
                if any(c.flags or c.fragment or c.translated or c.owners or c.limits for c in found):
                    self.report.refuse(
                        rule, "notrack", "pf passes without state by addresses, ports and interfaces only"
                    )
                for where in (Hook.INPUT, Hook.FORWARD) if hook is Hook.PREROUTING else (Hook.OUTPUT,):
                    self.untracked.setdefault(where, []).extend(found)
            if isinstance(rule.verdict, Continue) or (isinstance(rule.verdict, Accept) and actions != rule.actions):
                if actions:
                    self.continuing(Line(rule.match, actions, rule.verdict, rule))
                continue
            filters.extend(self.early_rule(chain, dataclasses.replace(rule, actions=actions), hook))
        return filters, scrub_rules(clamps, self.ruleset, self.families, self.tables, self.report)

    def early_rule(self, chain: Chain, rule: Rule, hook: Hook) -> Iterable[Filter]:
        """A rule of a chain before connection tracking: it can only refuse, and pf applies it to new connections alone."""
        if not isinstance(rule.verdict, Drop | Reject) or hook not in (Hook.PREROUTING, Hook.OUTPUT):
            self.report.refuse(rule, "hook", f"pf has no place for this rule of chain {chain.name}")
            return
        spoofing = rule.role in (Role.ANTISPOOF, Role.RPFILTER)
        if not spoofing and not self.report.lose(
            rule, "early", "packets of known connections are not refused", widens=True
        ):
            return
        way = "in" if hook is Hook.PREROUTING else "out"
        for clause, found in self.decide(Line(rule.match, rule.actions, rule.verdict, rule), hook):
            where = clause.iif if way == "in" else clause.oif
            for f in found:
                yield dataclasses.replace(f, direction=way, ifaces=emit.ifaces(where, rule, self.report))

    # ----- rules of this machine

    def plain(self, chain: Chain | None, hook: Hook, translations: Translations) -> list[Filter]:
        """Rules of INPUT or OUTPUT in order, the policy last."""
        way = "in" if hook is Hook.INPUT else "out"
        out: list[Filter] = []
        if chain is None:
            return [Filter("pass", direction=way, quick=True)]
        for line in self.lines(chain):
            for clause, found in self.decide(line, hook):
                if way == "out" and clause.translated is not None and clause.translated.yes:
                    continue  # rdr translates what comes in, nothing that this machine sends
                where = clause.iif if way == "in" else clause.oif
                tags = translations.tags(clause, line.rule) if way == "in" else [""]
                out += [
                    dataclasses.replace(f, direction=way, ifaces=emit.ifaces(where, line.rule, self.report), tagged=tag)
                    for f in found
                    for tag in tags
                ]
        return out

    def forward_rules(self, forwarding: Forwarding, sources: list[Clause]) -> None:
        chain = self.main(Hook.FORWARD)
        forwarding.translated_sources(sources)
        if chain is None:
            forwarding.policy(
                emit.filters(
                    Clause(self.families), ACCEPT, Rule(), "forward-policy", False, False, self.tables, self.report
                )
            )
            return
        *lines, last = self.lines(chain)
        for line in lines:
            for clause, found in self.decide(line, Hook.FORWARD):
                forwarding.add(clause, found, line.rule)
        forwarding.policy([f for _, found in self.decide(last, Hook.FORWARD) for f in found])


def _only_loopback(clause: Clause) -> bool:
    loop = IfaceSet(frozenset({LOOPBACK}))
    return clause.iif == loop or clause.oif == loop


def _reply_spans(ruleset: Ruleset) -> frozenset[tuple[Span, ...]]:
    """Where rules came from that a `stateless` rule's reverse came from too."""
    return frozenset(
        rule.origin.spans
        for table in ruleset.tables
        for c in table.chains
        for rule in c.rules
        if rule.role is Role.REPLY
    )


def _names(ruleset: Ruleset) -> dict[AddressSet, str]:
    """What the user calls sets of addresses."""
    out: dict[AddressSet, str] = {}
    pending: list[Match] = [rule.match for table in ruleset.tables for c in table.chains for rule in c.rules]
    seen: set[int] = set()
    while pending:
        match = pending.pop()
        if id(match) in seen:
            continue
        seen.add(id(match))
        if isinstance(match, FieldIn):
            if (
                match.name
                and isinstance(match.values, AddressSet)
                and len(match.values.v4.runs) + len(match.values.v6.runs) > 1
            ):
                _name(out, match.values, match.name)
        elif isinstance(match, AllOf | AnyOf):
            pending.extend(match.parts)
        elif isinstance(match, Not):
            pending.append(match.match)
    return out


def _name(out: dict[AddressSet, str], values: AddressSet, name: str) -> None:
    known = out.get(values)
    out[values] = name if known is None else min(name, known)
    for family in Family:
        part = values.only(family)
        if part and part != values:
            out.setdefault(part, f"{name}_v{family.value}")


def _meet(a: Clause, b: Clause, rule: Rule, report: Report) -> Clause | None:
    """Packets of both clauses; None when there are none, or when they are not one clause, which is refused."""
    families = tuple(f for f in a.families if f in b.families)
    iif, oif = _meet_ifaces(a.iif, b.iif), _meet_ifaces(a.oif, b.oif)
    if not families or iif is None or oif is None:
        return None
    met: list[IntervalSet | None] = []
    for one, two in ((a.protocols, b.protocols), (a.sport, b.sport), (a.dport, b.dport), (a.icmp, b.icmp)):
        value = two if one is None else one if two is None else one & two
        if value is not None and not value:
            return None
        met.append(value)
    protocols, sport, dport, icmp = met
    try:
        source, dest = _meet_sides(a.source, b.source, families), _meet_sides(a.dest, b.dest, families)
    except Inexpressible as problem:
        report.refuse(rule, problem.feature, problem.message)
        return None
    if source is None or dest is None:
        return None
    if a.limits:
        report.refuse(rule, "notrack", "packets without state are not counted, so this limit cannot hold for them")
        return None
    return dataclasses.replace(
        a,
        families=families,
        iif=iif,
        oif=oif,
        source=source,
        dest=dest,
        protocols=protocols,
        sport=sport,
        dport=dport,
        icmp=icmp,
    )


def _meet_ifaces(a: IfaceSet, b: IfaceSet) -> IfaceSet | None:
    if a.is_any or b.is_any:
        return b if a.is_any else a
    if a.negated and b.negated:
        return IfaceSet(a.names | b.names, negated=True)
    names = frozenset(n for n in (a.names if not a.negated else b.names) if n in a and n in b)
    return IfaceSet(names) if names else None


def _meet_sides(a: Side, b: Side, families: tuple[Family, ...]) -> Side | None:
    if a.is_any or b.is_any:
        return b if a.is_any else a
    if (a.local and b.local) or (a.table and a.table == b.table):
        return a if a.negated == b.negated else None
    if a.values is None or b.values is None:
        raise Inexpressible("notrack", "pf tests one set of addresses per side; this rule and its `notrack` need two")
    both = (~a.values if a.negated else a.values) & (~b.values if b.negated else b.values)
    return Side(both) if any(both.family(f) for f in families) else None
