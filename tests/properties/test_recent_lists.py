"""Lists of `recent` and the sets that stand for them, run side by side in time.

The walk below knows xt_recent.c and sets with timeouts from the kernel's own description; it shares nothing with the rewriting.
"""

from __future__ import annotations

import dataclasses
import random

import pytest

from fwc.convert.chains import called
from fwc.convert.order import asked_first
from fwc.convert.recent import MOST_HITS, in_sets
from fwc.convert.recent_lists import as_lists
from fwc.diagnostics import has_errors
from fwc.ir.match import ALWAYS, Field, FieldIn, Match, Not, Recent, RecentAct, SetRef, all_of
from fwc.ir.model import Base, Chain, Rule, Ruleset, Table
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, RETURN, AddToSet, Drop, Goto, Jump, Log, Return, Verdict
from fwc.ir.walk import conjuncts, match_nodes, rules
from fwc.net.addresses import AddressSet
from fwc.net.hooks import ChainType, Hook
from fwc.net.intervals import IntervalSet

FULL = 0xFFFFFFFF
Packet = tuple[int, int, int]
"""Source, destination, port."""


class Machine:
    """What one kernel remembers, and what it does with a packet at a time."""

    def __init__(self, ruleset: Ruleset) -> None:
        (table,) = ruleset.tables
        self._chains = {chain.name: chain for chain in table.chains}
        self._base = next(chain for chain in table.chains if chain.base is not None)
        self._timeouts = {each.name: each.timeout or 0 for each in table.sets}
        self._lists: dict[tuple[str, int], list[float]] = {}
        self._sets: dict[tuple[str, int], float] = {}
        self._logs: list[str] = []

    def fate(self, packet: Packet, now: float) -> tuple[object, ...]:
        self._logs = []
        verdict = self._walk(self._base.name, packet, now)
        assert self._base.base is not None
        if verdict is None or isinstance(verdict, Return):
            verdict = self._base.base.policy
        return verdict, *self._logs

    def _walk(self, name: str, packet: Packet, now: float) -> Verdict | None:
        for rule in self._chains[name].rules:
            if not all(self._holds(part, packet, now) for part in conjuncts(rule.match)):
                continue
            for action in rule.actions:
                if isinstance(action, Log):
                    self._logs.append(action.prefix)
                elif isinstance(action, AddToSet):
                    key = (action.set, packet[0 if action.fields == (Field.SADDR,) else 1])
                    self._sets.pop(key, None)
                    if not action.delete:
                        self._sets[key] = now + self._timeouts[action.set]
            match rule.verdict:
                case Jump(chain):
                    verdict = self._walk(chain, packet, now)
                    if verdict is not None and not isinstance(verdict, Return):
                        return verdict
                case Goto(chain):
                    return self._walk(chain, packet, now)
                case verdict if verdict != CONTINUE:
                    return verdict
        return None

    def _holds(self, match: Match, packet: Packet, now: float) -> bool:
        match match:
            case FieldIn(Field.DPORT, values):
                return packet[2] in values
            case FieldIn(Field.SADDR, AddressSet() as values):
                return packet[0] in values.v4
            case SetRef(name, fields):
                return self._sets.get((name, packet[0 if fields == (Field.SADDR,) else 1]), 0) > now
            case Not(Recent() as recent):
                return not self._recent(recent, packet, now)
            case Not(inner):
                return not self._holds(inner, packet, now)
            case Recent():
                return self._recent(match, packet, now)
            case _:
                parts = conjuncts(match)
                return parts == () or match == ALWAYS or all(self._holds(p, packet, now) for p in parts)

    def _recent(self, match: Recent, packet: Packet, now: float) -> bool:
        """recent_mt() in net/netfilter/xt_recent.c."""
        key = (match.name, packet[0 if match.side is Field.SADDR else 1])
        stamps = self._lists.get(key)
        if match.act is RecentAct.SET:
            self._lists.setdefault(key, []).append(now)
            return True
        if stamps is None:
            return False
        if match.act is RecentAct.REMOVE:
            del self._lists[key]
            return True
        hits = sum(now - stamp < match.seconds for stamp in stamps)
        found = hits >= max(match.hits, 1)
        if found and match.act is RecentAct.UPDATE:
            stamps.append(now)
        return found


def recent(rng: random.Random, windows: list[tuple[int, int]]) -> Match:
    name, side = rng.choice("ab"), rng.choice((Field.SADDR, Field.SADDR, Field.DADDR))
    act = rng.choice((RecentAct.SET, RecentAct.SET, RecentAct.CHECK, RecentAct.UPDATE, RecentAct.UPDATE))
    if act is RecentAct.SET:
        return Recent(name, act, side, FULL)
    seconds, hits = rng.choice(windows)
    found = Recent(name, act, side, FULL, seconds, hits, reap=rng.random() < 0.1 and seconds == max(windows)[0])
    return Not(found) if act is RecentAct.CHECK and rng.random() < 0.3 else found


def rule(rng: random.Random, windows: list[tuple[int, int]], later: list[str]) -> Rule:
    parts: list[Match] = []
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        parts.append(recent(rng, windows))
    if rng.random() < 0.5:
        parts.insert(rng.randrange(len(parts) + 1), FieldIn(Field.DPORT, IntervalSet.of(rng.randrange(3))))
    if rng.random() < 0.3:
        addresses = AddressSet(IntervalSet.range(low := rng.randrange(3), low + 1))
        parts.insert(rng.randrange(len(parts) + 1), FieldIn(Field.SADDR, addresses))
    if rng.random() < 0.1:
        removed = Recent(rng.choice("ab"), RecentAct.REMOVE, Field.SADDR, FULL)
        return Rule(all_of(*(p for p in parts if not isinstance(p, Recent | Not)), removed))
    verdicts: list[Verdict] = [ACCEPT, DROP, RETURN, CONTINUE, CONTINUE]
    verdicts += [turn(name) for name in later for turn in (Jump, Goto)]
    return Rule(all_of(*parts), (Log(f"l{rng.randrange(9)}"),) if rng.random() < 0.4 else (), rng.choice(verdicts))


def ruleset(rng: random.Random) -> Ruleset:
    windows = [(rng.randrange(2, 9), rng.choice((0, 0, 1, 2, 3, 5))) for _ in range(rng.choice((1, 1, 2)))]
    names = ["input", "one", "two"]
    chains = []
    for at, name in enumerate(names):
        base = Base(Hook.INPUT, ChainType.FILTER, 0, rng.choice((ACCEPT, DROP))) if at == 0 else None
        body = tuple(rule(rng, windows, names[at + 1 :]) for _ in range(rng.randrange(2, 6)))
        chains.append(Chain(name, body, base))
    return Ruleset((Table("t", "ip", tuple(chains)),), source="iptables-save")


def same(left: Ruleset, right: Ruleset, rng: random.Random) -> set[object]:
    """Both treat 80 packets of some seconds alike; the verdicts that were met."""
    old, new = Machine(left), Machine(right)
    now, met = 0.0, set()
    for turn in range(80):
        now += rng.choice((0.0, 0.1, 1.0, 2.0, 4.0)) + 1e-4 * (1 + turn / 7)
        packet = (rng.randrange(3), rng.randrange(3), rng.randrange(3))
        want, got = old.fate(packet, now), new.fate(packet, now)
        assert want == got, (turn, packet, now)
        met.add(want)
    return met


@pytest.mark.parametrize("seed", range(400))
def test_no_packet_notices(seed: int) -> None:
    rng = random.Random(seed)
    before = ruleset(rng)
    after, found = in_sets(before)
    assert not has_errors(found), found
    assert not any(isinstance(n, Recent) for _, _, _, r in rules(after) for n in match_nodes(r.match))
    same(before, after, rng)
    same(before, called(after, asked_first), rng)


@pytest.mark.parametrize("seed", range(200))
def test_sets_are_read_as_lists_again(seed: int) -> None:
    """Where the rules are such that they can be: then the lists do what the sets did."""
    rng = random.Random(seed)
    sets, _ = in_sets(ruleset(rng))
    lists = as_lists(sets)
    again, found = in_sets(lists)
    assert not has_errors(found)
    same(sets, again, rng)
    if not any(isinstance(n, SetRef) for _, _, _, r in rules(lists) for n in match_nodes(r.match)):
        same(sets, lists, rng)


def test_most_sets_are_read_as_lists_again() -> None:
    rulesets = [in_sets(ruleset(random.Random(seed)))[0] for seed in range(200)]
    named = [each for each in rulesets if each.tables[0].sets]
    assert sum(not as_lists(each).tables[0].sets for each in named) >= len(named) * 2 // 3


def limited(hits: int) -> Ruleset:
    """The well-known pair: at most `hits` new connections in 60 seconds."""
    written = Recent("ssh", RecentAct.SET, Field.SADDR, FULL)
    asked = Recent("ssh", RecentAct.UPDATE, Field.SADDR, FULL, 60, hits)
    base = Base(Hook.INPUT, ChainType.FILTER, 0, ACCEPT)
    return Ruleset((Table("t", "ip", (Chain("input", (Rule(written), Rule(asked, (), DROP)), base),)),))


@pytest.mark.parametrize("hits", (1, 2, 4, 20, MOST_HITS))
def test_the_packet_that_is_one_too_many_is_dropped(hits: int) -> None:
    after, _ = in_sets(limited(hits))
    machine = Machine(after)
    fates = [machine.fate((7, 1, 22), second / 100)[0] for second in range(hits + 3)]
    assert [isinstance(f, Drop) for f in fates] == [False] * (hits - 1) + [True] * 4
    assert machine.fate((8, 1, 22), 1)[0] == (DROP if hits == 1 else ACCEPT)
    assert machine.fate((7, 1, 22), 70)[0] == (DROP if hits == 1 else ACCEPT)


@pytest.mark.parametrize("broken", ("ring", "mark", "delete", "timeout"))
def test_the_walk_notices_a_broken_ring(broken: str) -> None:
    """The oracle itself: a ring that is wrong in one place is told from the list."""
    before = limited(3)
    after, _ = in_sets(before)
    (table,) = after.tables

    def spoiled(name: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        if name != "recent_ssh_met":
            return rules
        first = rules[0]
        left, ring, mark = first.actions
        changed = {
            "ring": (left, dataclasses.replace(ring, set="recent_ssh_1_of_3_in_60s"), mark),
            "mark": (left, ring, dataclasses.replace(mark, set="recent_ssh_last_1_of_3_in_60s")),
            "delete": (ring, mark),
        }.get(broken, first.actions)
        return (dataclasses.replace(first, actions=changed), *rules[1:])

    chains = tuple(dataclasses.replace(c, rules=spoiled(c.name, c.rules)) for c in table.chains)
    sets = tuple(
        dataclasses.replace(s, timeout=30) if broken == "timeout" and "_2_of" in s.name else s for s in table.sets
    )
    wrong = dataclasses.replace(after, tables=(dataclasses.replace(table, chains=chains, sets=sets),))
    with pytest.raises(AssertionError):
        for seed in range(40):
            slow = random.Random(seed)
            old, new = Machine(before), Machine(wrong)
            now = 0.0
            for turn in range(60):
                now += slow.choice((1, 10, 35)) + 1e-3 * turn
                assert old.fate((7, 1, 22), now) == new.fate((7, 1, 22), now)
