"""Random rulesets, compiled to pf.conf, must do with every packet what a naive reading of the IR does."""

from __future__ import annotations

import dataclasses
import random
import sys
from pathlib import Path

import pytest

from fwc.diagnostics import has_errors
from fwc.dialects.base import LowerOptions
from fwc.dialects.pf.lower import lower
from fwc.dialects.pf.parse import parse
from fwc.dialects.pf.printer import to_text
from fwc.ir.match import AddressTypeIs, Field, FieldIn, MaskedIn, Match, all_of, negate
from fwc.ir.model import Base, Chain, Role, Rule, Ruleset, Settings, Table
from fwc.ir.verdict import (
    ACCEPT,
    DROP,
    RETURN,
    Accept,
    Continue,
    Dnat,
    Drop,
    Goto,
    Jump,
    Masquerade,
    NatTarget,
    Reject,
    RejectKind,
    Return,
    Snat,
)
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import SourceFile

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests" / "reference"))
from pf_oracle import Pf

IFACES = {
    "en0": ["203.0.113.1/24", "2001:db8:f::1/64"],
    "en1": ["10.1.0.1/16", "2001:db8:1::1/64"],
    "utun3": ["10.9.0.1/24"],
    "lo0": ["127.0.0.1/8", "::1/128"],
}
OWN = {4: (0xCB007101, 0x0A010001, 0x0A090001), 6: (0x20010DB8000F << 80 | 1, 0x20010DB80001 << 80 | 1)}
V6 = 0x20010DB8 << 96


def box(*runs: tuple[int, int]) -> AddressSet:
    return AddressSet(IntervalSet(r for r in runs if r[1] < 1 << 32), IntervalSet(r for r in runs if r[1] >= 1 << 32))


SOURCES = [
    box((0x0A010000, 0x0A01FFFF), (V6 | 1 << 80, (V6 | 2 << 80) - 1)),
    box((0x0A010200, 0x0A0102FF)),
    box((0x0A010203, 0x0A010203), (V6 | 1 << 80 | 5, V6 | 1 << 80 | 5)),
    box((0x0A090000, 0x0A0900FF)),
    box((0xC6336400, 0xC63364FF), (0xC0000200, 0xC00002FF), (0xCB007107, 0xCB007109)),
    box((V6 | 0xF << 80, (V6 | 0x10 << 80) - 1)),
]
POINTS = {
    4: [0x0A010203, 0x0A010207, 0x0A015555, 0x0A090044, 0xC6336407, 0xC0000209, 0xCB007108, 0x08080808],
    6: [V6 | 1 << 80 | 5, V6 | 1 << 80 | 77, V6 | 0xF << 80 | 9, V6 | 0xAAAA << 80 | 3],
}
PORTS = [22, 53, 80, 443, 8080, 8443]


def some(rng: random.Random, field: Field) -> Match:
    values = rng.choice(SOURCES)
    if rng.random() < 0.3:
        values = values | rng.choice(SOURCES)
    match: Match = FieldIn(field, values)
    return negate(match) if rng.random() < 0.15 else match


def condition(rng: random.Random, hook: Hook, dnat: bool) -> Match:
    parts: list[Match] = []
    if hook in (Hook.INPUT, Hook.FORWARD) and rng.random() < 0.6:
        names = rng.sample(["en0", "en1", "utun3"], rng.choice([1, 1, 2]))
        ifaces = IfaceSet.of(names)
        parts.append(FieldIn(Field.IIF, ~ifaces if len(names) == 1 and rng.random() < 0.2 else ifaces))
    if hook in (Hook.OUTPUT, Hook.FORWARD) and rng.random() < 0.5:
        parts.append(FieldIn(Field.OIF, IfaceSet.of(rng.sample(["en0", "en1", "utun3"], rng.choice([1, 2])))))
    if hook is not Hook.OUTPUT and rng.random() < 0.5:
        parts.append(some(rng, Field.SADDR))
    if hook is not Hook.INPUT and rng.random() < 0.4:
        parts.append(some(rng, Field.DADDR))
    if dnat and hook is not Hook.OUTPUT and rng.random() < 0.3:
        parts.append(MaskedIn(Field.CT_STATUS, 32, IntervalSet.of(32)))
    kind = rng.random()
    if kind < 0.5:
        parts.append(FieldIn(Field.PROTOCOL, IntervalSet((p, p) for p in rng.choice([(6,), (17,), (6, 17)]))))
        if rng.random() < 0.8:
            ports: Match = FieldIn(
                Field.DPORT, IntervalSet([(p, p + rng.choice([0, 0, 20])) for p in rng.sample(PORTS, 2)])
            )
            parts.append(negate(ports) if rng.random() < 0.1 else ports)
    elif kind < 0.6:
        parts.append(FieldIn(Field.ICMP, IntervalSet([(0x0800, 0x08FF)])))
    elif kind < 0.65:
        parts.append(FieldIn(Field.ICMPV6, IntervalSet([(0x8000, 0x80FF)])))
    return all_of(*parts)


def chain(rng: random.Random, hook: Hook, dnat: bool, users: list[Chain]) -> Chain:
    rules = [Rule(FieldIn(Field.CT_STATE, IntervalSet.of(1, 2)), (), ACCEPT, role=Role.ESTABLISHED)]
    for i in range(rng.randrange(1, 9)):
        verdict = rng.choice([ACCEPT, ACCEPT, DROP, Reject(), Reject(RejectKind.ADMIN_PROHIBITED)])
        if rng.random() < 0.15:
            name = f"{hook}-user{i}"
            inner = tuple(
                Rule(
                    condition(rng, hook, dnat),
                    (),
                    rng.choice([ACCEPT, ACCEPT, DROP, DROP, RETURN]),
                    label=f"{name}-{j}",
                )
                for j in range(rng.randrange(1, 4))
            )
            users.append(Chain(name, inner))
            verdict = rng.choice([Jump(name), Goto(name)])
        rules.append(Rule(condition(rng, hook, dnat), (), verdict, label=f"{hook}-{i}"))
    policy = rng.choice([DROP, DROP, ACCEPT])
    return Chain(str(hook), tuple(rules), Base(hook, ChainType.FILTER, 0, policy))


def ruleset(rng: random.Random) -> Ruleset:
    chains: list[Chain] = []
    users: list[Chain] = []
    dnats, snats = [], []
    if rng.random() < 0.5:
        for _ in range(rng.randrange(1, 3)):
            iif = rng.choice(["en0", "utun3"])
            port = rng.choice(PORTS)
            target = NatTarget(Family.V4, 0x0A010203, 0x0A010203, rng.choice([None, (8443, 8443)]))
            parts: list[Match] = [
                FieldIn(Field.IIF, IfaceSet.of([iif])),
                AddressTypeIs(Field.DADDR, "local"),
                FieldIn(Field.PROTOCOL, IntervalSet.of(6)),
                FieldIn(Field.DPORT, IntervalSet.of(port)),
                FieldIn(Field.FAMILY, IntervalSet.of(4)),
            ]
            dnats.append(Rule(all_of(*parts), (), Dnat((target,))))
    if rng.random() < 0.5:
        parts = [FieldIn(Field.FAMILY, IntervalSet.of(4)), FieldIn(Field.OIF, IfaceSet.of(["en0"]))]
        if rng.random() < 0.7:
            parts.append(FieldIn(Field.SADDR, rng.choice(SOURCES).only(Family.V4)))
        if rng.random() < 0.3:
            parts.append(FieldIn(Field.IIF, IfaceSet.of([rng.choice(["en1", "utun3"])])))
        nat = Masquerade() if rng.random() < 0.6 else Snat(NatTarget(Family.V4, 0xCB007163, 0xCB007163))
        if all(not isinstance(p, FieldIn) or p.values for p in parts):
            snats.append(Rule(all_of(*parts), (), nat))
    for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT):
        chains.append(chain(rng, hook, bool(dnats), users))
    chains.append(Chain("pre", tuple(dnats), Base(Hook.PREROUTING, ChainType.NAT, -100, ACCEPT)))
    chains.append(Chain("post", tuple(snats), Base(Hook.POSTROUTING, ChainType.NAT, 100, ACCEPT)))
    return Ruleset(
        (Table("fwc", chains=(*chains, *users)),), settings=Settings("pf", "macos", keep_apple=rng.random() < 0.5)
    )


# ----- the naive reading of the IR


def holds(match: Match, p: dict) -> bool:
    name = type(match).__name__
    if name == "Always":
        return True
    if name == "AllOf":
        return all(holds(m, p) for m in match.parts)
    if name == "AnyOf":
        return any(holds(m, p) for m in match.parts)
    if name == "Not":
        return not holds(match.match, p)
    if name == "AddressTypeIs":
        return p["daddr"] in OWN[p["family"]]
    if name == "MaskedIn":
        return p["dnat"]
    assert isinstance(match, FieldIn)
    field = match.field
    if field in (Field.IIF, Field.OIF):
        return p[field.value] in match.values
    if field in (Field.SADDR, Field.DADDR):
        return p[field.value] in match.values.family(Family(p["family"]))
    if field is Field.ICMP or field is Field.ICMPV6:
        return p["protocol"] == (1 if field is Field.ICMP else 58) and (p["type"] << 8) in match.values
    if field is Field.DPORT:
        return p["protocol"] in (6, 17) and p["dport"] in match.values
    if field is Field.CT_STATE:
        return 3 in match.values
    return p[field.value] in match.values


def judge(rules: Ruleset, chain: Chain, p: dict) -> object:
    """The verdict of a chain; Continue at the end of a user chain."""
    by_name = {c.name: c for c in rules.tables[0].chains}
    for rule in chain.rules:
        if not holds(rule.match, p):
            continue
        verdict = rule.verdict
        if isinstance(verdict, Jump | Goto):
            inner = judge(rules, by_name[verdict.chain], p)
            if not isinstance(inner, Continue):
                return inner
            if isinstance(verdict, Goto):
                break
        elif isinstance(verdict, Return):
            break
        elif not isinstance(verdict, Continue):
            return verdict
    return chain.base.policy if chain.base else Continue()


def expected(rules: Ruleset, p: dict, hook: Hook) -> tuple[object, dict]:
    chains = {c.name: c for c in rules.tables[0].chains}
    p = dict(p, dnat=False)
    if hook is not Hook.OUTPUT:
        for rule in chains["pre"].rules:
            if holds(rule.match, p):
                target = rule.verdict.targets[0]
                p.update(daddr=target.low, dnat=True)
                if target.ports:
                    p["dport"] = target.ports[0]
                break
    actual = Hook.OUTPUT if hook is Hook.OUTPUT else Hook.INPUT if p["daddr"] in OWN[p["family"]] else Hook.FORWARD
    verdict = judge(rules, chains[str(actual)], p)
    if actual is not Hook.INPUT and isinstance(verdict, Accept):
        for rule in chains["post"].rules:
            if holds(rule.match, p):
                p["saddr"] = 0xCB007101 if isinstance(rule.verdict, Masquerade) else rule.verdict.target.low
                break
    return verdict, p


def answer(verdict: object, protocol: int) -> str:
    if isinstance(verdict, Accept):
        return "pass"
    if isinstance(verdict, Drop):
        return "drop"
    assert isinstance(verdict, Reject)
    return "return-rst" if verdict.kind is RejectKind.DEFAULT and protocol == 6 else "return-icmp"


def packet(rng: random.Random, hook: Hook) -> dict:
    family = rng.choice([4, 4, 6])
    protocol = rng.choice([6, 6, 17, 1 if family == 4 else 58, 47])
    inside, outside = rng.sample(["en0", "en1", "utun3"], 2)
    p = {
        "family": family,
        "protocol": protocol,
        "saddr": rng.choice(POINTS[family]),
        "daddr": rng.choice(POINTS[family]),
        "sport": rng.randrange(1024, 50000),
        "dport": rng.choice(PORTS) + rng.choice([0, 0, 7]),
        "type": rng.choice([8, 13]) if family == 4 else rng.choice([128, 134]),
        "iif": "" if hook is Hook.OUTPUT else inside,
        "oif": "" if hook is Hook.INPUT else outside,
    }
    if hook is Hook.INPUT:
        p["daddr"] = rng.choice(OWN[family])
    elif hook is Hook.OUTPUT:
        p["saddr"] = rng.choice(OWN[family])
    if p["saddr"] == p["daddr"]:  # its own reply: the state of the first leg holds on the second, as on the real thing
        p["saddr"] ^= 1
    return p


def run(text: str, p: dict, hook: Hook, routed_on: bool) -> tuple[str, dict]:
    pf = Pf(text, IFACES)
    q = {
        "version": p["family"], "proto": p["protocol"], "src": p["saddr"], "dst": p["daddr"], "sport": p["sport"],
        "dport": p["dport"], "flags": 2, "type": p["type"], "code": 0, "id": 7, "seq": 1000, "ack": 0, "win": 65535,
        "tag": None, "fragment": False, "user": None, "group": None,
    }  # fmt: skip
    if hook is Hook.OUTPUT:
        results = [pf.run(q, "out", p["oif"])]
    elif not routed_on:
        results = [pf.run(q, "in", p["iif"])]
    else:
        results = [r for r in pf.forward(q, p["iif"], p["oif"]) if r is not None]
    last = results[-1]
    if last["verdict"] == "pass":
        assert last["new_state"] or last["label"] is None
        return "pass", q
    return last["answer"] if last["answer"] != "return-icmp6" else "return-icmp", q


CANNOT_SAY = {
    "pf on macOS cannot express protocol negation",
    "pf can exclude one interface in a rule, not several",
    "pf cannot ask that a packet was not translated",
}


def refused(seed: int) -> bool:
    """What pf cannot say in these rulesets, mostly after RETURN, which excludes what went on."""
    _, found = lower(ruleset(random.Random(seed)), LowerOptions())
    assert all(d.code == "FW031" and d.message in CANNOT_SAY for d in found), found
    return has_errors(found)


SEEDS = range(150)
COMPILED = [seed for seed in SEEDS if not has_errors(lower(ruleset(random.Random(seed)), LowerOptions())[1])]


def test_few_are_refused() -> None:
    assert sum(refused(seed) for seed in SEEDS) <= len(SEEDS) // 5


@pytest.mark.property
@pytest.mark.parametrize("seed", COMPILED)
def test_packets(seed: int) -> None:
    rng = random.Random(seed)
    rules = ruleset(rng)
    tree, found = lower(rules, LowerOptions())
    assert tree is not None and not has_errors(found)
    text = to_text(tree)
    _, problems = parse(SourceFile("pf.conf", text), macos=True)
    assert not has_errors(problems), text
    for _ in range(60):
        hook = rng.choice([Hook.INPUT, Hook.FORWARD, Hook.FORWARD, Hook.OUTPUT])
        p = packet(rng, hook)
        verdict, after = expected(rules, p, hook)
        if hook is Hook.INPUT and after["daddr"] not in OWN[p["family"]]:
            p["oif"] = after["oif"] = rng.choice(["en1", "utun3", "en0"])
            verdict, after = expected(rules, p, hook)
        routed_on = hook is Hook.FORWARD or (hook is Hook.INPUT and after["daddr"] not in OWN[p["family"]])
        got, q = run(text, p, hook, routed_on)
        assert got == answer(verdict, p["protocol"]), (seed, p, after, verdict, text)
        if got == "pass":
            assert (q["src"], q["dst"], q["dport"]) == (
                after["saddr"],
                after["daddr"],
                p["dport"] if p["protocol"] not in (6, 17) else after["dport"],
            ), (seed, p, text)


def test_same_text_twice() -> None:
    rules = ruleset(random.Random(4))
    first, _ = lower(rules, LowerOptions())
    second, _ = lower(dataclasses.replace(rules), LowerOptions())
    assert first is not None and second is not None
    assert to_text(first) == to_text(second)
