"""Names: which are reserved, which was probably meant, and in what order declarations that name each other resolve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

RESERVED = frozenset(
    """any self from to in if and not except unless with as for else allow deny reject tcp udp udplite sctp dccp icmp icmpv6
    proto v4 v6 use default""".split()  # noqa: SIM905  # one word after another reads better
)
"""Words that cannot be names."""

LONGEST_SUGGESTION = 64
"""Names beyond this length get no suggestion: comparing them costs more than it helps."""


MOST_CYCLES = 20
"""Cycles listed in one run; finding each costs the length of the path."""


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """The candidate that `name` probably meant, or "": the nearest within one edit for short names, two for longer ones.

    An edit inserts, deletes or replaces a character or swaps two neighbours. Ties go to one with
    the same first letter, then to the alphabetically first.
    """
    if len(name) > LONGEST_SUGGESTION:
        return ""
    budget = 1 if len(name) < 5 else 2
    best, best_distance = "", budget + 1
    letters = set(name)
    for candidate in sorted(candidates, key=lambda c: (c[:1] != name[:1], c)):
        if (
            abs(len(candidate) - len(name)) >= best_distance
            or len(letters.symmetric_difference(candidate)) > 2 * budget
        ):
            continue
        distance = edit_distance(name, candidate, best_distance - 1)
        if distance < best_distance:
            best, best_distance = candidate, distance
            if distance <= 1:
                break
    return best


def edit_distance(left: str, right: str, limit: int) -> int:
    """The number of edits between two words (optimal string alignment), or `limit + 1` when there are more."""
    if left == right:
        return 0
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        new = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        if min(new) > limit:
            return limit + 1
        before, row = row, new
    return min(row[-1], limit + 1)


def dependency_order(
    names: Iterable[str], needs: Callable[[str], Sequence[str]]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Names so that each comes after those it needs, and the cycles that were cut (`a, b, c, a`).

    Iterative: a chain of 10,000 groups must not exhaust the stack. Names outside `names` are skipped.
    """
    known = dict.fromkeys(names)
    done: list[str] = []
    cycles: list[tuple[str, ...]] = []
    marks: dict[str, int] = {}
    for root in known:
        if root in marks:
            continue
        marks[root] = 1
        path = [root]
        pending = [iter(needs(root))]
        while path:
            child = next(pending[-1], None)
            if child is None:
                pending.pop()
                name = path.pop()
                marks[name] = 2
                done.append(name)
            elif child in known and child not in marks:
                marks[child] = 1
                path.append(child)
                pending.append(iter(needs(child)))
            elif marks.get(child) == 1 and len(cycles) < MOST_CYCLES:
                cycles.append((*path[path.index(child) :], child))
    return done, cycles
