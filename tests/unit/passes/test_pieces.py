"""What a rule contributes to lookups, whether its conditions are known from other rules or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fwc.ir.match import AllOf, AnyOf, Field, FieldIn, Match
from fwc.net.addresses import AddressSet
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import EMPTY, IntervalSet
from fwc.passes.pieces import Piece, Pieces
from fwc.passes.plain import plain_fields

NUMBERS = st.frozensets(st.integers(0, 9), min_size=1, max_size=4).map(lambda n: IntervalSet.of(*n))
ADDRESSES = st.builds(AddressSet, st.one_of(NUMBERS, st.just(EMPTY)), st.one_of(NUMBERS, st.just(EMPTY)))
CONDITIONS = st.one_of(
    st.builds(FieldIn, st.sampled_from((Field.SADDR, Field.DADDR)), ADDRESSES),
    st.builds(
        FieldIn, st.just(Field.PROTOCOL), st.sampled_from((IntervalSet.of(6), IntervalSet.of(6, 17), IntervalSet.of(1)))
    ),
    st.builds(FieldIn, st.sampled_from((Field.SPORT, Field.DPORT)), NUMBERS),
    st.builds(
        FieldIn, st.sampled_from((Field.IIF, Field.OIF)), st.sampled_from((IfaceSet.of(["a"]), IfaceSet.of(["b*"])))
    ),
)
MATCHES = st.lists(CONDITIONS, min_size=2, max_size=6, unique_by=lambda part: part.field.value).map(
    lambda parts: AllOf(tuple(parts))
)


def plainly(pieces: tuple[Piece, ...]) -> set[object]:
    return {(p.shape.family, p.shape.interfaces, p.shape.fields, cell) for p in pieces for cell in p.cells}


@given(st.lists(MATCHES, min_size=1, max_size=4))
def test_plain_rules_give_what_their_expansion_gives(matches: list[AllOf]) -> None:
    """An `AnyOf` of one alternative is the same condition, and never plain."""
    known = Pieces()
    for match in matches:
        expanded = Pieces().of(AllOf((AnyOf((match,)),)))
        for _ in range(2):
            if plain_fields(match) is not None:
                assert plainly(known.of(match)) == plainly(expanded)


def test_equal_conditions_share_a_lookup_though_they_are_two_objects() -> None:
    def rule(port: int) -> Match:
        return AllOf(
            (
                FieldIn(Field.IIF, IfaceSet.of(["a"])),
                FieldIn(Field.PROTOCOL, IntervalSet.of(6)),
                FieldIn(Field.DPORT, IntervalSet.of(port)),
            )
        )

    known = Pieces()
    one, two = known.of(rule(1)), known.of(rule(2))
    assert [a.shape is b.shape for a, b in zip(one, two, strict=True)] == [True, True]
