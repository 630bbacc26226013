"""MSS clamps as scrub rules."""

from __future__ import annotations

import dataclasses

from fwc.dialects.pf import emit
from fwc.dialects.pf.clause import Clause, clauses
from fwc.dialects.pf.refuse import Report
from fwc.dialects.pf.tables import Tables
from fwc.dialects.pf.tree import Peer, Scrub
from fwc.ir.model import Rule, Ruleset
from fwc.ir.verdict import ClampMss
from fwc.net.hooks import Family

OVERHEAD = {Family.V4: 40, Family.V6: 60}  # IP and TCP headers without options


def scrub_rules(
    clamps: list[tuple[ClampMss, Rule]], ruleset: Ruleset, families: tuple[Family, ...], tables: Tables, report: Report
) -> list[Scrub]:
    """A scrub rule per clamp, direction and family; scrub is first match, so the file's order stays."""
    out: list[Scrub] = []
    for clamp, rule in clamps:
        for clause in clauses(rule.match, rule, False, families, report):
            if clause.owners or clause.limits or clause.fragment or clause.translated or clause.icmp is not None:
                report.refuse(rule, "clamp mss", "a clamp on pf can test interface, addresses and ports only")
                continue
            if not clause.iif.is_any and not clause.oif.is_any:
                report.refuse(
                    rule,
                    "clamp mss",
                    "pf scrubs a packet on one interface; name either where it comes in or where it goes out",
                )
                continue
            out.extend(_scrubs(clamp, rule, clause, ruleset, tables, report))
    return list(dict.fromkeys(out))


def _scrubs(
    clamp: ClampMss, rule: Rule, clause: Clause, ruleset: Ruleset, tables: Tables, report: Report
) -> list[Scrub]:
    way, where = ("in", clause.iif) if not clause.iif.is_any else ("out", clause.oif)
    out: list[Scrub] = []
    for family in clause.families:
        size = clamp.size4 if family is Family.V4 else clamp.size6
        if size is None:
            mtu = _mtu(ruleset, where.names)
            if mtu is None:
                report.refuse(rule, "clamp mss", "pf needs a number to clamp to, and the zone has no `mtu`")
                return []
            size = mtu - OVERHEAD[family]
        side = dataclasses.replace(clause, families=(family,))
        source, dest = tables.hosts(side.source), tables.hosts(side.dest)
        out.append(
            Scrub(
                direction=way,
                ifaces=emit.ifaces(where, rule, report),
                family=family,
                protocols=(6,),
                source=Peer(source, emit.ports(clause.sport)),
                dest=Peer(dest, emit.ports(clause.dport)),
                options=(("max-mss", str(size)), ("fragment", "reassemble")),
                span=rule.origin.span,
            )
        )
    return out


def _mtu(ruleset: Ruleset, names: frozenset[str]) -> int | None:
    """The smallest MTU declared for the zones that use one of the interfaces; None when one has none."""
    found = [z.mtu for z in ruleset.zones if not z.ifaces.negated and z.ifaces.names & names and z.mtu is not None]
    return min(found) if found else None
