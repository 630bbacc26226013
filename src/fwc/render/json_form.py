"""Diagnostics as JSON and JSON lines, the shape of docs/cli.md."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fwc.diagnostics import Diagnostic, Edit, Fix, Label
from fwc.lints._registry import HELP_URL
from fwc.source import Span


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """One array, indented, ending in a newline."""
    return json.dumps([plain(d) for d in diagnostics], indent=2, ensure_ascii=False) + "\n"


def render_json_lines(diagnostics: Iterable[Diagnostic]) -> str:
    """One object a line."""
    return "".join(json.dumps(plain(d), ensure_ascii=False) + "\n" for d in diagnostics)


def plain(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as plain data."""
    span = diagnostic.primary.span if diagnostic.primary else None
    return {
        "code": diagnostic.code,
        "name": diagnostic.name or None,
        "severity": str(diagnostic.severity),
        "confidence": str(diagnostic.confidence),
        "category": diagnostic.category or None,
        "message": diagnostic.message,
        "filename": span.file.path if span else None,
        "location": start_of(span) if span else None,
        "end_location": end_of(span) if span else None,
        "affects": affected_rows(diagnostic),
        "related": [_related(label) for label in diagnostic.secondary],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help or None,
        "witness": diagnostic.witness,
        "fix": _fix(diagnostic.fixes[0]) if diagnostic.fixes else None,
        "url": HELP_URL.format(name=diagnostic.name) if diagnostic.name else None,
    }


def affected_rows(diagnostic: Diagnostic) -> list[int]:
    """Rows, in the file of the primary span, of every rule the finding speaks of."""
    if diagnostic.primary is None:
        return []
    spans = diagnostic.affects or (diagnostic.primary.span,)
    return sorted({span.line for span in spans if span.file is diagnostic.primary.span.file})


def start_of(span: Span) -> dict[str, int]:
    row, column = span.file.position(span.start)
    return {"row": row, "column": column}


def end_of(span: Span) -> dict[str, int]:
    """The position after the last character."""
    row, column = span.file.position(span.end)
    return {"row": row, "column": column}


def _related(label: Label) -> dict[str, Any]:
    return {
        "filename": label.span.file.path,
        "location": start_of(label.span),
        "end_location": end_of(label.span),
        "message": label.message,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "applicability": str(fix.applicability),
        "message": fix.message,
        "edits": [_edit(edit) for edit in fix.edits],
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {"location": start_of(edit.span), "end_location": end_of(edit.span), "content": edit.replacement}
