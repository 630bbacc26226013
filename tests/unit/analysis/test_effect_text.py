"""Effects in words, as messages and traces name them."""

from __future__ import annotations

import pytest

from fwc.analysis.fates import effect_text
from fwc.ir.verdict import Action, CopyMark, Duplicate, SetPriority
from fwc.net.hooks import Family


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Duplicate(Family.V4, 0x0A000003), "copy to 10.0.0.3"),
        (Duplicate(Family.V4, 0x0A000003, "eth1"), "copy to 10.0.0.3 by eth1"),
        (CopyMark("save"), "save mark"),
        (CopyMark("restore", 0xFF), "restore mark under 0xff"),
        (SetPriority(0x1000A), "set priority 1:a"),
    ],
)
def test_actions(action: Action, words: str) -> None:
    assert effect_text(action) == words
