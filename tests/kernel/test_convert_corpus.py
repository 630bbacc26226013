"""Dumps that nobody here wrote, where they are there: converted to nftables and back, and judged by the kernel.

`-s` prints the figures; `python -m tests.kernel.convert_campaign` does the same with 250 packets a dump.
"""

from __future__ import annotations

import pytest
from tests.kernel.convert_campaign import Figures, dumps, judge

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.corpus,
    pytest.mark.skipif(not dumps(), reason="../shared/corpora is not there"),
]

CONVERTED = 0.92
"""The least share of the dumps that load. Refused are `string` (6 %) and CHECKSUM (1 %), for which nft has no words, and three
lists of `recent`."""


def test_no_packet_notices(_possible: None) -> None:
    figures = Figures()
    for seed, (name, version, text) in enumerate(dumps()):
        judge(text, version, 30, seed, figures, name)
    share = figures.converted / figures.loaded
    print(f"{figures.loaded} dumps load, {share:.1%} converted, {figures.packets} packets, {figures.random} by chance")
    assert not figures.differences, figures.differences[:3]
    assert figures.loaded > 300
    assert share >= CONVERTED
    assert figures.judged == figures.converted
