"""What the simulator knows while a packet travels: its fields as they are now, its connection, and what was assumed."""

from __future__ import annotations

from dataclasses import field

from fwc.ir.match import CtState, CtStatus
from fwc.ir.model import NamedSet
from fwc.net.hooks import Family
from fwc.net.packet import Packet
from fwc.records import Record

Tuple = tuple[Family, int, int, int, int, int]
"""Family, protocol, source, source port, destination, destination port; for echo messages both ports are the id."""

PORT_PROTOCOLS = frozenset({6, 17, 33, 132, 136})

STATES = {
    "invalid": CtState.INVALID,
    "established": CtState.ESTABLISHED,
    "related": CtState.RELATED,
    "new": CtState.NEW,
    "untracked": CtState.UNTRACKED,
}


class Assumptions(Record):
    """What the simulator takes for true where a packet does not say. Each one that decided something is reported."""

    within_rate: bool = True
    within_connections: bool = True
    chance: bool = False
    opaque: bool = False
    members: frozenset[tuple[str, int]] = frozenset()  # (name of a run-time set, address that is in it)


class Connection:
    """One entry of the connection table: the first packet's tuple and the same after translation."""

    __slots__ = ("destination_done", "mark", "original", "replied", "source_done", "status", "translated")

    def __init__(self, original: Tuple) -> None:
        self.original = original
        self.translated = original
        self.status = 0
        self.replied = False
        self.mark = 0
        self.destination_done = False
        self.source_done = False


class Session:
    """What packets leave behind for later ones: connections, and what rules put into run-time sets."""

    __slots__ = ("connections", "sets")

    def __init__(self) -> None:
        self.connections: dict[Tuple, Connection] = {}
        self.sets: dict[str, set[tuple[int, ...]]] = {}

    def find(self, key: Tuple) -> tuple[Connection | None, bool]:
        """The connection of a packet and whether the packet travels in the reply direction."""
        found = self.connections.get(key)
        return found, found is not None and found.original != key

    def confirm(self, connection: Connection) -> None:
        """Keep a connection whose first packet got through; replies are found by the mirrored translated tuple."""
        connection.status |= CtStatus.CONFIRMED
        self.connections[connection.original] = connection
        self.connections.setdefault(mirrored(connection.translated), connection)


def tuple_of(packet: Packet) -> Tuple:
    """The connection-tracking key of a packet."""
    if packet.protocol in PORT_PROTOCOLS:
        return (packet.family, packet.protocol, packet.saddr, packet.sport, packet.daddr, packet.dport)
    return (packet.family, packet.protocol, packet.saddr, 0, packet.daddr, 0)


def mirrored(key: Tuple) -> Tuple:
    family, protocol, saddr, sport, daddr, dport = key
    return (family, protocol, daddr, dport, saddr, sport)


class Journey:
    """The packet now, with everything a condition may ask about. Mutable: the simulator's only state."""

    __slots__ = (
        "assumed",
        "assumptions",
        "connection",
        "forced_local",
        "names",
        "notrack",
        "packet",
        "reply",
        "session",
        "sets",
        "state",
        "tag",
        "tracked",
    )

    def __init__(
        self,
        packet: Packet,
        session: Session,
        assumptions: Assumptions,
        sets: dict[str, NamedSet],
        names: tuple[str, ...] = (),
    ) -> None:
        self.packet = packet
        self.session = session
        self.assumptions = assumptions
        self.sets = sets
        self.names = names
        self.connection: Connection | None = None
        self.reply = False
        self.tracked = False
        self.notrack = False
        # Before connection tracking has seen the packet the kernel answers "invalid" (nft_ct.c, xt_conntrack.c).
        self.state = CtState.INVALID
        self.tag = ""
        self.forced_local = False
        self.assumed: list[str] = []

    def assume(self, text: str) -> None:
        if text not in self.assumed:
            self.assumed.append(text)

    @property
    def status(self) -> int:
        if self.connection is None:
            return 0
        return self.connection.status | (CtStatus.SEEN_REPLY if self.connection.replied else 0)


class Effects(Record):
    """What a packet caused besides its verdict, in order."""

    logs: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    set_changes: tuple[str, ...] = ()
    others: tuple[str, ...] = field(default=())
