"""Policies of several shapes, each with packets that its rules hold and packets beside them, and what an expert would write.

The expert knows what the rules have in common and writes one lookup for it by hand.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.packets import Flow, Load
from benchmarks.shapes import nft, text

PORTS = (22, 25, 53, 80, 110, 143, 443, 993, 1433, 3306, 5432, 6379, 8080, 8443, 9090, 9200)
UNUSED = 7
ZONES = 10
"""Zones on eth0 to eth9; packets go from eth0 to eth1."""
_SOURCES = range(10 << 24, (10 << 24) + (200 << 16))
_PAIR = 'iifname "eth0" oifname "eth1"'


@dataclass(frozen=True)
class Shape:
    """`statements` are rules of a policy with the zones z0 to z9; `hand` is the same as nftables by hand."""

    statements: list[str]
    hits: list[Flow]
    misses: list[Flow]
    hand: Load


def hosts(size: int, rng: random.Random) -> Shape:
    """One allow for each host and port."""
    rows = [(a, rng.choice(PORTS)) for a in rng.sample(_SOURCES, size)]
    rules = [f"allow tcp {p} from {text(a)} in z0 to 10.255.0.2 in z1" for a, p in rows]
    members = ", ".join(f"{text(a)} . {p}" for a, p in rows)
    hand = nft(f"{_PAIR} ip saddr . tcp dport @s accept", _set("ipv4_addr . inet_service", members))
    return Shape(rules, [(a, p) for a, p in rows], [(a, UNUSED) for a, _ in rows], hand)


def networks(size: int, rng: random.Random) -> Shape:
    """Hosts and networks in turn, a port each."""
    rows = [(third << 8, rng.choice(PORTS)) for third in rng.sample(range(10 << 16, (10 << 16) + (200 << 8)), size)]
    wide, exact = rows[::2], [(a + rng.randrange(1, 255), p) for a, p in rows[1::2]]
    sources = [f"{text(a)}/24" for a, _ in wide] + [text(a) for a, _ in exact]
    rules = [
        f"allow tcp {p} from {source} in z0 to 10.255.0.2 in z1"
        for source, (_, p) in zip(sources, [*wide, *exact], strict=True)
    ]
    sets = _set("ipv4_addr . inet_service", ", ".join(f"{text(a)} . {p}" for a, p in exact)) + _set(
        "ipv4_addr . inet_service; flags interval", ", ".join(f"{text(a)}/24 . {p}" for a, p in wide), "n"
    )
    hand = nft(f"{_PAIR} ip saddr . tcp dport @s accept\n{_PAIR} ip saddr . tcp dport @n accept", sets)
    flows = [*((a + 77, p) for a, p in wide), *exact]
    rng.shuffle(rules)
    rng.shuffle(flows)
    return Shape(rules, list(flows), [(a, UNUSED) for a, _ in flows], hand)


def destinations(size: int, rng: random.Random) -> Shape:
    """Several destinations, tcp and udp, every fourth rule a deny."""
    rows = [
        (a, 0x0AFF0000 + rng.randrange(2, 200), rng.choice(("tcp", "tcp", "udp")), rng.choice(PORTS), number % 4 == 3)
        for number, a in enumerate(rng.sample(_SOURCES, size))
    ]
    rules = [
        f"{'deny' if denied else 'allow'} {proto} {p} from {text(a)} in z0 to {text(d)} in z1"
        for a, d, proto, p, denied in rows
    ]
    members = ", ".join(
        f"{text(a)} . {text(d)} . {proto} . {p} : {'drop' if denied else 'accept'}" for a, d, proto, p, denied in rows
    )
    kind = "ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict"
    hand = nft(f"{_PAIR} ip saddr . ip daddr . meta l4proto . th dport vmap @s", _set(kind, members, "s", "map"))
    allowed: list[Flow] = [(a, p, d) for a, d, proto, p, denied in rows if proto == "tcp" and not denied]
    return Shape(rules, allowed, [(flow[0], UNUSED, flow[2]) for flow in allowed if len(flow) == 3], hand)


def zones(size: int, rng: random.Random) -> Shape:
    """The rules of ninety pairs of zones, as many for each."""
    pairs = [(i, j) for i in range(ZONES) for j in range(ZONES) if i != j]
    rows = [
        (pairs[n % len(pairs)], a, 0x0AFF0000 + rng.randrange(2, 250), rng.choice(PORTS))
        for n, a in enumerate(rng.sample(_SOURCES, size))
    ]
    rng.shuffle(rows)
    rules = [f"allow tcp {p} from {text(a)} in z{i} to {text(d)} in z{j}" for (i, j), a, d, p in rows]
    of: dict[tuple[int, int], list[str]] = {}
    for pair, a, d, p in rows:
        of.setdefault(pair, []).append(f"{text(a)} . {text(d)} . {p}")
    key = "ipv4_addr . ipv4_addr . inet_service"
    sets = "\n".join(_set(key, ", ".join(members), f"s{i}_{j}") for (i, j), members in of.items())
    chains = "\n".join(f"chain c{i}_{j} {{ ip saddr . ip daddr . tcp dport @s{i}_{j} accept; }}" for i, j in of)
    jumps = ", ".join(f'"eth{i}" . "eth{j}" : jump c{i}_{j}' for i, j in of)
    by_pair = _set("ifname . ifname : verdict", jumps, "pairs", "map")
    hand = nft("iifname . oifname vmap @pairs", f"{sets}\n{chains}\n{by_pair}")
    own: list[Flow] = [(a, p, d) for pair, a, d, p in rows if pair == (0, 1)]
    return Shape(rules, own, [(flow[0], UNUSED, flow[2]) for flow in own if len(flow) == 3], hand)


SHAPES: dict[str, Callable[[int, random.Random], Shape]] = {
    "hosts": hosts,
    "hosts and networks": networks,
    "destinations, protocols, denies": destinations,
    "90 pairs of zones": zones,
}


def policy(statements: list[str]) -> str:
    """The text of a policy with the statements."""
    head = ["syntax 1", "settings { family v4 }", *(f"zone z{n} {{ iface eth{n} }}" for n in range(ZONES))]
    return "\n".join([*head, *statements, "default input deny", "default forward deny", ""])


def _set(kind: str, members: str, name: str = "s", word: str = "set") -> str:
    return f"{word} {name} {{ type {kind}; elements = {{ {members} }}; }}\n"
