"""Kernel tests skip with a reason where they cannot run; under CI that is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from fwc.project.kernel.laboratory import Interface, Laboratory, missing

INTERFACES = (
    Interface("eth0", ("198.51.100.1/24", "2001:db8:100::1/64")),
    Interface("eth1", ("10.0.0.1/24", "2001:db8:1::1/64")),
    Interface("wg0", ("10.8.0.1/24", "2001:db8:8::1/64"), 1420),
)
ROUTES = (("default", "eth0"), ("default6", "eth0"))


@pytest.fixture(scope="session")
def _possible() -> None:
    reason = missing()
    if reason:
        if os.environ.get("CI"):
            pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
        pytest.skip(f"no kernel laboratory: {reason}")


@pytest.fixture
def lab(_possible: None) -> Iterator[Laboratory]:
    """A router: eth0 is the outside with the default route, eth1 10.0.0.0/24 and wg0 10.8.0.0/24 are inside."""
    with Laboratory(INTERFACES, ROUTES) as laboratory:
        yield laboratory
