"""Everyone agrees on random policies: reference interpreter, simulator, interpreters of the emitted text, and the kernel.

A small number runs by default; `python -m tests.kernel.campaign --policies 1000 --packets 100` is the whole campaign.
"""

from __future__ import annotations

import os

import pytest
from tests.kernel.campaign import ACTS, LONG, Figures, laboratory, run

from fwc.project.kernel.laboratory import missing

POLICIES, PACKETS = 24, 60


def check(figures: Figures) -> None:
    assert figures.differences == []
    assert figures.policies >= POLICIES - 2, figures.refusals
    kinds = {kind for kind, number in figures.by_kind.items() if number}
    wanted = {
        f"{hook} {verdict}" for hook in ("input", "forward", "output") for verdict in ("accept", "drop", "reject")
    }
    assert kinds == wanted


def test_everyone_agrees_without_the_kernel() -> None:
    check(run(range(5000, 5000 + POLICIES), PACKETS, None, Figures()))


@pytest.mark.kernel
def test_everyone_agrees_with_the_kernel() -> None:
    reason = missing()
    if reason:
        if os.environ.get("CI"):
            pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
        pytest.skip(f"no kernel laboratory: {reason}")
    with laboratory() as lab:
        check(run(range(6000, 6000 + POLICIES), PACKETS, lab, Figures()))


LONG_POLICIES = 20


def check_long(figures: Figures) -> None:
    """Nobody disagrees, and the optimiser had its hands in: every kind of output that it makes is among the policies."""
    assert figures.differences == []
    assert figures.policies >= LONG_POLICIES - 1, figures.refusals
    assert figures.packets >= LONG_POLICIES * PACKETS // 2
    assert set(figures.acted) == set(ACTS)


def test_everyone_agrees_on_long_policies() -> None:
    check_long(run(range(7000, 7000 + LONG_POLICIES), PACKETS, None, Figures(), LONG))


@pytest.mark.kernel
def test_everyone_agrees_on_long_policies_with_the_kernel() -> None:
    reason = missing()
    if reason:
        if os.environ.get("CI"):
            pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
        pytest.skip(f"no kernel laboratory: {reason}")
    with laboratory() as lab:
        check_long(run(range(8000, 8000 + LONG_POLICIES), PACKETS, lab, Figures(), LONG))
