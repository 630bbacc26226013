"""The regions of `fwc diff` hold exactly the packets that the two rulesets treat differently, each with its two fates."""

from __future__ import annotations

from random import Random

import pytest
from tests.properties.small_rulesets import OPAQUE, SET, Packet, packets, random_ruleset, verdict_of
from tests.properties.test_analysis_equivalence import variant

from fwc.diff.changes import Changed, Effect, HookChanges, changes, passes
from fwc.diff.regions import report
from fwc.ir.match import Field, Opaque
from fwc.ir.verdict import Log
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.space.fields import Dimensions, Point, iface_run
from fwc.space.pieces import Piece, joined, written_out

EVERY = packets()


def point_of(dimensions: Dimensions, packet: Packet) -> Point:
    """The packet as a point of the dimensions."""
    out: Point = {}
    for dimension in dimensions.dimensions:
        key = dimension.key
        if isinstance(key, tuple) and key[0] is Field.TCP_FLAGS:
            out[dimension.index] = int(packet[Field.TCP_FLAGS]) >> key[2] & 1  # type: ignore[call-overload]
        elif isinstance(key, tuple) and key[0] == "set":
            out[dimension.index] = int(bool(packet[SET]))
        elif isinstance(key, Opaque):  # the only one; a comparison leaves its kind out
            out[dimension.index] = int(bool(packet[OPAQUE]))
        elif key is Field.IIF:
            out[dimension.index] = iface_run(str(packet[Field.IIF]), prefix=False)[0]
        else:
            out[dimension.index] = int(packet[key])  # type: ignore[call-overload]
    return out


def holding(found: list[HookChanges], packet: Packet) -> list[Changed]:
    return [
        changed
        for hook in found
        for changed in hook.changed
        if changed.piece.holds(hook.dimensions, point_of(hook.dimensions, packet))
    ]


@pytest.mark.parametrize("seed", range(6))
def test_regions_are_the_packets_that_differ(seed: int) -> None:
    rng = Random(seed)
    different = 0
    for _ in range(12):
        old = random_ruleset(rng, limits=False)
        new = variant(rng, old) if rng.random() < 0.7 else random_ruleset(rng, limits=False)
        found = changes(old, new, (Family.V4,))
        assert all(hook.complete for hook in found)
        widened = False
        for packet in EVERY:
            before, after = verdict_of(old, packet), verdict_of(new, packet)
            hits = holding(found, packet)
            assert bool(hits) == (before != after), (packet, before, after)
            for hit in hits:
                for side, outcome in ((before, hit.before), (after, hit.after)):
                    logs = tuple(e.prefix for e in outcome.effects if isinstance(e, Log))
                    assert (logs, outcome.verdict) == side
                widened = widened or hit.effect is Effect.WIDENS
                assert (hit.effect is Effect.WIDENS) == (passes(hit.after) and not passes(hit.before))
        summary = report(old, new, found)
        assert summary.widens == widened
        assert summary.differs == any(verdict_of(old, p) != verdict_of(new, p) for p in EVERY)
        assert sum(len(hook.changed) for hook in found) == 0 or summary.regions
        different += summary.differs
    assert different > 0


def test_written_out_and_joined_keep_every_packet() -> None:
    rng = Random(3)
    dimensions = Dimensions(Family.V4)
    axes = [dimensions.dimension(f, f.value, _kind(), 3) for f in (Field.SPORT, Field.DPORT, Field.TTL)]
    for _ in range(300):
        boxes = []
        for _ in range(rng.randint(1, 5)):
            box: tuple[int, ...] = ()
            for axis in axes:
                runs = dimensions.box(axis, IntervalSet.of(*rng.sample(range(4), rng.randint(1, 4))))
                box = tuple(sorted((*box, *runs[0])))
            boxes.append(box)
        piece = Piece(boxes[0], tuple(boxes[1:]))
        written = written_out(dimensions, piece)
        assert written is not None
        short = joined(dimensions, written)
        assert len(short) <= max(1, len(written))
        for number in range(64):
            point = {axis.index: number >> 2 * at & 3 for at, axis in enumerate(axes)}
            inside = piece.holds(dimensions, point)
            assert any(dimensions.holds(b, point) for b in written) == inside
            assert any(dimensions.holds(b, point) for b in short) == inside


def _kind():  # type: ignore[no-untyped-def]
    from fwc.space.fields import Kind

    return Kind.VALUE
