"""A space as a few readable regions: `protocol 6 saddr 10.0.0.0/8 dport 22`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fwc.net.addresses import format_run
from fwc.space.fields import SHIFT, Box, Dimension, Dimensions, Kind, Runs, iface_name, iface_run

_RUNS = 6


def describe(dimensions: Dimensions, boxes: Sequence[Box], most: int = 4) -> list[str]:
    """One line for each of the first boxes, then how many more there are."""
    lines = [describe_box(dimensions, box) for box in boxes[:most]]
    if len(boxes) > most:
        lines.append(f"and {len(boxes) - most} more")
    return lines


def describe_box(dimensions: Dimensions, box: Box) -> str:
    if not box:
        return "every packet"
    return " ".join(_constraint(dimensions, dimensions.dimensions[c >> SHIFT], dimensions.runs[c]) for c in box)


def _constraint(dimensions: Dimensions, dimension: Dimension, runs: Runs) -> str:
    if dimension.kind is Kind.ATOM:
        return f"({'' if runs[0][0] else 'not '}{dimension.name})"
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == dimension.top:
        gaps = tuple((high + 1, low - 1) for (_, high), (low, _) in pairwise(runs))
        return f"{dimension.name} not {_values(dimensions, dimension, gaps)}"
    return f"{dimension.name} {_values(dimensions, dimension, runs)}"


def _values(dimensions: Dimensions, dimension: Dimension, runs: Runs) -> str:
    texts = [_run(dimensions, dimension, low, high) for low, high in runs[:_RUNS]]
    if len(runs) > _RUNS:
        texts.append(f"and {len(runs) - _RUNS} more")
    return texts[0] if len(texts) == 1 else "{" + ", ".join(texts) + "}"


def _run(dimensions: Dimensions, dimension: Dimension, low: int, high: int) -> str:
    if dimension.kind is Kind.ADDRESS:
        return format_run(dimensions.family, (low, high))
    if dimension.kind is Kind.IFACE:
        name = iface_name(low)
        if low == high:
            return name or "none"
        return f"{name}*" if iface_run(name, prefix=True) == (low, high) else "other names"
    return str(low) if low == high else f"{low}-{high}"
