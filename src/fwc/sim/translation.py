"""What a NAT verdict makes of a packet's addresses and ports."""

from __future__ import annotations

from fwc.ir.match import AllOf, CtStatus, Field, FieldIn, Match
from fwc.ir.model import Rule
from fwc.ir.verdict import (
    Dnat,
    Masquerade,
    NatTarget,
    Netmap,
    PortChoice,
    Redirect,
    Snat,
    Verdict,
)
from fwc.net.addresses import format_address
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.sim.chain import changed
from fwc.sim.journey import PORT_PROTOCOLS, Journey
from fwc.sim.routing import Routes


def translate_packet(verdict: Verdict, rule: Rule, at: Journey, routes: Routes) -> None:
    """Rewrite the packet of a new connection and set the connection's status bits."""
    match verdict:
        case Snat():
            _source(at, verdict.target)
        case Masquerade():
            _masquerade(at, verdict, routes)
        case Dnat():
            targets = [t for t in verdict.targets if t.family in (None, at.packet.family)]
            if not targets:
                return
            if len(targets) > 1:
                at.assume("of several translation targets the first is chosen")
            _destination(at, targets[0], verdict.choice, rule.match)
        case Redirect():
            _destination(at, NatTarget(ports=verdict.ports), verdict.choice, rule.match)
            at.forced_local = True
            own = routes.address_of(at.packet.iif, at.packet.family) if at.packet.iif else None
            if own is not None:
                at.packet = changed(at.packet, daddr=own)
        case Netmap():
            _netmap(at, verdict)


def translated_tuple(packet: Packet) -> str:
    """Source and destination in words."""
    ports = packet.protocol in PORT_PROTOCOLS
    source = format_address(packet.family, packet.saddr) + (f" port {packet.sport}" if ports else "")
    destination = format_address(packet.family, packet.daddr) + (f" port {packet.dport}" if ports else "")
    return f"{source} -> {destination}"


def _mark(at: Journey, bit: int) -> None:
    if at.connection is not None:
        at.connection.status |= bit


def _source(at: Journey, target: NatTarget) -> None:
    packet = at.packet
    if target.family not in (None, packet.family):
        return
    saddr = packet.saddr
    if target.family is not None and not target.low <= saddr <= target.high:
        saddr = target.low
        if target.low != target.high:
            at.assume("of a range of addresses the first is chosen")
    at.packet = changed(packet, saddr=saddr, sport=_port(packet.sport, target.ports, packet))
    if at.packet != packet:
        _mark(at, CtStatus.SNAT)


def _masquerade(at: Journey, verdict: Masquerade, routes: Routes) -> None:
    packet = at.packet
    saddr = routes.address_of(packet.oif, packet.family)
    if saddr is None:
        at.assume(f"the address of {packet.oif or 'the egress interface'} is unknown; the source is shown unchanged")
        saddr = packet.saddr
    at.packet = changed(packet, saddr=saddr, sport=_port(packet.sport, verdict.ports, packet))
    _mark(at, CtStatus.SNAT)


def _destination(at: Journey, target: NatTarget, choice: PortChoice, match: Match) -> None:
    packet = at.packet
    daddr = packet.daddr
    if target.family is not None and not target.low <= daddr <= target.high:
        daddr = target.low
        if target.low != target.high:
            at.assume("of a range of addresses the first is chosen")
    dport = _port(packet.dport, target.ports, packet)
    if choice is PortChoice.OFFSET and target.ports is not None:
        dport = target.ports[0] + packet.dport - _range_base(match, packet.dport)
    at.packet = changed(packet, daddr=daddr, dport=dport)
    if at.packet != packet:
        _mark(at, CtStatus.DNAT)


def _port(port: int, ports: tuple[int, int] | None, packet: Packet) -> int:
    """A port inside the wanted range stays as it is (nf_nat_core.c, in_range); otherwise the first is taken."""
    if ports is None or packet.protocol not in PORT_PROTOCOLS or ports[0] <= port <= ports[1]:
        return port
    return ports[0]


def _range_base(match: Match, port: int) -> int:
    """The first port of the range that a rule translates port by port."""
    parts = match.parts if isinstance(match, AllOf) else (match,)
    for part in parts:
        if isinstance(part, FieldIn) and part.field is Field.DPORT and isinstance(part.values, IntervalSet):
            for low, high in part.values.runs:
                if low <= port <= high:
                    return low
    return port


def _netmap(at: Journey, verdict: Netmap) -> None:
    packet = at.packet
    if packet.family is not verdict.family:
        return
    bits = 32 if verdict.family is Family.V4 else 128
    host = (1 << (bits - verdict.length)) - 1
    if verdict.field is Field.SADDR:
        at.packet = changed(packet, saddr=verdict.low | (packet.saddr & host))
        _mark(at, CtStatus.SNAT)
    else:
        at.packet = changed(packet, daddr=verdict.low | (packet.daddr & host))
        _mark(at, CtStatus.DNAT)
