"""Random policies as long as the optimiser needs to act: lookups, verdict maps, hashes beside ranges, chains for pairs of zones.

The rules overlap and contradict each other: they draw from few networks, hosts inside those, and few ports.
"""

from __future__ import annotations

import random
import re
from ipaddress import ip_address, ip_network

from tests.properties.policies import OWN, SUBNETS, Generated, egress, own
from tests.reference.packet import Packet

ZONES = {"wan": "eth0", "lan": "eth1", "dmz": "eth2", "lab": "eth3", "road": "wg0", "office": "wg1"}
NETWORKS = {
    "wan": ["203.0.113.0/24", "192.0.2.0/24", "2001:db8:77::/120"],
    "lan": ["10.0.0.0/24", "2001:db8:1::/120"],
    "dmz": ["10.0.2.0/24", "2001:db8:2::/120"],
    "lab": ["192.168.7.0/24"],
    "road": ["10.8.0.0/24", "2001:db8:8::/120"],
    "office": ["10.8.1.0/24"],
}
PORTS = [22, 53, 80, 443, 1024, 3306, 8000, 8443]
_RULE = re.compile(r"^(\w+) (\w+) ([\d-]+) from (\S+) in (\w+) to (\S+)(?: in (\w+))?")


class LongMaker:
    """Draws one policy: `ranges` is the share of networks and ports ranges, `pairs` of how many pairs of zones the rules are."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"long {seed}")
        pick = self.random
        self.ranges = pick.choice([0.0, 0.05, 0.3, 0.7])
        every = [(a, b) for a in ZONES for b in (*ZONES, "self") if a != b]
        self.pairs = pick.sample(every, pick.choice([1, 1, 1, 2, 20, len(every)]))
        self.calm = pick.choice([0.4, 0.7, 0.97])
        """The share of rules that allow; the others refuse."""
        self.protocols = pick.choice([["tcp"], ["tcp", "tcp", "udp"], ["tcp", "udp"]])

    def policy(self) -> Generated:
        head = [f"zone {name} {{ iface {iface}; address {', '.join(own(iface))} }}" for name, iface in ZONES.items()]
        rules = dict.fromkeys(self.rule() for _ in range(self.random.choice([40, 120, 200, 300])))
        tail = [f"default {hook} {self.random.choice(['deny', 'reject'])}" for hook in ("input", "forward")]
        return Generated(head, list(rules), tail)

    def rule(self) -> str:
        pick = self.random
        source, destination = pick.choice(self.pairs)
        verb = "allow" if pick.random() < self.calm else pick.choice(["deny", "deny", "reject", "allow"])
        if pick.random() < 0.004:
            verb = "log"
        version = pick.choice([4, 4, 4, 6])
        left = self.end(source, version)
        right = (
            "self" if destination == "self" else f"{self.end(destination, ip_network(left).version)} in {destination}"
        )
        return f"{verb} {pick.choice(self.protocols)} {self.ports()} from {left} in {source} to {right}"

    def end(self, zone: str, version: int) -> str:
        pick = self.random
        nets = [ip_network(text) for text in NETWORKS[zone]]
        net = pick.choice([each for each in nets if each.version == version] or nets)
        size = 256
        low = int(net.network_address)
        if pick.random() < self.ranges:
            length = pick.choice([2, 4, 16, 64])
            return f"{ip_address(low + pick.randrange(size // length) * length)}/{net.max_prefixlen - length.bit_length() + 1}"
        return str(ip_address(low + pick.randrange(2, 255)))

    def ports(self) -> str:
        low = self.random.choice(PORTS)
        return f"{low}-{low + 3}" if self.random.random() < self.ranges / 4 else str(low)


def long_policy(seed: int) -> Generated:
    return LongMaker(seed).policy()


def aimed_packets(text: str, seed: int, count: int) -> list[Packet]:
    """Packets of the rules, one value at a time beside them, and what the next rule says of the same ends."""
    pick = random.Random(f"aimed {seed}")
    rules = [found for line in text.splitlines() if (found := _RULE.match(line))]
    sent: list[Packet] = []
    for _ in range(20 * count if rules else 0):
        if len(sent) == count:
            break
        _, protocol, ports, source, zone, destination, _to_zone = pick.choice(rules).groups()
        iif = ZONES[zone]
        left = _inside(source, pick)
        version = ip_network(source).version
        if destination == "self":
            mine = [a for a in OWN if (a < 1 << 32) == (version == 4)]
            right, oif, hook = pick.choice(mine), "", "input"
        elif ip_network(destination).version == version:
            right, hook = _inside(destination, pick), "forward"
            oif = egress(version, right)
        else:
            continue
        if not _routed(version, left) or (hook == "forward" and not _routed(version, right)):
            continue
        low, _, high = ports.partition("-")
        port = pick.choice([int(low), int(low), int(high or low), int(high or low) + 1, pick.choice(PORTS)])
        number = {"tcp": 6, "udp": 17}[protocol if pick.random() < 0.9 else pick.choice(["tcp", "udp"])]
        if pick.random() < 0.05:
            iif = pick.choice(list(ZONES.values()))
        sent.append(
            Packet(hook, version, number, left, right, pick.randrange(2000, 60000), port, state="new", iif=iif, oif=oif)
        )
    return sent


def _inside(text: str, pick: random.Random) -> int:
    net = ip_network(text)
    low, high = int(net.network_address), int(net.broadcast_address)
    return pick.choice([low, high, pick.randint(low, high), pick.randint(low, high), high + 1])


def _routed(version: int, address: int) -> bool:
    """It is no own address, and not the network address (of IPv6: the routers' anycast address) or broadcast of a subnet."""
    ends = {
        int(a) for _, net in SUBNETS if net.version == version for a in (net.network_address, net.broadcast_address)
    }
    return address not in ends and address not in OWN
