"""Source translations, exemptions and 1:1 maps; `forward` and `redirect` are in `nat_forward`."""

from __future__ import annotations

from fwc.elaborate.builder import Builder, Parts
from fwc.elaborate.expanded import Placed
from fwc.elaborate.lookup import resolve_host
from fwc.elaborate.options import Options
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import TRANSLATION
from fwc.elaborate.sides import FROM, NET, SELF, TO, Atom, Side
from fwc.elaborate.sites import Site, bit, families_of
from fwc.elaborate.traffic_forms import only_with_ports
from fwc.elaborate.verdicts import actions
from fwc.ir.match import Field
from fwc.ir.model import Rule
from fwc.ir.verdict import ACCEPT, Accept, Masquerade, NatTarget, Netmap, PortChoice, Snat, Verdict
from fwc.lang import ast
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family


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


def source_ports(builder: Builder, parts: Parts) -> tuple[int, int] | None:
    """The `ports` option: only for protocols that have ports."""
    option = parts.options.ports
    if option is None:
        return None
    if not only_with_ports(parts.flows):
        builder.out.append(
            mistake(
                TRANSLATION,
                "`ports` translates source ports, and the traffic is not limited to protocols that have them",
                option.span,
                help="write `tcp, udp` as the traffic",
            )
        )
    return option.ports.low, option.ports.high


def masquerade(builder: Builder, placed: Placed) -> None:
    """IPv4 unless `v6` is written (D7)."""
    statement = placed.statement
    assert isinstance(statement, ast.Masquerade)
    parts = builder.parts(placed, "masquerade", statement.traffic, statement.clauses, statement.family or Family.V4)
    if parts is None:
        return
    verdict = Masquerade(source_ports(builder, parts), choice_of(parts.options))
    if not nat_rule(builder, parts, Site.POSTROUTING, verdict, parts.families):
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
    ports = source_ports(builder, parts)
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
        verdict = Snat(NatTarget(family, runs[0][0], runs[0][1], ports), choice_of(parts.options))
        found = nat_rule(builder, parts, Site.POSTROUTING, verdict, bit(family)) or found
    if not found:
        builder.nothing(parts)


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
