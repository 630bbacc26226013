"""Ends what would not end by itself: a guard for hostile input, no measurement."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

CPU_SECONDS = 120
"""Of this process alone, so that a busy machine changes nothing; hundreds of times what the guarded work needs."""


@contextlib.contextmanager
def ends() -> Iterator[None]:
    """Fails when the block is still at work after `CPU_SECONDS`."""

    def stop(number: int, frame: object) -> None:
        raise AssertionError(f"still at work after {CPU_SECONDS} s of CPU")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
