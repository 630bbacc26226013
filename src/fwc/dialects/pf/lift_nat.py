"""nat, rdr and binat rules as IR rules, first match."""

from __future__ import annotations

from collections.abc import Callable

from fwc.dialects.pf.lift_match import Conditions, family, interfaces, protocols
from fwc.dialects.pf.printer import lines
from fwc.dialects.pf.tree import Host, HostKind, Peer, Pool, Translation
from fwc.ir.match import Field, Match, all_of, family_is
from fwc.ir.model import Role, Rule
from fwc.ir.verdict import (
    ACCEPT,
    Action,
    Dnat,
    Masquerade,
    NatTarget,
    Netmap,
    OpaqueVerdict,
    PortChoice,
    Redirect,
    Snat,
    Tag,
    Verdict,
)
from fwc.net.hooks import Family
from fwc.source import Origin

PASS_TAG = "pf-pass-{}-{}"


def translation_rules(
    st: Translation,
    way: str,
    field: Field,
    conditions: Conditions,
    tagged: Callable[[str, bool], Match],
    passing: list[str],
) -> list[Rule]:
    """The rules of one statement in one direction; `rdr pass` tags, and the tag's name is added to `passing`."""
    origin = Origin((st.span,) if st.span else ())
    pieces = [interfaces(st.ifaces, field), family(st.family), protocols(st.protocols)]
    if st.anchor is not None:
        match = all_of(*pieces, *conditions.peers(st.source, st.dest))
        return [Rule(match, (), OpaqueVerdict("", lines(st)[0], "anchor"), role=Role.IMPORTED, origin=origin)]
    if st.kind == "binat" and way == "in":
        outside = Peer(st.pool.hosts) if st.pool else Peer()
        pieces += conditions.peers(st.dest, outside)
    else:
        pieces += conditions.peers(st.source, st.dest)
    if st.tagged:
        pieces.append(tagged(st.tagged, st.not_tagged))
    actions: tuple[Action, ...] = (Tag(st.tag),) if st.tag else ()
    if st.passes:
        name = st.tag or PASS_TAG.format(way, len(passing) + 1)
        actions = (Tag(name),)
        passing.append(name)
    if st.no or st.pool is None:
        return [Rule(all_of(*pieces), actions, ACCEPT, role=Role.IMPORTED, origin=origin)]
    families = [st.family] if st.family else [f for f in Family if any(h.family in (None, f) for h in st.pool.hosts)]
    out = []
    for af in families:
        verdict = _verdict(st, st.pool, af, way, conditions)
        if verdict is not None:
            match = all_of(*pieces) if st.family else all_of(family_is(af), *pieces)
            out.append(Rule(match, actions, verdict, role=Role.IMPORTED, origin=origin))
    same = len(out) == 2 and out[0].verdict == out[1].verdict
    return [Rule(all_of(*pieces), actions, out[0].verdict, role=Role.IMPORTED, origin=origin)] if same else out


def _verdict(st: Translation, pool: Pool, af: Family, way: str, conditions: Conditions) -> Verdict | None:
    hosts = [h for h in pool.hosts if h.family in (None, af)]
    opaque = OpaqueVerdict("pf", lines(st)[0], st.kind)
    if not hosts or any(h.kind is HostKind.TABLE for h in hosts):
        return opaque if hosts else None
    if st.kind == "binat":
        return _binat(st, hosts[0], way, opaque)
    own = [h for h in hosts if h.kind is HostKind.DYNAMIC]
    if own:
        if len(hosts) > 1 or len(st.ifaces) != 1 or own[0].name.split(":")[0] != st.ifaces[0].name:
            return opaque
        return Redirect(_ports(st, pool), _choice(pool)) if st.kind == "rdr" else Masquerade(pool.ports, _choice(pool))
    ranges: list[tuple[int, int]] = []
    for host in hosts:
        if host.kind is HostKind.NET:
            ranges.append((host.low, host.high))
        else:
            known = conditions.hosts((host,), Field.DADDR)
            values = getattr(known, "values", None)
            if values is None or not values.family(af):
                return opaque
            ranges.extend(values.family(af).runs)
    if st.kind == "rdr":
        return Dnat(tuple(NatTarget(af, low, high, _ports(st, pool)) for low, high in ranges), _choice(pool))
    ranges.sort()
    low, high = ranges[0]
    for start, end in ranges[1:]:
        if start != high + 1:
            return opaque
        high = end
    return Snat(NatTarget(af, low, high, pool.ports), _choice(pool))


def _ports(st: Translation, pool: Pool) -> tuple[int, int] | None:
    """The target's ports; `N:*` runs on from N as the matched range does."""
    if pool.ports is None or not pool.star:
        return pool.ports
    first = pool.ports[0]
    width = st.dest.ports[0].high - st.dest.ports[0].low if st.dest.ports and st.dest.ports[0].op == ":" else 0
    return first, first + width


def _choice(pool: Pool) -> PortChoice:
    if "sticky-address" in pool.options:
        return PortChoice.PERSISTENT
    return PortChoice.OFFSET if pool.star else PortChoice.DEFAULT


def _binat(st: Translation, outside: Host, way: str, opaque: OpaqueVerdict) -> Verdict:
    if not st.source.hosts:
        return opaque
    inside = st.source.hosts[0]
    if inside.kind is not HostKind.NET or outside.kind is not HostKind.NET or outside.family is None:
        return opaque
    length = outside.family.bits - (outside.high - outside.low).bit_length()
    if way == "in":
        return Netmap(Field.DADDR, outside.family, inside.low, length)
    return Netmap(Field.SADDR, outside.family, outside.low, length)
