"""For all tests."""

from __future__ import annotations

import pytest
from tests.skipped_lints import silent

from fwc.lints import _run


@pytest.fixture(scope="session", autouse=True)
def skipped_lints_are_silent() -> None:
    """Lints that a run leaves out for want of what they are about are run all the same: they must find nothing."""
    _run.is_about = silent(_run.is_about)
