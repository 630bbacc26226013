"""Translations of the policy as rdr, nat and binat."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from fwc.analysis.fates import effect_text
from fwc.dialects.pf import emit
from fwc.dialects.pf.clause import Clause, Translated, clauses
from fwc.dialects.pf.flatten import Line
from fwc.dialects.pf.hosts import net
from fwc.dialects.pf.refuse import Report
from fwc.dialects.pf.tables import Tables
from fwc.dialects.pf.tree import Host, HostKind, Iface, Peer, Pool, Translation
from fwc.ir.match import Field
from fwc.ir.model import Chain, Rule, Ruleset
from fwc.ir.verdict import (
    Accept,
    Continue,
    Count,
    Dnat,
    Log,
    Masquerade,
    NatTarget,
    Netmap,
    PortChoice,
    Redirect,
    Snat,
)
from fwc.net.addresses import AddressSet, prefix_run, prefixes
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record

MAX_POOL = 64


class Redirection(Record):
    """An rdr rule that tags: where, and what it caught before the translation."""

    ifaces: IfaceSet
    ports: IntervalSet | None
    addresses: AddressSet | None


class SourceNat(Record):
    clause: Clause
    rules: tuple[Translation, ...]  # without interface and tag when the target is the interface itself
    per_iface: bool


class Translations:
    def __init__(
        self,
        ruleset: Ruleset,
        tables: Tables,
        report: Report,
        families: tuple[Family, ...],
        lines: Callable[[Chain], list[Line]],
    ) -> None:
        self.tables = tables
        self.report = report
        self.families = families
        self.lines = lines
        self.redirections: dict[int, Redirection] = {}
        self.sources: list[SourceNat] = []
        self.maps: list[tuple[Clause, Netmap]] = []

    @property
    def rdr_ifaces(self) -> dict[int, IfaceSet]:
        return {number: r.ifaces for number, r in self.redirections.items()}

    def tag(self, number: int) -> str:
        return f"fwc_d{number}"

    def numbers(self, translated: Translated, rule: Rule) -> frozenset[int]:
        """The rdr rules whose packets meet the condition; 0 stands for no rdr."""
        if not translated.yes:
            return frozenset((0,))
        out: set[int] = set()
        for number, redirection in self.redirections.items():
            hits = []
            for wanted, has in ((translated.ports, redirection.ports), (translated.addresses, redirection.addresses)):
                if wanted is None:
                    hits.append(True)
                elif has is None or (not has <= wanted and bool(has & wanted)):  # type: ignore[operator]
                    self.report.refuse(
                        rule, "dnat condition", "the rdr this asks about translates other destinations as well"
                    )
                    hits.append(False)
                else:
                    hits.append(has <= wanted)  # type: ignore[operator]
            if all(hits):
                out.add(number)
        return frozenset(out)

    def tags(self, clause: Clause, rule: Rule) -> list[str]:
        """Tags of a condition on translated packets, for rules of this machine; "" when it does not ask."""
        if clause.translated is None:
            return [""]
        numbers = self.numbers(clause.translated, rule)
        if 0 in numbers:
            self.report.refuse(rule, "dnat condition", "pf cannot ask that a packet was not translated")
            return []
        return [self.tag(n) for n in sorted(numbers)]

    # ----- destinations

    def incoming(self, chains: list[Chain]) -> list[Translation]:
        out: list[Translation] = []
        for chain in chains:
            for line in self.lines(chain):
                if self.plain_actions(line):
                    for clause in clauses(line.match, line.rule, False, self.families, self.report):
                        out += self.destination(line, clause)
        return out

    def plain_actions(self, line: Line) -> bool:
        for action in line.actions:
            if not isinstance(action, Log | Count):
                self.report.refuse(line.rule, "hook", "pf translates without further actions")
                return False
        return not isinstance(line.verdict, Continue)

    def base(self, kind: str, line: Line, clause: Clause, where: IfaceSet) -> Translation:
        rule = line.rule
        if clause.owners or clause.limits or clause.fragment or clause.icmp is not None or clause.flags:
            self.report.refuse(
                rule,
                "forward" if kind == "rdr" else "snat",
                "a translation can test interface, addresses and ports only",
            )
        log = () if any(isinstance(a, Log) for a in line.actions) else None
        if log is not None:
            self.report.lose(rule, "log", "a translation does not log by itself", widens=False)
        return Translation(
            kind,
            ifaces=emit.ifaces(where, rule, self.report),
            family=clause.families[0] if len(clause.families) == 1 else None,
            protocols=emit.protocols(clause.protocols),
            source=Peer(self.tables.hosts(clause.source), emit.ports(clause.sport)),
            dest=Peer(self.tables.hosts(clause.dest), emit.ports(clause.dport)),
            span=rule.origin.span,
        )

    def destination(self, line: Line, clause: Clause) -> list[Translation]:
        verdict, rule = line.verdict, line.rule
        if not clause.oif.is_any or clause.translated is not None:
            self.report.refuse(rule, "forward", "the egress interface is not known before a destination is translated")
            return []
        base = self.base("rdr", line, clause, clause.iif)
        if isinstance(verdict, Accept):
            return [dataclasses.replace(base, no=True)]
        if isinstance(verdict, Netmap):
            self.maps.append((clause, verdict))
            return []
        if isinstance(verdict, Redirect):
            if clause.iif.is_any or clause.iif.negated:
                self.report.refuse(rule, "redirect", "pf needs to know the interface whose address to redirect to")
                return []
            tagged = self.tagged(base, clause, clause.iif)
            return [
                dataclasses.replace(
                    one,
                    ifaces=(Iface(name),),
                    family=family,
                    pool=self.ports_of(verdict.ports, verdict.choice, clause, rule, (_own(name),)),
                )
                for one in tagged
                for name in sorted(clause.iif.names)
                for family in clause.families
            ]
        if not isinstance(verdict, Dnat):
            self.report.refuse(rule, "forward", f"pf has no equivalent of `{effect_text(verdict)}`")
            return []
        return self.forwarded(line, clause, base, verdict)

    def forwarded(self, line: Line, clause: Clause, base: Translation, verdict: Dnat) -> list[Translation]:
        out: list[Translation] = []
        for family in clause.families:
            targets = [t for t in verdict.targets if t.family in (None, family)]
            if not targets:
                continue
            hosts = [h for t in targets for h in self.target_hosts(t, family, line.rule)]
            if any(t.ports != targets[0].ports for t in targets):
                self.report.refuse(line.rule, "forward", "pf sends to one port, whichever target it chooses")
                return []
            if not hosts:
                own = sorted(clause.iif.names)
                if len(own) != 1 or clause.iif.negated:
                    self.report.refuse(line.rule, "redirect", "pf needs to know the interface whose address to keep")
                    return []
                hosts = [_own(own[0])]
            pool = self.ports_of(targets[0].ports, verdict.choice, clause, line.rule, tuple(hosts))
            narrowed = dataclasses.replace(
                base, family=family, source=_only(base.source, family), dest=_only(base.dest, family)
            )
            for one in self.tagged(narrowed, clause, clause.iif):
                out.append(dataclasses.replace(one, pool=pool))
        return out

    def tagged(self, base: Translation, clause: Clause, where: IfaceSet) -> list[Translation]:
        addresses = clause.dest.values if not clause.dest.negated else None
        number = len(self.redirections) + 1
        self.redirections[number] = Redirection(where, clause.dport, addresses)
        return [dataclasses.replace(base, tag=self.tag(number))]

    def ports_of(
        self, ports: tuple[int, int] | None, choice: PortChoice, clause: Clause, rule: Rule, hosts: tuple[Host, ...]
    ) -> Pool:
        if ports is None:
            return Pool(hosts, options=_round_robin(hosts))
        if clause.protocols is None or not clause.protocols <= IntervalSet.of(6, 17):
            self.report.refuse(rule, "ports of other protocols", "pf translates ports of tcp and udp only")
        low, high = ports
        if low == high:
            return Pool(hosts, ports, options=_round_robin(hosts))
        whole = clause.dport is not None and len(clause.dport.runs) == 1
        same = whole and clause.dport is not None and clause.dport.size() == high - low + 1
        if choice is not PortChoice.OFFSET or not same:
            self.report.refuse(rule, "forward", "pf sends a range of ports to a range of the same size only")
        return Pool(hosts, (low, low), True, _round_robin(hosts))

    def target_hosts(self, target: NatTarget, family: Family, rule: Rule) -> list[Host]:
        if target.family is None:
            return []
        found = [net(family, value, length) for value, length in prefixes((target.low, target.high), family.bits)]
        if len(found) > MAX_POOL:
            self.report.refuse(rule, "snat", "this range of translation addresses splits into too many prefixes")
            return found[:1]
        return found

    # ----- sources

    def outgoing(self, chains: list[Chain]) -> list[Clause]:
        for chain in chains:
            for line in self.lines(chain):
                if self.plain_actions(line):
                    for clause in clauses(line.match, line.rule, False, self.families, self.report):
                        self.source(line, clause)
        return [s.clause for s in self.sources]

    def source(self, line: Line, clause: Clause) -> None:
        verdict, rule = line.verdict, line.rule
        base = self.base("nat", line, clause, clause.oif)
        if isinstance(verdict, Accept):
            self.sources.append(SourceNat(clause, (dataclasses.replace(base, no=True),), False))
        elif isinstance(verdict, Netmap):
            self.mapped(line, clause, verdict)
        elif isinstance(verdict, Masquerade):
            if clause.oif.is_any or clause.oif.negated:
                self.report.refuse(rule, "masquerade", "pf needs to know the interface whose address to use")
                return
            rules = tuple(
                dataclasses.replace(
                    base,
                    ifaces=(Iface(name),),
                    family=family,
                    source=_only(base.source, family),
                    dest=_only(base.dest, family),
                    pool=self.pool(verdict.ports, verdict.choice, clause, rule, [Host(HostKind.DYNAMIC, name=name)]),
                )
                for name in sorted(clause.oif.names)
                for family in clause.families
            )
            self.sources.append(SourceNat(clause, rules, True))
        elif isinstance(verdict, Snat):
            target = verdict.target
            if target.family is None:
                self.report.refuse(rule, "snat", "pf needs a translation address")
                return
            if target.family not in clause.families:
                return
            hosts = self.target_hosts(target, target.family, rule)
            pool = self.pool(target.ports, verdict.choice, clause, rule, hosts)
            family = target.family
            one = dataclasses.replace(
                base, family=family, source=_only(base.source, family), dest=_only(base.dest, family), pool=pool
            )
            self.sources.append(SourceNat(clause, (one,), False))
        else:
            self.report.refuse(rule, "snat", f"pf has no equivalent of `{effect_text(verdict)}`")

    def pool(
        self, ports: tuple[int, int] | None, choice: PortChoice, clause: Clause, rule: Rule, hosts: list[Host]
    ) -> Pool:
        if ports is not None and (clause.protocols is None or not clause.protocols <= IntervalSet.of(6, 17)):
            self.report.refuse(rule, "ports of other protocols", "pf translates ports of tcp and udp only")
        options = _round_robin(tuple(hosts))
        if choice is PortChoice.PERSISTENT:
            options = (*(options or ("round-robin",)), "sticky-address")
        return Pool(tuple(hosts), ports, options=options)

    def mapped(self, line: Line, clause: Clause, verdict: Netmap) -> None:
        """The outgoing half of a 1:1 map: with the incoming half it is one binat."""
        rule = line.rule
        inside, family = clause.source.values, verdict.family
        outside = AddressSet.of_family(family, IntervalSet((prefix_run(verdict.low, verdict.length, family.bits),)))
        for other, half in self.maps:
            same = half.family is family and half.length == verdict.length and other.iif == clause.oif
            inner = AddressSet.of_family(family, IntervalSet((prefix_run(half.low, half.length, family.bits),)))
            if same and other.dest.values == outside and inside == inner and not clause.source.negated:
                if clause.oif.is_any or clause.oif.negated or verdict.field is not Field.SADDR:
                    self.report.refuse(rule, "map", "pf needs the interface on which to map")
                pool = Pool((net(family, verdict.low, verdict.length),))
                rules = tuple(
                    Translation(
                        "binat",
                        ifaces=(Iface(name),),
                        family=family,
                        source=Peer((net(family, half.low, half.length),)),
                        pool=pool,
                        span=rule.origin.span,
                    )
                    for name in sorted(clause.oif.names)
                )
                if any(s.rules and s.rules[0].kind == "nat" for s in self.sources):
                    self.report.refuse(rule, "map", "pf applies maps before other translations; write `map` above them")
                self.sources.append(SourceNat(clause, rules, False))
                return
        self.report.refuse(rule, "map", "pf maps whole prefixes in both directions only")

    def translates_source(self, clause: Clause) -> bool:
        """Whether a packet of this forward rule may have its source changed before pf filters it."""
        for nat in self.sources:
            if nat.rules and nat.rules[0].no:
                continue
            a, b = nat.clause.oif, clause.oif
            if a.is_any or b.is_any or a.negated or b.negated or a.names & b.names:
                return True
        return False

    def finish(self, tags_of: Callable[[Clause], list[str]]) -> list[Translation]:
        """The source translations, with the tags that stand for their ingress."""
        out: list[Translation] = []
        for nat in self.sources:
            for tag in tags_of(nat.clause):
                out += [dataclasses.replace(rule, tagged=tag) for rule in nat.rules]
        return out


def _own(name: str) -> Host:
    return Host(HostKind.DYNAMIC, name=f"{name}:0")


def _round_robin(hosts: tuple[Host, ...]) -> tuple[str, ...]:
    several = len(hosts) > 1 or any(h.low != h.high for h in hosts if h.kind is HostKind.NET)
    return ("round-robin",) if several else ()


def _only(peer: Peer, family: Family) -> Peer:
    return Peer(tuple(h for h in peer.hosts if h.family in (None, family)), peer.ports)
