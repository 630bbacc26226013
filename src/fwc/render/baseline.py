"""Baselines: findings that were there when the linter was introduced, by fingerprint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from fwc.diagnostics import Diagnostic
from fwc.errors import UsageError
from fwc.render.fingerprints import fingerprints


def format_baseline(diagnostics: Sequence[Diagnostic]) -> str:
    """The file's text: an array of {code, filename, fingerprint}, in the order of the findings."""
    rows = [
        {"code": d.code, "filename": d.primary.span.file.path if d.primary else "", "fingerprint": mark}
        for d, mark in zip(diagnostics, fingerprints(diagnostics), strict=True)
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def read_baseline(path: Path) -> frozenset[str]:
    """The fingerprints of a baseline file. Raises UsageError."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return frozenset(str(row["fingerprint"]) for row in rows)
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {(problem.strerror or str(problem)).lower()}") from None
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"{path} is not a baseline; write one with --generate-baseline {path}") from None


def without_baseline(diagnostics: Sequence[Diagnostic], known: frozenset[str]) -> tuple[list[Diagnostic], int, int]:
    """The new findings, how many were in the baseline, and how many of its entries no longer occur."""
    marks = fingerprints(diagnostics)
    new = [d for d, mark in zip(diagnostics, marks, strict=True) if mark not in known]
    return new, len(diagnostics) - len(new), len(known - set(marks))
