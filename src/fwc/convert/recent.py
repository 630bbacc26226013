"""The lists of `recent` (xt_recent.c) as sets whose members time out, which is how nft remembers addresses.

A list that is asked for one packet in the last 60 seconds is one set with that timeout. One that is asked for four packets is a
ring of four such sets: each packet of an address goes into the set behind the one that took its last packet, so that the address
stands in all of them exactly when its fourth last packet is less than 60 seconds old. Four more sets tell which took the last.

Two things differ, and are said with a warning: a list holds 100 addresses unless the module is loaded with another
`ip_list_tot`, and then forgets the one met longest ago; a set holds `SIZE` and takes no others until some have timed out.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from fwc.convert.chains import Away, Call, called, followed, narrowed
from fwc.diagnostics import Diagnostic, error, warning
from fwc.ir.match import (
    ALWAYS,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    Recent,
    RecentAct,
    SetRef,
    TupleIn,
    all_of,
    negate,
)
from fwc.ir.model import Chain, NamedSet, Rule, Ruleset, Table
from fwc.ir.verdict import CONTINUE, RETURN, AddToSet, Jump
from fwc.ir.walk import bare, conjuncts, map_rules, match_nodes, rules
from fwc.net.hooks import Family
from fwc.records import Record

SIZE = 65535
"""Members that a set may have."""
MOST_HITS = 48
"""The longest ring: a rule of nft may have 128 expressions (NFT_RULE_MAXEXPRS), and each set that it asks is two."""
_FAMILY = {"ip": Family.V4, "ip6": Family.V6}
_PLAIN = FieldIn | MaskedIn | TupleIn
_NAME = re.compile(r"\W+", re.ASCII)


class Window(Record):
    """What rules ask of a list: `hits` packets of the address in the last `seconds`."""

    seconds: int
    hits: int


def in_order(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Each once: the order tells sets and chains of the same list alike."""
    return tuple(sorted(set(windows), key=lambda window: (window.seconds, window.hits)))


class List(Record):
    """A list of one family, with all that rules ask of it; `base` begins the names of its sets and chains."""

    base: str
    windows: tuple[Window, ...]

    def ring(self, window: Window) -> tuple[str, ...]:
        """The sets that the last packets of an address are in, each in another."""
        if window.hits == 1:
            return (f"{self.base}_in_{window.seconds}s",)
        return tuple(f"{self.base}_{at}_{_words(window)}" for at in range(1, window.hits + 1))

    def marks(self, window: Window) -> tuple[str, ...]:
        """The sets of which one holds the address: the one of the same place in the ring took its last packet."""
        if window.hits == 1:
            return ()
        return tuple(f"{self.base}_last_{at}_{_words(window)}" for at in range(1, window.hits + 1))

    def sets(self) -> tuple[NamedSet, ...]:
        return tuple(
            NamedSet(name, (Field.SADDR,), (), "addresses", True, window.seconds, SIZE)
            for window in self.windows
            for name in (*self.ring(window), *self.marks(window))
        )

    def holds(self, window: Window, side: Field) -> Match:
        """The list has met the address as often as that."""
        return all_of(*(SetRef(name, (side,)) for name in self.ring(window)))

    def writing(self, side: Field, origin: Rule) -> Rule:
        """The packet's address is met once more."""
        if self.is_one_set():
            return Rule(ALWAYS, (_add(self.ring(self.windows[0])[0], side),), CONTINUE, origin=origin.origin)
        return Rule(ALWAYS, (), Jump(self._name(side)), origin=origin.origin)

    def striking(self, side: Field, origin: Rule) -> tuple[Rule, ...]:
        """The list forgets the packet's address."""
        actions = [AddToSet(each.name, (side,), delete=True) for each in self.sets()]
        groups = (tuple(actions[at : at + MOST_HITS]) for at in range(0, len(actions), MOST_HITS))
        return tuple(Rule(ALWAYS, each, CONTINUE, origin=origin.origin) for each in groups)

    def chains(self, side: Field) -> tuple[Chain, ...]:
        """What `writing` calls: a ring for each window."""
        if self.is_one_set():
            return ()
        if len(self.windows) == 1:
            return (Chain(self._name(side), self._turned(self.windows[0], side)),)
        body: list[Rule] = []
        rings: list[Chain] = []
        for window in self.windows:
            if window.hits == 1:
                body.append(Rule(ALWAYS, (_add(self.ring(window)[0], side),), CONTINUE))
            else:
                name = f"{self._name(side)}_{window.hits}_in_{window.seconds}s"
                body.append(Rule(ALWAYS, (), Jump(name)))
                rings.append(Chain(name, self._turned(window, side)))
        return (Chain(self._name(side), tuple(body)), *rings)

    def is_one_set(self) -> bool:
        """Whether one packet is all that rules ask for, in one time."""
        return len(self.windows) == 1 and self.windows[0].hits == 1

    def _name(self, side: Field) -> str:
        return f"{self.base}_met" if side is Field.SADDR else f"{self.base}_met_daddr"

    def _turned(self, window: Window, side: Field) -> tuple[Rule, ...]:
        ring, marks = self.ring(window), self.marks(window)
        turns = []
        for at, mark in enumerate(marks):
            behind = (at + 1) % window.hits
            actions = (AddToSet(mark, (side,), delete=True), _add(ring[behind], side), _add(marks[behind], side))
            turns.append(Rule(SetRef(mark, (side,)), actions, RETURN))
        return (*turns, Rule(ALWAYS, (_add(ring[0], side), _add(marks[0], side)), CONTINUE))


def _words(window: Window) -> str:
    """The end of a name. No digit may be the last: targets tell the families by one."""
    return f"of_{window.hits}_in_{window.seconds}s"


def _add(name: str, side: Field) -> AddToSet:
    return AddToSet(name, (side,))


# ----- lists as sets ------------------------------------------------------------


def in_sets(ruleset: Ruleset) -> tuple[Ruleset, list[Diagnostic]]:
    """The ruleset with sets in place of lists, and a warning for each. A list of which sets cannot say all stays, with an error
    at each rule that is to blame."""
    found: list[Diagnostic] = []
    tables = ruleset.tables
    for family, word in ((f, w) for w, f in _FAMILY.items()):
        mine = [at for at, table in enumerate(tables) if table.family == word]
        lists, problems = _lists(Ruleset(tuple(tables[at] for at in mine)), family)
        found += problems
        if lists:
            new = _written(tuple(tables[at] for at in mine), lists)
            tables = tuple(new[mine.index(at)] if at in mine else table for at, table in enumerate(tables))
    return (dataclasses.replace(ruleset, tables=tables) if tables is not ruleset.tables else ruleset), found


def _lists(ruleset: Ruleset, family: Family) -> tuple[dict[str, List], list[Diagnostic]]:
    """The lists by their names."""
    asked: dict[str, list[tuple[Rule, Recent]]] = {}
    for _, _, _, rule in rules(ruleset):
        for node in match_nodes(rule.match):
            if isinstance(node, Recent):
                asked.setdefault(node.name, []).append((rule, node))
    found: list[Diagnostic] = []
    out: dict[str, List] = {}
    bases: set[str] = set()
    for name, uses in asked.items():
        windows = in_order(_window(n) for _, n in uses if n.act in (RecentAct.CHECK, RecentAct.UPDATE))
        blamed = [(rule, why) for rule, node in uses if (why := _obstacle(rule, node, windows, family))]
        if blamed:
            found += _refusals(name, [rule for rule, _ in uses], blamed)
            continue
        base = f"recent_{_NAME.sub('_', name)}"
        while base in bases:
            base += "_"
        bases.add(base)
        out[name] = List(base, windows)
        if windows:
            text = (
                f"the sets for the recent list {name} hold {SIZE} addresses and take no others when they are full; "
                "xt_recent holds 100 (its parameter ip_list_tot) and forgets the one met longest ago"
            )
            found.append(warning("FW031", text, uses[0][0].origin.span, name="lossy-compile"))
    return out, found


def _refusals(name: str, uses: Sequence[Rule], blamed: Sequence[tuple[Rule, tuple[str, str]]]) -> list[Diagnostic]:
    """An error at each rule of the list: at some their own, at the others where to find it."""
    reasons = {rule.origin.span: why for rule, why in reversed(blamed)}
    first = blamed[0][0].origin.span
    elsewhere = f"line {first.line} does with it what no set can" if first is not None else "another rule forbids it"
    out = []
    for span in dict.fromkeys(rule.origin.span for rule in uses):
        why, help = reasons.get(span, (elsewhere, ""))
        text = f"nftables cannot express `recent` (list {name}): {why}"
        out.append(error("FW031", text, span, help=help, name="lossy-compile"))
    return out


def _obstacle(rule: Rule, node: Recent, windows: Sequence[Window], family: Family) -> tuple[str, str] | None:
    """Why no set can do what the rule does with the list, and the way out."""
    parts = conjuncts(rule.match)
    asks = node.act in (RecentAct.CHECK, RecentAct.UPDATE)
    if node.mask != (1 << family.bits) - 1:
        return "the list holds networks (--mask)", "leave --mask out"
    if node.ttl:
        return "it compares with the TTL of the address's last packet (--rttl)", "leave --rttl out"
    if asks and not node.seconds:
        return "without --seconds it never forgets an address by itself", "add --seconds"
    if node.hits > MOST_HITS:
        return f"it counts to {node.hits} packets", f"count to {MOST_HITS} at most"
    if node.reap and node.seconds < max(window.seconds for window in windows):
        return "--reap strikes off what another rule still asks for", "leave --reap out"
    if not any(part == node or (part == Not(node) and node.act is RecentAct.CHECK) for part in parts):
        return f"`! --{node.act.value}` changes the list where it does not hold", "write the rule the other way round"
    if node.act is RecentAct.REMOVE and (parts[-1] != node or rule.actions or rule.verdict != CONTINUE):
        return "the rule asks whether --remove found the address", "remove it in a rule without a target"
    return None


def _written(tables: tuple[Table, ...], lists: dict[str, List]) -> list[Table]:
    """The tables with the sets in the first of them, and with the chains that write in each that calls them."""
    writing = _Writing(lists)
    new = map_rules(called(Ruleset(tables), writing.call), writing.plain).tables
    out = []
    for at, table in enumerate(new):
        jumps = {r.verdict.chain for c in table.chains for r in c.rules if isinstance(r.verdict, Jump)}
        chains = [
            chain
            for each in lists.values()
            if each.windows
            for side in (Field.SADDR, Field.DADDR)
            if (mine := each.chains(side)) and mine[0].name in jumps
            for chain in mine
        ]
        sets = tuple(s for each in lists.values() for s in each.sets()) if at == 0 else ()
        out.append(dataclasses.replace(table, chains=(*table.chains, *chains), sets=(*table.sets, *sets)))
    return out


class _Writing:
    """Rules that ask lists as rules that ask and write sets."""

    def __init__(self, lists: dict[str, List]) -> None:
        self._lists = lists

    def call(self, rule: Rule) -> Call | None:
        """A rule whose conditions cannot be asked twice, as a call: the list is written inside. So is one that asks a list of
        several sets not to hold the address."""
        parts = conjuncts(rule.match)
        absent = next((at for at, part in enumerate(parts) if self._rings_not(part)), None)
        at = self._first(parts)
        if absent is not None and (at is None or absent < at):
            return self._unless(rule, parts, absent)
        if at is None or (absent is None and self._in_place(rule, parts, at)):
            return None
        written, held = self._step(parts[at], rule)

        def inside(away: Away) -> tuple[Rule, ...]:
            rest = dataclasses.replace(rule, match=narrowed(parts[:at], parts[at + 1 :]))
            return followed((*written, rest), away)

        return Call(all_of(*map(self._asked, parts[:at]), held), inside, "met")

    def _unless(self, rule: Rule, parts: Sequence[Match], at: int) -> Call:
        part = parts[at]
        assert isinstance(part, Not)
        held = self._asked(part.match)

        def inside(away: Away) -> tuple[Rule, ...]:
            rest = dataclasses.replace(rule, match=narrowed(parts[:at], parts[at + 1 :]))
            leaving = Rule(held, (), away, origin=rule.origin)
            return followed((leaving, rest), away)

        return Call(all_of(*map(self._asked, parts[:at])), inside, "unless")

    def _rings_not(self, part: Match) -> bool:
        inner = part.match if isinstance(part, Not) else None
        return isinstance(inner, Recent) and inner.name in self._lists and inner.hits > 1

    def plain(self, rule: Rule) -> tuple[Rule, ...]:
        """The other rules: as many in their place."""
        parts = conjuncts(rule.match)
        at = self._first(parts)
        if at is None:
            match = all_of(*map(self._asked, parts)) if any(isinstance(bare(p), Recent) for p in parts) else rule.match
            return (rule,) if match is rule.match else (dataclasses.replace(rule, match=match),)
        before = all_of(*map(self._asked, parts[:at]))
        written, held = self._step(parts[at], rule)
        rest = dataclasses.replace(rule, match=all_of(before, *parts[at + 1 :]))
        if rule.verdict == CONTINUE and not rule.actions and at + 1 == len(parts):
            return tuple(
                dataclasses.replace(rule, match=all_of(before, held), actions=each.actions, verdict=each.verdict)
                for each in written
            )
        if held != ALWAYS:  # the one set that holds the address takes it again
            (write,) = written
            return (dataclasses.replace(rest, match=all_of(rest.match, held), actions=(*write.actions, *rule.actions)),)
        return (*(dataclasses.replace(each, match=before) for each in written), *self.plain(rest))

    def _in_place(self, rule: Rule, parts: Sequence[Match], at: int) -> bool:
        """Whether `plain` can say it: nothing happens but the writing, or what stands before may be asked again."""
        if any(map(self._writes, parts[at + 1 :])):
            return False
        if rule.verdict == CONTINUE and not rule.actions and at + 1 == len(parts):
            return True
        part = parts[at]
        assert isinstance(part, Recent)
        if part.act is RecentAct.UPDATE:
            return self._lists[part.name].is_one_set() and at + 1 == len(parts)
        return all(isinstance(bare(p), _PLAIN) for p in parts[:at])

    def _first(self, parts: Sequence[Match]) -> int | None:
        """The first condition that writes."""
        return next((at for at, part in enumerate(parts) if self._writes(part)), None)

    def _writes(self, part: Match) -> bool:
        """Nobody sees what is written into a list that no rule asks."""
        known = self._lists.get(part.name) if isinstance(part, Recent) and part.act is not RecentAct.CHECK else None
        return known is not None and bool(known.windows)

    def _step(self, part: Match, rule: Rule) -> tuple[tuple[Rule, ...], Match]:
        """What a condition writes, and when it does and holds."""
        assert isinstance(part, Recent)
        mine = self._lists[part.name]
        if part.act is RecentAct.REMOVE:
            return mine.striking(part.side, rule), ALWAYS
        held = mine.holds(_window(part), part.side) if part.act is RecentAct.UPDATE else ALWAYS
        return (mine.writing(part.side, rule),), held

    def _asked(self, part: Match) -> Match:
        """A condition that only asks."""
        inner = bare(part)
        if not isinstance(inner, Recent) or inner.name not in self._lists:
            return part
        if inner.act is not RecentAct.CHECK:
            return ALWAYS
        held = self._lists[inner.name].holds(_window(inner), inner.side)
        return held if inner is part else negate(held)


def _window(node: Recent) -> Window:
    return Window(node.seconds, max(node.hits, 1))
