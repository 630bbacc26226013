"""Rulesets of several shapes as iptables-save, nftables, pf.conf and policy text, the same rules in each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log2

from benchmarks.shapes import text

Run = tuple[int, int]
ANY: Run = (0, (1 << 32) - 1)
PORTS: Run = (0, 65535)
POPULAR = (80, 443, 22, 53, 25, 8080, 3306, 5432, 123, 161, 389, 636, 993, 995, 110, 143, 21, 23, 445, 139, 3389, 1433)
NESTED = 200
"""Chains that call each other in a row in the nested shape."""


@dataclass(frozen=True)
class Rule:
    """Prefixes as closed ranges; `protocol` is "" for any."""

    source: Run
    destination: Run
    sport: Run
    dport: Run
    protocol: str
    accept: bool


@dataclass
class Shape:
    """`chains` are called in order, each for the packets from a network; with `inside` each is called by the one before it.
    `members` are the addresses of one set, which one rule accepts."""

    rules: list[Rule] = field(default_factory=list)
    chains: list[tuple[Run, list[Rule]]] = field(default_factory=list)
    inside: bool = False
    members: list[int] = field(default_factory=list)


# ----- the shapes -----------------------------------------------------------------


def flat(count: int) -> Shape:
    """Different sources, ports and destinations: no packet is held by two rules."""
    rng = random.Random(count)
    sources = rng.sample(range(10 << 24, (10 << 24) + (200 << 16)), count)
    return Shape([_host(a, rng) for a in sources])


def _host(address: int, rng: random.Random) -> Rule:
    port = rng.choice(POPULAR)
    to = 0x0AFF0000 + rng.randrange(2, 60000)
    return Rule((address, address), (to, to), PORTS, (port, port), rng.choice(("tcp", "tcp", "tcp", "udp")), True)


def chains(count: int) -> Shape:
    """Ten rules in each chain, every chain for one network."""
    rng = random.Random(count)
    networks = rng.sample(range(10 << 16, (10 << 16) + (200 << 8)), max(1, count // 10))
    return Shape(
        chains=[
            ((n << 8, n << 8 | 255), [_host(n << 8 | k, rng) for k in rng.sample(range(256), 10)]) for n in networks
        ]
    )


def nested(count: int) -> Shape:
    """200 chains, each calling the next one after its first half."""
    rng = random.Random(count)
    sources = rng.sample(range(10 << 24, (10 << 24) + (200 << 16)), count)
    each = max(2, count // NESTED)
    parts = [[_host(a, rng) for a in sources[at * each : at * each + each]] for at in range(NESTED)]
    return Shape(chains=[(ANY, part) for part in parts], inside=True)


def members(count: int) -> Shape:
    """One set of so many addresses."""
    return Shape(members=sorted(random.Random(count).sample(range(10 << 24, (10 << 24) + (200 << 16)), count)))


def acl(count: int) -> Shape:
    """Mostly special rules, one in a hundred dead, half of these by several rules."""
    return Shape(_overlapping(count, _ACL))


def heavy(count: int) -> Shape:
    """A quarter of the sources and destinations is "any": every rule overlaps thousands."""
    return Shape(_overlapping(count, _HEAVY))


SHAPES: dict[str, Callable[[int], Shape]] = {
    "flat": flat,
    "acl": acl,
    "heavy overlap": heavy,
    "chains of ten": chains,
    "200 nested": nested,
    "one set": members,
}


# ----- rules that overlap ---------------------------------------------------------

_ACL = ((0, 4), (8, 1), (12, 1), (16, 5), (20, 4), (22, 4), (24, 20), (26, 4), (28, 6), (29, 3), (30, 3), (32, 45))
_HEAVY = ((0, 25), (8, 3), (16, 8), (20, 4), (24, 20), (28, 5), (32, 35))
"""Lengths of prefixes with their weights."""


def _overlapping(count: int, lengths: Sequence[tuple[int, int]]) -> list[Rule]:
    rng = random.Random(f"{count} {lengths}")
    sources, destinations = _pool(rng, count, lengths), _pool(rng, count, lengths)
    dead = count // 100
    distinct: dict[Rule, float] = {}
    while len(distinct) < count - dead - dead // 2 * 3:
        rule = _one(rng, sources, destinations)
        if rule.source != ANY or rule.destination != ANY or rule.dport != PORTS:
            distinct.setdefault(rule, _size(rule) + rng.gauss(0, 6))
    rules = sorted(distinct, key=lambda rule: distinct[rule])  # special rules tend to come first
    placed = [(float(at), rule) for at, rule in enumerate(rules)]
    for number in range(dead):
        at = rng.uniform(len(rules) * 0.3, len(rules))
        if number % 2:
            placed.append((at, rules[rng.randrange(int(at))]))
            continue
        whole = _one(rng, sources, destinations)
        pieces = _pieces(rng, whole)
        placed += [(rng.uniform(0, at), piece) for piece in pieces]
        placed.append((at, whole))
    placed.sort(key=lambda each: each[0])
    return [rule for _, rule in placed]


def _pool(rng: random.Random, count: int, lengths: Sequence[tuple[int, int]]) -> list[Run]:
    tops = [rng.randrange(1, 223) << 24 for _ in range(12)]
    middles = [rng.choice(tops) | rng.getrandbits(8) << 16 for _ in range(max(20, count // 50))]
    networks = [rng.choice(middles) | rng.getrandbits(8) << 8 for _ in range(max(60, count // 10))]
    hosts = [rng.choice(networks) | rng.getrandbits(8) for _ in range(max(200, count // 3))]
    out = []
    for length in rng.choices([n for n, _ in lengths], [w for _, w in lengths], k=max(400, count // 2)):
        low = rng.choice(hosts) >> 32 - length << 32 - length
        out.append((low, low | (1 << 32 - length) - 1))
    return out


def _one(rng: random.Random, sources: list[Run], destinations: list[Run]) -> Rule:
    protocol = rng.choices(("tcp", "udp", "icmp", "", "gre"), (70, 20, 4, 5, 1))[0]
    sport = dport = PORTS
    if protocol in ("tcp", "udp"):
        sport = rng.choice(((1024, 65535), (53, 53), (20, 20))) if rng.random() < 0.06 else PORTS
        dport = _dport(rng)
    # popular networks are chosen more often than others
    source, destination = (pool[int(len(pool) * rng.random() ** 1.6)] for pool in (sources, destinations))
    return Rule(source, destination, sport, dport, protocol, rng.random() < 0.6)


def _dport(rng: random.Random) -> Run:
    chance = rng.random()
    if chance < 0.25:
        return PORTS
    if chance < 0.8:
        port = POPULAR[min(int(rng.expovariate(0.25)), len(POPULAR) - 1)]
        return port, port
    if chance < 0.88:
        return 1024, 65535
    low = rng.randrange(1, 64000)
    return low, low + rng.choice((1, 3, 9, 20, 99, 500, 1000))


def _size(rule: Rule) -> float:
    return sum(log2(high - low + 1) for low, high in (rule.source, rule.destination, rule.sport, rule.dport))


def _pieces(rng: random.Random, whole: Rule) -> list[Rule]:
    """Halves of the rule by source or destination, halved again, which together hold all its packets."""
    pieces = [whole]
    for _ in range(rng.choice((1, 1, 2, 3))):
        each = pieces.pop(0)
        name = "source" if each.source[0] < each.source[1] else "destination"
        low, high = getattr(each, name)
        if low == high:
            return [each]
        middle = (low + high) // 2
        for run in ((low, middle), (middle + 1, high)):
            values = {**each.__dict__, name: run, "accept": rng.random() < 0.5}
            pieces.append(Rule(**values))
    return pieces


# ----- their texts ----------------------------------------------------------------


def _prefix(run: Run) -> str:
    length = 32 - (run[1] - run[0]).bit_length()
    return text(run[0]) if length == 32 else f"{text(run[0])}/{length}"


def _range(run: Run, mark: str) -> str:
    return str(run[0]) if run[0] == run[1] else f"{run[0]}{mark}{run[1]}"


def _name(number: int) -> str:
    return f"c{number:05}"


def iptables_save(shape: Shape) -> str:
    def line(chain: str, rule: Rule) -> str:
        words = [f"-A {chain}"]
        for letter, run in (("s", rule.source), ("d", rule.destination)):
            if run != ANY:
                words.append(f"-{letter} {_prefix(run)}{'/32' if run[0] == run[1] else ''}")
        if rule.protocol:
            words.append(f"-p {rule.protocol}")
        if rule.sport != PORTS or rule.dport != PORTS:
            words.append(f"-m {rule.protocol}")
        for option, run in (("sport", rule.sport), ("dport", rule.dport)):
            if run != PORTS:
                words.append(f"--{option} {_range(run, ':')}")
        return f"{' '.join(words)} -j {'ACCEPT' if rule.accept else 'DROP'}"

    lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [f":{_name(number)} - [0:0]" for number in range(len(shape.chains))]
    lines += [f"-A {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT" for chain in ("INPUT", "FORWARD")]
    lines += ["-A FORWARD -m conntrack --ctstate INVALID -j DROP", "-A INPUT -i lo -j ACCEPT"]
    lines += [line("FORWARD", rule) for rule in shape.rules]
    if shape.members:
        lines.append("-A FORWARD -m set --match-set members src -j ACCEPT")
    for number, (network, _) in enumerate(shape.chains):
        match = "" if network == ANY else f"-s {_prefix(network)} "
        if not shape.inside or not number:
            lines.append(f"-A FORWARD {match}-j {_name(number)}")
    for number, (_, rules) in enumerate(shape.chains):
        half = len(rules) // 2
        lines += [line(_name(number), rule) for rule in rules[:half]]
        if shape.inside and number + 1 < len(shape.chains):
            lines.append(f"-A {_name(number)} -j {_name(number + 1)}")
        lines += [line(_name(number), rule) for rule in rules[half:]]
    head = ["create members hash:ip family inet hashsize 1024 maxelem 1000000"] if shape.members else []
    return "\n".join([*head, *(f"add members {text(m)}" for m in shape.members), *lines, "COMMIT", ""])


def nft(shape: Shape) -> str:
    def line(rule: Rule) -> str:
        words = []
        for side, run in (("saddr", rule.source), ("daddr", rule.destination)):
            if run != ANY:
                words.append(f"ip {side} {_prefix(run)}")
        if rule.protocol and rule.sport == rule.dport == PORTS:
            words.append(f"meta l4proto {rule.protocol}")
        for side, run in (("sport", rule.sport), ("dport", rule.dport)):
            if run != PORTS:
                words.append(f"{rule.protocol} {side} {_range(run, '-')}")
        return f"\t\t{' '.join([*words, 'accept' if rule.accept else 'drop'])}"

    lines = ["table ip filter {"]
    if shape.members:
        flat_members = ", ".join(text(m) for m in shape.members)
        lines.append(f"\tset members {{\n\t\ttype ipv4_addr\n\t\telements = {{ {flat_members} }}\n\t}}")
    chains = list(enumerate(shape.chains))
    for number, (_, rules) in reversed(chains):
        half = len(rules) // 2
        inner = [f"\t\tjump {_name(number + 1)}"] if shape.inside and number + 1 < len(chains) else []
        body = [*map(line, rules[:half]), *inner, *map(line, rules[half:])]
        lines += [f"\tchain {_name(number)} {{", *body, "\t}"]
    lines += ["\tchain forward {", "\t\ttype filter hook forward priority filter; policy drop;"]
    lines += ["\t\tct state established,related accept", "\t\tct state invalid drop", *map(line, shape.rules)]
    for number, (network, _) in chains[: 1 if shape.inside else None]:
        lines.append(f"\t\t{'' if network == ANY else f'ip saddr {_prefix(network)} '}jump {_name(number)}")
    lines += ["\t\tip saddr @members accept"] if shape.members else []
    return "\n".join([*lines, "\t}", "}", ""])


def pf(shape: Shape) -> str:
    def line(rule: Rule) -> str:
        words = [f"{'pass' if rule.accept else 'block drop'} in quick inet"]
        if rule.protocol:
            words.append(f"proto {rule.protocol}")
        for side, run, port in (("from", rule.source, rule.sport), ("to", rule.destination, rule.dport)):
            words.append(f"{side} {'any' if run == ANY else _prefix(run)}")
            if port != PORTS:
                words.append(f"port {_range(port, ':')}")
        return " ".join(words)

    def anchors(number: int) -> Iterator[str]:
        for at in range(number, len(shape.chains) if shape.inside else number + 1):
            network, rules = shape.chains[at]
            where = "" if network == ANY else f" from {_prefix(network)} to any"
            yield f'anchor "{_name(at)}" in{where} {{'
            yield from map(line, rules[: len(rules) // 2])
        for at in reversed(range(number, len(shape.chains) if shape.inside else number + 1)):
            rules = shape.chains[at][1]
            yield from map(line, rules[len(rules) // 2 :])
            yield "}"

    lines = ["set skip on lo0"]
    if shape.members:
        lines.append(f"table <members> const {{ {', '.join(text(m) for m in shape.members)} }}")
    lines += ["block drop in all", "pass out all keep state", *map(line, shape.rules)]
    lines += ["pass in quick inet from <members> to any"] if shape.members else []
    for number in range(min(1, len(shape.chains)) if shape.inside else len(shape.chains)):
        lines += anchors(number)
    return "\n".join([*lines, ""])


def policy(shape: Shape) -> str:
    def line(rule: Rule) -> str:
        traffic = rule.protocol or "any"
        if rule.dport != PORTS:
            traffic += f" {_range(rule.dport, '-')}"
        if rule.sport != PORTS:
            traffic += f" sport {_range(rule.sport, '-')}"
        traffic = "proto gre" if traffic == "gre" else traffic
        source = "wan" if rule.source == ANY else f"{_prefix(rule.source)} in wan"
        destination = "lan" if rule.destination == ANY else f"{_prefix(rule.destination)} in lan"
        return f"{'allow' if rule.accept else 'deny'} {traffic} from {source} to {destination}"

    lines = ["syntax 1", "settings { family v4 }", "zone wan { iface eth0 }", "zone lan { iface eth1 }"]
    if shape.members:
        lines += ["group members = {", *(f"    {text(m)}" for m in shape.members), "}"]
        lines.append("allow any from members in wan to lan")
    chains = list(enumerate(shape.chains))
    for number, (_, rules) in reversed(chains):
        half = len(rules) // 2
        inner = [f"jump {_name(number + 1)}"] if shape.inside and number + 1 < len(chains) else []
        lines += [f"chain {_name(number)} {{", *map(line, rules[:half]), *inner, *map(line, rules[half:]), "}"]
    for number, (network, _) in chains[: 1 if shape.inside else None]:
        source = "wan" if network == ANY else f"{_prefix(network)} in wan"
        lines.append(f"jump {_name(number)} for any from {source} to lan")
    lines += map(line, shape.rules)
    return "\n".join([*lines, "default input deny", "default forward deny", ""])


FORMATS: dict[str, tuple[str, Callable[[Shape], str]]] = {
    "iptables-save": ("rules.v4", iptables_save),
    "nft": ("rules.nft", nft),
    "pf": ("pf.conf", pf),
    "fwc": ("policy.fw", policy),
}
"""The name of a file of each kind, and its text."""
