"""Where a packet goes: to this machine or out of an interface, judged by the addresses a ruleset states."""

from __future__ import annotations

from fwc.ir.model import Ruleset, Zone
from fwc.net.addresses import AddressSet, prefix_run, union
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet

_LOOPBACK = AddressSet(IntervalSet((prefix_run(127 << 24, 8, 32),)), IntervalSet.of(1))
_MULTICAST6 = 0xFF << 120


class Routes:
    """The routing table that the zones of a ruleset imply: networks to interfaces, the rest to zones without networks."""

    __slots__ = ("own", "zones")

    def __init__(self, ruleset: Ruleset) -> None:
        self.zones = ruleset.zones
        self.own = union([ruleset.own_addresses, _LOOPBACK, *(zone.addresses for zone in ruleset.zones)])

    def is_own(self, packet: Packet) -> bool:
        return packet.daddr in self.own.family(packet.family)

    def own_known(self, family: Family) -> bool:
        """Are addresses of this machine stated, other than those of the loopback."""
        return bool(self.own.family(family) - _LOOPBACK.family(family))

    def known_elsewhere(self, packet: Packet) -> bool:
        """Does the destination lie in the networks of a zone."""
        return any(zone.has_nets and packet.daddr in zone.nets.family(packet.family) for zone in self.zones)

    def zone_of(self, packet: Packet) -> Zone | None:
        """The zone the destination lies in: the smallest network that holds it, else the first zone without networks."""
        best: Zone | None = None
        best_size = 0
        for zone in self.zones:
            values = zone.nets.family(packet.family)
            if zone.has_nets and packet.daddr in values:
                size = values.size()
                if best is None or size < best_size:
                    best, best_size = zone, size
        if best is not None:
            return best
        open_zones = [zone for zone in self.zones if not zone.has_nets and not zone.ifaces.is_any]
        away = [zone for zone in open_zones if packet.iif not in zone.ifaces]
        return next(iter(away or open_zones), None)

    def egress(self, packet: Packet) -> tuple[str, str]:
        """Interface name (empty when unknown) and a sentence about the choice."""
        zone = self.zone_of(packet)
        if zone is None:
            return "", "no zone holds the destination, so the egress interface is unknown"
        name = an_interface(zone)
        return name, f"leaves by {name or 'an unknown interface'} (zone {zone.name})"

    def address_of(self, oif: str, family: Family) -> int | None:
        """This machine's address on an interface, when the policy states it."""
        for zone in self.zones:
            if oif in zone.ifaces and zone.addresses.family(family):
                return zone.addresses.family(family).runs[0][0]
        return None


def an_interface(zone: Zone) -> str:
    """A name that lies in the zone; for a wildcard a number is appended."""
    if zone.ifaces.negated:
        return ""
    if zone.ifaces.names:
        return min(zone.ifaces.names)
    return min(zone.ifaces.prefixes) + "0" if zone.ifaces.prefixes else ""


def is_local_multicast(packet: Packet) -> bool:
    """Broadcast and multicast destinations are delivered, not forwarded."""
    if packet.family is Family.V4:
        return packet.daddr >> 28 == 0xE or packet.daddr == 0xFFFFFFFF
    return packet.daddr >= _MULTICAST6
