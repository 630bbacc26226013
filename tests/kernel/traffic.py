"""Short forms for kernel tests: probes in words, answers to them, and fates in words."""

from __future__ import annotations

from fwc.net.addresses import format_address, parse_address
from fwc.project.kernel.fates import Fate
from fwc.project.kernel.frames import ACK, ICMP, ICMPV6, SYN, TCP, UDP, Probe, parse
from fwc.project.kernel.laboratory import number

PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}
CLIENT = {4: "203.0.113.9", 6: "2001:db8:77::9"}
SERVER = {4: "10.0.0.20", 6: "2001:db8:1::20"}
OUTSIDE = {4: "198.51.100.1", 6: "2001:db8:100::1"}
INSIDE = {4: "10.0.0.1", 6: "2001:db8:1::1"}


def packet(
    iface: str | None, source: str, destination: str, protocol: str = "tcp", dport: int = 80, **more: object
) -> Probe:
    """A probe; `iface` None sends it from the firewall."""
    found = parse_address(source)
    assert found is not None
    number_of = PROTOCOLS[protocol]
    return Probe(iface, found[0], found[1], number(destination), number_of, dport=dport, **more)  # type: ignore[arg-type]


def reply(fate: Fate, flags: int = SYN | ACK, mss: int | None = None) -> Probe:
    """The receiver's answer, as it saw the packet."""
    seen = fate.packet
    iface = None if fate.path in ("input", "loopback") else fate.oif
    answer = {8 << 8: 0, 128 << 8: 129 << 8}.get(seen.icmp)
    return Probe(
        iface,
        seen.family,
        seen.daddr,
        seen.saddr,
        seen.protocol,
        seen.dport,
        seen.sport,
        flags,
        answer if seen.protocol in (ICMP, ICMPV6) else None,
        seen.icmp_id if seen.protocol in (ICMP, ICMPV6) else None,
        seen.payload if seen.protocol in (ICMP, ICMPV6) else None,
        ack=seen.seq + 1 if seen.protocol == TCP else None,
        mss=mss,
    )


def more(sent: Fate, answer: Fate) -> Probe:
    """The client's next segment after the answer to its SYN, with numbers that connection tracking takes."""
    first, back = parse(sent.sent), answer.packet
    return Probe(
        sent.probe.iface,
        first.family,
        first.saddr,
        first.daddr,
        TCP,
        first.sport,
        first.dport,
        ACK,
        seq=first.seq + 1 & 0xFFFFFFFF,
        ack=back.seq + 1 & 0xFFFFFFFF,
    )


def ping(version: int) -> str:
    return "icmp" if version == 4 else "icmpv6"


def words(fate: Fate) -> str:
    """accept PATH [OIF], drop, reject KIND."""
    if fate.verdict == "accept":
        return f"accept {fate.path} {fate.oif}".rstrip()
    return f"{fate.verdict} {fate.reject}".rstrip()


def ends(fate: Fate) -> tuple[str, int, str, int]:
    """Source, its port, destination, its port of the packet as it was delivered or left."""
    seen = fate.packet
    return (
        format_address(seen.family, seen.saddr),
        seen.sport,
        format_address(seen.family, seen.daddr),
        seen.dport,
    )
