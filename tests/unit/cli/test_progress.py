"""What a terminal shows while work takes long, and that nothing else ever sees it."""

from __future__ import annotations

import io
import time

import pytest

from fwc.cli import progress
from fwc.cli.progress import working


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error as an impatient terminal; called in the test itself, because pytest sets it anew for each phase."""
    made = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    monkeypatch.setattr(progress, "_EVERY", 0.01)
    return made


def _until(terminal: Terminal, word: str) -> None:
    for _ in range(500):
        if word in terminal.getvalue():
            return
        time.sleep(0.01)


def test_long_work_is_named_and_the_line_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with working("linting a\x1bb.v4") as say:
        _until(terminal, "a?b.v4 ... 0 s")
        say("linting c.v4")
        _until(terminal, "c.v4 ... 0 s")
    shown = terminal.getvalue()
    assert "linting a?b.v4 ... 0 s" in shown and "linting c.v4 ... 0 s" in shown
    assert shown.endswith("\r\x1b[K")


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    with working("linting a.v4"):
        pass
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("case", ["quiet", "no terminal", "dumb"])
def test_nobody_watches(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    if case == "no terminal":
        monkeypatch.setattr(Terminal, "isatty", lambda _: False)
    if case == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    with working("linting a.v4", quiet=case == "quiet"):
        time.sleep(0.05)
    assert terminal.getvalue() == ""
