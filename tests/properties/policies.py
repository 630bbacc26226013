"""Random policies in the language's text form, and packets that lie on their borders. Seeded, so every run can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from tests.reference.packet import Packet

INTERFACES: dict[str, tuple[str, ...]] = {
    "eth0": ("198.51.100.1/24", "2001:db8:100::1/64"),
    "eth1": ("10.0.0.1/24", "2001:db8:1::1/64"),
    "eth2": ("10.0.2.1/24", "2001:db8:2::1/64"),
    "eth3": ("192.168.7.1/24",),
    "wg0": ("10.8.0.1/24", "2001:db8:8::1/64"),
    "wg1": ("10.8.1.1/24",),
    "eth9": ("172.16.9.1/24", "2001:db8:9::1/64"),
}
"""The one machine on which every random policy runs; eth9 is in no zone, the default route leaves by eth0."""

SUBNETS = [(name, ip_network(address, strict=False)) for name, addresses in INTERFACES.items() for address in addresses]
OWN = {int(ip_address(address.split("/")[0])) for addresses in INTERFACES.values() for address in addresses}
OUTSIDE4 = [int(ip_address(a)) for a in ("203.0.113.9", "203.0.113.14", "192.0.2.65", "8.8.8.8", "100.64.0.1")]
OUTSIDE6 = [int(ip_address(a)) for a in ("2001:db8:77::9", "2001:4860:4860::8888", "fd00::1")]
MULTICAST = {4: [int(ip_address("224.0.0.251")), 0xFFFFFFFF], 6: [int(ip_address("ff02::fb"))]}
PORTS = [0, 1, 21, 22, 23, 25, 53, 79, 80, 81, 443, 1023, 1024, 3306, 8000, 8005, 8010, 8011, 40000, 65535]
ICMP_TYPES = {4: [(8, 0), (8, 1), (13, 0), (3, 1)], 6: [(128, 0), (129, 0), (1, 4), (128, 3)]}


@dataclass
class Generated:
    """A policy as statements (so that one that does not compile can be taken out) and the borders it mentions."""

    head: list[str]
    rules: list[str]
    tail: list[str]

    @property
    def text(self) -> str:
        return "\n".join(["syntax 1", *self.head, *self.rules, *self.tail]) + "\n"

    def without(self, line: int) -> Generated | None:
        """The policy without the statement at `line` (from 1); None when that line is a declaration."""
        index = line - 2 - len(self.head)
        if 0 <= index < len(self.rules):
            return replace(self, rules=self.rules[:index] + self.rules[index + 1 :])
        return None


class Maker:
    """Draws one policy."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.zones: list[str] = []
        self.groups: list[str] = []
        self.services: list[str] = []

    def policy(self) -> Generated:
        head = [*self.declare_zones(), *self.declare_groups(), *self.declare_services()]
        rules: list[str] = []
        for _ in range(self.random.randint(3, 14)):
            rules.append(self.block() if self.random.random() < 0.2 else self.rule())
        return Generated(head, rules, self.defaults())

    # ----- declarations --------------------------------------------------------

    def declare_zones(self) -> list[str]:
        pick = self.random
        lines = [f"zone wan {{ iface eth0; address {', '.join(own('eth0'))} }}"]
        self.zones = ["wan"]
        for name, ifaces in (("lan", ["eth1"]), ("dmz", ["eth2"]), ("lab", ["eth3"]), ("vpn", ["wg*"])):
            if pick.random() < 0.2:
                continue
            if name == "dmz" and pick.random() < 0.2:
                ifaces = ["eth2", "eth3"]
            if name == "lab" and any("eth3" in line for line in lines):
                continue
            parts = ["iface " + ", ".join(ifaces)]
            if pick.random() < 0.6:
                nets = self.zone_nets(ifaces)
                parts.append("net " + ", ".join(nets))
            addresses = [a for iface in ifaces if "*" not in iface for a in own(iface)]
            if addresses:
                parts.append("address " + ", ".join(addresses))
            lines.append(f"zone {name} {{ {'; '.join(parts)} }}")
            self.zones.append(name)
        if "lan" in self.zones and pick.random() < 0.4:
            nets = pick.choice(["10.0.0.64/26", "10.0.0.64/26, 2001:db8:1:0:8000::/65", "10.0.0.16/28, 10.0.0.200/30"])
            if self.lies_within(nets, lines):
                lines.append(f"zone voip within lan {{ net {nets} }}")
                self.zones.append("voip")
        return lines

    def lies_within(self, nets: str, lines: list[str]) -> bool:
        lan = next(line for line in lines if line.startswith("zone lan "))
        if "; net " not in lan:
            return True
        have = [ip_network(n) for n in lan.split("; net ")[1].split(";")[0].rstrip(" }").split(", ")]
        wanted = [ip_network(n) for n in nets.split(", ")]
        return all(any(w.version == h.version and w.subnet_of(h) for h in have) for w in wanted)  # type: ignore[arg-type]

    def zone_nets(self, ifaces: list[str]) -> list[str]:
        pick = self.random
        subnets = [net for name, net in SUBNETS if any(name == i or name.startswith(i.rstrip("*")) for i in ifaces)]
        nets: list[str] = []
        for net in subnets:
            roll = pick.random()
            if roll < 0.55:
                nets.append(str(net))
            elif roll < 0.75:
                nets.append(str(next(iter(net.subnets(prefixlen_diff=1)))))
        return nets or [str(subnets[0])]

    def declare_groups(self) -> list[str]:
        pick = self.random
        lines = ["host nas = 10.0.0.20, 2001:db8:1::20", "host old = 192.168.7.9", "host far = 203.0.113.9"]
        self.groups = ["nas", "old", "far"]
        lines.append("group staff = { 203.0.113.0/28, 2001:db8:77::/64, 10.8.0.0/25 } except 203.0.113.14")
        self.groups.append("staff")
        for name in ("apps", "bad"):
            if pick.random() < 0.6:
                members = pick.sample(
                    ["10.0.2.0/25", "10.0.0.10-10.0.0.33", "2001:db8:2::10-2001:db8:2::30", "192.0.2.64/29", "old",
                     "2001:db8:77::8/125", "10.8.1.0/24", "fd00::/8", "172.16.9.128/25"], pick.randint(1, 4)
                )  # fmt: skip
                lines.append(f"group {name} = {', '.join(members)}")
                self.groups.append(name)
        return lines

    def declare_services(self) -> list[str]:
        self.services = ["web-svc", "mixed", "ping"]
        return [
            "service web-svc = tcp 80, 443, udp 443",
            "service mixed = tcp 8000-8010, icmpv6 echo-request, udp 53 sport 1024-65535, proto gre",
        ]

    def defaults(self) -> list[str]:
        lines = []
        for hook in ("input", "forward", "output"):
            if self.random.random() < 0.6:
                verdict = self.random.choice(["deny", "reject", "allow", "deny", "reject with admin-prohibited"])
                lines.append(f"default {hook} {verdict}")
        return lines

    # ----- rules ---------------------------------------------------------------

    def rule(self, source: str = "", destination: str = "") -> str:
        pick = self.random
        action = pick.choices(["allow", "deny", "reject", "log", "count"], [50, 20, 22, 4, 4])[0]
        family = pick.choices(["", "v4 ", "v6 "], [80, 10, 10])[0]
        traffic = ", ".join(self.traffic() for _ in range(pick.choice([1, 1, 1, 2, 3])))
        if pick.random() < 0.25:
            traffic = "any"
        parts = [f"{action} {family}{traffic}"]
        inner_source = "" if source else "from " + self.ends("from")
        inner_destination = "" if destination else "to " + self.ends("to")
        if (source or inner_source) == "from self" and "self" in inner_destination.split(" except ")[0]:
            # Denied loopback would hide the answers to refused packets of our own.
            inner_destination = "to any"
        parts += [part for part in (inner_source, inner_destination) if part]
        if action == "reject" and pick.random() < 0.3:
            parts.append("with " + pick.choice(["admin-prohibited", "port-unreachable", "host-unreachable"]))
        return " ".join(parts)

    def block(self) -> str:
        both = self.random.random() < 0.6
        source, destination = "from " + self.ends("from"), "to " + self.ends("to") if both else ""
        if source == "from self" and "self" in destination.split(" except ")[0]:
            destination = "to any"
        inner = "; ".join(self.rule(source, destination) for _ in range(self.random.randint(1, 3)))
        return f"{source} {destination} {{ {inner} }}".replace("  ", " ")

    def traffic(self) -> str:
        pick = self.random
        roll = pick.random()
        protocol = pick.choice(["tcp", "udp"])
        if roll < 0.45:
            return f"{protocol} {self.port()}"
        if roll < 0.55:
            return f"{protocol} {self.port()}, {self.port()}"
        if roll < 0.62:
            return f"{protocol} {self.port()} sport {self.port()}"
        if roll < 0.68:
            return protocol
        if roll < 0.85:
            return pick.choice(self.services)
        return pick.choice(
            ["icmp echo-request", "icmpv6 echo-request", "icmp", "icmpv6", "proto gre", "proto 99", "icmp 3/1"]
        )

    def port(self) -> str:
        low = self.random.choice(PORTS[1:-1])
        if self.random.random() < 0.35:
            return f"{low}-{self.random.choice([p for p in PORTS if p > low])}"
        return str(low)

    def ends(self, side: str) -> str:
        pick = self.random
        roll = pick.random()
        if roll < 0.14:
            text = "any" if side == "from" else pick.choice(["any", "any except self", "any, self"])
        elif roll < (0.24 if side == "from" else 0.45):
            text = "self"
        else:
            count = pick.choice([1, 1, 1, 2, 3])
            pool = self.zones + self.zones + self.groups + ["10.0.0.0/25", "2001:db8:77::9", "203.0.113.8/31"]
            text = ", ".join(dict.fromkeys(pick.choice(pool) for _ in range(count)))
        if "except" not in text and text != "self" and pick.random() < 0.18:
            text += " except " + pick.choice([*self.groups, "10.0.0.20", "10.0.0.128/25", *self.zones[1:]])
        if text != "self" and "self" not in text and pick.random() < 0.12:
            text += " in " + ", ".join(pick.sample(self.zones, pick.choice([1, 1, min(2, len(self.zones))])))
        return text


def own(interface: str) -> list[str]:
    return [address.split("/")[0] for address in INTERFACES[interface]]


def policy(seed: int) -> Generated:
    return Maker(seed).policy()


# ----- packets -----------------------------------------------------------------


def egress(version: int, destination: int) -> str:
    """What the machine's routing table says."""
    for name, net in SUBNETS:
        if net.version == version and int(net.network_address) <= destination <= int(net.broadcast_address):
            return name
    return "eth0"


def packets(text: str, seed: int, count: int) -> list[Packet]:
    """Packets near the borders of a policy: its addresses, networks and ports, one below and one above."""
    pick = random.Random(seed)
    addresses = {version: sorted(_borders(text, version)) for version in (4, 6)}
    ports = _port_borders(text)
    return [_packet(pick, addresses, ports) for _ in range(count)]


def _packet(pick: random.Random, addresses: dict[int, list[int]], ports: list[int]) -> Packet:
    version = pick.choice([4, 4, 6])
    protocol = pick.choices([6, 17, 58 if version == 6 else 1, 47, 99], [46, 30, 16, 4, 4])[0]
    hook = pick.choices(["input", "forward", "output"], [40, 42, 18])[0]
    remote = [a for a in addresses[version] if a not in OWN]
    mine = [a for a in OWN if (a < 1 << 32) == (version == 4)]
    source, destination = pick.choice(remote), pick.choice(remote)
    iif = oif = ""
    if hook == "output":
        oif = egress(version, destination)
        source = pick.choice(mine)
    elif hook == "input":
        destination = pick.choice(mine) if pick.random() < 0.95 else pick.choice(MULTICAST[version])
    if hook != "output":
        # Mostly the interface behind which the source lives, sometimes another one (a spoofed source).
        usable = [n for n, _ in SUBNETS]
        iif = egress(version, source) if pick.random() < 0.75 else pick.choice(usable)
    if hook == "forward":
        oif = egress(version, destination)
    icmp = pick.choice(ICMP_TYPES[version][: 1 if hook == "output" else 4]) if protocol in (1, 58) else (0, 0)
    return Packet(
        hook,
        version,
        protocol,
        source,
        destination,
        sport=pick.choice(ports) if protocol in (6, 17) else 0,
        dport=pick.choice(ports) if protocol in (6, 17) else 0,
        icmp=icmp,
        # Conntrack calls answers and errors that belong to no connection invalid.
        state="invalid" if (version, icmp[0]) in ((4, 3), (6, 1), (6, 129)) else "new",
        iif=iif,
        oif=oif,
        ttl=pick.choice([64, 64, 255, 2]),
    )


def _borders(text: str, version: int) -> set[int]:
    found = set(OUTSIDE4 if version == 4 else OUTSIDE6)
    found.update(int(net.network_address) + 9 for _, net in SUBNETS if net.version == version)
    for word in text.replace(",", " ").replace(";", " ").replace("{", " ").replace("}", " ").split():
        for low, high in _word_range(word, version):
            found.update((low - 1, low, low + 1, (low + high) // 2, high - 1, high, high + 1))
    return {address for address in found if _usable(address, version)}


def _word_range(word: str, version: int) -> list[tuple[int, int]]:
    try:
        if "-" in word and word[0].isdigit():
            low, high = (ip_address(part) for part in word.split("-"))
            return [(int(low), int(high))] if low.version == version else []
        net = ip_network(word, strict=False)
    except ValueError:
        return []
    return [(int(net.network_address), int(net.broadcast_address))] if net.version == version else []


def _usable(address: int, version: int) -> bool:
    """A unicast address that a kernel routes: no zero network, loopback, broadcast of a subnet or multicast."""
    if version == 4:
        if not 1 << 24 <= address < 0xE0000000 or address >> 24 == 127:
            return False
    elif not 0x2000 << 112 <= address < 0xFE80 << 112:
        return False
    for _, net in SUBNETS:
        if net.version == version and address in (int(net.network_address), int(net.broadcast_address)):
            return False
    return True


def _port_borders(text: str) -> list[int]:
    found = set(PORTS)
    for word in text.replace(",", " ").replace(";", " ").split():
        for part in word.split("-") if word.replace("-", "").isdigit() else ():
            found.update((int(part) - 1, int(part), int(part) + 1))
    return sorted(port for port in found if 0 < port < 65536)
