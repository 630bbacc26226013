"""Sets of integers that grow piece by piece are the same sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fwc.net.intervals import IntervalSet

pieces = st.tuples(st.integers(0, 400), st.integers(0, 6)).map(lambda run: (run[0], run[0] + run[1]))


@given(st.lists(pieces, min_size=40, max_size=120), st.lists(pieces, max_size=3))
def test_a_few_runs_put_into_many(many: list[tuple[int, int]], few: list[tuple[int, int]]) -> None:
    """Whichever of its two ways `|` takes, for touching, adjacent and separate runs."""
    large, small = IntervalSet(many), IntervalSet(few)
    assert (large | small).runs == (small | large).runs == IntervalSet([*many, *few]).runs


@given(st.lists(st.integers(0, 300), max_size=200))
def test_value_by_value(values: list[int]) -> None:
    grown = IntervalSet()
    for value in values:
        grown |= IntervalSet.of(value)
    assert list(grown) == sorted(set(values))
    assert grown == IntervalSet.of(*values)
