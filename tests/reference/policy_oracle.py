"""What a policy means, rule by rule: a naive interpreter of a subset of the policy language.

Written from docs/language.md only. It knows zones (with and without networks, `within`), hosts, groups with `except`, sets of
traffic, prefix blocks, the three verdicts with `with KIND`, defaults, and the implicit rules. Everything else is a ValueError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tests.reference.packet import Packet

PROTOCOLS = {
    "tcp": 6, "udp": 17, "sctp": 132, "udplite": 136, "dccp": 33,
    "gre": 47, "esp": 50, "ah": 51, "ospf": 89, "igmp": 2, "vrrp": 112,
}  # fmt: skip
ICMP4 = {"echo-request": 8, "echo-reply": 0, "destination-unreachable": 3, "time-exceeded": 11}
ICMP6 = {"echo-request": 128, "echo-reply": 129, "destination-unreachable": 1, "packet-too-big": 2}
RESET, PORT = "tcp-reset", "port-unreachable"
WORDS = {"allow": "accept", "deny": "drop", "reject": "reject"}
REJECT_BY_VERSION = {  # the word of the language as ICMP of either version calls it
    "port-unreachable": ("port-unreachable", "port-unreachable"),
    "admin-prohibited": ("admin-prohibited", "admin-prohibited"),
    "host-unreachable": ("host-unreachable", "address-unreachable"),
    "net-unreachable": ("net-unreachable", "no-route"),
}
Range = tuple[int, int, int]  # version, first, last
TOKEN = re.compile(r'#[^\n]*|"[^"\n]*"|[A-Za-z0-9_.:/*@-]+|[{},;=]|\n')


@dataclass
class Zone:
    ifaces: list[str] = field(default_factory=list)
    nets: list[Range] = field(default_factory=list)
    addresses: list[Range] = field(default_factory=list)


@dataclass
class Ends:
    items: list[str]
    excluded: list[str]
    zones: list[str]


@dataclass
class Rule:
    action: str
    version: int
    traffic: list[list[str]]
    source: list[Ends]
    destination: list[Ends]
    reject_with: str = ""


@dataclass
class Verdict:
    """`kind` is accept, drop or reject; `answer` what a rejected sender gets; `rule` the number of the deciding rule."""

    kind: str
    answer: str = ""
    rule: int | None = None


class Policy:
    """A policy text, read."""

    def __init__(self, text: str) -> None:
        self.tokens = [t for t in TOKEN.findall(text.replace("\\\n", " ")) if not t.startswith("#")]
        self.at = 0
        self.zones: dict[str, Zone] = {}
        self.within: dict[str, str] = {}
        self.names: dict[str, list[Range]] = {}
        self.services: dict[str, list[list[str]]] = {"ping": [["icmp", "echo-request"], ["icmpv6", "echo-request"]]}
        self.rules: list[Rule] = []
        self.defaults = {"input": ("drop", ""), "forward": ("drop", ""), "output": ("accept", "")}
        self.off: set[str] = set()
        while self.at < len(self.tokens):
            if self.peek() in ("\n", ";"):
                self.at += 1
            else:
                self.statement([], [])

    # ----- reading -------------------------------------------------------------

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else "\n"

    def next(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        got = self.next()
        if got != token:
            raise ValueError(f"expected {token!r}, got {got!r}")

    def skip_lines(self) -> None:
        while self.peek() in ("\n", ";") and self.at < len(self.tokens):
            self.at += 1

    def list(self) -> list[str]:
        """Comma list, or braces with commas and newlines."""
        items: list[str] = []
        if self.peek() == "{":
            self.next()
            while True:
                while self.peek() in ("\n", ",", ";"):
                    self.next()
                if self.peek() == "}":
                    self.next()
                    return items
                items.append(self.next())
        items.append(self.next())
        while self.peek() == ",":
            self.next()
            while self.peek() == "\n":
                self.next()
            items.append(self.next())
        return items

    def statement(self, source: list[Ends], destination: list[Ends]) -> None:
        word = self.next()
        if word in ("syntax",):
            self.next()
        elif word == "settings":
            self.settings()
        elif word == "zone":
            self.zone()
        elif word in ("host", "group"):
            name = self.next()
            self.expect("=")
            members = self.ranges(self.list())
            if self.peek() == "except":
                self.next()
                members = subtract(members, self.ranges(self.list()))
            self.names[name] = members
        elif word == "service":
            name = self.next()
            self.expect("=")
            self.services[name] = self.traffic()
        elif word == "default":
            hook, verdict = self.next(), self.next()
            kind = ""
            if self.peek() == "with":
                self.next()
                kind = self.next()
            self.defaults[hook] = (WORDS[verdict], kind)
        elif word in ("from", "to"):
            self.block(word, list(source), list(destination))
        elif word in ("allow", "deny", "reject", "log", "count"):
            self.rule(word, list(source), list(destination))
        else:
            raise ValueError(f"not in the subset: {word}")

    def settings(self) -> None:
        self.expect("{")
        line: list[str] = []
        while True:
            token = self.next()
            if token in ("\n", ";", "}"):
                if line[:1] == ["implicit"] and line[-1] == "off":
                    self.off.update(line[1:-1])
                elif line and line[0] not in ("implicit", "target", "family"):
                    raise ValueError(f"setting not in the subset: {line}")
                line = []
                if token == "}":
                    return
            else:
                line.append(token)

    def zone(self) -> None:
        name = self.next()
        zone = self.zones[name] = Zone()
        if self.peek() == "within":
            self.next()
            self.within[name] = self.next()
        self.expect("{")
        while True:
            self.skip_lines()
            word = self.next()
            if word == "}":
                break
            items = self.list()
            if word == "iface":
                zone.ifaces += items
            elif word == "net":
                zone.nets += self.ranges(items)
            elif word == "address":
                zone.addresses += self.ranges(items)
            else:
                raise ValueError(f"zone property not in the subset: {word}")

    def block(self, word: str, source: list[Ends], destination: list[Ends]) -> None:
        (source if word == "from" else destination).append(self.ends())
        if self.peek() in ("from", "to"):
            (source if self.next() == "from" else destination).append(self.ends())
        self.expect("{")
        while True:
            self.skip_lines()
            if self.peek() == "}":
                self.next()
                return
            self.statement(source, destination)

    def rule(self, action: str, source: list[Ends], destination: list[Ends]) -> None:
        version = 0
        if self.peek() in ("v4", "v6"):
            version = int(self.next()[1])
        rule = Rule(action, version, self.traffic(), source, destination)
        while self.peek() not in ("\n", ";", "}"):
            word = self.next()
            if word == "from":
                source.append(self.ends())
            elif word == "to":
                destination.append(self.ends())
            elif word == "with":
                rule.reject_with = self.next()
            elif word == "as":
                self.next()
            elif word == "count":
                continue
            elif word == "log":
                while self.peek().startswith('"'):
                    self.next()
            else:
                raise ValueError(f"option not in the subset: {word}")
        if not source or not destination:
            raise ValueError("a rule without from or to")
        self.rules.append(rule)

    def traffic(self) -> list[list[str]]:
        """Each item is its words; a bare port has got the protocol before it."""
        items: list[list[str]] = []
        protocol = ""
        braces = self.peek() == "{"
        if braces:
            self.next()
        while True:
            while self.peek() == "\n" or (braces and self.peek() in (",", ";")):
                self.next()
            if braces and self.peek() == "}":
                self.next()
                return items
            word = self.next()
            if word[0].isdigit():
                item = [protocol, word]
            elif word in ("tcp", "udp", "sctp", "udplite", "dccp"):
                protocol, item = word, [word]
                if self.peek()[0].isdigit():
                    item.append(self.next())
            elif word in ("icmp", "icmpv6"):
                item = [word]
                if self.peek() not in ("from", "to", ",", "\n", "}", ";") and self.peek() not in ("with", "log", "as"):
                    item.append(self.next())
            elif word == "proto":
                item = ["proto", self.next()]
            else:
                item = [word]
            if self.peek() == "sport":
                self.next()
                item += ["sport", self.next()]
            items.append(item)
            if self.peek() != "," and not braces:
                return items
            if self.peek() == ",":
                self.next()

    def ends(self) -> Ends:
        ends = Ends(self.list(), [], [])
        if self.peek() == "except":
            self.next()
            ends.excluded = self.list()
        if self.peek() == "in":
            self.next()
            ends.zones = self.list()
        return ends

    def ranges(self, items: list[str]) -> list[Range]:
        out: list[Range] = []
        for item in items:
            if item in self.names:
                out += self.names[item]
            elif "/" in item:
                net = ip_network(item)
                out.append((net.version, int(net.network_address), int(net.broadcast_address)))
            elif "-" in item:
                low, high = (ip_address(part) for part in item.split("-"))
                out.append((low.version, int(low), int(high)))
            else:
                address = ip_address(item)
                out.append((address.version, int(address), int(address)))
        return out

    # ----- meaning -------------------------------------------------------------

    def decide(self, packet: Packet) -> Verdict:
        """The verdict on the first packet of a connection."""
        implicit = self.implicit(packet)
        if implicit:
            return Verdict(implicit)
        for number, rule in enumerate(self.rules):
            if rule.action in WORDS and self.holds(rule, packet):
                return self.verdict(WORDS[rule.action], rule.reject_with, packet, number)
        kind, answer = self.defaults[packet.hook]
        return self.verdict(kind, answer, packet, None)

    def verdict(self, kind: str, answer: str, packet: Packet, number: int | None) -> Verdict:
        if kind != "reject":
            return Verdict(kind, "", number)
        multicast = packet.destination >= (0xE0000000 if packet.version == 4 else 0xFF << 120)
        if multicast:
            return Verdict("drop", "", number)
        if answer in ("", RESET):
            answer = RESET if packet.protocol == 6 else PORT
        else:
            answer = REJECT_BY_VERSION[answer][packet.version == 6]
        return Verdict("reject", answer, number)

    def implicit(self, packet: Packet) -> str:
        """Section 5.4, in its order."""
        if "loopback" not in self.off and "lo" in (packet.iif, packet.oif):
            return "accept"
        if packet.state in ("established", "related"):
            return "accept"
        if packet.state == "invalid" and packet.hook != "output" and "invalid-drop" not in self.off:
            return "drop"
        if packet.hook == "forward":
            return ""
        link_local = packet.version == 6 and packet.source >> 118 == 0xFE80 >> 6
        if packet.protocol == 58 and packet.version == 6 and "icmpv6-nd" not in self.off:
            if 133 <= packet.icmp[0] <= 136 and packet.ttl == 255:
                return "accept"
            if packet.icmp[0] == 130 and link_local:
                return "accept"
        if packet.protocol == 17 and packet.hook == "input" and "dhcp-client" not in self.off:
            if packet.version == 4 and (packet.sport, packet.dport) == (67, 68):
                return "accept"
            if link_local and (packet.sport, packet.dport) == (547, 546):
                return "accept"
        return ""

    def holds(self, rule: Rule, packet: Packet) -> bool:
        if rule.version not in (0, packet.version):
            return False
        if not any(self.traffic_holds(item, packet) for item in rule.traffic):
            return False
        return all(self.end_holds(ends, packet, "from") for ends in rule.source) and all(
            self.end_holds(ends, packet, "to") for ends in rule.destination
        )

    def end_holds(self, ends: Ends, packet: Packet, side: str) -> bool:
        """The list, minus the except list, then intersected with the zones."""
        if not any(self.item_holds(item, packet, side) for item in ends.items):
            return False
        if any(self.item_holds(item, packet, side, excluded=True) for item in ends.excluded):
            return False
        return not ends.zones or any(self.in_zone(zone, packet, side) for zone in ends.zones)

    def item_holds(self, item: str, packet: Packet, side: str, excluded: bool = False) -> bool:
        own_side = packet.hook == ("output" if side == "from" else "input")
        if item == "any":
            return True
        if item == "self":
            return own_side
        if item in self.zones:
            return self.in_zone(item, packet, side)
        if side == "from" and own_side and not excluded:
            return False  # a bare address never means our own packets: that is written `from self`
        address = packet.source if side == "from" else packet.destination
        return inside(packet.version, address, self.ranges([item]))

    def in_zone(self, name: str, packet: Packet, side: str) -> bool:
        if packet.hook == ("output" if side == "from" else "input"):
            return False
        ifaces = self.zones[name].ifaces
        parent = name
        while not ifaces and parent in self.within:
            parent = self.within[parent]
            ifaces = self.zones[parent].ifaces
        iface = packet.iif if side == "from" else packet.oif
        if not any(iface == i or (i.endswith("*") and iface.startswith(i[:-1])) for i in ifaces):
            return False
        if name in self.within and not self.in_zone(self.within[name], packet, side):
            return False
        nets = self.zones[name].nets
        if not nets:
            return True
        address = packet.source if side == "from" else packet.destination
        if inside(packet.version, address, nets):
            return True
        with_self = packet.hook in ("input", "output")
        if not with_self or all(version != packet.version for version, _, _ in nets):
            return False
        return address == 0 or (packet.version == 6 and address >> 118 == 0xFE80 >> 6)

    def traffic_holds(self, item: list[str], packet: Packet) -> bool:
        word = item[0]
        if word == "any":
            return True
        if word in self.services:
            return any(self.traffic_holds(each, packet) for each in self.services[word])
        if word in ("icmp", "icmpv6"):
            version, types, number = (4, ICMP4, 1) if word == "icmp" else (6, ICMP6, 58)
            if (packet.version, packet.protocol) != (version, number):
                return False
            if len(item) == 1:
                return True
            kind, _, code = item[1].partition("/")
            wanted = types[kind] if kind in types else int(kind)
            return packet.icmp[0] == wanted and (not code or packet.icmp[1] == int(code))
        if word == "proto":
            return packet.protocol == (PROTOCOLS[item[1]] if item[1] in PROTOCOLS else int(item[1]))
        if packet.protocol != PROTOCOLS[word]:
            return False
        rest = item[1:]
        if rest and rest[0] != "sport" and not port_in(packet.dport, rest.pop(0)):
            return False
        return not rest or port_in(packet.sport, rest[1])


def port_in(port: int, text: str) -> bool:
    low, _, high = text.partition("-")
    return int(low) <= port <= int(high or low)


def inside(version: int, address: int, ranges: list[Range]) -> bool:
    return any(v == version and low <= address <= high for v, low, high in ranges)


def subtract(ranges: list[Range], holes: list[Range]) -> list[Range]:
    """Set difference."""
    for version, hole_low, hole_high in holes:
        out: list[Range] = []
        for v, low, high in ranges:
            if v != version or high < hole_low or low > hole_high:
                out.append((v, low, high))
                continue
            if low < hole_low:
                out.append((v, low, hole_low - 1))
            if high > hole_high:
                out.append((v, hole_high + 1, high))
        ranges = out
    return ranges
