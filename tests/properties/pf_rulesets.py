"""Random pf.conf texts for a host and router with three interfaces, and connections that cross it. Seeded, so every
run can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from random import Random

IFACES = {
    "em0": ["203.0.113.1/24", "2001:db8:f::1/64"],
    "em1": ["10.1.0.1/24", "2001:db8:1::1/64"],
    "em2": ["10.2.0.1/24"],
    "lo0": ["127.0.0.1/8", "::1/128"],
}
OWN = {4: ["203.0.113.1", "10.1.0.1", "10.2.0.1"], 6: ["2001:db8:f::1", "2001:db8:1::1"]}
PEERS = {
    4: {
        "em0": ["198.51.100.7", "192.0.2.9", "203.0.113.50"],
        "em1": ["10.1.0.5", "10.1.0.77"],
        "em2": ["10.2.0.5", "10.2.0.200"],
    },
    6: {"em0": ["2001:db8:77::9"], "em1": ["2001:db8:1::5"], "em2": ["2001:db8:2::5"]},
}
SUBNETS = [(ip_network(a, strict=False), name) for name, all_ in IFACES.items() for a in all_]
OWN_NUMBERS = {int(ip_address(a.split("/")[0])) for all_ in IFACES.values() for a in all_}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
TAGS = ["T1", "T2"]
PORTS = [22, 53, 80, 443, 1023, 1024, 8080, 40000]
NETS = {
    4: ["10.1.0.0/24", "10.2.0.0/24", "10.1.0.5", "198.51.100.0/24", "192.0.2.9", "203.0.113.1", "10.0.0.0/8"],
    6: ["2001:db8:1::/64", "2001:db8:77::/64", "2001:db8:f::1", "2001:db8:1::5"],
}


@dataclass
class Choices:
    """How often a ruleset uses what, out of 100. `plain`: everything that passes keeps a state."""

    no_state: int = 15
    flags: int = 20
    answers: int = 25
    options: int = 5
    translations: int = 0
    tags: int = 0
    own: int = 10
    plain: bool = False
    redirects: bool = False


def ruleset(random: Random, choices: Choices | None = None) -> str:
    """A pf.conf, with rules that meet the packets of `flows` often."""
    writer = _Writer(random, choices or Choices())
    return writer.redirects() if choices is not None and choices.redirects else writer.text()


class _Writer:
    def __init__(self, random: Random, choices: Choices) -> None:
        self.random = random
        self.choices = choices
        self.tables: list[str] = []
        self.iface = ""

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def text(self) -> str:
        out = ["set skip on lo0"] if self.choices.plain else []
        if not self.choices.plain and self.chance(55):
            out.append("set skip on " + self.random.choice(["lo0", "lo0", "lo0", "{ lo0 em1 }", "em2"]))
        if self.chance(30):
            out.append("set block-policy return")
        if self.chance(40):
            self.tables.append("t1")
            members = self.random.sample(NETS[4], 2) + self.random.sample(NETS[6], 1)
            if self.chance(30):
                members.append("!" + self.random.choice(["10.1.0.5", "192.0.2.9"]))
            out.append("table <t1> { " + ", ".join(members) + " }")
        if self.chance(self.choices.translations):
            out += [self.translation() for _ in range(self.random.randrange(1, 4))]
        if self.choices.plain:
            out.append("block all")
        elif self.chance(50):
            out.append(
                self.random.choice(
                    ["block all", "block in all", "block log all", "block out all", "block quick inet6 all"]
                )
            )
        if self.chance(30):
            out.append(
                self.random.choice(
                    ["pass out all", "pass out all flags any", "pass out keep state", "pass all no state"][
                        : 3 if self.choices.plain else 4
                    ]
                )
            )
        out += [self.rule() for _ in range(self.random.randrange(1, 8))]
        if self.chance(15):
            out.append(f'anchor "a" {self.random.choice(["", "in ", "out ", "quick "])}{{')
            out += ["\t" + self.rule() for _ in range(self.random.randrange(1, 4))]
            out.append("}")
        return "\n".join(out) + "\n"

    def redirects(self) -> str:
        """A few rules around rdr rules that take many packets: states of what rules pass without one, and new destinations."""
        out = ["set skip on lo0"]
        for _ in range(self.random.randrange(1, 3)):
            head = self.random.choice(["rdr", "rdr", "rdr pass"]) + " on " + self.random.choice(["em0", "em1", "em2"])
            target = self.random.choice(["10.1.0.5", "10.2.0.5", "10.1.0.77", "198.51.100.7"])
            new = self.random.choice(["", f" port {self.random.choice(PORTS)}"])
            out.append(f"{head} inet proto {{ tcp udp }} from any to any port 20:50000 -> {target}{new}")
        choice = self.random.choice
        for name in self.random.sample(["em0", "em1", "em2"], 2):
            out.append(choice(["block out", "block in", "block", "pass in", "pass out"]) + f" on {name} all")
        out.append(choice(["pass in all no state", "pass out on em1 no state", "block in on em2", "pass all"]))
        out.append(
            choice(["", "pass out on em2 proto { tcp udp } to port < 1024", "pass out on em1 inet", self.rule()])
        )
        return "\n".join(out) + "\n"

    def rule(self) -> str:
        """One filter rule."""
        block = self.chance(45)
        words = ["block" if block else "pass"]
        if block and self.chance(self.choices.answers):
            words.append(self.random.choice(["drop", "return", "return-icmp"]))
        words.append(self.random.choice(["in", "out", "in", "out", ""]))
        if self.chance(10):
            words.append("log")
        if self.chance(35):
            words.append("quick")
        self.iface = ""
        if self.chance(55):
            name = self.random.choice(["em0", "em0", "em1", "em2", "lo0", "{ em0 em1 }", "! em0"])
            words.append("on " + name)
            self.iface = name if name in ("em0", "em1") else ""
        family = self.random.choice([4, 4, 4, 6])
        named = self.chance(50)
        if named:
            words.append("inet" if family == 4 else "inet6")
        protocol = self.random.choice(
            ["tcp", "tcp", "udp", "{ tcp udp }", "icmp" if family == 4 else "ipv6-icmp", "gre", ""]
        )
        if protocol:
            words.append("proto " + protocol)
        words.append(self.peers(family, protocol in ("tcp", "udp", "{ tcp udp }")))
        if protocol == "tcp" and self.chance(self.choices.flags):
            words.append("flags " + self.random.choice(["any", "S/SA", "S/SAFR", "A/A", "/S"]))
        elif not block and self.chance(10):
            words.append("flags any")
        if "icmp" in protocol and named and self.chance(50):
            words.append("icmp-type echoreq" if family == 4 else "icmp6-type echoreq")
        if not block:
            if self.chance(self.choices.no_state):
                words.append("no state")
            elif self.chance(30):
                words.append("keep state")
            if self.chance(self.choices.options):
                words.append("allow-opts")
            if self.chance(self.choices.tags):
                words.append("tag " + self.random.choice(TAGS))
        if self.chance(self.choices.tags):
            words.append(self.random.choice(["tagged ", "tagged ", "! tagged "]) + self.random.choice(TAGS))
        return " ".join(word for word in words if word)

    def translation(self) -> str:
        """One nat, rdr or `no` rule."""
        no = self.chance(12)
        iface = self.random.choice(["em0", "em0", "em1"])
        tag = f"tag {self.random.choice(TAGS)} " if self.chance(self.choices.tags) and not no else ""
        passes = "" if no or self.chance(75) else "pass "
        if self.chance(12) and not no:
            inside, outside = self.random.choice([("10.1.0.5", "203.0.113.1"), ("10.2.0.5", "192.0.2.9")])
            return f"binat on em0 inet from {inside} to {self.address(4)} {tag}-> {outside}"
        if self.chance(50):
            target = self.random.choice([f"({iface})", "203.0.113.1", "10.1.0.1", f"({iface}) static-port"])
            tagged = f"tagged {self.random.choice(TAGS)} " if self.chance(self.choices.tags) else ""
            protocol = self.random.choice(["", "", "proto tcp ", "proto { tcp udp } "])
            source = self.random.choice(["10.1.0.0/24", "10.2.0.0/24", "10.0.0.0/8", "any", "! 203.0.113.1"])
            head = f"{'no ' if no else ''}nat {passes}on {iface} inet {protocol}from {source} to {self.address(4)} "
            return head + tagged + tag + ("" if no else f"-> {target}")
        where = self.random.choice(["any", "any", f"({iface})", "203.0.113.1", "10.1.0.1", "192.0.2.9"])
        port = self.random.choice([str(self.random.choice(PORTS)), "20:450", "20:450", "1000:50000"])
        target = self.random.choice(["10.1.0.5", "10.2.0.5", f"({iface})", "10.1.0.77", "198.51.100.7"])
        new = f" port {self.random.choice(PORTS)}" if self.chance(40) else ""
        protocol = self.random.choice(["tcp", "udp", "{ tcp udp }"])
        head = (
            f"{'no ' if no else ''}rdr {passes}on {iface} inet proto {protocol} from any to {where} port {port} {tag}"
        )
        return head + ("" if no else f"-> {target}{new}")

    def peers(self, family: int, ports: bool) -> str:
        sides = []
        for side in ("from", "to"):
            text = self.address(family)
            if self.iface and self.chance(self.choices.own):
                text = self.random.choice(["(%s)", "%s", "! (%s)"]) % self.iface
            if ports and self.chance(60 if side == "to" else 12):
                text += " port " + self.port()
            sides.append(f"{side} {text}")
        return "all" if sides == ["from any", "to any"] else " ".join(sides)

    def address(self, family: int) -> str:
        kind = self.random.randrange(100)
        if kind < 50:
            return "any"
        if kind < 60 and self.tables:
            return self.random.choice(["<t1>", "! <t1>"])
        if kind < 72:
            return "{ " + " ".join(self.random.sample(NETS[family], 2)) + " }"
        return ("! " if kind < 78 else "") + self.random.choice(NETS[family])

    def port(self) -> str:
        port = self.random.choice(PORTS)
        return self.random.choice(
            [f"{port}", f"{{ {port} 80 }}", f"1024:{max(port, 1024)}", "< 1024", f"!= {port}", "> 1023"]
        )


# ----- connections ---------------------------------------------------------------


@dataclass(frozen=True)
class Flow:
    """Two ends and the way of the first packet: `ingress` is empty when this machine sends it, `egress` when it gets
    it. `cport` is the identifier of an ICMP echo."""

    version: int
    protocol: int
    client: str
    server: str
    cport: int
    sport: int
    ingress: str
    egress: str

    @property
    def kind(self) -> str:
        if self.ingress == self.egress == "lo0":
            return "loopback"
        return "input" if not self.egress else "output" if not self.ingress else "forward"


@dataclass(frozen=True)
class Event:
    """A packet of a flow: `back` when it goes to the client. `icmp` is its type and code."""

    flow: Flow
    back: bool
    flags: int = 0
    icmp: tuple[int, int] = (0, 0)


def route(version: int, address: int) -> str:
    """The interface by which a packet to the address leaves."""
    if address in OWN_NUMBERS:
        return "lo0"
    for name, peers in PEERS[version].items():
        if address in [int(ip_address(p)) for p in peers]:
            return name
    return next((n for net, n in SUBNETS if net.version == version and ip_address(address) in net), "em0")


def flow(random: Random) -> Flow:
    version = random.choice([4, 4, 4, 6])
    kind = random.choice(["input", "output", "forward", "forward", "loopback"])
    one, two = random.sample(["em0", "em1", "em2"], 2)
    client, server = random.choice(PEERS[version][one]), random.choice(PEERS[version][two])
    ingress, egress = one, two
    if kind == "input":
        server, egress = random.choice(OWN[version]), ""
    elif kind == "output":
        client, ingress = random.choice(OWN[version]), ""
    elif kind == "loopback":
        client, server = random.choice([(LOOPBACK[version], OWN[version][0]), (OWN[version][1], LOOPBACK[version])])
        ingress = egress = "lo0"
    protocol = random.choice([6, 6, 6, 17, 17, 1 if version == 4 else 58, 47])
    ports = (random.choice(PORTS), random.choice(PORTS)) if protocol in (6, 17) else (0, 0)
    if protocol in (1, 58):
        ports = (random.randrange(1, 60000), 0)
    return Flow(version, protocol, client, server, *ports, ingress, egress)


ECHO = {4: (8, 0), 6: (128, 129)}

ERROR = {4: (3, 1), 6: (1, 4)}
SYN, SYN_ACK, ACK = 2, 18, 16


def story(random: Random, one: Flow) -> list[Event]:
    """Packets of the flow in an order in which two machines may send them; what is answered is up to the judge."""
    if one.protocol == 6:
        opening = random.choice(["syn", "syn", "syn", "middle", "odd"])
        if opening == "odd":
            return [Event(one, random.random() < 0.5, random.choice([SYN_ACK, 4, 20, 1, 17, 0]))]
        if opening == "middle":
            return [Event(one, random.random() < 0.5, ACK) for _ in range(random.randrange(1, 5))]
        rest = [Event(one, random.random() < 0.5, ACK) for _ in range(random.randrange(3))]
        return [Event(one, False, SYN)] * random.randrange(1, 3) + [
            Event(one, True, SYN_ACK),
            Event(one, False, ACK),
            *rest,
        ]
    if one.protocol in (1, 58):
        if random.random() < 0.25:
            return [Event(one, random.random() < 0.5, icmp=ERROR[one.version])]
        request, reply = ECHO[one.version]
        events = [Event(one, False, icmp=(request, 0))]
        for _ in range(random.randrange(4)):
            back = random.random() < 0.5
            events.append(Event(one, back, icmp=(reply if back else request, 0)))
        return events
    return [Event(one, False)] + [Event(one, random.random() < 0.5) for _ in range(random.randrange(5))]


def mixed(random: Random, stories: list[list[Event]]) -> list[Event]:
    """The packets of several flows, each in its order."""
    left = [list(reversed(events)) for events in stories]
    out = []
    while any(left):
        out.append(random.choice([each for each in left if each]).pop())
    return out
