"""GitHub Actions annotations."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One workflow command a finding."""
    return "".join(_annotation(d) for d in diagnostics)


def _annotation(diagnostic: Diagnostic) -> str:
    properties = [("title", f"fwc ({diagnostic.code})")]
    if diagnostic.primary:
        span = diagnostic.primary.span
        row, column = span.file.position(span.start)
        end_row, end_column = span.file.position(span.end)
        properties += [("file", span.file.path), ("line", str(row)), ("endLine", str(end_row))]
        if row == end_row:
            properties += [("col", str(column)), ("endColumn", str(end_column))]
    text = diagnostic.message + (f"\nhelp: {diagnostic.help}" if diagnostic.help else "")
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties)
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
