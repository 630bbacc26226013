"""`forward` and `redirect`: a destination translation together with its own narrow accept, and the hairpin."""

from __future__ import annotations

import dataclasses

from fwc.elaborate.builder import Builder, Parts
from fwc.elaborate.conditions import DNATED
from fwc.elaborate.expanded import Placed
from fwc.elaborate.forms import LOCAL_DESTINATION
from fwc.elaborate.lookup import resolve_host
from fwc.elaborate.nat import choice_of, nat_rule
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import TRANSLATION
from fwc.elaborate.sides import FROM, NET, SELF, TO, Atom, Side
from fwc.elaborate.sites import Site, bit, families_of
from fwc.elaborate.traffic_forms import Flows, only_with_ports
from fwc.ir.match import Field, FieldIn, Match
from fwc.ir.model import Role, Rule
from fwc.ir.verdict import ACCEPT, Dnat, Masquerade, NatTarget, PortChoice, Redirect
from fwc.lang import ast
from fwc.net.addresses import NO_ADDRESS, AddressSet, union
from fwc.net.intervals import IntervalSet
from fwc.source import Origin

PortRange = tuple[int, int]


def forward(builder: Builder, placed: Placed) -> None:
    statement = placed.statement
    assert isinstance(statement, ast.Forward)
    parts = builder.parts(placed, "forward", statement.traffic, statement.clauses, statement.family)
    targets = _targets(builder, statement)
    if parts is None or targets is None:
        return
    new = _new_ports(builder, parts, statement.targets)
    if new is None:
        return
    ports, flows, choice = new
    parts = _toward_zone_addresses(builder, parts)
    reached = NO_ADDRESS
    bits = 0
    for family in families_of(parts.families):
        runs = [run for each in targets for run in each.family(family).runs]
        if not runs:
            continue
        verdict = Dnat(tuple(NatTarget(family, low, high, ports) for low, high in runs), choice)
        found = nat_rule(builder, parts, Site.PREROUTING, verdict, bit(family)) if parts.source.places & NET else False
        if any(a.own for a in parts.source.atoms):
            found = nat_rule(builder, _from_self(parts), Site.OUTPUT, verdict, bit(family)) or found
        if found:
            bits |= bit(family)
            reached = union([reached, *(each.only(family) for each in targets)])
    if not bits:
        builder.nothing(parts)
        return
    name = (
        statement.targets[0].host.text if len(targets) == 1 and isinstance(statement.targets[0].host, ast.Name) else ""
    )
    translated = _Translated(builder, parts, reached, name, flows, bits)
    if "without-accept" not in parts.options.flags:
        translated.accept()
    if "hairpin" in parts.options.flags:
        translated.hairpin()


def _targets(builder: Builder, statement: ast.Forward) -> list[AddressSet] | None:
    found = []
    for target in statement.targets:
        if isinstance(target.host, ast.Self):
            builder.out.append(
                mistake(
                    TRANSLATION,
                    "`forward` sends traffic to another machine",
                    target.span,
                    help="write `redirect ... -> self:PORT` for a service of this machine",
                )
            )
            return None
        addresses = resolve_host(builder.program, target.host, builder.out)
        if addresses is None:
            return None
        found.append(addresses)
    return found


def _new_ports(
    builder: Builder, parts: Parts, targets: tuple[ast.NatEndpoint, ...]
) -> tuple[PortRange | None, Flows, PortChoice] | None:
    """The targets' ports, the traffic as it arrives there, and how ports are chosen; None after an error."""
    given = {(t.ports.low, t.ports.high) for t in targets if isinstance(t.ports, ast.Ports)}
    choice = choice_of(parts.options)
    span = targets[0].span
    if not given:
        return None, parts.flows, choice
    if len(given) > 1 or any(t.ports is None for t in targets):
        text, help = "the targets of one statement have different ports", "give all targets the same ports"
    elif not only_with_ports(parts.flows) or any(f.dport is None for f in parts.flows):
        text, help = (
            "a port can be translated only where the traffic names one",
            "write the ports: `forward tcp 80 ...`",
        )
    else:
        low, high = next(iter(given))
        new = IntervalSet.range(low, high)
        if low == high:
            return (low, high), _arriving(parts.flows, new), choice
        if all(f.dport is not None and len(f.dport.runs) == 1 and f.dport.size() == new.size() for f in parts.flows):
            return (low, high), _arriving(parts.flows, new), PortChoice.OFFSET
        text, help = (
            "the port range of the target has another size than that of the traffic",
            "make both ranges equally long",
        )
    builder.out.append(mistake(TRANSLATION, text, span, help=help))
    return None


def _arriving(flows: Flows, ports: IntervalSet) -> Flows:
    return tuple(dict.fromkeys(dataclasses.replace(f, dport=ports) for f in flows))


def _from_self(parts: Parts) -> Parts:
    """The statement for what this machine sends itself; its destination may be an address of this machine."""
    source = Side(FROM, tuple(a for a in parts.source.atoms if a.own))
    atoms = parts.destination.atoms
    if all(a.own and not a.stated for a in atoms):
        here = tuple(dataclasses.replace(a, places=NET, own=False) for a in atoms)
        return dataclasses.replace(parts, source=source, destination=Side(TO, here), extra=(LOCAL_DESTINATION,))
    known = tuple(dataclasses.replace(a, places=NET) for a in atoms if not a.own or a.addresses is not None)
    return dataclasses.replace(parts, source=source, destination=Side(TO, known))


def _toward_zone_addresses(builder: Builder, parts: Parts) -> Parts:
    """`to self` from zones whose own addresses the policy states: those addresses, instead of asking the routing table."""
    zones = builder.program.zones
    source = parts.source.atoms
    if not parts.destination.atoms or not all(a.own and a.addresses is None for a in parts.destination.atoms):
        return parts
    if not source or not all(a.zones and not a.own for a in source):
        return parts
    each = [zones[z].addresses for a in source for z in a.zones]
    if not all(each):
        return parts
    addresses = union(each)
    return dataclasses.replace(
        parts, destination=Side(TO, (Atom(SELF, own=True, addresses=addresses, name="self", stated=True),))
    )


@dataclasses.dataclass
class _Translated:
    """A destination translation after it was written, for the rules that go with it."""

    builder: Builder
    parts: Parts
    reached: AddressSet
    name: str
    flows: Flows
    families: int

    def conditions(self) -> tuple[Match, ...]:
        """It was translated by us: the connection's destination was rewritten, and it asked for the published port."""
        ports = IntervalSet(run for f in self.parts.flows if f.dport is not None for run in f.dport.runs)
        extra: tuple[Match, ...] = (DNATED,)
        if all(f.dport is not None for f in self.parts.flows):
            extra = (DNATED, FieldIn(Field.CT_ORIG_DPORT, ports))
        return (*self.parts.matches, *extra)

    def accept(self) -> None:
        """The accept that the translation implies, at its own place in the order."""
        builder, parts = self.builder, self.parts
        own = builder.program.own_addresses
        here = bool(own) and self.reached <= own
        to = Side(TO, (Atom(SELF if here else NET, addresses=self.reached, name=self.name),))
        self.accept_at(Site.INPUT if here else Site.FORWARD, parts.source, to)
        if any(a.own for a in parts.source.atoms) and not here:
            self.accept_at(Site.OUTPUT, _from_self(parts).source, to)

    def accept_at(self, site: Site, source: Side, to: Side) -> None:
        builder, parts = self.builder, self.parts
        match = builder.compose(
            source, to, self.flows, self.conditions(), self.families, site, site in (Site.INPUT, Site.OUTPUT)
        )
        if match is None:
            return
        options, origin = parts.options, parts.placed.origin
        derived = Origin(origin.spans, (*origin.via, "accept"))
        rule = Rule(match, (), ACCEPT, options.label, options.comment, Role.FORWARD_ACCEPT, derived)
        builder.add(site.value, rule)

    def hairpin(self) -> None:
        """Source NAT for clients in the target's own zone, whose answers would else go past this machine."""
        builder, parts = self.builder, self.parts
        named = [z for a in parts.source.atoms for z in a.zones]
        inside = [z for z in dict.fromkeys(named) if self._holds_target(z)]
        if not inside:
            builder.out.append(
                mistake(
                    TRANSLATION,
                    "`hairpin` serves clients in the target's own zone, and no zone in `from` has a network with the target",
                    parts.options.flags["hairpin"],
                    help="name that zone in `from` and give it a `net`, or remove `hairpin`",
                )
            )
            return
        for zone in inside:
            match = builder.compose(
                builder.sides.of_zone(FROM, zone),
                Side(TO, (Atom(NET, zones=(zone,), addresses=self.reached, name=self.name),)),
                self.flows,
                self.conditions(),
                self.families,
                Site.POSTROUTING,
                False,
            )
            if match is not None:
                origin = parts.placed.origin
                rule = Rule(
                    match,
                    (),
                    Masquerade(),
                    parts.options.label,
                    "",
                    Role.HAIRPIN,
                    Origin(origin.spans, (*origin.via, "hairpin")),
                )
                builder.add("postrouting-nat", rule)

    def _holds_target(self, name: str) -> bool:
        zone = self.builder.program.zones[name]
        return zone.has_nets and bool(zone.nets & self.reached)


def redirect(builder: Builder, placed: Placed) -> None:
    statement = placed.statement
    assert isinstance(statement, ast.Redirect)
    parts = builder.parts(placed, "redirect", statement.traffic, statement.clauses, statement.family)
    if parts is None:
        return
    target = statement.targets[0]
    if len(statement.targets) > 1 or not isinstance(target.host, ast.Self):
        builder.out.append(
            mistake(
                TRANSLATION,
                "`redirect` sends traffic to this machine",
                target.span,
                help="write `-> self:PORT`; `forward` sends traffic to other machines",
            )
        )
        return
    new = _new_ports(builder, parts, statement.targets)
    if new is None:
        return
    ports, flows, choice = new
    verdict = Redirect(ports, choice)
    found = nat_rule(builder, parts, Site.PREROUTING, verdict, parts.families) if parts.source.places & NET else False
    if any(a.own for a in parts.source.atoms):
        found = nat_rule(builder, _from_self(parts), Site.OUTPUT, verdict, parts.families) or found
    if not found:
        builder.nothing(parts)
    elif "without-accept" not in parts.options.flags:
        translated = _Translated(builder, parts, NO_ADDRESS, "", flows, parts.families)
        translated.accept_at(Site.INPUT, parts.source, Side(TO, (Atom(SELF, own=True),)))
