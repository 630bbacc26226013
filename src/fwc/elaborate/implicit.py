"""The implicit rules (section 5.4 of the language): what every policy contains unless a setting switches it off."""

from __future__ import annotations

import dataclasses

from fwc.elaborate.builder import Builder
from fwc.elaborate.forms import LOCAL_SOURCE
from fwc.elaborate.sites import V4, V6, Site, loopback_of
from fwc.ir.match import CtState, Field, FieldIn, Match, ReversePathFails, all_of, family_is, negate, state_in
from fwc.ir.model import Role, Rule
from fwc.ir.verdict import ACCEPT, DROP, Accept, Verdict
from fwc.net.addresses import AddressSet, prefix_run
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import EMPTY, IntervalSet
from fwc.net.protocols import UDP
from fwc.source import Origin

LINK_LOCAL = AddressSet(EMPTY, IntervalSet((prefix_run(0xFE80 << 112, 10, 128),)))

_ND = IntervalSet.range(133 << 8, 136 << 8 | 255)  # RFC 4861: router and neighbour solicitation and advertisement
_MLD_QUERY = IntervalSet.range(130 << 8, 130 << 8 | 255)  # RFC 2710, RFC 3810

# destination unreachable (too big included), time exceeded, parameter problem (RFC 792); RFC 4443 errors
_ERRORS4 = IntervalSet(((3 << 8, 3 << 8 | 255), (11 << 8, 12 << 8 | 255)))
_ERRORS6 = IntervalSet.range(1 << 8, 4 << 8 | 255)


def _rule(name: Role, match: Match, verdict: Verdict = ACCEPT, via: str = "") -> Rule:
    return Rule(match, (), verdict, role=name, origin=Origin((), (via or name.value,)))


def before_rules(builder: Builder, hook: str, policy: Verdict) -> list[Rule]:
    """The implicit rules of input, forward or output, in order; the explicit rules from self to self stand before them."""
    program = builder.program
    switches = program.implicit
    rules: list[Rule] = []
    if hook != "forward":
        rules += builder.loop[Site.LOOP_IN if hook == "input" else Site.LOOP_OUT]
        if switches.loopback:
            field = Field.IIF if hook == "input" else Field.OIF
            rules.append(_rule(Role.LOOPBACK, FieldIn(field, loopback_of(builder.os))))
    if program.settings.stateful:
        if switches.established:
            rules.append(_rule(Role.ESTABLISHED, state_in(CtState.ESTABLISHED, CtState.RELATED)))
        # what this machine sends is not dropped: an invalid packet of its own is, for instance, a late reset
        if switches.invalid_drop and hook != "output":
            rules.append(_rule(Role.INVALID_DROP, state_in(CtState.INVALID), DROP))
    else:
        rules += _icmp_errors(builder)
    if hook == "forward":
        return rules
    if switches.icmpv6_nd and builder.families & V6:
        rules += _discovery(builder)
    if switches.dhcp_client:
        rules += _dhcp(builder, hook, policy)
    return rules


def _icmp_errors(builder: Builder) -> list[Rule]:
    """Without connection tracking nothing is `related`, and losing these errors loses large packets."""
    rules = []
    if builder.families & V4:
        rules.append(_rule(Role.ESTABLISHED, FieldIn(Field.ICMP, _ERRORS4), via="icmp-errors"))
    if builder.families & V6:
        rules.append(_rule(Role.ESTABLISHED, FieldIn(Field.ICMPV6, _ERRORS6), via="icmp-errors"))
    return rules


def _discovery(builder: Builder) -> list[Rule]:
    nd: Match = FieldIn(Field.ICMPV6, _ND)
    if builder.os != "macos":
        # pf cannot ask for the hop limit; the kernel itself ignores discovery with another one (RFC 4861, 6.1 and 7.1)
        nd = all_of(nd, FieldIn(Field.TTL, IntervalSet.of(255)))
    query = all_of(FieldIn(Field.SADDR, LINK_LOCAL), FieldIn(Field.ICMPV6, _MLD_QUERY))
    return [_rule(Role.ICMPV6_ND, nd), _rule(Role.ICMPV6_ND, query)]


def _dhcp(builder: Builder, hook: str, policy: Verdict) -> list[Rule]:
    """Answers to our own DHCP requests (RFC 2131, RFC 8415): broadcasts and multicasts that no connection accounts for."""
    if hook == "output" and isinstance(policy, Accept):
        return []
    rules = []
    out = hook == "output"
    udp = FieldIn(Field.PROTOCOL, IntervalSet.of(UDP))
    if builder.families & V4:
        ports = (68, 67) if out else (67, 68)
        rules.append(_rule(Role.DHCP_CLIENT, all_of(family_is(Family.V4), udp, *_ports(*ports))))
    if builder.families & V6:
        ports = (546, 547) if out else (547, 546)
        rules.append(_rule(Role.DHCP_CLIENT, all_of(FieldIn(Field.SADDR, LINK_LOCAL), udp, *_ports(*ports))))
    return rules


def _ports(sport: int, dport: int) -> tuple[Match, Match]:
    return FieldIn(Field.SPORT, IntervalSet.of(sport)), FieldIn(Field.DPORT, IntervalSet.of(dport))


def source_checks(builder: Builder) -> list[Rule]:
    """rpfilter and antispoof: the first rules of the raw chain, before connections are tracked."""
    switches = builder.program.implicit
    rules = []
    if switches.rpfilter in ("strict", "loose"):
        rules.append(_rule(Role.RPFILTER, ReversePathFails(switches.rpfilter == "loose"), DROP))
    if switches.antispoof:
        rules += _antispoof(builder)
    spans = (switches.span,) if switches.span else ()
    return [dataclasses.replace(rule, origin=Origin(spans, rule.origin.via)) for rule in rules]


def _antispoof(builder: Builder) -> list[Rule]:
    """A packet with a source in a zone's network, or with an address of ours, that came in by another interface."""
    program = builder.program
    loopback = loopback_of(builder.os)
    rules = []
    for zone in program.zones.values():
        if not zone.has_nets or zone.parent or zone.ifaces.is_any or zone.ifaces.negated:
            continue
        names = [zone.ifaces, loopback]
        for other in program.zones.values():
            near = frozenset((zone.name, other.name)) in program.zone_overlaps or other.parent == zone.name
            if near and not other.ifaces.negated:
                names.append(other.ifaces)
        here = IfaceSet.of([text for each in names for text in each.texts()])
        match = all_of(negate(FieldIn(Field.IIF, here)), FieldIn(Field.SADDR, zone.nets, zone.name))
        rules.append(_rule(Role.ANTISPOOF, match, DROP))
    own: Match = FieldIn(Field.SADDR, program.own_addresses) if builder.os == "macos" else LOCAL_SOURCE
    if builder.os != "macos" or program.own_addresses:
        rules.append(_rule(Role.ANTISPOOF, all_of(negate(FieldIn(Field.IIF, loopback)), own), DROP))
    return rules
