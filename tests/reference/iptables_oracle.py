"""What an iptables-save text does to a packet: a naive interpreter of the filter path of one family.

Sources: iptables(8), iptables-extensions(8), net/ipv4/netfilter/ip_tables.c. NAT is not followed: the packet is taken as the
filter table sees it. A match or target that is not listed here is a ValueError, never a guess.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tests.reference.packet import Packet

HOOK_CHAINS = {
    "input": [("raw", "PREROUTING"), ("mangle", "PREROUTING"), ("mangle", "INPUT"), ("filter", "INPUT")],
    "forward": [("raw", "PREROUTING"), ("mangle", "PREROUTING"), ("mangle", "FORWARD"), ("filter", "FORWARD"),
                ("mangle", "POSTROUTING")],
    "output": [("raw", "OUTPUT"), ("mangle", "OUTPUT"), ("filter", "OUTPUT"), ("mangle", "POSTROUTING")],
}  # fmt: skip
PROTOCOLS = {
    "tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58, "gre": 47, "esp": 50, "ah": 51, "sctp": 132,
    "udplite": 136, "dccp": 33, "igmp": 2, "ospf": 89, "vrrp": 112, "all": 0,
}  # fmt: skip
REJECTS = {
    "icmp-port-unreachable": "port-unreachable", "icmp6-port-unreachable": "port-unreachable",
    "icmp-admin-prohibited": "admin-prohibited", "icmp6-adm-prohibited": "admin-prohibited",
    "icmp-host-unreachable": "host-unreachable", "icmp6-addr-unreachable": "address-unreachable",
    "icmp-net-unreachable": "net-unreachable", "icmp6-no-route": "no-route", "tcp-reset": "tcp-reset",
    "icmp-proto-unreachable": "proto-unreachable", "icmp-net-prohibited": "net-prohibited",
    "icmp-host-prohibited": "host-prohibited", "icmp6-policy-fail": "policy-fail",
    "icmp6-reject-route": "reject-route",
}  # fmt: skip
ICMP_NAMES = {
    1: {"echo-request": 8, "echo-reply": 0, "destination-unreachable": 3, "any": -1},
    58: {"echo-request": 128, "echo-reply": 129, "router-solicitation": 133, "router-advertisement": 134,
         "neighbour-solicitation": 135, "neighbour-advertisement": 136, "neighbor-solicitation": 135,
         "neighbor-advertisement": 136, "redirect": 137, "destination-unreachable": 1, "packet-too-big": 2},
}  # fmt: skip
FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ALL": 63, "NONE": 0}
WITHOUT_EFFECT = {"LOG", "NFLOG", "TCPMSS", "CT", "MARK", "CONNMARK", "DSCP", "SET", "NOTRACK"}


@dataclass
class Chain:
    policy: str
    rules: list[list[str]] = field(default_factory=list)


class IptablesRules:
    """One file of iptables-save; `sets` is the text for `ipset restore`."""

    def __init__(self, text: str, sets: str = "") -> None:
        self.tables: dict[str, dict[str, Chain]] = {}
        self.sets = _read_sets(sets)
        table: dict[str, Chain] = {}
        for line in text.splitlines():
            if line.startswith("*"):
                table = self.tables.setdefault(line[1:].strip(), {})
            elif line.startswith(":"):
                name, policy = line[1:].split()[:2]
                table[name] = Chain(policy)
            elif line.startswith("-A"):
                words = shlex.split(line)
                table[words[1]].rules.append(words[2:])
            elif line and line[0] != "#" and line != "COMMIT":
                raise ValueError(f"not understood: {line}")

    def decide(self, packet: Packet) -> tuple[str, str]:
        """accept, drop or reject, and the answer to a rejected packet."""
        for table, name in HOOK_CHAINS[packet.hook]:
            chain = self.tables.get(table, {}).get(name)
            if chain is None:
                continue
            verdict = self.walk(table, name, packet) or ("accept" if chain.policy == "ACCEPT" else "drop")
            if verdict != "accept":
                kind, _, answer = verdict.partition(" ")
                if kind == "reject" and _is_multicast(packet):
                    return "drop", ""
                return kind, answer
        return "accept", ""

    def walk(self, table: str, name: str, packet: Packet) -> str:
        """The verdict of a chain, "" when the packet comes back from it."""
        chains = self.tables[table]
        for rule in chains[name].rules:
            target = self.matching_target(rule, packet)
            if target is None:
                continue
            word, options = target
            if word in ("ACCEPT", "DROP"):
                return word.lower()
            if word == "REJECT":
                kind = (
                    options[options.index("--reject-with") + 1]
                    if "--reject-with" in options
                    else "icmp-port-unreachable"
                )
                return f"reject {REJECTS[kind]}"
            if word == "RETURN":
                return ""
            if word in chains:
                verdict = self.walk(table, word, packet)
                if verdict or options == ["goto"]:
                    return verdict
            elif word and word not in WITHOUT_EFFECT:
                raise ValueError(f"target {word}")
        return ""

    def matching_target(self, rule: list[str], packet: Packet) -> tuple[str, list[str]] | None:
        """(target, its options) when the rule matches; ("", []) for a rule without target."""
        words = list(rule)
        context = {"protocol": 0}
        while words:
            inverted = words[0] == "!"
            if inverted:
                words.pop(0)
            option = words.pop(0)
            if option in ("-j", "--jump", "-g", "--goto"):
                target = words.pop(0)
                return target, ["goto"] if option in ("-g", "--goto") else words
            if self.option_holds(option, words, packet, context) is inverted:
                return None
        return "", []

    def option_holds(self, option: str, words: list[str], packet: Packet, context: dict[str, int]) -> bool:
        """Does one match option hold; takes its arguments off `words`."""
        if option == "-m":
            words.pop(0)
            return True
        if option == "--syn":
            return packet.protocol == 6 and packet.flags & 23 == 2
        value = words.pop(0)
        if option in ("-s", "-d", "--src-range", "--dst-range"):
            return _address_in(packet.source if option in ("-s", "--src-range") else packet.destination, value)
        if option in ("-i", "-o"):
            name = packet.iif if option == "-i" else packet.oif
            return name.startswith(value[:-1]) if value.endswith("+") else name == value
        if option == "-p":
            context["protocol"] = PROTOCOLS[value] if value in PROTOCOLS else int(value)
            return context["protocol"] in (0, packet.protocol)
        if option in ("--dport", "--sport", "--dports", "--sports", "--destination-ports", "--source-ports", "--ports"):
            ports = [packet.dport] if option[2] == "d" else [packet.sport]
            if option == "--ports":
                ports = [packet.dport, packet.sport]
            return packet.has_ports and any(_port_in(port, value) for port in ports)
        if option in ("--icmp-type", "--icmpv6-type"):
            return _icmp_in(packet, value)
        if option == "--ctstate":
            return any(state.lower() in (packet.state, *packet.status) for state in value.split(","))
        if option == "--ctorigdstport":
            return packet.has_ports and _port_in(packet.dport, value)  # not translated: see the module docstring
        if option == "--tcp-flags":
            mask = sum(FLAGS[name] for name in value.split(","))
            wanted = sum(FLAGS[name] for name in words.pop(0).split(","))
            return packet.protocol == 6 and packet.flags & mask == wanted
        if option in ("--hl-eq", "--ttl-eq"):
            return packet.ttl == int(value)
        if option == "--match-set":
            return self.in_set(value, words.pop(0).split(","), packet)
        if option == "--mark":
            mark, _, mask = value.partition("/")
            return packet.mark & int(mask or "0xffffffff", 0) == int(mark, 0)
        if option in ("--comment", "--limit", "--limit-burst") or option.startswith("--hashlimit-"):
            return option != "--hashlimit-above"  # the packet is taken as within every rate
        raise ValueError(f"option {option}")

    def in_set(self, name: str, sides: list[str], packet: Packet) -> bool:
        """The most specific element decides, `nomatch` ones say no (ipset(8))."""
        best, answer = -1, False
        for element, exception in self.sets.get(name, []):
            width = 0
            for part, side in zip(element.split(","), sides, strict=True):
                if side in ("src", "dst") and re.fullmatch(r"(?:\w+:)?\d+(?:-\d+)?", part) and "." not in part:
                    protocol, _, ports = part.rpartition(":")
                    port = packet.sport if side == "src" else packet.dport
                    if (protocol and PROTOCOLS[protocol] != packet.protocol) or not _port_in(
                        port, ports.replace("-", ":")
                    ):
                        break
                elif _is_address(part):
                    if not _address_in(packet.source if side == "src" else packet.destination, part):
                        break
                    width += ip_network(part).prefixlen if "-" not in part else 0
                elif part != (packet.iif if side == "src" else packet.oif):
                    break
            else:
                if width > best:
                    best, answer = width, not exception
        return answer


def _read_sets(text: str) -> dict[str, list[tuple[str, bool]]]:
    sets: dict[str, list[tuple[str, bool]]] = {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["create"]:
            sets[words[1]] = []
        elif words[:1] == ["add"]:
            sets[words[1]].append((words[2], "nomatch" in words))
    return sets


def _is_address(text: str) -> bool:
    return "." in text or ":" in text


def _address_in(address: int, text: str) -> bool:
    if "-" in text:
        low, high = (int(ip_address(part)) for part in text.split("-"))
        return low <= address <= high
    net = ip_network(text)
    return int(net.network_address) <= address <= int(net.broadcast_address)


def _port_in(port: int, text: str) -> bool:
    for part in text.split(","):
        low, colon, high = part.partition(":")
        if int(low or 0) <= port <= (int(high or 65535) if colon else int(low)):
            return True
    return False


def _icmp_in(packet: Packet, text: str) -> bool:
    if packet.protocol not in (1, 58):
        return False
    names = ICMP_NAMES[packet.protocol]
    kind, _, code = text.partition("/")
    number = names[kind] if kind in names else int(kind)
    return number in (-1, packet.icmp[0]) and (not code or int(code) == packet.icmp[1])


def _is_multicast(packet: Packet) -> bool:
    return packet.destination >= (0xE0000000 if packet.version == 4 else 0xFF << 120)
