"""Source translations, exemptions and 1:1 maps; `forward` and `redirect` are in `nat_forward`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from fwc.elaborate.builder import Builder, Parts
from fwc.elaborate.expanded import Placed
from fwc.elaborate.lookup import resolve_host
from fwc.elaborate.options import Options
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import TRANSLATION
from fwc.elaborate.sides import FROM, NET, SELF, TO, Atom, Side
from fwc.elaborate.sites import Site, bit, families_of
from fwc.elaborate.verdicts import actions
from fwc.ir.match import Field
from fwc.ir.model import Rule
from fwc.ir.verdict import ACCEPT, Accept, Masquerade, NatTarget, Netmap, PortChoice, Snat, Verdict
from fwc.lang import ast
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet, Run
from fwc.net.protocols import TCP, UDP

Ports = tuple[int, int] | None


def choice_of(options: Options) -> PortChoice:
    if "random" in options.flags:
        return PortChoice.RANDOM
    return PortChoice.PERSISTENT if "persistent" in options.flags else PortChoice.DEFAULT


def nat_rule(builder: Builder, parts: Parts, site: Site, verdict: Verdict, families: int) -> bool:
    """One rule of a nat chain; False when the statement has no packet of these families there."""
    match = builder.compose(
        parts.source, parts.destination, parts.flows, parts.matches, families & parts.families, site, False
    )
    if match is None:
        return False
    options, placed = parts.options, parts.placed
    chain = f"{site.value}-nat"
    acts = actions(builder, options, chain, placed.statement.span.line if options.log else 0)
    builder.add(chain, Rule(match, acts, verdict, options.label, options.comment, origin=placed.origin))
    return True


def source_nat(builder: Builder, parts: Parts, make: Callable[[Ports], Verdict], ports: Ports, families: int) -> bool:
    """The source translation; where it chooses ports and the traffic is wider than TCP and UDP, one rule with ports for those
    two and one without for the rest, because no target translates ports of other protocols everywhere."""
    both = IntervalSet.of(TCP, UDP)
    if ports is None or all(f.protocols is not None and f.protocols <= both for f in parts.flows):
        return nat_rule(builder, parts, Site.POSTROUTING, make(ports), families)
    flows = tuple(
        dataclasses.replace(f, protocols=both if f.protocols is None else f.protocols & both)
        for f in parts.flows
        if f.protocols is None or f.protocols & both
    )
    found = False
    if flows:
        with_ports = dataclasses.replace(parts, flows=flows)
        found = nat_rule(builder, with_ports, Site.POSTROUTING, make(ports), families)
    return nat_rule(builder, parts, Site.POSTROUTING, make(None), families) or found


def ports_of(options: Options) -> Ports:
    return None if options.ports is None else (options.ports.ports.low, options.ports.ports.high)


def masquerade(builder: Builder, placed: Placed) -> None:
    """IPv4 unless `v6` is written (D7)."""
    statement = placed.statement
    assert isinstance(statement, ast.Masquerade)
    parts = builder.parts(placed, "masquerade", statement.traffic, statement.clauses, statement.family or Family.V4)
    if parts is None:
        return
    choice = choice_of(parts.options)
    if not source_nat(builder, parts, lambda ports: Masquerade(ports, choice), ports_of(parts.options), parts.families):
        builder.nothing(parts)


def snat(builder: Builder, placed: Placed) -> None:
    statement = placed.statement
    assert isinstance(statement, ast.Snat)
    parts = builder.parts(placed, "snat", statement.traffic, statement.clauses, statement.family)
    if parts is None:
        return
    if len(statement.targets) != 1:
        builder.out.append(
            mistake(
                TRANSLATION,
                "a source translation has one target",
                statement.targets[1].span,
                help="write an address range, A-B, or one statement for each part of the sources",
            )
        )
        return
    target = statement.targets[0]
    addresses = resolve_host(builder.program, target.host, builder.out)
    if addresses is None:
        return
    ports = ports_of(parts.options)
    choice = choice_of(parts.options)
    if isinstance(target.ports, ast.Ports):
        ports = (target.ports.low, target.ports.high)
    found = False
    for family in families_of(parts.families):
        runs = addresses.family(family).runs
        if not runs:
            continue
        if len(runs) > 1 or isinstance(target.host, ast.Self):
            builder.out.append(
                mistake(
                    TRANSLATION,
                    f"`{target.span.text}` is not one address or one range in IPv{family.value}",
                    target.span,
                    help="name one address or one range A-B; `masquerade` takes the egress interface's address",
                )
            )
            return
        make = partial(_snat_to, family, runs[0], choice)
        found = source_nat(builder, parts, make, ports, bit(family)) or found
    if not found:
        builder.nothing(parts)


def _snat_to(family: Family, run: Run, choice: PortChoice, ports: Ports) -> Verdict:
    return Snat(NatTarget(family, run[0], run[1], ports), choice)


def no_nat(builder: Builder, placed: Placed) -> None:
    """An accept at its place in every nat chain that a later statement writes to."""
    statement = placed.statement
    assert isinstance(statement, ast.NoNat)
    parts = builder.parts(placed, "no-nat", statement.traffic, statement.clauses, statement.family)
    if parts is None:
        return
    found = False
    for site in (Site.PREROUTING, Site.OUTPUT, Site.POSTROUTING):
        found = nat_rule(builder, parts, site, ACCEPT, parts.families) or found
    if not found:
        builder.nothing(parts)


def trim_exemptions(builder: Builder) -> None:
    """Drop exemptions with no translation after them: there is nothing left to be exempt from."""
    for name in ("prerouting-nat", "output-nat", "postrouting-nat"):
        rules = builder.rules.get(name)
        if rules is None:
            continue
        while rules and isinstance(rules[-1].verdict, Accept) and not rules[-1].actions:
            rules.pop()
        if not rules:
            del builder.rules[name]


def map_(builder: Builder, placed: Placed) -> None:
    """1:1 in both directions: what comes in by the zone for the outer prefix, what leaves by it from the inner one."""
    statement = placed.statement
    assert isinstance(statement, ast.Map)
    parts = builder.parts(placed, "map", None, statement.clauses, None, needs=())
    outer = resolve_host(builder.program, statement.outer, builder.out)
    inner = resolve_host(builder.program, statement.inner, builder.out)
    zone = builder.zone(statement.zone)
    if parts is None or outer is None or inner is None or zone is None:
        return
    if statement.clauses.source is not None or statement.clauses.destination is not None:
        builder.out.append(
            mistake(
                TRANSLATION,
                "`map` translates its two prefixes on one zone, whoever the peer is",
                statement.span,
                help="remove `from` and `to`; use `forward` and `snat` for part of the traffic",
            )
        )
        return
    found = False
    for family in families_of(parts.families):
        if not outer.family(family) and not inner.family(family):
            continue
        one, two = _prefix(outer, family), _prefix(inner, family)
        if one is None or two is None or one[1] != two[1]:
            builder.out.append(
                mistake(
                    TRANSLATION,
                    f"the two sides of `map` are not IPv{family.value} prefixes of the same length",
                    statement.span,
                    help="write `map OUTER/N <-> INNER/N on ZONE`",
                )
            )
            return
        found = True
        _both_ways(builder, parts, zone, family, (outer, inner), (one, two))
    if not found:
        builder.nothing(parts)


def _both_ways(
    builder: Builder,
    parts: Parts,
    zone: str,
    family: Family,
    sides: tuple[AddressSet, AddressSet],
    prefixes: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    outer, inner = sides
    into = Parts(
        parts.placed,
        builder.sides.of_zone(FROM, zone),
        Side(TO, (Atom(NET | SELF, addresses=outer.only(family)),)),
        parts.flows,
        parts.conditions,
        parts.options,
        parts.families,
    )
    nat_rule(builder, into, Site.PREROUTING, Netmap(Field.DADDR, family, *prefixes[1]), bit(family))
    out = Parts(
        parts.placed,
        Side(FROM, (Atom(NET, addresses=inner.only(family)),)),
        builder.sides.of_zone(TO, zone),
        parts.flows,
        parts.conditions,
        parts.options,
        parts.families,
    )
    nat_rule(builder, out, Site.POSTROUTING, Netmap(Field.SADDR, family, *prefixes[0]), bit(family))


def _prefix(addresses: AddressSet, family: Family) -> tuple[int, int] | None:
    """(first address, length) when the set is one prefix in this family."""
    runs = addresses.family(family).runs
    if len(runs) != 1:
        return None
    low, high = runs[0]
    size = high - low + 1
    if size & (size - 1) or low & (size - 1):
        return None
    return low, family.bits - size.bit_length() + 1
