"""Dumps that nobody here wrote, where they are there: converted to a policy, compiled back, and judged by the kernel.

`python -m tests.kernel.policy_campaign` does the same with 250 packets a dump; here every fourth dump gets 40.
"""

from __future__ import annotations

import pytest
from tests.kernel.convert_campaign import Figures, dumps
from tests.kernel.policy_campaign import judge

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.corpus,
    pytest.mark.skipif(not dumps(), reason="../shared/corpora is not there"),
]


def test_no_packet_notices(_possible: None) -> None:
    figures = Figures()
    for seed, (name, version, text) in enumerate(dumps()):
        if seed % 4 == 0:
            judge(text, version, 40, seed, figures, name)
    assert not figures.differences, figures.differences[:3]
    assert figures.judged > 50
