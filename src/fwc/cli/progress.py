"""A line on the terminal that says what takes so long; nothing where nobody watches."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

PATIENCE = 1.0
"""Seconds of work before anything is shown."""

_EVERY = 0.5
_ERASE = "\r\x1b[K"


@contextlib.contextmanager
def working(text: str, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """While the block runs longer than `PATIENCE`, keep `text` and the seconds so far on the last line of a terminal.

    The block is given a function that replaces the text. Only standard error is written to, only when it is a terminal that can
    erase a line, and the line is gone when the block ends.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "") in ("", "dumb"):
        yield lambda _: None
        return
    import threading
    import time

    state = [text]
    done = threading.Event()
    begun = time.monotonic()

    def show() -> None:
        shown = False
        wait = PATIENCE
        while not done.wait(wait):
            wait = _EVERY
            shown = True
            line = "".join(c if c.isprintable() else "?" for c in f"{state[0]} ... {time.monotonic() - begun:.0f} s")
            sys.stderr.write(f"{_ERASE}{line[: _width() - 1]}")
            sys.stderr.flush()
        if shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()

    ticker = threading.Thread(target=show, daemon=True)
    ticker.start()
    try:
        yield lambda new: state.__setitem__(0, new)
    finally:
        done.set()
        ticker.join()


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
