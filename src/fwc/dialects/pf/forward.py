"""Forwarded packets: passed and tagged where they come in, decided where they go out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from fwc.dialects.pf import emit
from fwc.dialects.pf.classes import FromPart, Group, partition
from fwc.dialects.pf.clause import Clause, Side, Translated
from fwc.dialects.pf.refuse import Report
from fwc.dialects.pf.tables import LOCAL, Tables
from fwc.dialects.pf.translate import Translations
from fwc.dialects.pf.tree import Filter, Host, HostKind, Iface, Peer
from fwc.ir.model import Rule
from fwc.net.addresses import ANY_ADDRESS, AddressSet
from fwc.net.interfaces import ANY_IFACE, IfaceSet
from fwc.records import Record

NOT_LOCAL = Peer((Host(HostKind.TABLE, True, name=LOCAL),))


class Part(Record):
    """One rule of the forward chain: its from-part by number, or the run-time table its source must be in."""

    number: int
    table: str
    clause: Clause
    filters: tuple[Filter, ...]
    rule: Rule
    keeps_source: bool = False  # no translation on the way: the out leg itself can test the source


MAX_LINES = 150_000


class Forwarding:
    def __init__(self, tables: Tables, report: Report, translations: Translations) -> None:
        self.tables = tables
        self.report = report
        self.translations = translations
        self.numbers: dict[FromPart, int] = {}
        self.parts: list[Part] = []
        self.policies: list[Filter] = []
        self.table_ifaces: dict[str, IfaceSet] = {}
        self.members: tuple[frozenset[int], ...] = ()
        self.without_state: list[Part] = []

    # ----- collecting

    def number(self, part: FromPart) -> int:
        return self.numbers.setdefault(part, len(self.numbers))

    def rdrs(self, translated: Translated | None, rule: Rule) -> frozenset[int] | None:
        return None if translated is None else self.translations.numbers(translated, rule)

    def translated_sources(self, clauses: list[Clause]) -> None:
        """Source translations that ask where a packet came in need the classes too."""
        for clause in clauses:
            if not clause.iif.is_any or clause.translated is not None:
                self.number(self.part_of(clause, Rule()))

    def part_of(self, clause: Clause, rule: Rule) -> FromPart:
        return FromPart(clause.iif, ANY_ADDRESS, self.rdrs(clause.translated, rule))

    def add(self, clause: Clause, filters: list[Filter], rule: Rule) -> None:
        if clause.owners:
            self.report.refuse(rule, "user", "a forwarded packet belongs to no user of this machine")
        nat = self.translations.translates_source(clause)
        if nat and clause.sport is not None:
            self.report.refuse(
                rule,
                "snat",
                "this rule tests the source port of packets whose source port a translation changes before pf filters",
            )
        if nat and clause.limits:
            self.report.refuse(
                rule, "limit", "the source is translated before pf counts it, so all clients would share the limit"
            )
        if _without_state(filters) and not (clause.dest.is_any or (clause.dest.local and clause.dest.negated)):
            self.report.refuse(
                rule,
                "stateless",
                "pf passes forwarded packets without state only where the rule leaves their destination open: it cannot ask"
                " for a destination and for not being this machine in one rule",
            )
        if clause.source.local:
            return  # a packet from an address of this machine is not forwarded
        if clause.source.table:
            self.add_table(clause, filters, rule)
            return
        source = ANY_ADDRESS
        if nat and clause.source.values is not None:
            values = ~clause.source.values if clause.source.negated else clause.source.values
            source = AddressSet()
            for family in clause.families:
                source = source | values.only(family)
            if not clause.source.negated:
                source = values
        part = FromPart(clause.iif, source, self.rdrs(clause.translated, rule))
        self.parts.append(Part(self.number(part), "", clause, tuple(filters), rule, not nat))

    def add_table(self, clause: Clause, filters: list[Filter], rule: Rule) -> None:
        name = clause.source.table
        if clause.source.negated or clause.translated is not None:
            self.report.refuse(
                rule, "runtime sets", f"pf cannot forward by the absence from @{name} or for translated packets only"
            )
            return
        known = self.table_ifaces.setdefault(name, clause.iif)
        if known != clause.iif:
            self.report.refuse(
                rule, "runtime sets", f"@{name} is tested on different interfaces; pf has one tag per packet"
            )
            return
        self.parts.append(Part(-1, name, clause, tuple(filters), rule))

    def policy(self, filters: list[Filter]) -> None:
        self.policies = filters
        if filters and filters[0].action == "pass":
            self.number(FromPart(ANY_IFACE, ANY_ADDRESS, None))

    # ----- the two legs

    def legs(self) -> tuple[list[Filter], list[Filter]]:
        self.without_state = [p for p in self.parts if p.number >= 0 and _without_state(p.filters)]
        cut = partition(list(self.numbers), self.translations.rdr_ifaces)
        self.members = cut.members
        self.tables.uses_local = True
        into: list[Filter] = [
            self.tagging(emit.ifaces(where, Rule(), self.report), Side(table=name), "", self.table_tag(name))
            for name, where in self.table_ifaces.items()
        ]
        positive = [any(n >= 0 for _, n in group.rows) for group in cut.groups]
        for at, group in enumerate(cut.groups):
            into += self.group(group, _caught_later(group, cut.groups[at + 1 :], positive[at + 1 :]))
        if self.policies and self.policies[0].action == "block":
            into += [dataclasses.replace(f, direction="in", dest=NOT_LOCAL) for f in self.policies]
        out: list[Filter] = []
        classes: dict[int, list[int]] = {}
        for number, members in enumerate(cut.members):
            for index in members:
                classes.setdefault(index, []).append(number)
        for part in self.parts:
            if part.number < 0:
                out += self.leaving(part, self.table_tag(part.table))
                continue
            before = len(out)
            for number in classes.get(part.number, ()):
                out += self.leaving(part, self.tag(number))
            if len(out) > MAX_LINES:
                message = "the forwarded traffic has too many combinations of source and rule to carry in tags"
                self.report.refuse(
                    part.rule, "zones", message, "translate fewer sources, or test zones instead of single hosts"
                )
                return into, []
            for name, where in self.table_ifaces.items():
                out += self.in_table(part, name, where)
            if part.clause.limits and len(out) - before > len(part.filters):
                emit.refuse_shared(part.clause, part.rule, self.report)
        tags = [self.tag(n) for n in range(len(cut.members))] + [self.table_tag(n) for n in self.table_ifaces]
        out += [dataclasses.replace(f, direction="out", tagged=tag) for tag in tags for f in self.policies]
        return into, out

    def group(self, group: Group, caught_later: bool) -> list[Filter]:
        ifaces = tuple(Iface(name) for name in group.iifs)
        rdr = self.translations.tag(group.rdr) if group.rdr else ""
        out: list[Filter] = []
        for source, number in group.rows:
            if number >= 0:
                out += self.stateless(group, source, number, ifaces, rdr)
        for at, (source, number) in enumerate(group.rows):
            side = Side() if at == len(group.rows) - 1 else Side(source)
            if number >= 0:
                out.append(self.tagging(ifaces, side, rdr, self.tag(number)))
            elif caught_later or at < len(group.rows) - 1:
                blocked = self.tagging(ifaces, side, rdr, "")
                policy = self.policies[0] if self.policies else Filter("block")
                out.append(dataclasses.replace(blocked, action="block", answer=policy.answer, label=policy.label))
        return out

    def tagging(self, ifaces: tuple[Iface, ...], source: Side, rdr: str, tag: str) -> Filter:
        return Filter(
            "pass",
            direction="in",
            quick=True,
            ifaces=ifaces,
            source=Peer(self.tables.hosts(source)),
            dest=NOT_LOCAL,
            tag=tag,
            tagged=rdr,
        )

    def stateless(
        self, group: Group, source: AddressSet, number: int, ifaces: tuple[Iface, ...], rdr: str
    ) -> list[Filter]:
        """Rules that pass without state need their packets passed without state on the way in too."""
        side = Side() if source == ANY_ADDRESS else Side(source)
        out: list[Filter] = []
        for part in self.without_state:
            if part.number not in self.members[number]:
                continue
            dest = NOT_LOCAL.hosts if part.clause.dest.is_any else self.tables.hosts(part.clause.dest)
            for f in part.filters:
                if f.state is not None and f.state.kind == "no":
                    out.append(
                        dataclasses.replace(
                            f,
                            direction="in",
                            ifaces=ifaces,
                            source=f.source if side.is_any else Peer(self.tables.hosts(side), f.source.ports),
                            dest=Peer(dest, f.dest.ports),
                            tag=self.tag(number),
                            tagged=rdr,
                            label="",
                            log=None,
                        )
                    )
        return out

    def leaving(self, part: Part, tag: str, source: tuple[Host, ...] = ()) -> list[Filter]:
        where = emit.ifaces(part.clause.oif, part.rule, self.report)
        if part.keeps_source:
            return [dataclasses.replace(f, direction="out", ifaces=where, tagged=tag) for f in part.filters]
        return [
            dataclasses.replace(f, direction="out", ifaces=where, source=Peer(source, f.source.ports), tagged=tag)
            for f in part.filters
        ]

    def in_table(self, part: Part, name: str, where: IfaceSet) -> list[Filter]:
        """A rule for packets whose class is "in table `name`": their source is known only when nothing translates it."""
        earlier = [p for p in self.parts[: self.parts.index(part)] if p.table == name]
        if any(_decides_all(p.clause) for p in earlier):
            return []
        shared = _overlap(part.clause.iif, where)
        if not shared:
            return []
        rdrs = part.clause.translated is not None
        whole = part.clause.iif.is_any or part.clause.iif == where
        source = () if part.clause.source.is_any else self.tables.hosts(part.clause.source)
        if not whole or rdrs or (source and self.translations.translates_source(part.clause)):
            self.report.refuse(
                part.rule,
                "runtime sets",
                f"pf cannot decide this rule for packets whose source is in @{name}",
                "let the rule on the set decide everything from it, or test the set on the same interfaces",
            )
            return []
        return self.leaving(part, self.table_tag(name), source)

    # ----- names

    def tag(self, number: int) -> str:
        return f"fwc_f{number + 1}"

    def table_tag(self, name: str) -> str:
        return f"fwc_s_{self.tables.runtime(name)}"

    def tags_of(self, clause: Clause) -> list[str]:
        """Tags of the packets that may meet a source translation with this ingress; "" when it does not ask."""
        if clause.iif.is_any and clause.translated is None:
            return [""]
        number = self.number(self.part_of(clause, Rule()))
        tags = [self.tag(n) for n, members in enumerate(self.members) if number in members]
        if clause.translated is None:
            tags += [self.table_tag(n) for n, where in self.table_ifaces.items() if _overlap(where, clause.iif)]
        return tags


def _without_state(filters: Iterable[Filter]) -> bool:
    return any(f.state is not None and f.state.kind == "no" for f in filters)


def _overlap(a: IfaceSet, b: IfaceSet) -> bool:
    if a.negated and b.negated:
        return True
    if a.negated:
        return any(n in a for n in b.names)
    return any(n in b for n in a.names)


def _decides_all(clause: Clause) -> bool:
    bare = dataclasses.replace(clause, iif=ANY_IFACE, source=Side())
    return bare == Clause(clause.families) and len(clause.families) == 2


def _caught_later(group: Group, later: tuple[Group, ...], positive: list[bool]) -> bool:
    """Whether a test that comes later could pass a packet of this group that no part holds."""
    return any(
        hit and (not other.iifs or not group.iifs or set(other.iifs) & set(group.iifs)) and other.rdr in (0, group.rdr)
        for other, hit in zip(later, positive, strict=True)
    )
