"""Exact search inside one box: is every packet of it fine, given which of the candidate boxes hold the packet?

The values of a dimension fall into classes, by the set of candidates that hold them. The search assigns one dimension after
the other, keeping the candidates that still hold, memoises on that set, and stops as soon as the set decides. It is an interval
decision diagram built on the fly inside the box; `performance.md` has its measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fwc.space.fields import SHIFT, Box, Dimensions, Point, Runs

NODES = 50_000
"""How many search nodes one question may take; beyond it the answer is "undetermined", never a finding."""

_CLASSES_A_NODE = 16
"""A node that tries more classes of values than this counts as several: what a question may take is bounded in time."""

Decide = Callable[[int, int], bool | None]
"""Given the candidates that may hold the packet and those among them that do for certain: True when every such packet is fine,
False when none is, None when it depends. When both sets are equal the answer must not be None."""


class BudgetSpent(Exception):
    """The question was not decided within its budget of nodes."""


def search(
    dimensions: Dimensions,
    box: Box,
    candidates: Sequence[Box],
    decide: Decide,
    *,
    monotone: bool = False,
    nodes: int = NODES,
) -> Point | None:
    """A packet of `box` that is not fine, or None when all are. Candidate i is bit i.

    `monotone` promises that more candidates never make a fine packet not fine; then only minimal classes are tried.
    Raises BudgetSpent.
    """
    axes, always = _axes(dimensions, box, candidates)
    axes.sort(key=lambda axis: len(axis[1]))
    if monotone:
        axes = [(d, _minimal(classes), spans) for d, classes, spans in axes]
    depth = len(axes)
    certain = [0] * (depth + 1)
    certain[depth] = (1 << len(candidates)) - 1
    for at in range(depth - 1, -1, -1):
        certain[at] = certain[at + 1] & axes[at][2]
    fine: set[tuple[int, int]] = set()
    path: list[int] = [0] * depth
    spent = 0

    def bad(alive: int, at: int) -> bool:
        nonlocal spent
        verdict = decide(alive, alive & certain[at])
        if verdict is not None:
            for rest in range(at, depth):
                path[rest] = next(iter(axes[rest][1].values()))
            return not verdict
        key = (alive, at)
        if key in fine:
            return False
        spent += 1 + len(axes[at][1]) // _CLASSES_A_NODE
        if spent > nodes:
            raise BudgetSpent
        below: dict[int, int] = {}
        for mask, value in axes[at][1].items():
            below.setdefault(alive & mask, value)
        if monotone and len(below) > 1:
            below = _minimal(below)
        for rest_alive, value in below.items():
            path[at] = value
            if bad(rest_alive, at + 1):
                path[at] = value
                return True
        fine.add(key)
        return False

    if not bad(always, 0):
        return None
    point = dimensions.corner(box)
    for at, (dimension, _, _) in enumerate(axes):
        point[dimension] = path[at]
    return point


def uncovered(dimensions: Dimensions, box: Box, cover: Sequence[Box], nodes: int = NODES) -> Point | None:
    """A packet of `box` that is in no box of `cover`, or None when they cover it. Raises BudgetSpent."""
    if len(cover) > MANY:
        return covering(dimensions, box, cover, nodes)[0]
    return _uncovered(dimensions, box, cover, nodes)


MANY = 256
"""Boxes from which on a cover is put together one by one instead of being searched as a whole."""

_MOST_CHOSEN = 512


def covering(
    dimensions: Dimensions, box: Box, cover: Sequence[Box], nodes: int = NODES, shares: Sequence[float] | None = None
) -> tuple[Point | None, list[int]]:
    """As `uncovered`; and where they cover the box, some of them (by index) that do so together.

    Few of many boxes are needed as a rule. So packets are looked for that the chosen ones leave out, and the largest box
    that holds such a packet is chosen next: what decides is the search among few. `shares` are those of the cover's boxes, for
    who asks about the same boxes more than once.
    """
    sizes = [share(dimensions, each) for each in cover] if shares is None else shares
    ranked = sorted(range(len(cover)), key=sizes.__getitem__, reverse=True)
    chosen = ranked[:16]
    while len(chosen) <= _MOST_CHOSEN:
        point = _uncovered(dimensions, box, [cover[k] for k in chosen], nodes)
        if point is None:
            return None, chosen
        hit = next((k for k in ranked if dimensions.holds(cover[k], point)), None)
        if hit is None:
            return point, []
        chosen.append(hit)
    return _uncovered(dimensions, box, cover, nodes), list(range(len(cover)))


def share(dimensions: Dimensions, box: Box) -> float:
    """About which part of all packets a box holds."""
    known = dimensions.shares
    part = 1.0
    for c in box:
        own = known.get(c)
        if own is None:
            values = sum(high - low + 1 for low, high in dimensions.runs[c])
            own = known[c] = values / (dimensions.dimensions[c >> SHIFT].top + 1)
        part *= own
    return part


def _uncovered(dimensions: Dimensions, box: Box, cover: Sequence[Box], nodes: int) -> Point | None:
    def decide(alive: int, certain: int) -> bool | None:
        if certain:
            return True
        return None if alive else False

    return search(dimensions, box, cover, decide, monotone=True, nodes=nodes)


def minimal_cover(dimensions: Dimensions, box: Box, groups: Sequence[Sequence[Box]], nodes: int = NODES) -> list[int]:
    """Indices of groups (rules) that together cover `box` and of which none can be left out; earlier groups are preferred.

    The union of all groups must cover `box`. Where a budget ends the group is kept, so the result always covers.
    """
    for at, group in enumerate(groups):
        if any(dimensions.contains(each, box) for each in group):
            return [at]
    kept = [k for k, group in enumerate(groups) if any(dimensions.meet(each, box) is not None for each in group)]
    chunk = max(1, len(kept) // 2)
    while True:  # leave out large parts first: a cover of few among thousands is found in few questions
        at = len(kept)
        while at > 0:
            low = max(0, at - chunk)
            fewer = kept[:low] + kept[at:]
            if fewer and _covers(dimensions, box, groups, fewer, nodes):
                kept = fewer
            at = low
        if chunk == 1:
            return kept
        chunk //= 2


def _covers(dimensions: Dimensions, box: Box, groups: Sequence[Sequence[Box]], chosen: list[int], nodes: int) -> bool:
    try:
        return uncovered(dimensions, box, [b for k in chosen for b in groups[k]], nodes) is None
    except BudgetSpent:
        return False


def _axes(
    dimensions: Dimensions, box: Box, candidates: Sequence[Box]
) -> tuple[list[tuple[int, dict[int, int], int]], int]:
    """For each dimension that tells candidates apart inside `box`: its number, one value for each class of values, and the
    candidates that hold all of them. Then the candidates that meet the box at all."""
    runs_of = dimensions.runs
    own = {c >> SHIFT: c for c in box}
    groups: dict[int, dict[int, int]] = {}
    for bit, candidate in enumerate(candidates):
        for constraint in candidate:
            axis = groups.setdefault(constraint >> SHIFT, {})
            axis[constraint] = axis.get(constraint, 0) | 1 << bit
    every = (1 << len(candidates)) - 1
    meets = every
    out: list[tuple[int, dict[int, int], int]] = []
    for dimension in sorted(groups):
        mine = own.get(dimension)
        inside = runs_of[mine] if mine is not None else (dimensions.full(dimension),)
        constrained = 0
        for mask in groups[dimension].values():
            constrained |= mask
        classes = _classes(inside, [(runs_of[c], mask) for c, mask in groups[dimension].items()], every & ~constrained)
        spans = every
        somewhere = 0
        for mask in classes:
            spans &= mask
            somewhere |= mask
        meets &= somewhere
        if len(classes) > 1:
            out.append((dimension, classes, spans))
    return out, meets


def _classes(inside: Runs, values: list[tuple[Runs, int]], free: int) -> dict[int, int]:
    """The distinct sets of candidates over the values of `inside`, each with its first value."""
    lowest, highest = inside[0][0], inside[-1][1]
    toggles: dict[int, int] = {lowest: free}
    for runs, mask in values:
        for low, high in runs:
            if high < lowest:
                continue
            if low > highest:
                break
            start = low if low > lowest else lowest
            toggles[start] = toggles.get(start, 0) ^ mask
            if high < highest:
                toggles[high + 1] = toggles.get(high + 1, 0) ^ mask
    cuts = sorted(toggles)
    out: dict[int, int] = {}
    mask = 0
    run = 0
    for at, cut in enumerate(cuts):
        mask ^= toggles[cut]
        last = cuts[at + 1] - 1 if at + 1 < len(cuts) else highest
        while inside[run][1] < cut:
            run += 1
        value = cut if cut > inside[run][0] else inside[run][0]
        if value <= last and mask not in out:
            out[mask] = value
    return out


def _minimal(classes: dict[int, int]) -> dict[int, int]:
    """Only the sets that contain no other one; left as they are when they are too many to compare."""
    if len(classes) > 2500:
        return classes
    out: dict[int, int] = {}
    for mask in sorted(classes, key=int.bit_count):
        if not any(other & mask == other for other in out):
            out[mask] = classes[mask]
    return out
