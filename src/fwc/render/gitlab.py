"""GitLab Code Quality."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fwc.diagnostics import Diagnostic, Severity
from fwc.render.fingerprints import fingerprints
from fwc.render.json_form import end_of, start_of

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def render_gitlab(diagnostics: Sequence[Diagnostic]) -> str:
    """An array of issues with unique fingerprints and paths without a leading `./`."""
    rows = []
    for diagnostic, mark in zip(diagnostics, fingerprints(diagnostics), strict=True):
        span = diagnostic.primary.span if diagnostic.primary else None
        begin = start_of(span) if span else {"row": 1, "column": 1}
        end = end_of(span) if span else begin
        rows.append(
            {
                "description": f"{diagnostic.code}: {diagnostic.message}",
                "check_name": diagnostic.name or diagnostic.code,
                "fingerprint": mark,
                "severity": _SEVERITIES[diagnostic.severity],
                "location": {
                    "path": span.file.path.removeprefix("./") if span else "",
                    "lines": {"begin": begin["row"], "end": end["row"]},
                    "positions": {
                        "begin": {"line": begin["row"], "column": begin["column"]},
                        "end": {"line": end["row"], "column": end["column"]},
                    },
                },
            }
        )
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
