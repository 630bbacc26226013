"""Logging commands of Azure Pipelines."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic, Severity


def render_azure(diagnostics: Iterable[Diagnostic]) -> str:
    """One `task.logissue` a finding; there are errors and warnings only, so `info` is a warning."""
    return "".join(_issue(d) for d in diagnostics)


def _issue(diagnostic: Diagnostic) -> str:
    properties = [("type", "error" if diagnostic.severity is Severity.ERROR else "warning")]
    if diagnostic.primary:
        span = diagnostic.primary.span
        row, column = span.file.position(span.start)
        properties += [("sourcepath", span.file.path), ("linenumber", str(row)), ("columnnumber", str(column))]
    properties.append(("code", diagnostic.code))
    listed = "".join(f"{key}={_property(value)};" for key, value in properties)
    return f"##vso[task.logissue {listed}]{_data(diagnostic.message)}\n"


def _data(text: str) -> str:
    """As the agent's CommandStringConvertor escapes messages."""
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
