"""Zones that share packets although neither lies within the other nor says that they overlap (language D11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate.codes import OVERLAP
from fwc.elaborate.report import mistake
from fwc.ir.model import Zone
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.source import Span

MOST_REPORTED = 50

Pair = frozenset[str]


def undeclared_overlaps(
    zones: Mapping[str, Zone], allowed: frozenset[Pair], places: Mapping[str, Span], out: list[Diagnostic]
) -> frozenset[Pair]:
    """Report every overlap that is not declared. The result are overlaps that follow from declared ones (a zone within one
    of the two)."""
    ancestors = {name: _ancestors(zone, zones) for name, zone in zones.items()}
    implied: set[Pair] = set()
    reported = 0
    for first, second in _overlapping_pairs(zones, ancestors):
        pair = frozenset((first, second))
        if pair in allowed:
            continue
        if any(frozenset((a, b)) in allowed for a in ancestors[first] for b in ancestors[second]):
            implied.add(pair)
            continue
        out.append(_problem(zones[first], zones[second], places))
        reported += 1
        if reported == MOST_REPORTED:
            break
    return frozenset(implied)


def _ancestors(zone: Zone, zones: Mapping[str, Zone]) -> dict[str, None]:
    """The zone and all it lies within, innermost first."""
    found = {zone.name: None}
    while zone.parent in zones and zone.parent not in found:
        zone = zones[zone.parent]
        found[zone.name] = None
    return found


def _overlapping_pairs(
    zones: Mapping[str, Zone], ancestors: Mapping[str, dict[str, None]]
) -> Iterator[tuple[str, str]]:
    """Pairs (in text order) that share an interface and an address and are not within each other."""
    order = {name: at for at, name in enumerate(zones)}
    seen: set[Pair] = set()
    for group in _sharing_interfaces(zones):
        for first, second in _sharing_addresses(
            [zones[name] for name in sorted(group, key=order.__getitem__)], ancestors
        ):
            pair = frozenset((first, second))
            if pair not in seen:
                seen.add(pair)
                yield (first, second) if order[first] < order[second] else (second, first)


def _sharing_interfaces(zones: Mapping[str, Zone]) -> Iterator[set[str]]:
    """Groups of zones with a common interface name: one per name that is written, and one per wildcard."""
    by_name: dict[str, set[str]] = {}
    by_prefix: dict[str, set[str]] = {}
    for name, zone in zones.items():
        for iface in zone.ifaces.names:
            by_name.setdefault(iface, set()).add(name)
        for prefix in zone.ifaces.prefixes:
            by_prefix.setdefault(prefix, set()).add(name)
    for iface, group in sorted(by_name.items()):
        for length in range(len(iface) + 1):
            group = group | by_prefix.get(iface[:length], set())
        if len(group) > 1:
            yield group
    for prefix, group in sorted(by_prefix.items()):
        for length in range(len(prefix)):
            group = group | by_prefix.get(prefix[:length], set())
        if len(group) > 1:
            yield group


def _sharing_addresses(group: list[Zone], ancestors: Mapping[str, dict[str, None]]) -> Iterator[tuple[str, str]]:
    """A sweep over the addresses of one interface: zones whose runs are open together share an address."""
    for family in Family:
        events = sorted((low, high, zone.name) for zone in group for low, high in _runs(zone, family))
        active: list[tuple[int, str]] = []
        for low, high, name in events:
            active = [(end, other) for end, other in active if end >= low]
            for _, other in active:
                if other not in ancestors[name] and name not in ancestors[other]:
                    yield other, name
            active.append((high, name))


def _runs(zone: Zone, family: Family) -> Iterable[tuple[int, int]]:
    if not zone.has_nets:
        return ((0, (1 << family.bits) - 1),)
    return zone.nets.family(family).runs


def _problem(first: Zone, second: Zone, places: Mapping[str, Span]) -> Diagnostic:
    iface = common_interface(first.ifaces, second.ifaces)
    label = [Label(places[first.name], f"zone `{first.name}`")]
    if first.has_nets and second.has_nets:
        common: AddressSet = first.nets & second.nets
        where = next(text for family in common.families() for text in common.texts(family))
        message = f"zones `{first.name}` and `{second.name}` share {where} on {iface}"
    else:
        open_zone = first.name if not first.has_nets else second.name
        message = (
            f"zones `{first.name}` and `{second.name}` share {iface}, and `{open_zone}` has no `net` to tell them apart"
        )
    help = f"give both distinct `net`s, or write `within {first.name}` or `overlaps {first.name}` in `{second.name}`"
    return mistake(OVERLAP, message, places[second.name], help=help, secondary=label)


def common_interface(left: IfaceSet, right: IfaceSet) -> str:
    """The alphabetically first interface (or wildcard) that both sets hold, "" when there is none."""
    found = [name for name in left.names if name in right] + [name for name in right.names if name in left]
    for a in left.prefixes:
        found += [max(a, b, key=len) + "*" for b in right.prefixes if a.startswith(b) or b.startswith(a)]
    return min(found, default="")
