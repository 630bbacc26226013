"""The linear program of base chains: chains unfolded where they are called, each rule with the packets it can meet there.

Packets enter at the top. A TERMINAL entry ends the way of a packet in its boxes, a SKIP entry (RETURN, the end of a `goto`,
an accept before another base chain) sends it to a later position, an EFFECT lets it go on. See section 1.3 of the lint catalogue.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from fwc.ir.match import Chance, Field, FieldIn, MaskedIn, Per, SetRef, TupleIn, WithinConnections, WithinRate
from fwc.ir.model import Chain, NamedSet, Rule, Ruleset, Table
from fwc.ir.verdict import (
    Accept,
    Action,
    AddToSet,
    Continue,
    CopyMark,
    Count,
    Dnat,
    Drop,
    Goto,
    Jump,
    Log,
    Masquerade,
    Netmap,
    NoTrack,
    OpaqueAction,
    OpaqueVerdict,
    Redirect,
    Reject,
    RejectKind,
    Return,
    SetField,
    Snat,
    Tag,
    Verdict,
    VerdictMap,
)
from fwc.ir.walk import match_nodes
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.space.boxes import Translator, Versions
from fwc.space.complement import TooManyBoxes
from fwc.space.fields import SHIFT, Box, Dimension, Dimensions

MOST_ASKED = 1000
"""Rules with the same `chance`, or with one named bucket, that are compared with each other; those beyond count as asked anew."""

MOST_BEHIND = 16
"""Rules behind a goto that are looked at: generated trees have a few branches in a chain."""

MAX_PROGRAM = 400_000
"""Boxes of one unfolded program; beyond it only the chain-local analysis is made."""

MAX_NESTING = 250
"""Nested calls; the kernels refuse more than 16 (nftables) or run out of stack memory (iptables)."""

Effect = Action | Verdict
NAT = (Snat, Masquerade, Dnat, Redirect, Netmap)


class ProgramTooLarge(Exception):
    """Unfolding needs more than MAX_PROGRAM boxes or MAX_NESTING calls, or the chains call each other in a circle."""


class Kind(Enum):
    TERMINAL = 0
    SKIP = 1
    EFFECT = 2


class Place(NamedTuple):
    """A rule by table (position in the ruleset), chain and index; index -1 is the chain's policy. A tuple, since every analysis
    keeps dictionaries of them."""

    table: int
    chain: str
    index: int  # type: ignore[assignment]  # hides the method of tuples, which nobody needs here


class Entry:
    """`target` is the position that a SKIP continues at."""

    __slots__ = ("boxes", "kind", "outcome", "place", "target")

    def __init__(
        self, kind: Kind, boxes: tuple[Box, ...], outcome: Effect | None, place: Place, target: int = 0
    ) -> None:
        self.kind = kind
        self.boxes = boxes
        self.outcome = outcome
        self.place = place
        self.target = target


class Head:
    """One rule in one activation: its boxes there, and the position of its first entry."""

    __slots__ = ("at", "boxes", "place")

    def __init__(self, place: Place, boxes: tuple[Box, ...], at: int) -> None:
        self.place = place
        self.boxes = boxes
        self.at = at


class Program:
    """`empty` are rules that no packet can match in some activation (their own condition, or the calls that lead there)."""

    def __init__(self, dimensions: Dimensions) -> None:
        self.dimensions = dimensions
        self.entries: list[Entry] = []
        self.heads: list[Head] = []
        self.empty: set[Place] = set()
        self.bounds: list[int] = []  # where the second and later base chains begin


class Label:
    """A position that is not known yet, and the SKIP entries that wait for it."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: list[Entry] = []


class Source:
    """A ruleset seen from one family: what unfolding needs to look up, computed once."""

    def __init__(self, ruleset: Ruleset, translator_sets: Mapping[int, Translator], family: Family) -> None:
        self.ruleset = ruleset
        self.translators = translator_sets
        self.family = family
        self.chains = [{chain.name: chain for chain in reversed(table.chains)} for table in ruleset.tables]
        self._read: dict[int, frozenset[Field]] = {}
        self._writes: dict[int, bool] = {}

    def fields_read(self, table: int) -> frozenset[Field]:
        """The fields that conditions of the table look at; writing another field changes no decision."""
        found = self._read.get(table)
        if found is None:
            found = self._read[table] = _fields_read(self.ruleset.tables[table])
        return found

    def writes(self, table: int) -> bool:
        """Whether actions of the table change fields of a packet."""
        found = self._writes.get(table)
        if found is None:
            rules = (rule for chain in self.ruleset.tables[table].chains for rule in chain.rules if rule.actions)
            found = self._writes[table] = any(written(action) for rule in rules for action in rule.actions)
        return found


def _fields_read(table: Table) -> frozenset[Field]:
    out: set[Field] = set()
    for chain in table.chains:
        for rule in chain.rules:
            if isinstance(rule.verdict, VerdictMap):
                out.update(rule.verdict.fields)
            for node in match_nodes(rule.match):
                if isinstance(node, FieldIn | MaskedIn):
                    out.add(node.field)
                elif isinstance(node, TupleIn | SetRef):
                    out.update(node.fields)
    return frozenset(out)


def filled_sets(ruleset: Ruleset) -> frozenset[str]:
    """The sets that rules of the ruleset add to or delete from."""
    return frozenset(
        action.set
        for table in ruleset.tables
        for chain in table.chains
        for rule in chain.rules
        if rule.actions
        for action in rule.actions
        if isinstance(action, AddToSet)
    )


def fixed_sets(table: Table) -> dict[str, NamedSet]:
    return {each.name: each for each in table.sets if not each.runtime}


def sees(table: Table, family: Family) -> bool:
    """Whether packets of the family pass the table's chains."""
    if table.family == "ip":
        return family is Family.V4
    if table.family == "ip6":
        return family is Family.V6
    return table.family != "arp"


def base_chains(ruleset: Ruleset, family: Family) -> dict[tuple[str, Hook, str], list[tuple[int, Chain]]]:
    """The base chains that see packets of `family`, by (layer, hook, device), in the order in which the packet meets them."""
    out: dict[tuple[str, Hook, str], list[tuple[int, Chain]]] = {}
    for at, table in enumerate(ruleset.tables):
        if not sees(table, family):
            continue
        layer = "bridge" if table.family == "bridge" else "ip"
        for chain in table.chains:
            if chain.base is not None:
                out.setdefault((layer, chain.base.hook, chain.base.device), []).append((at, chain))
    for chains in out.values():
        chains.sort(key=lambda item: item[1].base.priority if item[1].base else 0)
    return out


def unfold(
    source: Source, chains: Sequence[tuple[int, Chain]], context: Box = (), *, answered: bool = False
) -> Program:
    """The program of base chains that a packet meets one after the other: an accept leads into the next, a drop is final.

    With `answered` an unstable condition of a call counts as answered once for all rules that the call leads to, by an atom of
    its own; that is for questions about one program, not for comparing two. Raises ProgramTooLarge.
    """
    first = source.translators[chains[0][0]] if chains else next(iter(source.translators.values()))
    builder = _Builder(source, first.dimensions)
    builder.answered = answered
    for number, (table, chain) in enumerate(chains):
        builder.base(table, chain, context, last=number == len(chains) - 1)
    return builder.program


def unfold_chain(source: Source, table: int, chain: Chain) -> Program:
    """The program of one chain on its own: calls are passed over, RETURN ends the chain. What is dead here is dead in every
    context."""
    builder = _Builder(source, source.translators[table].dimensions, follow=False)
    builder.table = table
    builder.activation(chain, ((),), Label(), 0)
    return builder.program


class _Builder:
    def __init__(self, source: Source, dimensions: Dimensions, *, follow: bool = True) -> None:
        self.source = source
        self.follow = follow
        self.answered = False
        self.program = Program(dimensions)
        self.dimensions = dimensions
        self.table = 0
        self.next_base: Label | None = None
        self._writes: dict[Field, int] = {}
        self._versions: Versions = ()
        self._active: list[str] = []
        self._size = 0
        self._fills = 0
        self._buckets: dict[int, dict[Place, int]] = {}
        self._asked: dict[object, list[tuple[Place, Box, int]]] = {}
        self._asked_late: dict[tuple[object, Place], int] = {}
        self._translated: list[Field] = []
        self._tcp = dimensions.box(next(iter(source.translators.values())).dimension(Field.PROTOCOL), IntervalSet.of(6))

    def base(self, table: int, chain: Chain, context: Box, *, last: bool) -> None:
        assert chain.base is not None
        self.table = table
        self.next_base = None if last else Label()
        end = Label()
        self.activation(chain, (context,), end, 0)
        self._resolve(end)
        place = Place(table, chain.name, -1)
        if last or not isinstance(chain.base.policy, Accept):
            self._end(chain.base.policy, ((),), place)
        if self.next_base is not None:
            self._resolve(self.next_base)
            self.program.bounds.append(len(self.program.entries))
        self._wrote(self._translated)  # a translated packet leaves the chain: only later chains see its new addresses
        self._translated = []

    def _resolve(self, label: Label) -> None:
        for entry in label.waiting:
            entry.target = len(self.program.entries)

    def _add(self, kind: Kind, boxes: tuple[Box, ...], outcome: Effect | None, place: Place) -> Entry:
        entry = Entry(kind, boxes, outcome, place)
        self.program.entries.append(entry)
        self._size += len(boxes)
        if self._size > MAX_PROGRAM:
            raise ProgramTooLarge
        return entry

    def _skip(self, boxes: tuple[Box, ...], label: Label, place: Place) -> None:
        label.waiting.append(self._add(Kind.SKIP, boxes, None, place))

    # ----- chains ------------------------------------------------------------

    def activation(self, chain: Chain, context: tuple[Box, ...], end: Label, depth: int) -> None:
        """The chain's rules for the packets of `context`. RETURN leads to `end`, and so does falling off the end of a chain that
        was entered by goto."""
        if depth > MAX_NESTING or chain.name in self._active:
            raise ProgramTooLarge
        self._active.append(chain.name)
        translator = self.source.translators[self.table]
        name, table = chain.name, self.table
        top = context == ((),)
        unstable = self.dimensions.unstable  # grows while rules are translated
        for index, rule in enumerate(chain.rules):
            place = Place(table, name, index)
            boxes: tuple[Box, ...] | None = None
            if not (top or unstable or self._versions) and len(context) == 1:
                boxes = translator.within(context[0], rule.match)
            if boxes is None or unstable:
                boxes = translator.boxes(rule.match, self._versions)
                if unstable:
                    boxes = self._own_bucket(boxes, place, context)
                if not top:
                    boxes = self._meet(context, boxes)
            if not boxes:
                self.program.empty.add(place)
                continue
            self.program.heads.append(Head(place, boxes, len(self.program.entries)))
            if rule.actions:
                self._actions(rule, boxes, place)
            verdict = rule.verdict
            if type(verdict) is Goto and self._nothing_behind(chain.rules, index, boxes):
                verdict = Jump(verdict.chain)
            if type(verdict) is Drop or (type(verdict) is Accept and self.next_base is None):
                self._add(Kind.TERMINAL, boxes, verdict, place)
                continue
            self._verdict(verdict, boxes, place, end, depth)
            if len(self.program.entries) == self.program.heads[-1].at and self.program.heads[-1].place is place:
                self._add(Kind.EFFECT, (), None, place)  # a position of its own, before any label that follows
        self._active.pop()

    def _own_bucket(self, boxes: tuple[Box, ...], place: Place, context: tuple[Box, ...]) -> tuple[Box, ...]:
        """Two rules with the same rate have a bucket each: the second rule's atom is another one, unless they share by name."""
        unstable = self.dimensions.unstable
        if not any(c >> SHIFT in unstable for box in boxes for c in box):
            return boxes
        out = []
        for box in boxes:
            new = []
            for c in box:
                dimension = self.dimensions.dimensions[c >> SHIFT]
                if not dimension.unstable or _shared_by_name(dimension.key):
                    new.append(c)
                    continue
                if isinstance(dimension.key, Chance):
                    number = self._draw(dimension, box, place, context)
                    new.extend(self._numbered(dimension, c, number))
                    continue
                asked = place
                if _is_set(dimension.key):  # a packet finds a set as it was until a rule fills one on its way
                    asked = Place(-1, "fills", self._fills)
                elif isinstance(dimension.key, WithinRate) and dimension.key.name:
                    asked = self._named_bucket(dimension.key, box, place, context)
                    dimension, c = self._unnamed(dimension.key, dimension, c)
                rules = self._buckets.setdefault(dimension.index, {})
                new.extend(self._numbered(dimension, c, rules.setdefault(asked, len(rules))))
            out.append(tuple(sorted(new)))
        return tuple(out)

    def _numbered(self, dimension: Dimension, c: int, number: int) -> Box:
        if not number:
            return (c,)
        key = ("bucket", number, dimension.key)
        return self.dimensions.atom(key, dimension.name, self.dimensions.runs[c][0][0], unstable=True)

    def _draw(self, dimension: Dimension, box: Box, place: Place, context: tuple[Box, ...]) -> int:
        """Which draw it is for the packets of a box: chance has no memory, so rules that no packet meets both may share one."""
        return self._time_asked(dimension.index, box, place, context)

    def _named_bucket(self, rate: WithinRate, box: Box, place: Place, context: tuple[Box, ...]) -> Place:
        """Where a bucket with a name stands: in all rules that use it, as long as no packet is counted twice."""
        again = self._time_asked(rate, box, place, context)
        return place if again else Place(-1, rate.name, 0)

    def _unnamed(self, rate: WithinRate, dimension: Dimension, c: int) -> tuple[Dimension, int]:
        key = dataclasses.replace(rate, name="")
        (c,) = self.dimensions.atom(key, dimension.name, self.dimensions.runs[c][0][0], unstable=True)
        return self.dimensions.dimensions[c >> SHIFT], c

    def _time_asked(self, what: object, box: Box, place: Place, context: tuple[Box, ...]) -> int:
        """How often rules at other places may have asked the packets of a box the same before."""
        asked = self._asked.setdefault(what, [])
        if len(asked) > MOST_ASKED:
            return self._asked_late.setdefault((what, place), MOST_ASKED + len(self._asked_late))
        regions = self._meet(context, (self.dimensions.loosen(box),))
        number = 0
        for other, region, taken in asked:
            if other != place and any(self.dimensions.meet(region, mine) is not None for mine in regions):
                number = max(number, taken + 1)
        asked += [(place, self.dimensions.loosen(region), number) for region in regions]
        return number

    def _answers_of_call(self, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        number = len(self.program.heads)
        dimensions = self.dimensions
        out = []
        for box in boxes:
            new: list[int] = []
            for c in box:
                asked = dimensions.dimensions[c >> SHIFT]
                if asked.unstable:
                    key = ("answer", number, asked.key)
                    new.extend(dimensions.atom(key, asked.name, dimensions.runs[c][0][0], unstable=False))
                else:
                    new.append(c)
            out.append(tuple(sorted(new)))
        return tuple(out)

    def _meet(self, left: tuple[Box, ...], right: tuple[Box, ...]) -> tuple[Box, ...]:
        meet = self.dimensions.meet
        if len(left) == 1 and len(right) == 1:
            both = meet(left[0], right[0])
            return () if both is None else (both,)
        if len(left) * len(right) > MAX_PROGRAM:
            raise ProgramTooLarge
        found = [meet(a, b) for a in left for b in right]
        return tuple(dict.fromkeys(b for b in found if b is not None))

    # ----- actions -----------------------------------------------------------

    def _actions(self, rule: Rule, boxes: tuple[Box, ...], place: Place) -> None:
        for action in rule.actions:
            if isinstance(action, Count):
                continue
            where = boxes
            if isinstance(action, Log):
                if action.rate is not None:
                    own = Place(
                        place.table, place.chain, -2 - place.index
                    )  # not the bucket that the rule itself may have
                    rate = self._own_bucket(self.source.translators[self.table].boxes(action.rate), own, boxes)
                    where = self._meet(boxes, rate)
                action = plain_log(action)
            self._add(Kind.EFFECT, where, action, place)
            self._fills += isinstance(action, AddToSet)
            self._wrote(written(action))

    def _wrote(self, fields: Iterable[Field]) -> None:
        for field in fields:
            if any(field in self.source.fields_read(t) for t in range(len(self.source.ruleset.tables))):
                self._writes[field] = self._writes.get(field, 0) + 1
                self._versions = tuple(self._writes.items())

    # ----- verdicts ----------------------------------------------------------

    def _verdict(self, verdict: Verdict, boxes: tuple[Box, ...], place: Place, end: Label, depth: int) -> None:
        if isinstance(verdict, _ENDS):
            self._end(verdict, boxes, place)
        elif isinstance(verdict, Return):
            self._skip(boxes, end, place)
        elif isinstance(verdict, Jump | Goto):
            self._call(verdict, boxes, place, end, depth)
        elif isinstance(verdict, VerdictMap):
            for inside, (_, each) in zip(self._entries(verdict, boxes), verdict.entries, strict=True):
                if inside:
                    self._verdict(each, inside, place, end, depth)
        else:
            assert isinstance(verdict, Continue)

    def _entries(self, verdict: VerdictMap, boxes: tuple[Box, ...]) -> Sequence[tuple[Box, ...]]:
        """The packets of `boxes` that each entry of the map holds for."""
        elements = self.source.translators[self.table].elements
        keys = [key for key, _ in verdict.entries]
        try:
            if len(boxes) == 1:
                return elements(verdict.fields, keys, self._versions, boxes[0])
            return [self._meet(boxes, union) for union in elements(verdict.fields, keys, self._versions)]
        except TooManyBoxes:
            raise ProgramTooLarge from None

    def _end(self, verdict: Verdict, boxes: tuple[Box, ...], place: Place) -> None:
        if isinstance(verdict, NAT):
            self._add(Kind.EFFECT, boxes, verdict, place)
            self._translated.extend(written(verdict))
            verdict = Accept()
        if isinstance(verdict, Accept) and self.next_base is not None:
            self._skip(boxes, self.next_base, place)
        elif isinstance(verdict, Reject):
            for where, kind in self._answers(verdict.kind, boxes):
                self._add(Kind.TERMINAL, where, Reject(kind), place)
        elif isinstance(verdict, OpaqueVerdict) and verdict.terminal is None:
            atom = self.dimensions.atom(("ends", verdict), f"{verdict.text} ends the chain", 1, unstable=True)
            self._add(Kind.TERMINAL, self._meet(boxes, (atom,)), verdict, place)
            self._add(Kind.EFFECT, boxes, verdict, place)
        else:
            self._add(Kind.TERMINAL, boxes, verdict, place)

    def _answers(self, kind: RejectKind, boxes: tuple[Box, ...]) -> list[tuple[tuple[Box, ...], RejectKind]]:
        """DEFAULT answers tcp with a reset and the rest with port unreachable; other kinds as this family spells them."""
        if kind is RejectKind.DEFAULT:
            out = [(self._meet(boxes, self._tcp), RejectKind.TCP_RESET)] if self._tcp else []
            if all(self._is_tcp(box) for box in boxes):
                return out
            return [*(pair for pair in out if pair[0]), (boxes, RejectKind.PORT_UNREACHABLE)]
        return [(boxes, _IN_FAMILY[self.source.family].get(kind, kind))]

    def _is_tcp(self, box: Box) -> bool:
        return self.dimensions.contains(self._tcp[0], box)

    def _call(self, verdict: Jump | Goto, boxes: tuple[Box, ...], place: Place, end: Label, depth: int) -> None:
        if not self.follow:
            return
        callee = self.source.chains[self.table].get(verdict.chain)
        if callee is None or callee.base is not None:
            raise ProgramTooLarge
        if self.answered and self.dimensions.unstable:
            boxes = self._answers_of_call(boxes)
        if isinstance(verdict, Jump):
            back = Label()
            self.activation(callee, boxes, back, depth + 1)
            self._resolve(back)
            return
        self.activation(callee, boxes, end, depth + 1)
        if not self._ends_all(boxes):
            self._skip(boxes, end, place)

    def _nothing_behind(self, rules: Sequence[Rule], index: int, boxes: tuple[Box, ...]) -> bool:
        """Whether the packets of the goto at `index` pass all rules behind it, as those of one branch of a tree pass the other
        branches: then it is as good as a jump, and nothing has to be said of the rest of the chain."""
        if len(rules) - index - 1 > MOST_BEHIND or self.dimensions.unstable or self.source.writes(self.table):
            return False
        boxes_of = self.source.translators[self.table].boxes
        apart = self.dimensions.apart
        behind = [box for rule in rules[index + 1 :] for box in boxes_of(rule.match, self._versions)]
        return len(behind) * len(boxes) <= MOST_BEHIND and all(apart(a, b) for a in boxes for b in behind)

    def _ends_all(self, boxes: tuple[Box, ...]) -> bool:
        """The last entry ends the way of every packet of `boxes`: nobody is left to fall off the end of the chain."""
        last = self.program.entries[-1] if self.program.entries else None
        return last is not None and last.kind is Kind.TERMINAL and last.boxes == boxes


_ENDS = (Accept, Drop, Reject, OpaqueVerdict, *NAT)

_IN_FAMILY: dict[Family, dict[RejectKind, RejectKind]] = {
    # what nft's icmpx and iptables' REJECT send for these words in the other family (nft_reject_inet.c)
    Family.V4: {
        RejectKind.NO_ROUTE: RejectKind.NET_UNREACHABLE,
        RejectKind.ADDRESS_UNREACHABLE: RejectKind.HOST_UNREACHABLE,
        RejectKind.POLICY_FAIL: RejectKind.ADMIN_PROHIBITED,
        RejectKind.REJECT_ROUTE: RejectKind.NET_UNREACHABLE,
    },
    Family.V6: {
        RejectKind.NET_UNREACHABLE: RejectKind.NO_ROUTE,
        RejectKind.HOST_UNREACHABLE: RejectKind.ADDRESS_UNREACHABLE,
        RejectKind.PROTO_UNREACHABLE: RejectKind.PORT_UNREACHABLE,
        RejectKind.HOST_PROHIBITED: RejectKind.ADMIN_PROHIBITED,
        RejectKind.NET_PROHIBITED: RejectKind.ADMIN_PROHIBITED,
    },
}

_LEVELS = {"": "warning", "warn": "warning", "4": "warning", "error": "err", "panic": "emerg"}


def _is_set(key: object) -> bool:
    return isinstance(key, tuple) and bool(key) and key[0] == "set"


def _shared_by_name(key: object) -> bool:
    """A count of connections, or a bucket for each address: both go by name, wherever they are asked."""
    return isinstance(key, WithinConnections | WithinRate) and bool(key.name) and key.per is not Per.ALL


def plain_log(log: Log) -> Log:
    """Without its rate, which is part of the entry's boxes, and with the level that all targets mean."""
    level = "" if log.nflog_group is not None else _LEVELS.get(log.level, log.level)
    return Log(log.prefix, level, log.nflog_group, size=log.size, threshold=log.threshold)


def written(effect: Effect) -> tuple[Field, ...]:
    """The fields that later conditions see changed."""
    match effect:
        case SetField(field):
            return (field,)
        case CopyMark(direction):
            return (Field.CT_MARK,) if direction == "save" else (Field.MARK,)
        case NoTrack():
            return (Field.CT_STATE,)
        case Tag():
            return (Field.PF_TAG,)
        case Dnat() | Redirect():
            return (Field.DADDR, Field.DPORT)
        case Snat() | Masquerade():
            return (Field.SADDR, Field.SPORT)
        case Netmap(field):
            return (field,)
        case OpaqueAction(writes=fields):
            return fields
        case _:
            return ()
