"""pf's tags. A packet carries one from the leg coming in to the leg going out, and a state gives its own to every
packet.

Going out the tag of a packet is known by the way it took: for each tag that is tested there the leg has a chain of
its own, in which these tests are decided. What has to outlast the packet stands in the connection's mark: the tag
that rdr gave, and that of each state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from fwc.ir.match import Field, FieldIn, MaskedIn, Match, Not
from fwc.ir.model import Rule
from fwc.ir.verdict import Tag
from fwc.ir.walk import map_leaves, match_nodes
from fwc.net.intervals import IntervalSet
from fwc.records import Record

_FIRST_BIT = 6
"""Those below are the states' own."""


class Tags(Record):
    """`names` are the tags that matter, numbered from 1; a number has `width` bits. `leaving` are those that the way
    out or a nat rule tests, `given` those that rdr rules give."""

    names: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return len(self.names).bit_length()

    def number(self, name: str) -> int:
        return self.names.index(name) + 1 if name in self.names else 0

    def mask(self, register: int) -> int:
        return ((1 << self.width) - 1) << self._shift(register)

    def value(self, name: str, register: int) -> int:
        return self.number(name) << self._shift(register)

    def is_in(self, name: str, register: int) -> Match:
        return MaskedIn(Field.CT_MARK, self.mask(register), IntervalSet.of(self.value(name, register)))

    def _shift(self, register: int) -> int:
        return _FIRST_BIT + register * self.width

    def suffix(self, name: str) -> str:
        """What chains for packets with this tag are called by; none for those without."""
        if not name:
            return ""
        clean = re.sub(r"\W", "_", name, flags=re.ASCII)
        alike = [n for n in self.names if re.sub(r"\W", "_", n, flags=re.ASCII).lower() == clean.lower()]
        return f"_{clean}" if len(alike) == 1 else f"_{clean}{self.number(name)}"


GIVEN, INWARD_TAG, OUTWARD_TAG = 0, 1, 2
"""Registers: the tag that rdr gave, and those of the two states."""


def tested(matches: Iterable[Match]) -> set[int]:
    """The numbers (of the lift) of the tags that are asked for."""
    out: set[int] = set()
    for match in matches:
        for node in match_nodes(match):
            if isinstance(node, FieldIn) and node.field is Field.PF_TAG and isinstance(node.values, IntervalSet):
                out.update(value for low, high in node.values.runs for value in range(low, high + 1))
    return out


def tag_of(rule: Rule) -> str:
    return next((action.name for action in rule.actions if isinstance(action, Tag)), "")


def decide(match: Match, answer: Callable[[frozenset[int]], Match]) -> Match:
    """The condition with every test of the tag answered."""

    def leaf(match: Match) -> Match:
        match match:
            case FieldIn(Field.PF_TAG, IntervalSet() as values):
                return answer(frozenset(v for low, high in values.runs for v in range(low, high + 1)))
            case _:
                return match

    return map_leaves(match, leaf)


def negated_tests(match: Match) -> set[int]:
    """The tags that are asked for below a negation."""
    out: set[int] = set()
    for node in match_nodes(match):
        if isinstance(node, Not):
            out |= tested((node.match,))
    return out
