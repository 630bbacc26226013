"""The algebra of packet sets against the naive reading of the conditions, packet by packet."""

from __future__ import annotations

from random import Random

import pytest
from tests.properties.small_rulesets import LIMIT, OPAQUE, SET, Packet, has, holds, packets, random_match

from fwc.ir.match import Field, Match, Not
from fwc.net.hooks import Family
from fwc.space.boxes import Translator
from fwc.space.describe import describe
from fwc.space.fields import Dimensions, Point, iface_run
from fwc.space.space import Space

EVERY = Random(7).sample(packets(), 500)


def point_of(translator: Translator, packet: Packet) -> Point:
    dimensions = translator.dimensions
    point: Point = {}
    for field, value in packet.items():
        if field in (SET, OPAQUE, LIMIT):
            boxes = translator.boxes(field)  # type: ignore[arg-type]
            point[boxes[0][0] >> 32] = int(bool(value))
        elif field is Field.TCP_FLAGS:
            for bit in range(8):
                point[translator.bit(Field.TCP_FLAGS, bit).index] = int(value) >> bit & 1  # type: ignore[call-overload]
        elif isinstance(field, Field) and has(field, packet):
            number = iface_run(value, prefix=False)[0] if isinstance(value, str) else value
            point[translator.dimension(field).index] = number  # type: ignore[assignment]
    assert dimensions.dimensions
    return point


@pytest.mark.parametrize("seed", range(4))
def test_operations_agree_with_the_packets(seed: int) -> None:
    rng = Random(seed)
    for _ in range(15):
        translator = Translator(Dimensions(Family.V4))
        points = [(p, point_of(translator, p)) for p in EVERY]
        left_match, right_match = random_match(rng), random_match(rng)

        def space(match: Match, translator: Translator = translator) -> Space:
            return Space(translator.dimensions, translator.boxes(match))

        left, right = space(left_match), space(right_match)
        for packet, point in points:
            a, b = holds(left_match, packet), holds(right_match, packet)
            assert left.contains(point) == a, left_match
            assert (left & right).contains(point) == (a and b)
            assert (left | right).contains(point) == (a or b)
            assert (left - right).contains(point) == (a and not b)
        assert (left & right) <= left
        assert left <= (left | right)
        assert not (left & space(Not(left_match)))
        assert (left <= right) == (not (left - right))
        assert describe(translator.dimensions, left.boxes) or not left.boxes
