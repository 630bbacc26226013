"""What the cheap stage of a proof sees without any search."""

from __future__ import annotations

from fwc.analysis.firstmatch import NEXT, NOWHERE, Outcome, Region
from fwc.analysis.unions import same_runs
from fwc.ir.verdict import Drop
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.space.fields import Dimensions, Kind

DROP = Outcome((), Drop())


def drops(dimensions: Dimensions, *boxes: tuple[tuple[int, int], tuple[int, int]]) -> list[Region]:
    """A list that drops these (source, port) ranges and accepts the rest."""
    saddr = dimensions.dimension("saddr", "saddr", Kind.ADDRESS, 255)
    dport = dimensions.dimension("dport", "dport", Kind.VALUE, 255)
    regions = []
    for source, port in boxes:
        (one,), (two,) = (
            dimensions.box(saddr, IntervalSet.range(*source)),
            dimensions.box(dport, IntervalSet.range(*port)),
        )
        regions.append(Region(one + two, DROP, NOWHERE))
    return [*regions, Region((), NEXT, NOWHERE)]


def test_networks_that_make_up_a_larger_one() -> None:
    dimensions = Dimensions(Family.V4)
    halves = drops(dimensions, ((0, 63), (22, 22)), ((64, 127), (22, 22)), ((0, 127), (80, 80)))
    whole = drops(dimensions, ((0, 127), (22, 22)), ((0, 127), (80, 80)))
    assert same_runs(dimensions, halves, whole, nodes=0)


def test_neighbours_in_one_dimension_after_the_other() -> None:
    dimensions = Dimensions(Family.V4)
    quarters = drops(dimensions, ((0, 63), (0, 9)), ((64, 127), (0, 9)), ((0, 63), (10, 19)), ((64, 127), (10, 19)))
    assert same_runs(dimensions, quarters, drops(dimensions, ((0, 127), (0, 19))), nodes=0)


def test_the_whole_of_a_dimension() -> None:
    dimensions = Dimensions(Family.V4)
    dport = dimensions.dimension("dport", "dport", Kind.VALUE, 255)
    both = drops(dimensions, ((0, 63), (22, 22)), ((64, 255), (22, 22)))
    (port,) = dimensions.box(dport, IntervalSet.of(22))
    assert same_runs(dimensions, both, [Region(port, DROP, NOWHERE), both[-1]], nodes=0)


def test_a_gap_is_no_neighbour() -> None:
    dimensions = Dimensions(Family.V4)
    halves = drops(dimensions, ((0, 62), (22, 22)), ((64, 127), (22, 22)))
    assert not same_runs(dimensions, halves, drops(dimensions, ((0, 127), (22, 22))), nodes=1000)
