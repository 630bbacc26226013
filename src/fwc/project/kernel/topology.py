"""The machine that a policy speaks of, built from its zones: interfaces, addresses and routes for its test packets."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.elaborate.elaborated import TestPacket
from fwc.ir.model import Ruleset
from fwc.net.addresses import format_address, prefixes
from fwc.net.hooks import Family, Hook
from fwc.project.kernel.laboratory import Interface
from fwc.records import Record
from fwc.sim.routing import an_interface


class Topology(Record):
    """Arguments of a `Laboratory`."""

    interfaces: tuple[Interface, ...]
    routes: tuple[tuple[str, str], ...]


def topology(ruleset: Ruleset, tests: Sequence[TestPacket]) -> Topology:
    """Every interface that a zone or packet names. A zone's networks are routed to its first interface, the rest to the first
    zone without networks; a packet's own destination has a route of its own where the packet says how it leaves. Interfaces
    without a stated address get one of 198.18.0.0/15 (RFC 2544) and fd00::/8, so that they can masquerade."""
    addresses: dict[str, list[tuple[Family, int]]] = {}
    routes: dict[str, str] = {}
    for zone in ruleset.zones:
        name = an_interface(zone)
        for each in [name, *sorted(zone.ifaces.names)] if not zone.ifaces.negated else []:
            if each and each not in ("lo", "lo0"):
                addresses.setdefault(each, [])
        if name:
            _zone_addresses(ruleset, zone.name, addresses[name])
    for test in tests:
        _packet_addresses(test, addresses)
    for zone in sorted(ruleset.zones, key=lambda z: bool(z.parent)):
        name = an_interface(zone)
        if not name or name in ("lo", "lo0"):
            continue
        for family in Family:
            for run in zone.nets.family(family).runs:
                for value, length in prefixes(run, family.bits):
                    routes.setdefault(f"{format_address(family, value)}/{length}", name)
        if not zone.has_nets:
            routes.setdefault("default", name)
            routes.setdefault("default6", name)
    for test in tests:
        if test.packet.oif and test.packet.oif in addresses:
            family = test.packet.family
            routes[f"{format_address(family, test.packet.daddr)}/{family.bits}"] = test.packet.oif
    own = {value for values in addresses.values() for value in values}
    kept = {prefix: name for prefix, name in routes.items() if not _is_own(prefix, own)}
    mtus = {an_interface(zone): zone.mtu for zone in ruleset.zones if zone.mtu}
    return Topology(
        tuple(Interface(n, _texts(i, v), mtus.get(n)) for i, (n, v) in enumerate(sorted(addresses.items()))),
        tuple(kept.items()),
    )


def _zone_addresses(ruleset: Ruleset, name: str, out: list[tuple[Family, int]]) -> None:
    zone = next(z for z in ruleset.zones if z.name == name)
    for family in Family:
        for low, high in zone.addresses.family(family).runs:
            out.extend((family, value) for value in range(low, min(high, low + 15) + 1))


def _packet_addresses(test: TestPacket, addresses: dict[str, list[tuple[Family, int]]]) -> None:
    """What a packet was sent to or from as this machine is an address of the interface it uses."""
    packet = test.packet
    for name in (packet.iif, packet.oif):
        if name and name not in ("lo", "lo0"):
            addresses.setdefault(name, [])
    taken = {value for values in addresses.values() for value in values}
    name, value = "", (packet.family, packet.daddr)
    if test.hook is Hook.INPUT and packet.iif:
        name = packet.iif
    elif test.hook is Hook.OUTPUT and packet.oif:
        name, value = packet.oif, (packet.family, packet.saddr)
    if name in addresses and value not in taken and not _is_multicast(*value):
        addresses[name].append(value)


def _is_multicast(family: Family, value: int) -> bool:
    return value >= 0xE0000000 if family is Family.V4 else value >> 120 == 0xFF


def _is_own(prefix: str, own: set[tuple[Family, int]]) -> bool:
    address, _, length = prefix.partition("/")
    return any(format_address(f, v) == address and length == str(f.bits) for f, v in own)


def _texts(index: int, values: list[tuple[Family, int]]) -> tuple[str, ...]:
    texts = [f"{format_address(family, value)}/{family.bits}" for family, value in values]
    if not any(family is Family.V4 for family, _ in values):
        texts.append(f"198.18.{index}.1/32")
    if not any(family is Family.V6 for family, _ in values):
        texts.append(f"fd00:18:{index:x}::1/128")
    return tuple(texts)
