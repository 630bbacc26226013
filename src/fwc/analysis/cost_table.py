"""What the kernel spends, in nanoseconds over a namespace without rules; the measurements are in docs/performance.md.

One machine's figures: compare them with each other, not with a clock. pf was not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log10

from fwc.records import Record


class Prices(Record):
    """`chain` is a base chain with the reading of headers that its first rule needs, `rule` a rule whose first compare fails,
    `jump` a jump and the way back, `small` a lookup of one field among a handful. The next three are lookups at 10, 100, 1,000,
    10,000 and 100,000 members; `new` and `established` are connection tracking itself."""

    chain: float
    rule: float
    jump: float
    small: float
    exact: tuple[float, ...]
    ranges: tuple[float, ...]
    combined: tuple[float, ...]
    new: float
    established: float


PRICES: Mapping[str, Prices] = {
    "nftables": Prices(
        190, 5.9, 75, 54, (136, 148, 136, 188, 278), (226, 338, 500, 761, 1622), (330, 330, 345, 445, 1700), 1154, 585
    ),
    "iptables": Prices(
        99, 3.5, 30, 10, (264, 261, 286, 345, 378), (268, 270, 288, 371, 439), (268, 270, 288, 371, 439), 1162, 600
    ),
}
"""By target; iptables is the legacy variant, iptables-nft takes 19.7 ns for a rule. Combined ranges are networks with one port
each; with ranges of ports, too, they cost up to four times as much. `python -m benchmarks.run --only cost` compares."""


HANDFUL = 8


def lookup_price(row: tuple[float, ...], members: int) -> float:
    """A lookup among `members`, between the measured sizes by the logarithm, never below the smallest."""
    place = log10(max(members, 10)) - 1
    low = min(int(place), len(row) - 2)
    return row[low] + (row[low + 1] - row[low]) * (place - low)
