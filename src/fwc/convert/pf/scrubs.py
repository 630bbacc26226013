"""What scrub rules drop: tcp packets whose flags make no sense. Fragments are put together by conntrack, as `scrub`
does."""

from __future__ import annotations

from fwc.convert.pf.legs import on_linux
from fwc.dialects.pf.lift_match import Conditions, family, interfaces, protocols
from fwc.dialects.pf.tree import PfFile, Scrub, TableDef
from fwc.ir.match import ALWAYS, Field, FieldIn, MaskedIn, all_of
from fwc.ir.model import Chain, Role, Rule
from fwc.ir.verdict import DROP, RETURN, Goto
from fwc.net.intervals import IntervalSet
from fwc.source import Origin

_TCP = FieldIn(Field.PROTOCOL, IntervalSet.of(6))
_SENSELESS = ((6, 6), (22, 0), (19, 1), (24, 8), (48, 32))
"""Flags as (mask, value) that pf_normalize_tcp (pf_norm.c) drops: SYN with RST; none of SYN, ACK and RST; FIN, PSH or
URG without ACK. From SYN with FIN it takes the FIN, so that such a packet stays."""


def scrub_chains(tree: PfFile) -> dict[str, tuple[Chain, ...]]:
    """For each direction the chain of its scrub rules, first match, and what that calls; empty where nothing is
    scrubbed."""
    tables = {st.name: st for st in tree.statements if isinstance(st, TableDef)}
    conditions = Conditions(tables, None)
    out: dict[str, tuple[Chain, ...]] = {}
    for way, field in (("in", Field.IIF), ("out", Field.OIF)):
        rules: list[Rule] = []
        for st in tree.statements:
            if not isinstance(st, Scrub) or st.direction not in ("", way) or st.anchor is not None:
                continue
            if not st.no and st.protocols and 6 not in st.protocols and 0 not in st.protocols:
                continue
            parts = [interfaces(st.ifaces, field), family(st.family), protocols(st.protocols)]
            match = on_linux(all_of(*parts, *conditions.peers(st.source, st.dest)))
            origin = Origin((st.span,) if st.span else ())
            verdict = RETURN if st.no else Goto("senseless")
            rules.append(Rule(match, (), verdict, role=Role.IMPORTED, origin=origin))
            if match == ALWAYS:
                break
        if len(rules) == 1 and rules[0].match == ALWAYS and rules[0].verdict != RETURN:
            out[way] = (_senseless(),)
        elif any(rule.verdict != RETURN for rule in rules):
            out[way] = (Chain(f"scrub_{way}", tuple(rules)), _senseless())
    return out


def _senseless() -> Chain:
    rules = [
        Rule(all_of(_TCP, MaskedIn(Field.TCP_FLAGS, mask, IntervalSet.of(value))), (), DROP, role=Role.IMPORTED)
        for mask, value in _SENSELESS
    ]
    return Chain("senseless", tuple(rules), comment="tcp packets that scrub drops")
