"""A packet as plain data for JSON."""

from __future__ import annotations

from typing import Any

from fwc.net.addresses import format_address
from fwc.net.packet import Packet
from fwc.net.protocols import PORT_PROTOCOLS, PROTOCOL_NAMES


def packet_form(packet: Packet) -> dict[str, Any]:
    """Ports and ICMP only where the protocol has them, interfaces only where the packet crosses one."""
    out: dict[str, Any] = {
        "family": f"v{packet.family.value}",
        "protocol": PROTOCOL_NAMES.get(packet.protocol, str(packet.protocol)),
        "from": format_address(packet.family, packet.saddr),
        "to": format_address(packet.family, packet.daddr),
    }
    if packet.protocol in PORT_PROTOCOLS:
        out |= {"source_port": packet.sport, "port": packet.dport}
    if packet.protocol in (1, 58):
        out |= {"icmp_type": packet.icmp >> 8, "icmp_code": packet.icmp & 255}
    if packet.iif:
        out["in"] = packet.iif
    if packet.oif:
        out["out"] = packet.oif
    return out | {"state": packet.state}
