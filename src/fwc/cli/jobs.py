"""Several processes at work on independent tasks (`--jobs`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from fwc.errors import UsageError

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

jobs_option: Callable[[Any], Any] = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    metavar="N",
    help="Work on N files, targets or lints at the same time.",
)


def results(work: Callable[[_Task], _Result], tasks: Sequence[_Task], jobs: int) -> Iterator[_Result]:
    """What `work` gives for each task, in their order; with more than one job in processes of their own.

    Then `work` is a function of a module, and tasks and results are sent between processes. Raises what `work` raises, and
    UsageError when a process is killed.
    """
    if jobs == 1 or len(tasks) < 2:
        yield from map(work, tasks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    # `spawn`, since the line that shows progress is a thread, and a process with threads must not be forked
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), context, _begin)
    try:
        yield from pool.map(work, tasks)
    except BrokenProcessPool:
        raise UsageError("one of the processes was ended, perhaps for want of memory: try --jobs 1") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    import signal

    from fwc.cli.collector import collect_rarely

    collect_rarely()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the first process says what was interrupted
