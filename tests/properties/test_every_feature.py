"""No policy ends in an internal error: it compiles and is proved, or a statement is refused."""

from __future__ import annotations

import pytest
from tests.properties.every_feature import Author, failure, options_for


@pytest.mark.parametrize("target", ["nftables", "iptables"])
@pytest.mark.parametrize("first", range(0, 80, 20))
def test_proved_or_refused(first: int, target: str) -> None:
    for seed in range(first, first + 20):
        assert failure(Author(seed).policy(), options_for(seed, target)) == "", f"seed {seed}"
