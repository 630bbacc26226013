"""What an nft ruleset text does to a packet: a naive interpreter of the filter chains.

Sources: nft(8), net/netfilter/nf_tables_core.c. NAT chains are not followed: the packet is taken as filter chains see
it. A statement that is not listed here is a ValueError, never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tests.reference.packet import Packet

TOKEN = re.compile(r'#[^\n]*|"[^"\n]*"|==|!=|[{},;=()]|\n|[^\s{},;="()!]+')
PATHS = {"input": ("prerouting", "input"), "forward": ("prerouting", "forward", "postrouting"),
         "output": ("output", "postrouting")}  # fmt: skip
PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
NUMBERS = {
    "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ipv6-icmp": 58,
    "sctp": 132, "udplite": 136, "dccp": 33, "ospf": 89, "vrrp": 112, "ipv4": 4, "ipv6": 6,
}  # fmt: skip
TYPES = {
    "icmp": {"echo-reply": 0, "destination-unreachable": 3, "echo-request": 8, "time-exceeded": 11,
             "timestamp-request": 13},
    "icmpv6": {"destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
               "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
               "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135,
               "nd-neighbor-advert": 136, "mld2-listener-report": 143},
}  # fmt: skip
FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
ICMPX = {"port-unreachable": "port-unreachable", "admin-prohibited": "admin-prohibited", "no-route": "no-route",
         "host-unreachable": "host-unreachable", "net-unreachable": "net-unreachable",
         "addr-unreachable": "address-unreachable", "prot-unreachable": "proto-unreachable",
         "host-prohibited": "host-prohibited", "net-prohibited": "net-prohibited", "policy-fail": "policy-fail",
         "reject-route": "reject-route"}  # fmt: skip
ICMPX_V4 = {"no-route": "net-unreachable"}  # include/uapi/linux/netfilter/nf_tables.h, nft_reject_icmp_code()
ICMPX_V6 = {"host-unreachable": "address-unreachable"}
PREFIXES = ("ip", "ip6", "tcp", "udp", "th", "sctp", "udplite", "dccp", "meta", "icmp", "icmpv6", "ct")
BARE = {"iifname", "oifname", "iif", "oif", "mark", "l4proto", "nfproto"}
END = ["accept", "drop", "return", "continue"]


@dataclass
class Chain:
    rules: list[list[str]] = field(default_factory=list)
    hook: str = ""
    type: str = ""
    priority: int = 0
    policy: str = "accept"


@dataclass
class Table:
    family: str
    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[str, list[list[str]]] = field(default_factory=dict)  # set or map: elements as tokens


class NftRules:
    """A ruleset text of the form `table FAMILY NAME { ... }`; other commands must not change rules. `ct_mark` is the
    mark of the connection behind the last packet; `addresses` are those of this machine's interfaces."""

    def __init__(self, text: str, addresses: dict[str, list[int]] | None = None) -> None:
        self.addresses = addresses or {}
        text = re.sub(r"\\\n", " ", text)
        self.tokens = [t for t in TOKEN.findall(text) if not t.startswith("#")]
        self.at = 0
        self.tables: list[Table] = []
        while self.at < len(self.tokens):
            word = self.next()
            if word == "table":
                self.table()
            elif word in ("add", "delete", "destroy", "flush"):
                while self.next() not in ("\n", ";"):
                    pass
            elif word not in ("\n", ";"):
                raise ValueError(f"command {word}")

    # ----- reading -------------------------------------------------------------

    def next(self) -> str:
        token = self.tokens[self.at] if self.at < len(self.tokens) else "\n"
        self.at += 1
        return token

    def table(self) -> None:
        table = Table(self.next())
        self.next()
        self.tables.append(table)
        for words, name, inside in self.blocks():
            if words == "chain":
                table.chains[name] = _chain(inside)
            elif words in ("set", "map"):
                table.sets[name] = _elements(inside)
            elif words not in ("counter", "limit", "quota"):
                raise ValueError(f"object {words}")

    def blocks(self) -> list[tuple[str, str, list[str]]]:
        found = []
        while self.next() != "{":
            pass
        while True:
            word = self.next()
            if word == "}":
                return found
            if word in ("\n", ";"):
                continue
            if word in ("comment", "flags"):
                self.next()
                continue
            name, depth, inside = self.next(), 0, list[str]()
            while True:
                token = self.next()
                depth += {"{": 1, "}": -1}.get(token, 0)
                if depth == 0 and token == "}":
                    break
                inside.append(token)
            found.append((word, name, inside[1:]))

    # ----- meaning -------------------------------------------------------------

    def translate(self, packet: Packet) -> str:
        """What the nat chains of the packet's hook say: `dnat ip to ...`, `masquerade` and so on, empty for nothing.
        Ask for the first packet of a connection only."""
        self.ct_mark = packet.ct_mark
        for table in self.tables:
            for chain in sorted(table.chains.values(), key=lambda c: c.priority):
                if chain.hook == packet.hook and chain.type == "nat":
                    walk = _Walk(table, packet, packet.hook, self.ct_mark, self.addresses)
                    verdict = walk.chain(chain)
                    self.ct_mark = walk.ct_mark
                    if verdict and verdict != "accept":
                        return verdict
        return ""

    def decide(self, packet: Packet) -> tuple[str, str]:
        """accept, drop or reject, and the answer to a rejected packet."""
        self.ct_mark = packet.ct_mark
        for hook in PATHS[packet.hook]:
            bases = [
                (chain.priority, number, table, chain)
                for number, table in enumerate(self.tables)
                for chain in table.chains.values()
                if chain.hook == hook and chain.type != "nat" and table.family in ("inet", f"ip{packet.version}"[:3], "ip")
                and not (table.family == "ip" and packet.version == 6)
            ]  # fmt: skip
            for priority, _, table, chain in sorted(bases, key=lambda b: b[:2]):
                seen = packet if priority > -200 or hook not in ("prerouting", "output") else _untracked(packet)
                walk = _Walk(table, seen, hook, self.ct_mark, self.addresses)
                verdict = walk.chain(chain) or chain.policy
                self.ct_mark = walk.ct_mark
                kind, _, answer = verdict.partition(" ")
                if kind == "reject" and packet.destination >= (0xE0000000 if packet.version == 4 else 0xFF << 120):
                    return "drop", ""
                if kind != "accept":
                    return kind, answer
        return "accept", ""


def _untracked(packet: Packet) -> Packet:
    return Packet(**{**packet.__dict__, "state": "invalid"})


def _chain(tokens: list[str]) -> Chain:
    chain = Chain()
    for line in _lines(tokens):
        if line[0] == "type":
            chain.type, chain.hook = line[1], line[3]
            rest = line[line.index("priority") + 1 :]
            chain.priority = PRIORITIES[rest[0]] if rest[0] in PRIORITIES else int(rest[0])
            if len(rest) > 2:
                chain.priority += int(rest[2]) * (1 if rest[1] == "+" else -1)
        elif line[0] == "policy":
            chain.policy = line[1]
        elif line[0] not in ("comment", "flags"):
            chain.rules.append(line)
    return chain


def _lines(tokens: list[str]) -> list[list[str]]:
    """Split at newlines and semicolons outside braces."""
    out: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth == 0 and token in ("\n", ";"):
            out.append([])
        elif token != "\n":
            out[-1].append(token)
    return [line for line in out if line]


def _elements(tokens: list[str]) -> list[list[str]]:
    for line in _lines(tokens):
        if line[0] == "elements":
            return _split(line[3:-1])
    return []


def _split(tokens: list[str]) -> list[list[str]]:
    out: list[list[str]] = [[]]
    for token in tokens:
        if token == ",":
            out.append([])
        else:
            out[-1].append(token)
    return [element for element in out if element]


class _Walk:
    """One packet in the chains of one table."""

    def __init__(
        self, table: Table, packet: Packet, hook: str, ct_mark: int = 0, addresses: dict[str, list[int]] | None = None
    ) -> None:
        self.ct_mark = ct_mark
        self.addresses = addresses or {}
        self.table = table
        self.packet = packet
        self.hook = hook

    def chain(self, chain: Chain) -> str:
        """The verdict, "" when the packet comes back."""
        for rule in chain.rules:
            verdict = self.rule(list(rule))
            if verdict == "return":
                return ""
            word, _, name = verdict.partition(" ")
            if word in ("jump", "goto"):
                verdict = self.chain(self.table.chains[name])
                if verdict or word == "goto":
                    return verdict
            elif verdict and verdict != "continue":
                return verdict
        return ""

    def rule(self, words: list[str]) -> str:
        """The verdict of a rule, "" when it does not match or has none."""
        while words:
            word = words[0]
            if word in END:
                return word
            if word in ("jump", "goto"):
                return f"{word} {words[1]}"
            if word in ("dnat", "snat", "masquerade", "redirect"):
                return " ".join(words)
            if word == "reject":
                return self.reject(words[1:])
            if word == "counter":
                words = words[5:] if words[1:2] == ["packets"] else words[3:] if words[1:2] == ["name"] else words[1:]
            elif word == "comment":
                words = words[2:]
            elif word == "log":
                words = _after_log(words[1:])
            elif word == "limit":
                words = words[4 if words[2] == "over" else 3 :]
                while (words and words[0] in ("burst", "packets", "bytes")) or (words and words[0].isdigit()):
                    words = words[1:]
            elif words[:3] == ["ct", "mark", "set"]:
                words = self.write_mark(words[3:])
            elif words[:1] == ["fib"]:
                if not self.own(words[1:]):
                    return ""
                words = words[7 if words[5] == "!=" else 6 :]
            elif words[:4] == ["ip", "hdrlength", ">", "5"] or words[:3] == ["exthdr", "rt", "exists"]:
                return ""  # packets here have neither options nor routing headers
            elif "set" in words[:4] and word in ("meta", "ct", "ip", "ip6", "tcp"):
                return ""
            elif words[:2] == ["tcp", "option"]:
                return ""  # a clamp, which decides nothing
            elif word == "notrack":
                words = words[1:]
            elif word in ("update", "add") and words[1].startswith("@"):
                end = words.index("}")
                if self.value(words[3:5]) is None or "over" in words[:end]:
                    return ""
                words = words[end + 1 :]
            else:
                verdict, words = self.expression(words)
                if verdict is not None:
                    return verdict
        return ""

    def own(self, words: list[str]) -> bool:
        """`saddr . iif type local`: the address is one of the interface; `!= local`: it is not."""
        assert words[0] in ("saddr", "daddr") and words[2] in ("iif", "oif") and words[3] == "type", words
        address = self.packet.source if words[0] == "saddr" else self.packet.destination
        iface = self.packet.iif if words[2] == "iif" else self.packet.oif
        assert words[5 if words[4] == "!=" else 4] == "local", words
        return (address in self.addresses.get(iface, ())) is (words[4] == "local")

    def write_mark(self, words: list[str]) -> list[str]:
        """`ct mark & KEEP | VALUE` or a value; without a connection nothing is written (nft_ct_set_eval)."""
        if words[:3] == ["ct", "mark", "&"] and words[4:5] == ["|"]:
            value, rest = self.ct_mark & int(words[3], 0) | int(words[5], 0), words[6:]
        elif words[:3] == ["ct", "mark", "&"]:
            value, rest = self.ct_mark & int(words[3], 0), words[4:]
        else:
            value, rest = int(words[0], 0), words[1:]
        if self.packet.direction:
            self.ct_mark = value
        return rest

    def reject(self, words: list[str]) -> str:
        tcp = self.packet.protocol == 6
        if not words or words[0] != "with":
            return "reject port-unreachable"
        if words[1] == "tcp":
            return "reject tcp-reset" if tcp else ""
        kind = ICMPX[words[-1] if words[2] == "type" or words[1] == "icmpx" else words[2]]
        kinds = ICMPX_V4 if self.packet.version == 4 else ICMPX_V6
        return f"reject {kinds.get(kind, kind) if words[1] == 'icmpx' else kind}"

    def expression(self, words: list[str]) -> tuple[str | None, list[str]]:
        """Evaluate one match or verdict map: (verdict, []) when the rule ends, (None, rest) when it goes on."""
        keys = []
        while True:
            size = 3 if words[0] in ("ct", "meta") and words[1] == "original" else 2
            if words[0] in BARE:
                size = 1
            elif words[0] not in PREFIXES:
                raise ValueError(f"expression {' '.join(words[:4])}")
            keys.append(words[:size])
            words = words[size:]
            if words[:1] != ["."]:
                break
            words = words[1:]
        if keys == [["tcp", "flags"]]:
            holds, words = self.flags(words)
            return (None, words) if holds else ("", [])
        values = [self.value(key) for key in keys]
        if words[0] == "vmap":
            return self.verdict_map(keys, values, words[1:])
        if words[0] == "&":  # `meta mark & 0xff == 0x10`
            values = [value & int(words[1], 0) if isinstance(value, int) else value for value in values]
            words = words[2:]
        inverted = words[0] == "!="
        if words[0] in ("!=", "=="):
            words = words[1:]
        elements, words = self.operand(words, len(keys))
        if None in values:  # a packet without the field breaks the rule, also under !=
            return "", []
        holds = any(_element_holds(keys, values, element) for element in elements)
        return (None, words) if holds is not inverted else ("", [])

    def verdict_map(
        self, keys: list[list[str]], values: list[object], words: list[str]
    ) -> tuple[str | None, list[str]]:
        elements, words = self.operand(words, len(keys))
        for element in [] if None in values else elements:
            split = element.index(":")
            if element[:split] == ["*"] or _element_holds(keys, values, element[:split]):
                return " ".join(element[split + 1 :]), []
        return "", []  # no entry ends the rule without a verdict (nft_lookup.c)

    def operand(self, words: list[str], count: int) -> tuple[list[list[str]], list[str]]:
        """The elements on the right, as tokens, and what follows."""
        if words[0].startswith("@"):
            return self.table.sets[words[0][1:]], words[1:]
        if words[0] == "{":
            end = words.index("}")
            return _split(words[1:end]), words[end + 1 :]
        size = 2 * count - 1
        elements = [words[:size]]
        rest = words[size:]
        while rest[:1] == [","] and count == 1:  # `ct state established,related`
            elements.append([rest[1]])
            rest = rest[2:]
        return elements, rest

    def flags(self, words: list[str]) -> tuple[bool, list[str]]:
        """`syn / syn,rst`, `& (fin|syn) == syn` and a bare list; the packet must be tcp."""
        text = []
        while words and (
            (re.fullmatch(r"[a-z|]+", words[0]) and set(words[0].split("|")) <= set(FLAGS))
            or words[0] in "/&()==!=,"
            or re.fullmatch(r"0x[0-9a-f]+", words[0])
        ):
            text.append(words[0])
            words = words[1:]
        have = self.packet.flags
        if self.packet.protocol != 6:
            return False, words
        joined = "".join(text)
        if joined.startswith("&"):
            sign = "!=" if "!=" in joined else "=="
            mask, wanted = joined[1:].strip().replace("(", "").replace(")", "").split(sign)
            return (have & _flag_bits(mask) == _flag_bits(wanted)) is (sign == "=="), words
        elif "/" in joined:
            wanted, mask = joined.split("/")
        else:
            return bool(have & _flag_bits(joined)), words
        return have & _flag_bits(mask) == _flag_bits(wanted), words

    def value(self, key: list[str]) -> object:
        """What the packet has for a key; None when it has no such field."""
        packet = self.packet
        match key:
            case ["iifname"] | ["meta", "iifname"] | ["iif"] | ["meta", "iif"]:
                return packet.iif if self.hook not in ("output",) else ""
            case ["oifname"] | ["meta", "oifname"] | ["oif"] | ["meta", "oif"]:
                return packet.oif
            case ["ip" | "ip6", "saddr" | "daddr" as side]:
                if packet.version != (4 if key[0] == "ip" else 6):
                    return None
                return packet.source if side == "saddr" else packet.destination
            case ["meta", "l4proto"] | ["l4proto"]:
                return packet.protocol
            case ["ip", "protocol"] | ["ip6", "nexthdr"]:
                return packet.protocol if packet.version == (4 if key[0] == "ip" else 6) else None
            case ["meta", "nfproto"] | ["nfproto"]:
                return 2 if packet.version == 4 else 10
            case ["th", "sport" | "dport" as side]:
                return (packet.sport if side == "sport" else packet.dport) if packet.has_ports else None
            case ["tcp" | "udp" | "sctp" | "udplite" | "dccp", "sport" | "dport" as side]:
                if packet.protocol != NUMBERS[key[0]]:
                    return None
                return packet.sport if side == "sport" else packet.dport
            case ["icmp" | "icmpv6", "type" | "code" as part]:
                if (packet.version, packet.protocol) != ((4, 1) if key[0] == "icmp" else (6, 58)):
                    return None
                return packet.icmp[0] if part == "type" else packet.icmp[1]
            case ["ip", "ttl"] | ["ip6", "hoplimit"]:
                return packet.ttl if packet.version == (4 if key[0] == "ip" else 6) else None
            case ["ct", "direction"]:
                return packet.direction or None
            case ["ct", "mark"]:
                return self.ct_mark if packet.direction else None
            case ["ct", "state"]:
                return packet.state
            case ["ct", "original", "proto-dst"]:
                return packet.dport if packet.has_ports else None  # not translated: see the module docstring
            case ["ct", "status"]:
                return packet.status
            case ["meta", "mark"] | ["mark"]:
                return packet.mark
            case _:
                raise ValueError(f"key {' '.join(key)}")


def _flag_bits(text: str) -> int:
    return sum(FLAGS[n] if n in FLAGS else int(n, 0) for n in re.split(r"[|,]", text) if n)


def _after_log(words: list[str]) -> list[str]:
    while words and words[0] in ("prefix", "level", "group", "flags", "snaplen", "queue-threshold"):
        words = words[2:]
    return words


def _element_holds(keys: list[list[str]], values: list[object], element: list[str]) -> bool:
    """An element of a set: parts between dots, each a value, prefix, range or name; options after it are ignored."""
    parts: list[list[str]] = [[]]
    for token in element:
        if token == ".":
            parts.append([])
        elif token in ("timeout", "expires", "comment", "counter"):
            break
        else:
            parts[-1].append(token)
    return len(parts) == len(keys) and all(
        _value_holds(key, value, part[0]) for key, value, part in zip(keys, values, parts, strict=True)
    )


def _value_holds(key: list[str], value: object, text: str) -> bool:
    text = text.strip('"')
    if isinstance(value, tuple):
        return text in value
    if isinstance(value, str):
        return value.startswith(text[:-1]) if text.endswith("*") else value == text
    assert isinstance(value, int)
    if key[-1] in ("saddr", "daddr"):
        if "-" in text:
            low, high = (int(ip_address(part)) for part in text.split("-"))
            return low <= value <= high
        net = ip_network(text)
        return int(net.network_address) <= value <= int(net.broadcast_address)
    if key[-1] == "nfproto":
        return value == {"ipv4": 2, "ipv6": 10}[text]
    if key[-1] == "type" and text in TYPES[key[0]]:
        return value == TYPES[key[0]][text]
    if text in NUMBERS:
        return value == NUMBERS[text]
    low, dash, high_text = text.partition("-")
    return _bound(low) <= value <= _bound(high_text if dash else low)


def _bound(text: str) -> int:
    return NUMBERS[text] if text in NUMBERS else int(text, 0)
