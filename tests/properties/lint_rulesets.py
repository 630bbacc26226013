"""Random small rulesets as text, in three dialects, and which of their lines can decide or meet a packet at all: found
by trying every atom of the packet space, with nothing of fwc in it.

Conditions are made of a few values per field; an atom is a packet that none of the conditions tells apart from its
kind. A rate limit answers yes or no independently wherever it is asked; the content of the set `s`, which run-time
fills, is one more atom.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random

Packet = dict[str, str]

PROTOCOLS = ("tcp", "udp", "icmp", "gre")
PORTS = ("22", "80", "9999")
PORT_ATOMS = (*PORTS, "53")
SOURCES = {
    "10.0.0.1": ("10.0.0.1", "10.0.0.0/24", "10.0.0.0/8"),
    "10.0.0.7": ("10.0.0.0/24", "10.0.0.0/8"),
    "10.1.0.1": ("10.0.0.0/8",),
    "192.0.2.9": (),
}
NETS = ("10.0.0.1", "10.0.0.0/24", "10.0.0.0/8")
STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
IFACES = ("eth0", "eth1", "eth7", "wlan0")


@dataclass
class Line:
    """One line of text. `test` says whether a packet meets it, whatever the limit answers; `verdict` is accept, drop, return,
    none, or `jump X` / `goto X`; `branches` are the entries of a verdict map, a test and a verdict each."""

    text: str
    test: Callable[[Packet], bool]
    verdict: str
    limited: bool = False
    branches: tuple[tuple[Callable[[Packet], bool], str], ...] = ()
    number: int = 0
    met: bool = False


@dataclass
class Generated:
    """`dead` are the line numbers (from 1) of rules that no packet meets, in chains that a base chain leads to. `overruled`
    (pf) are rules that decide no packet which may begin a connection; FW601 speaks of those, too."""

    kind: str
    text: str
    dead: frozenset[int]
    overruled: frozenset[int] = frozenset()


def all_of(tests: Iterable[Callable[[Packet], bool]]) -> Callable[[Packet], bool]:
    each = tuple(tests)
    return lambda p: all(test(p) for test in each)


def one_of(key: str, values: Iterable[str], negated: bool = False) -> Callable[[Packet], bool]:
    wanted = frozenset(values)
    return lambda p: (p[key] in wanted) is not negated


def from_nets(nets: Iterable[str], negated: bool = False) -> Callable[[Packet], bool]:
    wanted = frozenset(nets)
    return lambda p: p["version"] == "4" and (bool(wanted & set(SOURCES[p["src"]]))) is not negated


def packets(versions: str) -> list[Packet]:
    out = []
    ported = [(p, port) for p in ("tcp", "udp") for port in PORT_ATOMS] + [("icmp", ""), ("gre", ""), ("esp", "")]
    ends = [("4", src, member) for src in SOURCES for member in ("yes", "no")]
    ends += [("6", "", "no")] if "6" in versions else []
    for (proto, port), (version, src, member), state, iface in itertools.product(ported, ends, STATES, IFACES):
        out.append(
            {"proto": proto, "port": port, "version": version, "src": src, "s": member, "state": state, "iif": iface}
        )
    return out


# ----- walking ------------------------------------------------------------------


def walk(chains: dict[str, list[Line]], name: str, packet: Packet) -> bool:
    """Marks every line that the packet can meet; whether it can come out at the end of the chain."""
    for line in chains[name]:
        if not line.test(packet):
            continue
        line.met = True
        goes_on = line.limited
        verdict = line.verdict
        if line.branches:
            verdict = next((v for test, v in line.branches if test(packet)), "none")
        if verdict == "none":
            continue
        if verdict.startswith("jump "):
            goes_on = walk(chains, verdict[5:], packet) or goes_on
        elif verdict.startswith("goto "):
            ends = walk(chains, verdict[5:], packet)
            if not goes_on:
                return ends
            if ends:
                rest = _rest(chains, name, line, packet)
                return rest or ends
        elif verdict == "return":
            if goes_on:
                _rest(chains, name, line, packet)
            return True
        if not goes_on:
            return False
    return True


def _rest(chains: dict[str, list[Line]], name: str, line: Line, packet: Packet) -> bool:
    after = chains[name][chains[name].index(line) + 1 :]
    return walk({**chains, "(rest)": after}, "(rest)", packet)


def entered(chains: dict[str, list[Line]], bases: Iterable[str]) -> set[str]:
    seen, stack = set(bases), list(bases)
    while stack:
        for line in chains[stack.pop()]:
            for verdict in (line.verdict, *(v for _, v in line.branches)):
                if verdict.startswith(("jump ", "goto ")) and verdict[5:] not in seen:
                    seen.add(verdict[5:])
                    stack.append(verdict[5:])
    return seen


def dead_lines(chains: dict[str, list[Line]], bases: list[str], space: list[Packet]) -> frozenset[int]:
    for base in bases:
        for packet in space:
            walk(chains, base, packet)
    return frozenset(line.number for name in entered(chains, bases) for line in chains[name] if not line.met)


# ----- iptables -----------------------------------------------------------------

_TABLES = ("BASE", "ONE", "TWO", "THREE")


def iptables(rng: Random) -> Generated:
    names = ["INPUT", *_TABLES[1 : rng.randint(1, 4)]]
    chains = {name: [_iptables_line(rng, name, names) for _ in range(rng.randint(1, 7))] for name in names}
    lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [f":{name} - [0:0]" for name in names[1:]]
    for name in names:
        for line in chains[name]:
            lines.append(line.text)
            line.number = len(lines)
    lines.append("COMMIT")
    return Generated("iptables-save", "\n".join(lines) + "\n", dead_lines(chains, ["INPUT"], packets("4")))


def _iptables_line(rng: Random, chain: str, names: list[str]) -> Line:
    words = ["-A", chain]
    tests: list[Callable[[Packet], bool]] = []
    limited = False
    proto = ""
    for field in rng.sample(("iif", "src", "proto", "state", "set", "limit"), rng.choice((0, 1, 1, 1, 2, 2, 3))):
        no = rng.random() < 0.25
        bang = ["!"] if no else []
        if field == "iif":
            value = rng.choice(("eth0", "eth1", "eth+"))
            words += [*bang, "-i", value]
            tests.append(one_of("iif", ("eth0", "eth1", "eth7") if value == "eth+" else (value,), no))
        elif field == "src":
            nets = [rng.choice(NETS)] if no else rng.sample(NETS, rng.choice((1, 1, 2)))
            words += [*bang, "-s", ",".join(nets)]
            tests.append(from_nets(nets, no))
        elif field == "proto":
            proto = rng.choice(PROTOCOLS)
            if proto in ("tcp", "udp") and rng.random() < 0.7:
                ports = rng.sample(PORTS, rng.choice((1, 1, 2)))
                words += ["-p", proto, "-m", "multiport", *bang, "--dports", ",".join(ports)]
                tests += [one_of("proto", (proto,)), one_of("port", ports, no)]
            else:
                words += [*bang, "-p", proto]
                tests.append(one_of("proto", (proto,), no))
        elif field == "state":
            states = rng.sample(STATES, rng.randint(1, 3))
            words += ["-m", "conntrack", *bang, "--ctstate", ",".join(states)]
            tests.append(one_of("state", states, no))
        elif field == "set":
            words += ["-m", "set", *bang, "--match-set", "s", "src"]
            tests.append(one_of("s", ("yes",), no))
        else:
            words += ["-m", "limit", "--limit", "5/minute"]
            limited = True
    verdict = _verdict(rng, chain, names)
    if verdict == "none":
        words += ["-j", "LOG", "--log-prefix", "x"]
    elif verdict.startswith("goto "):
        words += ["-g", verdict[5:]]
    else:
        word = {"accept": rng.choice(("ACCEPT",)), "drop": rng.choice(("DROP", "REJECT")), "return": "RETURN"}
        words += ["-j", word.get(verdict) or verdict[5:]]
    return Line(" ".join(words), all_of(tests), verdict, limited)


def _verdict(rng: Random, chain: str, names: list[str]) -> str:
    later = names[names.index(chain) + 1 :]
    if later and rng.random() < 0.45:
        return f"{rng.choice(('jump', 'jump', 'jump', 'goto'))} {rng.choice(later)}"
    return rng.choice(("accept", "accept", "drop", "drop", "return", "none"))


# ----- nft ----------------------------------------------------------------------


def nft(rng: Random) -> Generated:
    names = ["input", *(n.lower() for n in _TABLES[1 : rng.randint(1, 4)])]
    chains = {name: [_nft_line(rng, name, names) for _ in range(rng.randint(1, 7))] for name in names}
    lines = ["table inet t", "delete table inet t", "table inet t {", "  set s { type ipv4_addr; flags dynamic; }"]
    lines.append("  set k { type ipv4_addr; flags interval; elements = { 10.0.0.0/24 } }")
    for name in reversed(names):
        lines.append(f"  chain {name} {{")
        if name == "input":
            lines.append("    type filter hook input priority filter; policy drop;")
        for line in chains[name]:
            lines.append(f"    {line.text}")
            line.number = len(lines)
        lines.append("  }")
    lines.append("}")
    return Generated("nft", "\n".join(lines) + "\n", dead_lines(chains, ["input"], packets("46")))


def _nft_line(rng: Random, chain: str, names: list[str]) -> Line:
    words: list[str] = []
    tests: list[Callable[[Packet], bool]] = []
    limited = False
    ported = False
    for field in rng.sample(("iif", "src", "proto", "state", "set", "limit"), rng.choice((0, 1, 1, 1, 2, 2, 3))):
        no = rng.random() < 0.25
        bang = "!= " if no else ""
        if field == "iif":
            value = rng.choice(("eth0", "eth1", "eth*"))
            words.append(f'iifname {bang}"{value}"')
            tests.append(one_of("iif", ("eth0", "eth1", "eth7") if value == "eth*" else (value,), no))
        elif field == "src":
            value = rng.choice((*NETS, "@k"))
            words.append(f"ip saddr {bang}{value}")
            tests.append(from_nets(["10.0.0.0/24" if value == "@k" else value], no))
        elif field == "proto":
            values = rng.sample(PROTOCOLS, rng.choice((1, 1, 2)))
            if values[0] in ("tcp", "udp") and rng.random() < 0.7:
                ports = rng.sample(PORTS, rng.choice((1, 1, 2)))
                words.append(f"{values[0]} dport {bang}{{ {', '.join(ports)} }}")
                tests += [one_of("proto", values[:1]), one_of("port", ports, no)]
                ported = True
            else:
                words.append(f"meta l4proto {bang}{{ {', '.join(values)} }}")
                tests.append(one_of("proto", values, no))
        elif field == "state":
            states = rng.sample(STATES, rng.randint(1, 3))
            words.append(f"ct state {bang}{{ {', '.join(s.lower() for s in states)} }}")
            tests.append(one_of("state", states, no))
        elif field == "set":
            words.append(f"ip saddr {bang}@s")
            tests += [one_of("version", ("4",)), one_of("s", ("yes",), no)]
        else:
            words.append("limit rate 5/minute")
            limited = True
    if not ported and not limited and rng.random() < 0.12:
        entries = [(port, _verdict(rng, chain, names)) for port in rng.sample(PORTS, 2)]
        entries = [(port, "accept" if v == "none" else v) for port, v in entries]
        body = ", ".join(f"{port} : {_nft_verdict(v)}" for port, v in entries)
        tests.append(one_of("proto", ("tcp",)))
        branches = tuple((one_of("port", (port,)), v) for port, v in entries)
        return Line(" ".join([*words, f"tcp dport vmap {{ {body} }}"]), all_of(tests), "none", False, branches)
    verdict = _verdict(rng, chain, names)
    if verdict == "drop" and rng.random() < 0.3:
        words.append("reject")
    else:
        words.append(_nft_verdict(verdict))
    return Line(" ".join(words), all_of(tests), verdict, limited)


def _nft_verdict(verdict: str) -> str:
    return 'log prefix "x"' if verdict == "none" else verdict


# ----- pf -----------------------------------------------------------------------

PF_IFACES = ("en0", "en1", "utun3")


@dataclass
class PfLine:
    """A filter rule: `test` without its direction and interface; `quick` ends the evaluation."""

    test: Callable[[Packet], bool]
    quick: bool
    number: int
    decides: bool = False
    begins: bool = False


Anchor = tuple[Callable[[Packet], bool], bool, list[PfLine]]


def pf(rng: Random) -> Generated:
    lines = ["table <s> persist", "table <k> { 10.0.0.0/24 }"]
    rules: list[PfLine | Anchor] = []
    for _ in range(rng.randint(2, 9)):
        if rng.random() < 0.15:
            head, test, quick = _pf_head(rng, 'anchor "a"', anchor=True)
            lines.append(f"{head} {{")
            inner = [_pf_rule(rng, lines, outer=head) for _ in range(rng.randint(1, 3))]
            lines.append("}")
            rules.append((test, quick, inner))
        else:
            rules.append(_pf_rule(rng, lines))
    for packet in pf_packets():
        _pf_decide(rules, packet)
    flat = [r for rule in rules for r in (rule[2] if isinstance(rule, tuple) else [rule])]
    dead = frozenset(r.number for r in flat if not r.decides)
    return Generated("pf", "\n".join(lines) + "\n", dead, frozenset(r.number for r in flat if not r.begins))


def pf_packets() -> Iterator[Packet]:
    ported = [
        (p, port, syn)
        for p in ("tcp", "udp")
        for port in PORT_ATOMS
        for syn in (("yes", "no") if p == "tcp" else ("",))
    ]
    ported += [("icmp", "", ""), ("gre", "", ""), ("esp", "", "")]
    ends = [("4", src, member) for src in SOURCES for member in ("yes", "no")] + [("6", "", m) for m in ("yes", "no")]
    for (proto, port, syn), (version, src, member), way, iface in itertools.product(
        ported, ends, ("in", "out"), PF_IFACES
    ):
        yield {
            "proto": proto, "port": port, "syn": syn, "version": version, "src": src, "s": member, "way": way, "on": iface
        }  # fmt: skip


def _pf_decide(rules: list[PfLine | Anchor], packet: Packet) -> None:
    last: PfLine | None = None
    for rule in rules:
        if isinstance(rule, PfLine):
            if rule.test(packet):
                last = rule
                if rule.quick:
                    break
            continue
        test, quick, inner = rule
        if not test(packet):
            continue
        hit: PfLine | None = None
        done = False
        for each in inner:
            if each.test(packet):
                hit = each
                if each.quick:
                    done = True
                    break
        if hit is not None:
            last = hit
            if done or quick:
                break
    if last is not None:
        last.decides = True
        last.begins = last.begins or packet["syn"] != "no"


def _pf_rule(rng: Random, lines: list[str], outer: str = "") -> PfLine:
    """A rule, in the anchor whose head is `outer`: not for the direction that the anchor is not for."""
    action = rng.choice(("pass", "pass", "block", "block", "block return", "block drop"))
    ways = ("", "in") if " in " in f"{outer} " else ("", "out") if " out " in f"{outer} " else ("", "in", "out")
    text, test, quick = _pf_head(rng, action, ways)
    lines.append(text)
    return PfLine(test, quick, len(lines))


def _pf_head(
    rng: Random, action: str, ways: tuple[str, ...] = ("", "in", "out"), *, anchor: bool = False
) -> tuple[str, Callable[[Packet], bool], bool]:
    words = [action]
    tests: list[Callable[[Packet], bool]] = []
    way = rng.choice(ways)
    if way:
        words.append(way)
        tests.append(one_of("way", (way,)))
    if not anchor and rng.random() < 0.15:
        words.append("log")
    quick = rng.random() < 0.35
    if quick:
        words.append("quick")
    if rng.random() < 0.4:
        names = rng.sample(("en0", "en1"), rng.choice((1, 1, 2)))
        words.append(f"on {{ {' '.join(names)} }}")
        tests.append(one_of("on", names))
    proto = rng.sample(("tcp", "udp", "icmp", "gre"), rng.choice((0, 0, 1, 1, 2)))
    source = _pf_source(rng)
    if (source is not None and source[2] == "4") or "icmp" in proto:
        words.append("inet")
        tests.append(one_of("version", ("4",)))
    if proto:
        words.append(f"proto {{ {' '.join(proto)} }}")
        tests.append(one_of("proto", proto))
    ports = (
        rng.sample(PORTS, rng.choice((1, 1, 2)))
        if proto and set(proto) <= {"tcp", "udp"} and rng.random() < 0.7
        else []
    )
    if source is not None or ports:
        words.append(f"from {source[0] if source else 'any'} to any")
    if source is not None:
        tests.append(source[1])
    if ports:
        words.append(f"port {{ {' '.join(ports)} }}")
        tests.append(one_of("port", ports))
    if source is None and not ports and not proto and not anchor:
        words.append("all")
    if action == "pass":
        if rng.random() < 0.5 and "tcp" in proto and len(proto) == 1:
            words.append("flags any")
        elif not proto or "tcp" in proto:
            tests.append(one_of("syn", ("no",), True))
    return " ".join(words), all_of(tests), quick


def _pf_source(rng: Random) -> tuple[str, Callable[[Packet], bool], str] | None:
    kind = rng.choice(("", "", "net", "nets", "table", "known"))
    no = rng.random() < 0.25
    bang = "! " if no else ""
    if kind == "net":
        net = rng.choice(NETS)
        return f"{bang}{net}", from_nets([net], no), "4"
    if kind == "nets":
        nets = rng.sample(NETS, 2)
        return f"{{ {', '.join(nets)} }}", from_nets(nets), "4"
    if kind == "table":
        return f"{bang}<s>", one_of("s", ("yes",), no), ""
    if kind == "known":
        inside = from_nets(["10.0.0.0/24"])
        return f"{bang}<k>", (lambda p: inside(p) is not no), ""
    return None


GENERATORS: dict[str, Callable[[Random], Generated]] = {"iptables": iptables, "nft": nft, "pf": pf}
