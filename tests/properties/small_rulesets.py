"""Random rulesets over a tiny packet space, and a naive interpreter that enumerates it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

from fwc.ir.match import (
    ALWAYS,
    AllOf,
    Always,
    AnyOf,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    Opaque,
    SetRef,
    TupleIn,
    WithinRate,
)
from fwc.ir.model import Base, Chain, NamedSet, Rule, Ruleset, Table
from fwc.ir.verdict import (
    ACCEPT,
    CONTINUE,
    DROP,
    RETURN,
    Accept,
    Action,
    Continue,
    Drop,
    Goto,
    Jump,
    Log,
    Reject,
    RejectKind,
    Return,
    Verdict,
    VerdictMap,
)
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet

Packet = dict[object, object]
LIMIT = WithinRate(5, 60, 5)
OPAQUE = Opaque("iptables", "-m string x", "string")
SET = SetRef("s", (Field.SADDR,))

PROTOCOLS = (6, 17, 1)
ADDRESSES = (0, 1, 2)
PORTS = (0, 1)
# what packets have: all that rules name, and one value more of each
IFACES = ("eth0", "eth1", "wg0", "lo")
FLAGS = (0, 2, 16, 18)
STATES = (1, 3)


def packets() -> list[Packet]:
    """Every packet that the rulesets of `random_ruleset` can tell apart, in every state of their sets and limits."""
    out: list[Packet] = []
    for protocol, saddr, dport, iif, flags, state in itertools.product(
        (*PROTOCOLS, 132, 47), (*ADDRESSES, 3), (*PORTS, 2), IFACES, FLAGS, STATES
    ):
        if (protocol != 6 and flags) or (protocol in (1, 47) and dport):
            continue
        for bits in itertools.product((False, True), repeat=2):
            out.append(
                {
                    Field.PROTOCOL: protocol,
                    Field.SADDR: saddr,
                    Field.DPORT: dport,
                    Field.IIF: iif,
                    Field.TCP_FLAGS: flags,
                    Field.CT_STATE: state,
                    SET: bits[0],
                    OPAQUE: bits[1],
                    LIMIT: False,
                }
            )
    return out


def holds(match: Match, packet: Packet) -> bool:
    match match:
        case Always():
            return True
        case FieldIn(field, values):
            return has(field, packet) and packet[field] in members(field, values)
        case MaskedIn(field, mask, values):
            return has(field, packet) and packet[field] & mask in values  # type: ignore[operator]
        case TupleIn(fields, elements):
            return any(
                all(has(f, packet) and packet[f] in members(f, v) for f, v in zip(fields, each, strict=True))
                for each in elements
            )
        case Not(inner):
            return not holds(inner, packet)
        case AllOf(parts):
            return all(holds(p, packet) for p in parts)
        case AnyOf(parts):
            return any(holds(p, packet) for p in parts)
        case _:
            return bool(packet[match])


def has(field: Field, packet: Packet) -> bool:
    if field is Field.DPORT:
        return packet[Field.PROTOCOL] in (6, 17, 132)
    return packet[Field.PROTOCOL] == 6 if field is Field.TCP_FLAGS else True


def members(field: Field, values: object) -> object:
    return values.v4 if isinstance(values, AddressSet) else values


class Run:
    """The way of one packet through one table's base chain: visited rules, effects, verdict. `unsure` explores both answers of
    the limit each time it is asked, by a queue of choices."""

    def __init__(self, table: Table, packet: Packet, choices: list[bool] | None = None) -> None:
        self.chains = {c.name: c for c in table.chains}
        self.packet = packet
        self.visited: set[tuple[str, int]] = set()
        self.effects: list[str] = []
        self.choices = choices
        self.asked = 0

    def match(self, match: Match) -> bool:
        if self.choices is None:
            return holds(match, self.packet)
        packet = self.packet
        if _uses_limit(match):
            answer = self.choices[self.asked] if self.asked < len(self.choices) else False
            self.asked += 1
            packet = {**packet, LIMIT: answer}
        return holds(match, packet)

    def base(self, chain: Chain) -> Verdict:
        assert chain.base is not None
        return self.chain(chain) or chain.base.policy

    def chain(self, chain: Chain) -> Verdict | None:
        for index, rule in enumerate(chain.rules):
            if not self.match(rule.match):
                continue
            self.visited.add((chain.name, index))
            self.effects.extend(a.prefix for a in rule.actions if isinstance(a, Log))
            verdict: Verdict = rule.verdict
            if isinstance(verdict, VerdictMap):
                verdict = next(
                    (v for element, v in verdict.entries if holds(TupleIn(verdict.fields, (element,)), self.packet)),
                    CONTINUE,
                )
            match verdict:
                case Accept() | Drop() | Reject():
                    return verdict
                case Return():
                    return None
                case Jump(name):
                    found = self.chain(self.chains[name])
                    if found is not None:
                        return found
                case Goto(name):
                    return self.chain(self.chains[name])
                case Continue():
                    pass
        return None


def _uses_limit(match: Match) -> bool:
    match match:
        case WithinRate():
            return True
        case Not(inner):
            return _uses_limit(inner)
        case AllOf(parts) | AnyOf(parts):
            return any(_uses_limit(p) for p in parts)
        case _:
            return False


def random_match(rng: Random, depth: int = 0, *, limits: bool = True) -> Match:
    roll = rng.random()
    if depth < 2 and roll < 0.35:
        parts = tuple(random_match(rng, depth + 1, limits=limits) for _ in range(rng.choice((2, 2, 3))))
        return AllOf(parts) if rng.random() < 0.7 else AnyOf(parts)
    if depth < 3 and roll < 0.45:
        return Not(random_match(rng, depth + 1, limits=limits))
    if roll < 0.5:
        return ALWAYS
    if roll < 0.54:
        return SET
    if roll < 0.57:
        return OPAQUE
    if roll < 0.6 and limits:
        return LIMIT
    return random_field(rng)


def random_field(rng: Random) -> Match:
    def some(values: tuple[int, ...]) -> IntervalSet:
        return IntervalSet.of(*rng.sample(values, rng.randint(1, len(values))))

    match rng.randrange(7):
        case 0:
            return FieldIn(Field.PROTOCOL, some(PROTOCOLS))
        case 1:
            return FieldIn(Field.SADDR, AddressSet(some(ADDRESSES)))
        case 2:
            return FieldIn(Field.DPORT, some(PORTS))
        case 3:
            names = rng.choice((["eth*"], ["eth0"], ["eth1", "wg0"], ["e*", "wg0"]))
            values = IfaceSet.of(names)
            return FieldIn(Field.IIF, ~values if rng.random() < 0.3 else values)
        case 4:
            return MaskedIn(Field.TCP_FLAGS, rng.choice((2, 18)), IntervalSet.of(rng.choice((0, 2))))
        case 5:
            elements = tuple((AddressSet(some(ADDRESSES)), some(PORTS)) for _ in range(rng.randint(1, 3)))
            return TupleIn((Field.SADDR, Field.DPORT), elements)
        case _:
            return FieldIn(Field.CT_STATE, IntervalSet.of(1))


def random_rule(rng: Random, targets: list[str], *, limits: bool = True) -> Rule:
    actions: tuple[Action, ...] = (Log(rng.choice("ab")),) if rng.random() < 0.15 else ()
    verdict: Verdict = rng.choice((ACCEPT, ACCEPT, DROP, Reject(RejectKind.PORT_UNREACHABLE), RETURN, CONTINUE))
    if targets and rng.random() < 0.3:
        name = rng.choice(targets)
        verdict = Jump(name) if rng.random() < 0.6 else Goto(name)
    elif rng.random() < 0.1:
        entries = tuple(((IntervalSet.of(port),), rng.choice((ACCEPT, DROP, RETURN))) for port in rng.sample(PORTS, 2))
        verdict = VerdictMap((Field.DPORT,), entries)
    return Rule(match=random_match(rng, limits=limits), actions=actions, verdict=verdict)


def random_ruleset(rng: Random, *, limits: bool = True) -> Ruleset:
    names = ["c1", "c2", "c3"][: rng.randint(0, 3)]
    chains: list[Chain] = []
    for at, name in enumerate(names):
        body = tuple(random_rule(rng, names[at + 1 :], limits=limits) for _ in range(rng.randint(1, 4)))
        chains.append(Chain(name, body))
    base = Base(Hook.INPUT, ChainType.FILTER, 0, rng.choice((ACCEPT, DROP)))
    rules = tuple(random_rule(rng, names, limits=limits) for _ in range(rng.randint(1, 7)))
    named = NamedSet("s", (Field.SADDR,), runtime=True)
    return Ruleset(tables=(Table("t", chains=(Chain("input", rules, base), *chains), sets=(named,)),))


def verdict_of(ruleset: Ruleset, packet: Packet) -> tuple[tuple[str, ...], Verdict]:
    table = ruleset.tables[0]
    run = Run(table, packet)
    verdict = run.base(table.chains[0])
    return tuple(run.effects), verdict


def reached(ruleset: Ruleset, every: list[Packet]) -> Iterator[set[tuple[str, int]]]:
    """The rules that some packet matches, whatever the limits answer each time they are asked."""
    table = ruleset.tables[0]
    for packet in every:
        pending: list[list[bool]] = [[]]
        while pending:
            choices = pending.pop()
            run = Run(table, packet, choices)
            run.base(table.chains[0])
            yield run.visited
            for more in range(len(choices), run.asked):
                pending.append([*choices, *[False] * (more - len(choices)), True])
