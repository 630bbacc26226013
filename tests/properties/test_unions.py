"""The cheap stage of the proof calls no two lists equal that treat a packet differently; cutting into cells changes nothing."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from fwc.analysis.equivalence import differ
from fwc.analysis.firstmatch import NEXT, NOWHERE, Outcome, Region
from fwc.analysis.unions import in_cells, same_runs
from fwc.ir.verdict import Accept, Drop, Log
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.space.cover import NODES
from fwc.space.fields import Dimensions, Kind

TOP = 5
SIDES = 3
OUTCOMES = (NEXT, Outcome((), Drop()), Outcome((Log(prefix="x"),), Accept()))
POINTS = [dict(enumerate(values)) for values in product(range(TOP + 1), repeat=SIDES)]
EVERYTHING = (frozenset(range(TOP + 1)),) * SIDES

Plain = tuple[tuple[frozenset[int], ...], int]
"""The values in each dimension, and the number of the outcome."""

values = st.one_of(st.just(EVERYTHING[0]), st.frozensets(st.integers(0, TOP), min_size=1))
plain_lists = st.lists(st.tuples(st.tuples(values, values, values), st.integers(0, 2)), max_size=6)


def regions_of(dimensions: Dimensions, plain: list[Plain]) -> list[Region]:
    out = []
    for sides, outcome in [*plain, (EVERYTHING, 0)]:
        box: tuple[int, ...] = ()
        for number, side in enumerate(sides):
            dimension = dimensions.dimension(("d", number), f"d{number}", Kind.VALUE, TOP)
            box += dimensions.box(dimension, IntervalSet([(v, v) for v in sorted(side)]))[0]
        out.append(Region(box, OUTCOMES[outcome], NOWHERE))
    return out


def fates(plain: list[Plain]) -> list[int]:
    """The outcome of every packet, by looking at one entry after the other."""
    every = [*plain, (EVERYTHING, 0)]
    return [
        next(outcome for sides, outcome in every if all(point[d] in side for d, side in enumerate(sides)))
        for point in POINTS
    ]


def check(left: list[Plain], right: list[Plain]) -> None:
    dimensions = Dimensions(Family.V4)
    mine, other = regions_of(dimensions, left), regions_of(dimensions, right)
    equal = fates(left) == fates(right)
    assert equal or not same_runs(dimensions, mine, other, NODES)
    found = differ(dimensions, mine, other)
    assert (found is None) == equal
    if found is not None:
        point, one, two = found
        at = POINTS.index({d: point.get(d, 0) for d in range(SIDES)})
        assert one.outcome == OUTCOMES[fates(left)[at]] != OUTCOMES[fates(right)[at]] == two.outcome


@given(plain_lists, plain_lists)
def test_unrelated_lists(left: list[Plain], right: list[Plain]) -> None:
    check(left, right)


@given(plain_lists, st.data())
def test_a_list_and_a_rewriting_of_it(plain: list[Plain], data: st.DataObject) -> None:
    """Cut into pieces, in another order, one piece changed or left out: often equal, often nearly."""
    pieces = [
        (tuple(cut), outcome)
        for sides, outcome in plain
        for cut in product(*[(side,) if data.draw(st.booleans()) else _halves(side) for side in sides])
    ]
    if pieces and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(pieces) - 1))
        change = data.draw(st.sampled_from(["drop", "swap", "outcome", "front"]))
        if change == "drop":
            del pieces[at]
        elif change == "outcome":
            pieces[at] = (pieces[at][0], (pieces[at][1] + 1) % 3)
        else:
            piece = pieces.pop(at)
            pieces.insert(0 if change == "front" else data.draw(st.integers(0, len(pieces))), piece)
    check(plain, pieces)


@given(plain_lists, st.randoms(use_true_random=False))
def test_one_outcome_in_any_order_and_any_pieces_needs_no_search(plain: list[Plain], rng: object) -> None:
    drops = [(sides, 1) for sides, _ in plain if sides != EVERYTHING]
    pieces = [(tuple(cut), 1) for sides, _ in drops for cut in product(*[_halves(side) for side in sides])]
    rng.shuffle(pieces)  # type: ignore[attr-defined]
    dimensions = Dimensions(Family.V4)
    assert same_runs(dimensions, regions_of(dimensions, drops), regions_of(dimensions, pieces), NODES)


@given(plain_lists)
def test_cells_are_the_same_list(plain: list[Plain]) -> None:
    dimensions = Dimensions(Family.V4)
    regions = regions_of(dimensions, plain)
    cells = in_cells(dimensions, regions)
    assert all(len(dimensions.runs[c]) == 1 for cell in cells for c in cell.box)
    for point in POINTS:
        first, again = (next(r for r in each if dimensions.holds(r.box, point)) for each in (regions, cells))
        assert first.outcome is again.outcome


def _halves(side: frozenset[int]) -> tuple[frozenset[int], ...]:
    low = frozenset(v for v in side if v < 3)
    return tuple(half for half in (low, side - low) if half)
