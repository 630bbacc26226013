"""Reviewdog's diagnostic format (proto/rdf/reviewdog.proto, DiagnosticResult), which posts findings as review comments."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fwc.diagnostics import Applicability, Diagnostic, Severity
from fwc.lints._registry import HELP_URL
from fwc.source import Span

_LEVELS = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.INFO: "INFO"}


def render_rdjson(diagnostics: Iterable[Diagnostic]) -> str:
    """One object with all findings; a fix of one edit becomes a suggestion. Columns count UTF-8 bytes, as the format wants."""
    found = list(diagnostics)
    worst = max((d.severity for d in found), key=lambda s: s.rank, default=Severity.INFO)
    result = {
        "source": {"name": "fwc", "url": "https://fwc.readthedocs.io/"},
        "severity": _LEVELS[worst],
        "diagnostics": [_diagnostic(d) for d in found],
    }
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    out: dict[str, Any] = {"message": diagnostic.message}
    if diagnostic.primary:
        span = diagnostic.primary.span
        out["location"] = {"path": span.file.path, "range": _range(span)}
    out["severity"] = _LEVELS[diagnostic.severity]
    out["code"] = {"value": diagnostic.code}
    if diagnostic.name:
        out["code"]["url"] = HELP_URL.format(name=diagnostic.name)
    edits = [f.edits[0] for f in diagnostic.fixes if f.applicability is not Applicability.DISPLAY and len(f.edits) == 1]
    if edits:
        out["suggestions"] = [{"range": _range(edit.span), "text": edit.replacement} for edit in edits]
    return out


def _range(span: Span) -> dict[str, Any]:
    return {"start": _position(span, span.start), "end": _position(span, span.end)}


def _position(span: Span, at: int) -> dict[str, int]:
    row, column = span.file.position(at)
    before = span.file.line_text(row)[: column - 1]
    return {"line": row, "column": len(before.encode("utf-8", "surrogateescape")) + 1}
