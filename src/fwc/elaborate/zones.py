"""Zones resolved for one OS: interfaces, networks, nesting, and overlaps that were not declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate.codes import CYCLE, KIND, UNDEFINED, ZONE
from fwc.elaborate.hosts import address_set
from fwc.elaborate.interfaces import interface_problem
from fwc.elaborate.layout import Named
from fwc.elaborate.names import dependency_order, suggestion
from fwc.elaborate.overlaps import undeclared_overlaps
from fwc.elaborate.report import mistake
from fwc.elaborate.when import SYSTEMS
from fwc.ir.model import Zone
from fwc.lang import ast
from fwc.net.addresses import AddressSet
from fwc.net.interfaces import IfaceSet
from fwc.records import Record
from fwc.source import Origin


class Zones(Record):
    """`absent` are zones whose interfaces are all on another OS; `overlaps` are the pairs that may share packets without
    one lying within the other; `broken` had a mistake."""

    zones: dict[str, Zone]
    overlaps: frozenset[frozenset[str]]
    absent: frozenset[str]
    broken: frozenset[str]


def resolve_zones(named: Mapping[str, Named], os: str, used: set[str], out: list[Diagnostic]) -> Zones:
    """Every zone of the policy for one OS. Zones are reported but kept when wrong, so that their names stay known."""
    declared = {name: node for name, node in named.items() if isinstance(node, ast.Zone)}
    order, cycles = dependency_order(declared, lambda name: _parent_names(declared[name]))
    broken = {name for cycle in cycles for name in cycle}
    for cycle in cycles:
        span = declared[cycle[0]].span
        out.append(
            mistake(CYCLE, f"zones lie within each other: {' -> '.join(cycle)}", span, help="remove one `within`")
        )
    zones: dict[str, Zone] = {}
    for name in order:
        node = declared[name]
        before = len(out)
        parent = _parent(node, named, zones, used, out)
        zones[name] = _zone(node, parent, os, out)
        if len(out) != before or (parent is not None and parent.name in broken):
            broken.add(name)
    in_text_order = {name: zones[name] for name in declared}
    allowed = _declared_overlaps(declared, named, used, out)
    sound = {name: zone for name, zone in in_text_order.items() if name not in broken}
    found = undeclared_overlaps(sound, allowed, {name: node.name.span for name, node in declared.items()}, out)
    absent = frozenset(name for name, zone in in_text_order.items() if zone.ifaces.is_empty)
    return Zones(in_text_order, allowed | found, absent, frozenset(broken))


def _parent_names(zone: ast.Zone) -> tuple[str, ...]:
    return (zone.within.text,) if zone.within is not None else ()


def _parent(
    zone: ast.Zone, named: Mapping[str, Named], zones: Mapping[str, Zone], used: set[str], out: list[Diagnostic]
) -> Zone | None:
    if zone.within is None:
        return None
    name = zone.within.text
    used.add(name)
    if name in zones:
        return zones[name]
    if isinstance(named.get(name), ast.Zone):
        return None  # a cycle, already reported
    out.append(_no_zone(zone.within, named))
    return None


def _no_zone(name: ast.Name, named: Mapping[str, Named]) -> Diagnostic:
    if name.text in named:
        return mistake(KIND, f"`{name.text}` is not a zone", name.span, help="write the name of a zone")
    meant = suggestion(name.text, [n for n, node in named.items() if isinstance(node, ast.Zone)])
    help = f"did you mean `{meant}`?" if meant else "declare it: `zone NAME { iface ... }`"
    return mistake(UNDEFINED, f"there is no zone named `{name.text}`", name.span, help=help)


def _zone(node: ast.Zone, parent: Zone | None, os: str, out: list[Diagnostic]) -> Zone:
    ifaces, says_ifaces = _ifaces(node, os, out)
    nets = address_set([a for p in node.properties if isinstance(p, ast.ZoneNets) for a in p.nets])
    addresses = address_set([a for p in node.properties if isinstance(p, ast.ZoneAddresses) for a in p.addresses])
    has_nets = any(isinstance(p, ast.ZoneNets) for p in node.properties)
    mtu = _mtu(node, out)
    if parent is not None:
        _check_within(node, parent, ifaces, says_ifaces, nets, has_nets, out)
        ifaces = ifaces if says_ifaces else parent.ifaces
        if not has_nets:
            nets, has_nets = parent.nets, parent.has_nets
        mtu = mtu if mtu is not None else parent.mtu
    elif node.within is None and not says_ifaces:
        help = "write `iface NAME` in it; for a set of addresses alone write `group`"
        out.append(mistake(ZONE, f"zone `{node.name.text}` names no interface", node.name.span, help=help))
    return Zone(
        node.name.text, ifaces, nets, has_nets, addresses, mtu, parent.name if parent else "", Origin((node.span,))
    )


def _ifaces(node: ast.Zone, os: str, out: list[Diagnostic]) -> tuple[IfaceSet, bool]:
    """The interfaces on `os`, and whether the zone names any on any OS."""
    names: list[str] = []
    says = False
    for part in node.properties:
        if not isinstance(part, ast.ZoneIfaces):
            continue
        says = True
        if part.os is not None and part.os.text not in SYSTEMS:
            meant = suggestion(part.os.text, SYSTEMS)
            help = f"did you mean `{meant}`?" if meant else "write `iface linux:` or `iface macos:`"
            out.append(mistake(ZONE, f"there is no os `{part.os.text}`", part.os.span, help=help))
            continue
        for iface in part.ifaces:
            problem = interface_problem(iface)
            if problem is not None:
                out.append(problem)
            elif part.os is None or part.os.text == os:
                names.append(iface.name)
    return IfaceSet.of(names), says


def _mtu(node: ast.Zone, out: list[Diagnostic]) -> int | None:
    found = [p for p in node.properties if isinstance(p, ast.ZoneMtu)]
    for extra in found[1:]:
        out.append(mistake(ZONE, "the mtu is set twice", extra.span, help="keep one of the two"))
    return found[0].mtu.value if found else None


def _check_within(
    node: ast.Zone,
    parent: Zone,
    ifaces: IfaceSet,
    says_ifaces: bool,
    nets: AddressSet,
    has_nets: bool,
    out: list[Diagnostic],
) -> None:
    """A zone within another is a subset of it, and smaller."""
    name = node.name.text
    label = [Label(span, f"zone `{parent.name}`") for span in parent.origin.spans[:1]]
    if has_nets and parent.has_nets and not nets <= parent.nets:
        beyond = nets - parent.nets
        text = next(iter([t for f in beyond.families() for t in beyond.texts(f)]))
        message = f"zone `{name}` lies within `{parent.name}`, but {text} does not"
        help = f"add it to `{parent.name}`, or remove `within {parent.name}`"
        out.append(mistake(ZONE, message, node.name.span, help=help, secondary=label))
    outside = [t for t in ifaces.texts() if not _covers(parent.ifaces, t)] if says_ifaces else []
    if outside:
        message = f"zone `{name}` lies within `{parent.name}`, which has no interface {outside[0]}"
        help = f"add it to `{parent.name}`, or leave `iface` out to inherit its interfaces"
        out.append(mistake(ZONE, message, node.name.span, help=help, secondary=label))
    if not has_nets and not says_ifaces:
        message = f"zone `{name}` is the same as `{parent.name}`"
        help = "give it the `net` or the `iface` that sets it apart"
        out.append(mistake(ZONE, message, node.name.span, help=help, secondary=label))


def _covers(ifaces: IfaceSet, text: str) -> bool:
    """Whether every name that `text` (perhaps with a final `*`) stands for is in the set."""
    if text.endswith("*"):
        return any(text[:-1].startswith(prefix) for prefix in ifaces.prefixes)
    return text in ifaces


def _declared_overlaps(
    declared: Mapping[str, ast.Zone], named: Mapping[str, Named], used: set[str], out: list[Diagnostic]
) -> frozenset[frozenset[str]]:
    pairs: set[frozenset[str]] = set()
    for name, node in declared.items():
        for other in _overlap_names(node):
            if other.text not in declared:
                out.append(_no_zone(other, named))
            elif other.text == name:
                help = "name the other zone"
                out.append(mistake(ZONE, "a zone overlaps itself by its nature", other.span, help=help))
            else:
                pairs.add(frozenset((name, other.text)))
    return frozenset(pairs)


def _overlap_names(zone: ast.Zone) -> Iterator[ast.Name]:
    for part in zone.properties:
        if isinstance(part, ast.ZoneOverlaps):
            yield from part.zones
