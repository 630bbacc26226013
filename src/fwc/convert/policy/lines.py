"""Steps as lines of a policy: traffic apart from the ends, families joined, neighbours that say the same merged."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from fwc.convert.policy.steps import Step
from fwc.convert.policy.terms import ANYTHING, Term, counts
from fwc.elaborate.verdicts import MULTICAST
from fwc.ir.model import Rule
from fwc.ir.verdict import (
    DROP,
    Accept,
    Action,
    Continue,
    Dnat,
    Drop,
    Goto,
    Jump,
    Log,
    Masquerade,
    Redirect,
    Reject,
    RejectKind,
    Snat,
    Verdict,
)
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import TCP
from fwc.records import Record


class Box(Record):
    """One alternative of the traffic: protocols with the ports or ICMP types that narrow them; None is no condition."""

    protocols: IntervalSet | None = None
    sport: IntervalSet | None = None
    dport: IntervalSet | None = None
    icmp: IntervalSet | None = None
    icmpv6: IntervalSet | None = None


ANY_BOX = Box()


class Line(Record):
    """One statement to be. `ends` is a term without traffic, `boxes` are the traffic. `notes` are the comment lines that
    the source has above its rules."""

    ends: Term
    boxes: tuple[Box, ...]
    actions: tuple[Action, ...]
    verdict: Verdict
    comment: str = ""
    label: str = ""
    rules: tuple[Rule, ...] = dataclasses.field(compare=False, default=())
    notes: tuple[str, ...] = dataclasses.field(compare=False, default=())

    @property
    def families(self) -> frozenset[Family]:
        return self.ends.families

    @property
    def final(self) -> bool:
        return isinstance(self.verdict, Accept | Drop | Reject)

    @property
    def decides(self) -> bool:
        """Whether no later rule of its chain sees the packets."""
        return self.final or isinstance(self.verdict, Masquerade | Snat | Dnat | Redirect)

    @property
    def whole(self) -> bool:
        """Every packet of its families."""
        return self.boxes == (ANY_BOX,) and dataclasses.replace(self.ends, families=ANYTHING.families) == ANYTHING


MOST_PROTOCOLS = 40
"""Protocols that a list names; "all but tcp" is more."""


def line_of(step: Step, dialect: str) -> Line:
    """The step as a line; `dialect` is that of the source, for what has words there and none in the language."""
    term = step.term
    if (
        term.protocols is not None
        and term.protocols.size() > MOST_PROTOCOLS
        and term.sport is None
        and term.dport is None
    ):
        term = dataclasses.replace(term, protocols=None, said=(*term.said, *_no_protocols(term.protocols, dialect)))
    box = Box(term.protocols, term.sport, term.dport, term.icmp, term.icmpv6)
    if box.icmp is not None or box.icmpv6 is not None:
        box = dataclasses.replace(box, protocols=None)
    ends = dataclasses.replace(term, protocols=None, sport=None, dport=None, icmp=None, icmpv6=None)
    actions = step.actions
    if ends.rate is not None and isinstance(step.verdict, Continue) and all(isinstance(a, Log) for a in actions):
        actions = tuple(dataclasses.replace(a, rate=ends.rate) for a in actions if isinstance(a, Log))
        ends = dataclasses.replace(ends, rate=None)
    return Line(ends, (box,), actions, step.verdict, step.comment, step.label, step.rules)


def _no_protocols(values: IntervalSet, dialect: str) -> list[str]:
    rest = values.complement(8)
    if dialect == "iptables":
        return [f'native iptables """! -p {number}"""' for number in rest]
    return [f'native nft """meta l4proto != {number}"""' for number in rest]


# ----- both families -------------------------------------------------------------


def joined(v4: Sequence[Line], v6: Sequence[Line]) -> list[Line]:
    """One list in which each family finds its own lines in its own order; lines that say the same in both are one."""
    if not v4 or not v6:
        return list(v4 or v6)
    pairs = common([_key(line) for line in v4], [_key(line) for line in v6])
    out: list[Line] = []
    i = j = 0
    for a, b in [*pairs, (len(v4), len(v6))]:
        out += v4[i:a]
        out += v6[j:b]
        if a < len(v4):
            out.append(_both(v4[a], v6[b]))
        i, j = a + 1, b + 1
    return out


def _ping(kind: int, version: Family) -> tuple[Box, ...]:
    types = IntervalSet.range(kind << 8, kind << 8 | 255)
    return (Box(icmp=types) if version is Family.V4 else Box(icmpv6=types),)


_PINGS = {
    _ping(8, Family.V4): "request",
    _ping(128, Family.V6): "request",
    _ping(0, Family.V4): "reply",
    _ping(129, Family.V6): "reply",
}
"""Echo requests and replies, which are one thing to a person and two numbers to the families (RFC 792, RFC 4443)."""


def _key(line: Line) -> object:
    """What makes two lines of different families the same: equal, or of one rule of the source."""
    ends = dataclasses.replace(line.ends, families=ANYTHING.families, names=())
    ping = _PINGS.get(line.boxes)
    if ping and not _addressed(ends):
        return (ends, ping, line.actions, line.verdict, line.comment, line.label)
    if line.rules and _addressed(ends) and all(b.icmp is None and b.icmpv6 is None for b in line.boxes):
        ends = dataclasses.replace(ends, saddr=None, daddr=None)
        return (tuple(id(r) for r in line.rules), ends, line.boxes, line.actions, line.verdict)
    return (ends, line.boxes, line.actions, line.verdict, line.comment, line.label)


def _addressed(ends: Term) -> bool:
    return ends.saddr is not None or ends.daddr is not None


def _both(a: Line, b: Line) -> Line:
    one, two = a.ends, b.ends
    ends = dataclasses.replace(
        one,
        families=one.families | two.families,
        saddr=_sum(one.saddr, two.saddr),
        daddr=_sum(one.daddr, two.daddr),
        not_saddr=one.not_saddr | two.not_saddr,
        not_daddr=one.not_daddr | two.not_daddr,
        names=tuple(dict.fromkeys(one.names + two.names)),
    )
    boxes = a.boxes if a.boxes == b.boxes else a.boxes + b.boxes
    return dataclasses.replace(a, ends=ends, boxes=boxes, rules=tuple({id(r): r for r in a.rules + b.rules}.values()))


def _sum(a: AddressSet | None, b: AddressSet | None) -> AddressSet | None:
    return None if a is None or b is None else a | b


def common(left: Sequence[object], right: Sequence[object]) -> list[tuple[int, int]]:
    """Pairs of equal items, increasing on both sides: the equal beginning and end, and between them the longest common
    sequence where that is short enough to look for, else what a greedy walk finds."""
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    a, b = left[start : len(left) - end], right[start : len(right) - end]
    middle = _longest(a, b) if len(a) * len(b) <= 250_000 else _greedy(a, b)
    head = [(n, n) for n in range(start)]
    tail = [(len(left) - end + n, len(right) - end + n) for n in range(end)]
    return [*head, *((i + start, j + start) for i, j in middle), *tail]


def _longest(a: Sequence[object], b: Sequence[object]) -> list[tuple[int, int]]:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            table[i][j] = table[i + 1][j + 1] + 1 if a[i] == b[j] else max(table[i + 1][j], table[i][j + 1])
    out, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            out.append((i, j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return out


def _greedy(a: Sequence[object], b: Sequence[object]) -> list[tuple[int, int]]:
    places: dict[object, int] = {}
    for j, item in enumerate(b):
        places.setdefault(item, j)
    out: list[tuple[int, int]] = []
    for i, item in enumerate(a):
        found = places.get(item)
        if found is not None and (not out or found > out[-1][1]):
            out.append((i, found))
    return out


# ----- neighbours ----------------------------------------------------------------


def merged(lines: Sequence[Line]) -> list[Line]:
    """Fewer lines: a log and the verdict behind it are one, neighbours that differ in one field are one."""
    out: list[Line] = []
    for line in lines:
        found = line
        while out:
            both = _logged(out[-1], found) or _neighbours(out[-1], found)
            if both is None:
                break
            out.pop()
            found = both
        out.append(found)
    return out


def _logged(log: Line, line: Line) -> Line | None:
    """`deny ... log`: a log line of the same packets just before."""
    if line.actions or line.notes or not line.final or counts(line.ends) or counts(log.ends):
        return None
    if not isinstance(log.verdict, Continue) or len(log.actions) != 1 or not isinstance(log.actions[0], Log):
        return None
    if log.actions[0].rate is not None and isinstance(line.verdict, Reject):
        return None  # a refusal is two rules, one for multicast, and each would count for itself
    if _bare(log.ends) != _bare(line.ends) or log.boxes != line.boxes or (log.comment and line.comment != log.comment):
        return None
    return dataclasses.replace(
        line, actions=log.actions, comment=line.comment or log.comment, rules=log.rules + line.rules, notes=log.notes
    )


def _bare(ends: Term) -> Term:
    return dataclasses.replace(ends, names=())


def _neighbours(a: Line, b: Line) -> Line | None:
    calls = isinstance(a.verdict, Jump | Goto) and not a.actions
    if b.notes or not (a.decides or calls) or _counts(a) or _counts(b):
        return None
    refused = _refused(a, b)
    if refused is not None:
        return refused
    if (a.actions, a.verdict, a.comment, a.label) != (b.actions, b.verdict, b.comment, b.label):
        return None
    one, two = _bare(a.ends), _bare(b.ends)
    rules, names = a.rules + b.rules, tuple(dict.fromkeys(a.ends.names + b.ends.names))
    if one == two and not calls:
        boxes = tuple(dict.fromkeys(a.boxes + b.boxes))
        return dataclasses.replace(a, boxes=(ANY_BOX,) if ANY_BOX in boxes else boxes, rules=rules)
    if a.boxes != b.boxes:
        return _of_two_families(a, b, one, two)
    for field in ("saddr", "daddr"):
        mine, other = getattr(one, field), getattr(two, field)
        apart = mine is not None and other is not None and not (calls and mine & other)
        if apart and _without(one, field) == _without(two, field):
            return dataclasses.replace(
                a,
                ends=dataclasses.replace(
                    a.ends, **{field: mine | other}, families=one.families | two.families, names=names
                ),
                rules=rules,
            )
    if calls:
        return None
    if one.states is not None and two.states is not None and _without(one, "states") == _without(two, "states"):
        return dataclasses.replace(a, ends=dataclasses.replace(a.ends, states=one.states | two.states), rules=rules)
    for field in ("iif", "oif"):
        mine, other = getattr(one, field), getattr(two, field)
        if mine is None or other is None or mine.negated or other.negated:
            continue
        if _without(one, field) == _without(two, field):
            both = type(mine).of([*mine.texts(), *other.texts()])
            if "lo" not in both.names:
                return dataclasses.replace(a, ends=dataclasses.replace(a.ends, **{field: both}), rules=rules)
    return None


def _refused(a: Line, b: Line) -> Line | None:
    """A reset for TCP and port unreachable for the rest is what `reject` answers; and it answers no multicast, so that a drop of
    multicast before it need not be said."""
    if not isinstance(b.verdict, Reject) or (a.comment, a.label) != (b.comment, b.label):
        return None
    one, two = _bare(a.ends), _bare(b.ends)
    rules = a.rules + b.rules
    if a.verdict == Reject(RejectKind.TCP_RESET) and b.verdict == Reject(RejectKind.PORT_UNREACHABLE):
        tcp = Box(IntervalSet.of(TCP))
        if one == two and a.actions == b.actions and a.boxes == (tcp,) and b.boxes == (ANY_BOX,):
            return dataclasses.replace(b, verdict=Reject(), rules=rules, notes=a.notes)
    quiet = a.verdict == DROP and a.boxes == b.boxes and one.daddr is not None and one.daddr <= MULTICAST
    if quiet and a.actions == b.actions and two.daddr is None and _without(one, "daddr") == _without(two, "daddr"):
        return dataclasses.replace(b, rules=rules, notes=a.notes) if one.daddr == _multicast(one) else None
    return None


def _multicast(ends: Term) -> AddressSet:
    (*only,) = ends.families
    return MULTICAST.only(only[0]) if len(only) == 1 else MULTICAST


def _without(ends: Term, field: str) -> Term:
    changes: dict[str, Any] = {field: None}
    return dataclasses.replace(ends, **changes)


def _of_two_families(a: Line, b: Line, one: Term, two: Term) -> Line | None:
    """icmp for IPv4 and icmpv6 for IPv6, so that `ping` is one statement."""
    if one.families & two.families or dataclasses.replace(one, families=two.families) != two or _addressed(one):
        return None
    if all(box.icmp is not None for box in a.boxes) and all(box.icmpv6 is not None for box in b.boxes):
        ends = dataclasses.replace(a.ends, families=one.families | two.families)
        return dataclasses.replace(a, ends=ends, boxes=a.boxes + b.boxes, rules=a.rules + b.rules)
    return None


def _counts(line: Line) -> bool:
    """Whether it has a bucket, which two rules do not share."""
    return counts(line.ends) or any(isinstance(a, Log) and a.rate is not None for a in line.actions)


def pruned(lines: Sequence[Line]) -> list[Line]:
    """Lines up to the first that decides every packet of all families: what stands behind it never runs."""
    out: list[Line] = []
    decided: frozenset[Family] = frozenset()
    for line in lines:
        if line.families <= decided:
            continue
        out.append(line)
        if line.final and line.whole:
            decided |= line.families
    return out
