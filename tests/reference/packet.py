"""A packet for the reference interpreters: plain numbers, standard library only."""

from __future__ import annotations

from dataclasses import dataclass

PORT_PROTOCOLS = (6, 17, 33, 132, 136)


@dataclass(frozen=True)
class Packet:
    """`hook` is input, output or forward: what routing made of it. `iif` is empty for own packets, `oif` for
    delivered ones. `icmp` is (type, code). `direction` is original or reply, empty for a packet that belongs to no
    connection; `ct_mark` is the connection's. Addresses are integers of IP version `version`."""

    hook: str
    version: int
    protocol: int
    source: int
    destination: int
    sport: int = 0
    dport: int = 0
    icmp: tuple[int, int] = (0, 0)
    flags: int = 2
    iif: str = ""
    oif: str = ""
    ttl: int = 64
    state: str = "new"
    status: tuple[str, ...] = ()
    mark: int = 0
    direction: str = "original"
    ct_mark: int = 0

    @property
    def has_ports(self) -> bool:
        return self.protocol in PORT_PROTOCOLS
