"""Clauses and verdicts to pf rules."""

from __future__ import annotations

import dataclasses

from fwc.dialects.pf.clause import Clause
from fwc.dialects.pf.refuse import Report
from fwc.dialects.pf.tables import Tables
from fwc.dialects.pf.tree import Filter, Flags, Host, IcmpTest, IdTest, Iface, Peer, PortTest, State
from fwc.ir.match import Per, WithinRate
from fwc.ir.model import Rule
from fwc.ir.verdict import Accept, Count, Drop, Log, Reject, RejectKind, Verdict
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import utf8

TCP = IntervalSet.of(6)
IGMP = 2
MAX_TEXT = 63

# ICMP codes of destination unreachable (IPv4 type 3, IPv6 type 1)
CODES: dict[RejectKind, tuple[int, int]] = {
    RejectKind.PORT_UNREACHABLE: (3, 4),
    RejectKind.HOST_UNREACHABLE: (1, 3),
    RejectKind.NET_UNREACHABLE: (0, 0),
    RejectKind.PROTO_UNREACHABLE: (2, 4),
    RejectKind.ADMIN_PROHIBITED: (13, 1),
    RejectKind.HOST_PROHIBITED: (10, 1),
    RejectKind.NET_PROHIBITED: (9, 1),
    RejectKind.NO_ROUTE: (0, 0),
    RejectKind.ADDRESS_UNREACHABLE: (1, 3),
    RejectKind.POLICY_FAIL: (13, 5),
    RejectKind.REJECT_ROUTE: (13, 6),
}


def ifaces(values: IfaceSet, where: Rule, report: Report) -> tuple[Iface, ...]:
    """What `on` names. Negated items of a list are OR-ed, so only one interface can be excluded."""
    if values.is_any:
        return ()
    if values.negated and len(values.names) > 1:
        report.refuse(where, "interface negation", "pf can exclude one interface in a rule, not several")
    return tuple(Iface(name, values.negated) for name in sorted(values.names))


def ports(values: IntervalSet | None) -> tuple[PortTest, ...]:
    if values is None:
        return ()
    return tuple(PortTest("=", low) if low == high else PortTest(":", low, high) for low, high in values.runs)


def protocols(values: IntervalSet | None) -> tuple[int, ...]:
    return () if values is None else tuple(values)


def icmp_tests(values: IntervalSet | None, family: Family) -> tuple[IcmpTest, ...]:
    out: list[IcmpTest] = []
    if values is None:
        return ()
    by_type: dict[int, list[int]] = {}
    for low, high in values.runs:
        first, last = low >> 8, high >> 8
        for type_ in range(first, last + 1):
            start = low & 255 if type_ == first else 0
            end = high & 255 if type_ == last else 255
            if (start, end) == (0, 255):
                out.append(IcmpTest(family, type_))
            else:
                by_type.setdefault(type_, []).extend(range(start, end + 1))
    out.extend(IcmpTest(family, type_, code) for type_, codes in by_type.items() for code in codes)
    return tuple(sorted(out, key=lambda t: (t.type, -1 if t.code is None else t.code)))


def family_of(clause: Clause, source: tuple[Host, ...], dest: tuple[Host, ...]) -> Family | None:
    """The family word: none when the rule means both."""
    return clause.families[0] if len(clause.families) == 1 else None


def filters(
    clause: Clause,
    verdict: Verdict,
    rule: Rule,
    label: str,
    log: bool,
    stateless: bool,
    tables: Tables,
    report: Report,
    overload: str = "",
) -> list[Filter]:
    """The rules, without direction and interface, that decide the clause's packets as the verdict says."""
    source, dest = tables.hosts(clause.source), tables.hosts(clause.dest)
    family = family_of(clause, source, dest)
    icmp = icmp_tests(clause.icmp, clause.families[0])
    if any(t.type == 255 for t in icmp):
        report.refuse(rule, "icmp types", "macOS reads ICMP type 255 as any type")
        return []
    base = Filter(
        "pass" if isinstance(verdict, Accept) else "block",
        log=() if log else None,
        quick=True,
        family=family,
        protocols=protocols(clause.protocols),
        source=Peer(source, ports(clause.sport)),
        dest=Peer(dest, ports(clause.dport)),
        users=_owners(clause, "user"),
        groups=_owners(clause, "group"),
        icmp=icmp,
        fragment=clause.fragment,
        label=label,
        span=rule.origin.span,
    )
    out = [
        dataclasses.replace(base, flags=Flags(value, mask)) if mask else base
        for mask, value in (clause.flags or ((0, 0),))
    ]
    if isinstance(verdict, Accept):
        return [_passing(f, clause, rule, stateless, report, overload) for f in out]
    if isinstance(verdict, Drop):
        return [dataclasses.replace(f, answer="drop") for f in out]
    assert isinstance(verdict, Reject)
    return [answered for f in out for answered in _rejecting(f, clause, verdict.kind, rule, report)]


def _owners(clause: Clause, kind: str) -> tuple[IdTest, ...]:
    return tuple(IdTest("=", name) for owner in clause.owners if owner.kind == kind for name in owner.names)


def has_tcp(clause: Clause) -> bool:
    return clause.protocols is None or 6 in clause.protocols


def _passing(f: Filter, clause: Clause, rule: Rule, stateless: bool, report: Report, overload: str) -> Filter:
    allow_opts = clause.protocols is not None and IGMP in clause.protocols
    if stateless:
        if clause.limits:
            feature = "limit" if isinstance(clause.limits[0], WithinRate) else "max connections"
            report.refuse(rule, feature, "pf limits connections by their states, and this rule makes none")
        flags = f.flags if f.flags is not None else Flags(any=True) if has_tcp(clause) and not f.fragment else None
        return dataclasses.replace(f, flags=flags, state=State("no"), allow_opts=allow_opts)
    options = limit_options(clause, rule, report)
    if overload:
        if not any(o[0] in ("max-src-conn", "max-src-conn-rate") for o in options):
            report.refuse(rule, "add to set", "pf fills a table from a per-source tcp limit only")
        options = (*options, ("overload", f"<{overload}>"))
    return dataclasses.replace(f, state=State("keep", options) if options else None, allow_opts=allow_opts)


def limit_options(clause: Clause, rule: Rule, report: Report) -> tuple[tuple[str, ...], ...]:
    """State options for limits; the caller has made sure that the excess is dropped."""
    out: list[tuple[str, ...]] = []
    tcp = clause.protocols == TCP
    for limit in clause.limits:
        if (limit.per is not Per.ALL and (limit.mask4, limit.mask6) != (32, 128)) or limit.per is Per.DESTINATION:
            report.refuse(rule, "limit", "pf counts per single source address only")
        elif isinstance(limit, WithinRate):
            if not tcp or limit.per is not Per.SOURCE or limit.unit != "packets":
                report.refuse(rule, "limit", "pf limits the rate of tcp connections per source only")
            else:
                out.append(("max-src-conn-rate", f"{limit.amount}/{limit.seconds}"))
        elif limit.count < 1:
            report.refuse(rule, "max connections", "pf needs a limit above 0")
        elif limit.per is Per.ALL:
            out.append(("max", str(limit.count)))
        else:
            out.append(("max-src-conn" if tcp else "max-src-states", str(limit.count)))
    return tuple(out)


def refuse_shared(clause: Clause, rule: Rule, report: Report) -> None:
    """Several pf rules count apart what the policy counts together."""
    feature = "limit" if any(isinstance(limit, WithinRate) for limit in clause.limits) else "max connections"
    report.refuse(
        rule,
        feature,
        "this limit needs several pf rules, and pf counts for each rule apart",
        "write a statement with a limit of its own for each protocol, zone and exception",
    )


def _rejecting(f: Filter, clause: Clause, kind: RejectKind, rule: Rule, report: Report) -> list[Filter]:
    """`block return` answers tcp and udp only, so other protocols get the ICMP answer by a rule of their own."""
    only_tcp = clause.protocols == TCP
    tcp = dataclasses.replace(f, answer="return-rst", protocols=(6,))
    if kind is RejectKind.TCP_RESET or (kind is RejectKind.DEFAULT and only_tcp):
        if not only_tcp:
            report.refuse(rule, "reject", "a TCP reset answers tcp only, and this rule matches other protocols too")
        return [tcp]
    code4, code6 = CODES[RejectKind.PORT_UNREACHABLE if kind is RejectKind.DEFAULT else kind]
    if f.family is Family.V4:
        icmp = dataclasses.replace(f, answer="return-icmp", codes=(code4,))
    elif f.family is Family.V6:
        icmp = dataclasses.replace(f, answer="return-icmp6", codes=(code6,))
    else:
        icmp = dataclasses.replace(f, answer="return-icmp", codes=(code4, code6))
    if kind is RejectKind.DEFAULT and has_tcp(clause):
        return [tcp, icmp]
    return [icmp]


def label_of(rule: Rule, actions: tuple[object, ...], fallback: str = "") -> str:
    """The rule's label: the user's name, else the log prefix, else the counter's name."""
    text = rule.label
    for action in actions:
        if not text and isinstance(action, Log):
            text = action.prefix
        if not text and isinstance(action, Count):
            text = action.name
    text = " ".join("".join(c if c.isprintable() and c not in "\"\\$'" else "_" for c in text or fallback).split())
    while len(utf8(text)) > MAX_TEXT:
        text = text[:-1]
    return text.rstrip(" :")
