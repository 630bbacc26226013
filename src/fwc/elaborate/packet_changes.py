"""mark, rewrite, clamp, notrack and helper: where each stands and what it writes."""

from __future__ import annotations

import dataclasses

from fwc.diagnostics import error
from fwc.elaborate.builder import Builder, Parts
from fwc.elaborate.conditions import dscp_value
from fwc.elaborate.expanded import Placed
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import CHANGE
from fwc.elaborate.sides import FROM, TO, Side
from fwc.elaborate.sites import FILTER, Site, Where
from fwc.elaborate.traffic_forms import only_tcp, reversed_flows
from fwc.elaborate.verdicts import actions
from fwc.ir.match import Field, MaskedIn, Match, all_of
from fwc.ir.model import Role, Rule
from fwc.ir.verdict import Action, AssignHelper, ClampMss, NoTrack, SetField, SetPriority
from fwc.lang import ast
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import TCP, TCP_FLAGS, UDP
from fwc.source import Origin

_WIDTH = 0xFFFFFFFF
_SYN = MaskedIn(Field.TCP_FLAGS, TCP_FLAGS["syn"] | TCP_FLAGS["rst"], IntervalSet.of(TCP_FLAGS["syn"]))
"""SYN and SYN-ACK, the two segments that carry an MSS (RFC 9293 3.7.1)."""

_HEADERS4, _HEADERS6 = 40, 60
"""IPv4 or IPv6 header plus TCP header without options: what an MTU has more than an MSS."""


def mark(builder: Builder, placed: Placed, where: Where) -> bool:
    statement = placed.statement
    assert isinstance(statement, ast.Mark)
    value, mask = statement.mark.value, statement.mark.mask
    if value > _WIDTH or mask > _WIDTH or value & ~mask:
        builder.out.append(
            mistake(
                CHANGE,
                f"the mark {value:#x} has bits outside its mask {mask:#x}",
                statement.mark.span,
                help="write bits inside the mask; marks have 32 bits",
            )
        )
        return True
    parts = builder.parts(placed, "change", statement.traffic, statement.clauses, statement.family)
    if parts is None:
        return True
    return _change(builder, parts, (SetField(Field.MARK, value, mask),), where, late=False)


def rewrite(builder: Builder, placed: Placed, where: Where) -> bool:
    statement = placed.statement
    assert isinstance(statement, ast.Rewrite)
    action = _rewritten(builder, statement)
    parts = builder.parts(placed, "change", statement.traffic, statement.clauses, statement.family)
    if parts is None or action is None:
        return True
    # the queueing class belongs to the way out (iptables-extensions(8), CLASSIFY)
    return _change(builder, parts, (action,), where, late=statement.field == "priority")


def _rewritten(builder: Builder, statement: ast.Rewrite) -> Action | None:
    value = statement.value
    if statement.field == "dscp":
        number = dscp_value(value, builder.out)
        return None if number is None else SetField(Field.DSCP, number)
    highest = 255 if statement.field == "ttl" else _WIDTH
    lowest = 1 if statement.field == "ttl" else 0
    if not isinstance(value, ast.Number) or not lowest <= value.value <= highest:
        builder.out.append(
            mistake(
                CHANGE,
                f"this is no value for {statement.field}",
                value.span,
                help=f"write a number from {lowest} to {highest}",
            )
        )
        return None
    if statement.field == "priority":
        return SetPriority(value.value)
    return SetField(Field.TTL if statement.field == "ttl" else Field.CT_MARK, value.value)


def _change(builder: Builder, parts: Parts, what: tuple[Action, ...], where: Where, late: bool) -> bool:
    """One rule at each place: before routing where the egress does not matter, behind it where it does."""
    places = where.chains if where.kind != "filter" else _places(parts, late)
    found = _emit(builder, parts, what, places)
    if not found and where.kind != "chain":
        builder.nothing(parts)
    return found


def _places(parts: Parts, late: bool) -> tuple[tuple[Site, str], ...]:
    egress = any(a.zones or a.ifaces for a in parts.destination.atoms)
    if not egress and not late:
        return (Site.PREROUTING, "prerouting-mangle"), (Site.OUTPUT, "output-mangle")
    if all(a.any_ and not a.excluded for a in parts.source.atoms):
        return ((Site.POSTROUTING, "postrouting-mangle"),)
    return (Site.FORWARD, "forward-mangle"), (Site.OUTPUT, "output-mangle")


def _emit(
    builder: Builder,
    parts: Parts,
    what: tuple[Action, ...],
    places: tuple[tuple[Site, str], ...],
    more: Match | None = None,
    role: Role = Role.USER,
) -> bool:
    found = False
    options, origin = parts.options, parts.placed.origin
    if role is not Role.USER:
        origin = Origin(origin.spans, (*origin.via, role.value))
    for site, chain in places:
        match = builder.match_at(parts, site)
        if match is None:
            continue
        found = True
        if more is not None:
            match = all_of(match, more)
        line = parts.placed.statement.span.line if options.log else 0
        acts = (*actions(builder, options, chain, line), *what)
        rule = Rule(match, acts, label=options.label, comment=options.comment, role=role, origin=origin)
        written = builder.rules.setdefault(chain, [])
        # a statement whose two directions are the same traffic is one rule
        if role is Role.USER or not written or written[-1] != rule:
            written.append(rule)
    return found


def backwards(builder: Builder, parts: Parts) -> Parts | None:
    """The statement as the other direction of its flows sees it; None after an error."""
    if any(a.macs for a in parts.source.atoms):
        text = "a MAC says nothing of the answers, and this statement is about both directions"
        help = "name the source by zone or address, or write it in a `hook` block, where it stands for one direction"
        builder.out.append(mistake(CHANGE, text, parts.placed.statement.span, help=help))
        return None
    return dataclasses.replace(
        parts,
        source=Side(FROM, parts.destination.atoms),
        destination=Side(TO, parts.source.atoms),
        flows=reversed_flows(parts.flows),
    )


def clamp(builder: Builder, placed: Placed, where: Where = FILTER) -> bool:
    """On both directions, SYN and SYN-ACK, because either end's MSS may be the one that is too large. What this machine sends
    itself follows its own route's MTU; it is clamped only where `self` is named. In a `hook` block it stands where it is written,
    in one direction."""
    statement = placed.statement
    assert isinstance(statement, ast.Clamp)
    parts = builder.parts(placed, "change", statement.traffic, statement.clauses)
    if parts is None:
        return True
    if not only_tcp(parts.flows):
        builder.out.append(
            mistake(CHANGE, "only TCP has an MSS", statement.traffic.span, help="write `clamp mss to ... for tcp ...`")
        )
        return True
    action = _clamped(builder, statement)
    if action is None:
        return True
    if where.kind == "hook":
        return _at_hook(builder, parts, (action,), where, _SYN)
    back = backwards(builder, parts)
    if back is None:
        return True
    found = False
    for each, role in ((parts, Role.USER), (back, Role.REPLY)):
        places: tuple[tuple[Site, str], ...] = ((Site.FORWARD, "forward-mangle"),)
        if any(a.own for a in each.source.atoms):
            places = (*places, (Site.OUTPUT, "output-mangle"))
        found = _emit(builder, each, (action,), places, _SYN, role) or found
    if not found:
        builder.nothing(parts)
    return found


def _at_hook(builder: Builder, parts: Parts, what: tuple[Action, ...], where: Where, more: Match | None) -> bool:
    if builder.os == "macos":
        text = "pf on macOS has no hooks, where a change stands for one direction"
        help = "write the statement outside, or put the block into `when not target pf { ... }`"
        builder.out.append(
            error("FW031", text, parts.placed.statement.span, label="hook", help=help, name="lossy-compile")
        )
        return True
    found = _emit(builder, parts, what, where.chains, more)
    if not found:
        builder.nothing(parts)
    return found


def _clamped(builder: Builder, statement: ast.Clamp) -> ClampMss | None:
    if isinstance(statement.to, str):
        return ClampMss()
    kind, size = statement.to
    size4, size6 = (size - _HEADERS4, size - _HEADERS6) if kind == "mtu" else (size, size)
    lowest = 1280 if kind == "mtu" else 536  # RFC 8200 section 5; RFC 9293 3.7.1
    if not lowest <= size <= 65535:
        builder.out.append(
            mistake(
                CHANGE,
                f"{size} is no usable {kind.upper()}",
                statement.span,
                help=f"write a number from {lowest} to 65535, or `pmtu`",
            )
        )
        return None
    return ClampMss(size4, size6)


def notrack(builder: Builder, placed: Placed, where: Where = FILTER) -> bool:
    """Both directions of the flow, or the answers would be tracked as connections of their own; in a `hook` block only what is
    written."""
    statement = placed.statement
    assert isinstance(statement, ast.Notrack)
    parts = builder.parts(placed, "change", statement.traffic, statement.clauses, statement.family)
    if parts is None:
        return True
    if where.kind == "hook":
        return _at_hook(builder, parts, (NoTrack(),), where, None)
    back = backwards(builder, parts)
    if back is None:
        return True
    places = ((Site.PREROUTING, "prerouting-raw"), (Site.OUTPUT, "output-raw"))
    found = _emit(builder, parts, (NoTrack(),), places)
    found = _emit(builder, back, (NoTrack(),), places, None, Role.REPLY) or found
    if not found:
        builder.nothing(parts)
    return found


def helper(builder: Builder, placed: Placed, where: Where = FILTER) -> bool:
    """A conntrack helper belongs to one protocol, so each protocol of the traffic has a rule of its own."""
    statement = placed.statement
    assert isinstance(statement, ast.Helper)
    parts = builder.parts(placed, "change", statement.traffic, statement.clauses)
    if parts is None:
        return True
    both = IntervalSet.of(TCP, UDP)
    if any(f.protocols is None or not f.protocols <= both for f in parts.flows):
        builder.out.append(
            mistake(
                CHANGE,
                "helpers follow tcp and udp only",
                statement.traffic.span,
                help="write `for udp 5060` or the like",
            )
        )
        return True
    found = False
    for number, word in ((TCP, "tcp"), (UDP, "udp")):
        one = IntervalSet.of(number)
        flows = tuple(
            dataclasses.replace(f, protocols=one) for f in parts.flows if f.protocols is None or number in f.protocols
        )
        if flows:
            each = dataclasses.replace(parts, flows=flows)
            action = AssignHelper(statement.name.text, word)
            if where.kind == "hook":
                found = _at_hook(builder, each, (action,), where, None) or found
            else:
                found = _emit(builder, each, (action,), _places(parts, late=False)) or found
    if not found:
        builder.nothing(parts)
    return found
