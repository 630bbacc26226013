"""Findings by file, for people who mend one file after the other."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from fwc.diagnostics import Diagnostic
from fwc.render.text import PLAIN, Style, visible


def render_grouped(diagnostics: Iterable[Diagnostic], style: Style = PLAIN) -> str:
    """A heading for each file and one line for each finding, `row:column severity CODE message`."""
    out: list[str] = []
    for path, found in groupby(diagnostics, key=lambda d: d.primary.span.file.path if d.primary else ""):
        out.append(f"{style.bold}{visible(path) or '(no file)'}{style.reset}:\n")
        rows = [(_place(d), d) for d in found]
        width = max(len(place) for place, _ in rows)
        for place, d in rows:
            severity = f"{style.severity(d.severity)}{d.severity} {d.code}{style.reset}"
            out.append(f"  {place:>{width}} {severity} {visible(d.message)}\n")
        out.append("\n")
    return "".join(out)


def _place(diagnostic: Diagnostic) -> str:
    if diagnostic.primary is None:
        return "-"
    row, column = diagnostic.primary.span.file.position(diagnostic.primary.span.start)
    return f"{row}:{column}"
