"""The complement of a union of boxes, as disjoint boxes."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.net.intervals import IntervalSet, Run
from fwc.space.fields import SHIFT, Box, Dimensions


class TooManyBoxes(Exception):
    """A condition needs more boxes than the analysis is ready to handle."""


def complement(dimensions: Dimensions, boxes: Sequence[Box], limit: int) -> list[Box]:
    """Every packet that is in none of `boxes`. Raises TooManyBoxes beyond `limit` boxes.

    One dimension after the other is cut into the classes of values that lie in the same boxes; classes with the same
    rest are kept together, so the result stays small for sets of tuples.
    """
    if not boxes:
        return [()]
    if () in boxes:
        return []
    order = sorted({c >> SHIFT for box in boxes for c in box})
    memo: dict[tuple[int, int], tuple[Box, ...]] = {}
    made = 0

    def outside(alive: int, at: int) -> tuple[Box, ...]:
        nonlocal made
        if not alive:
            return ((),)
        if at == len(order):
            return ()
        key = (alive, at)
        found = memo.get(key)
        if found is not None:
            return found
        by_rest: dict[tuple[Box, ...], list[Run]] = {}
        for mask, runs in classes[at].items():
            rest = outside(alive & mask, at + 1)
            if rest:
                by_rest.setdefault(rest, []).extend(runs)
        out: list[Box] = []
        dimension = dimensions.dimensions[order[at]]
        for rest, runs in by_rest.items():
            for own in dimensions.box(dimension, IntervalSet(runs)):
                out.extend((*own, *box) for box in rest)
        made += len(out)
        if made > limit:
            raise TooManyBoxes
        memo[key] = tuple(out)
        return memo[key]

    classes = [_value_classes(dimensions, boxes, dimension) for dimension in order]
    return list(outside((1 << len(boxes)) - 1, 0))


def _value_classes(dimensions: Dimensions, boxes: Sequence[Box], dimension: int) -> dict[int, list[Run]]:
    """The values of a dimension by the set of boxes that they lie in."""
    top = dimensions.dimensions[dimension].top
    toggles: dict[int, int] = {0: 0}
    for bit, box in enumerate(boxes):
        own = next((c for c in box if c >> SHIFT == dimension), None)
        for low, high in ((0, top),) if own is None else dimensions.runs[own]:
            toggles[low] = toggles.get(low, 0) ^ 1 << bit
            if high < top:
                toggles[high + 1] = toggles.get(high + 1, 0) ^ 1 << bit
    cuts = sorted(toggles)
    out: dict[int, list[Run]] = {}
    mask = 0
    for at, cut in enumerate(cuts):
        mask ^= toggles[cut]
        last = cuts[at + 1] - 1 if at + 1 < len(cuts) else top
        out.setdefault(mask, []).append((cut, last))
    return out
