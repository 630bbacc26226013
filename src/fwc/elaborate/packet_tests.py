"""`test` blocks: each line as one concrete packet at the hook it meets first.

What a line leaves open is chosen so that it lies in no rule by accident: source port 49152, destination port 49153 for a
protocol with ports, and for `self` a stated address of the family, else one of the benchmark range (RFC 2544, RFC 5180)
that no real policy names.
"""

from __future__ import annotations

import dataclasses

from fwc.elaborate.builder import Builder
from fwc.elaborate.elaborated import Expectation, TestCase, TestPacket
from fwc.elaborate.flows import Flow, resolve_traffic
from fwc.elaborate.lookup import resolve_host
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import TEST
from fwc.ir.match import CtState
from fwc.ir.model import Zone
from fwc.lang import ast
from fwc.net.addresses import AddressSet, parse_v6
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.packet import Packet
from fwc.net.protocols import PORT_PROTOCOLS

OPEN_SOURCE_PORT = 49152
OPEN_DESTINATION_PORT = 49153
OPEN_SELF = {Family.V4: 198 << 24 | 18 << 16 | 1, Family.V6: (parse_v6("2001:2::") or 0) + 1}
"""198.18.0.1 and 2001:2::1."""

_STATES = frozenset(s.name.lower() for s in CtState)


def test_case(builder: Builder, statement: ast.Test) -> TestCase:
    """The block's packets; a packet with a mistake is reported and left out."""
    packets = tuple(p for each in statement.packets if (p := _Reader(builder, each).packet()) is not None)
    return TestCase(statement.title.value, packets, statement.span)


class _Reader:
    """One `packet` line."""

    def __init__(self, builder: Builder, line: ast.TestPacket) -> None:
        self.builder = builder
        self.program = builder.program
        self.line = line
        self.good = True

    def wrong(self, text: str, node: ast.PacketEndpoint | ast.TestPacket | ast.Name, help: str) -> None:
        self.good = False
        self.builder.out.append(mistake(TEST, text, node.span, help=help))

    def packet(self) -> TestPacket | None:
        line = self.line
        flow = self._flow()
        source = self._addresses(line.source)
        target = self._addresses(line.destination)
        in_zone, out_zone = self._zone(line.in_zone), self._zone(line.out_zone)
        if flow is None or source is None or target is None or not self.good:
            return None
        family = self._family(flow, source, target)
        if family is None:
            return None
        saddr, daddr = self._one(line.source, source, family), self._one(line.destination, target, family)
        hook = self._hook(family, daddr)
        iif, oif = self._interfaces(hook, in_zone, out_zone, (family, saddr, daddr))
        expect = self._expectation(family)
        state = line.state.text if line.state is not None else "new"
        if state not in _STATES and line.state is not None:
            self.wrong(f"`{state}` is no connection state", line.state, "write " + ", ".join(sorted(_STATES)))
        if not self.good:
            return None
        protocol = flow.protocols.runs[0][0] if flow.protocols is not None else 0
        ports = protocol in PORT_PROTOCOLS
        packet = Packet(
            family,
            protocol,
            saddr,
            daddr,
            sport=self._port(line.source, OPEN_SOURCE_PORT) if ports else 0,
            dport=self._port(line.destination, OPEN_DESTINATION_PORT) if ports else 0,
            icmp=flow.icmp.runs[0][0] if flow.icmp is not None else 0,
            iif=iif,
            oif=oif,
            state=state,
            mark=line.mark.value if line.mark is not None else 0,
            smac=line.mac.value if line.mac is not None else 0,
            user=_word(line.user),
            second=line.at * 60 if line.at is not None else None,
        )
        return TestPacket(packet, hook, expect, line.span)

    def _flow(self) -> Flow | None:
        protocol = self.line.protocol
        found = resolve_traffic(self.program, ast.Traffic((protocol,), protocol.span), self.builder.out)
        return None if found is None else found[0]

    def _addresses(self, end: ast.PacketEndpoint) -> AddressSet | None:
        return resolve_host(self.program, end.host, self.builder.out)

    def _zone(self, name: ast.Name | None) -> Zone | None:
        """The zone of this name; or of this interface, narrowed to it."""
        if name is None:
            return None
        zones = self.program.zones
        if name.text not in zones and name.text not in self.program.broken:
            holding = next((z for z in zones.values() if not z.ifaces.negated and name.text in z.ifaces), None)
            if holding is not None:
                return dataclasses.replace(holding, ifaces=IfaceSet.of((name.text,)))
        found = self.builder.zone(name)
        self.good = self.good and found is not None
        return None if found is None else self.program.zones[found]

    def _family(self, flow: Flow, source: AddressSet, target: AddressSet) -> Family | None:
        """The family that both ends and the protocol can have; IPv4 where nothing decides."""
        possible = [flow.family] if flow.family is not None else list(self.program.settings.families)
        for end, addresses in ((self.line.source, source), (self.line.destination, target)):
            if not isinstance(end.host, ast.Self):
                possible = [f for f in possible if addresses.family(f)]
        if not possible:
            self.wrong(
                "no family has both addresses of this packet", self.line, "give both ends addresses of one family"
            )
            return None
        return possible[0]

    def _one(self, end: ast.PacketEndpoint, addresses: AddressSet, family: Family) -> int:
        runs = addresses.family(family).runs
        return runs[0][0] if runs else OPEN_SELF[family]

    def _port(self, end: ast.PacketEndpoint, otherwise: int) -> int:
        return otherwise if end.port is None else end.port

    def _hook(self, family: Family, daddr: int) -> Hook:
        """What it meets after routing: input for this machine, output from it, else forward."""
        line = self.line
        if isinstance(line.source.host, ast.Self):
            return Hook.OUTPUT
        if isinstance(line.destination.host, ast.Self) or daddr in self.program.own_addresses.family(family):
            return Hook.INPUT
        return Hook.FORWARD

    def _interfaces(
        self, hook: Hook, in_zone: Zone | None, out_zone: Zone | None, ends: tuple[Family, int, int]
    ) -> tuple[str, str]:
        family, saddr, daddr = ends
        line = self.line
        if hook is Hook.OUTPUT and line.in_zone is not None:
            self.wrong("a packet from `self` comes in by no zone", line.in_zone, "remove `in`, or name a sender")
        if hook is Hook.INPUT and line.out_zone is not None:
            self.wrong("a packet for this machine leaves by no zone", line.out_zone, "remove `out`, or name a receiver")
        iif = oif = ""
        if hook is not Hook.OUTPUT:
            iif = an_interface(in_zone or self._zone_of(family, saddr, None))
        if hook is not Hook.INPUT:
            oif = an_interface(out_zone or self._zone_of(family, daddr, in_zone))
        return iif, oif

    def _zone_of(self, family: Family, address: int, away: Zone | None) -> Zone | None:
        """The zone with the smallest network that holds the address, else the first without networks that is not `away`."""
        zones = self.program.zones.values()
        holding = [z for z in zones if z.has_nets and address in z.nets.family(family)]
        if holding:
            return min(holding, key=lambda z: z.nets.family(family).size())
        return next((z for z in zones if not z.has_nets and (away is None or z.name != away.name)), None)

    def _expectation(self, family: Family) -> Expectation:
        line = self.line
        by = line.by.text if line.by is not None else ""
        return Expectation(line.verdict, by, self._translated(line.snat, family), self._translated(line.dnat, family))

    def _translated(self, end: ast.PacketEndpoint | None, family: Family) -> tuple[int, int | None] | None:
        if end is None:
            return None
        addresses = self._addresses(end)
        if addresses is None:
            self.good = False
            return None
        if not addresses.family(family):
            self.wrong(
                f"`{end.span.text}` has no IPv{family.value} address", end, "name an address of the packet's family"
            )
            return None
        return addresses.family(family).runs[0][0], end.port


def an_interface(zone: Zone | None) -> str:
    """A name in the zone: the first exact one, else a wildcard's prefix with a number; empty when unknown."""
    if zone is None or zone.ifaces.negated:
        return ""
    if zone.ifaces.names:
        return min(zone.ifaces.names)
    return min(zone.ifaces.prefixes) + "0" if zone.ifaces.prefixes else ""


def _word(user: ast.Name | ast.Number | None) -> str:
    if user is None:
        return ""
    return user.text if isinstance(user, ast.Name) else str(user.value)
