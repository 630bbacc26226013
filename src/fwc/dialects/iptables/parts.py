"""The words of single conditions and their places in a rule, and what a conjunction is split into."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fwc.dialects.iptables.hooks import chains_text, misplaced, taken_at
from fwc.dialects.iptables.tree import Words
from fwc.errors import FwcError
from fwc.net.hooks import Family, Hook
from fwc.records import Record

IFACE_LENGTH = 15

Part = tuple[int, Words]
"""Words of one condition, and where it stands in a rule: iptables-save prints -s -d -i -o -p, then matches as given."""
Alternative = tuple[Part, ...]

SOURCE, DESTINATION, IN, OUT, PROTOCOL, TRANSPORT = 0, 1, 2, 3, 4, 5
RANGE, LINK, HEADER, TRACKED, SET, SOCKET, FOREIGN, RATED, COMMENT = 10, 12, 14, 20, 30, 40, 50, 60, 70


class Inexpressible(FwcError):
    """iptables has no words for it. `feature` is a key of the capability table; `help` says what to write instead."""

    def __init__(self, feature: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.feature = feature
        self.message = message
        self.help = help


class Pieces(Record):
    """A conjunction split up. A packet is matched when all of `single` match, for each of `dims` one alternative does,
    none of `excepts` does, and then `stateful` (which may count the packet) does. Alternatives of a dim are disjoint."""

    single: tuple[Part, ...]
    dims: tuple[tuple[Alternative, ...], ...] = ()
    excepts: tuple[Alternative, ...] = ()
    stateful: tuple[Part, ...] = ()

    @property
    def count(self) -> int:
        """How many rules the product of the dims is."""
        total = 1
        for dim in self.dims:
            total *= len(dim)
        return total


class Place(Record):
    """Where the rule will stand: a table of one family, and the hooks whose builtin chains lead there."""

    family: Family
    table: str = "filter"
    hooks: frozenset[Hook] = frozenset()


def require_hooks(words: Words, place: Place, feature: str, doing: str, help: str) -> None:
    """Raise `Inexpressible` where iptables does not take a match or target, of which `doing` tells the user what it does."""
    allowed = taken_at(" ".join(words[:2]), words)
    if place.hooks - allowed:
        raise Inexpressible(feature, f"iptables {doing} in {chains_text(allowed)} only", help)


def require_taken(words: Words, place: Place) -> None:
    """Raise `Inexpressible` where words that the user wrote name a match or target that iptables does not take there."""
    for option, name in pairwise(words):
        problem = misplaced(f"{option} {name}", words, place.table, place.hooks) if option in ("-m", "-j") else ""
        if problem:
            raise Inexpressible("native", problem, "move the rule")


def in_order(parts: Sequence[Part]) -> Words:
    """The words of several conditions, in printing order."""
    out: list[str] = []
    if sum(1 for p in parts if p[0] == TRACKED) > 1:
        parts = _merged(parts)
    for _, words in sorted(parts, key=_rank):
        out.extend(words)
    return tuple(out)


def _rank(part: Part) -> int:
    return part[0]


def _merged(parts: Sequence[Part]) -> list[Part]:
    """Two conntrack conditions on different options share one match: `--ctstate DNAT --ctorigdstport 443`."""
    words: list[str] = []
    kept: list[Part] = []
    for part in parts:
        options = [w for w in part[1] if w.startswith("--ct")]
        if part[0] != TRACKED or part[1][1] != "conntrack" or any(o in words for o in options):
            kept.append(part)
        else:
            words.extend(part[1] if not words else part[1][2:])
    kept.append((TRACKED, tuple(words)))
    return kept


def span_text(low: int, high: int) -> str:
    """`80` or `80:90`."""
    return str(low) if low == high else f"{low}:{high}"
