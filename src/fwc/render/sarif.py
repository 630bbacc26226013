"""SARIF 2.1.0 as GitHub code scanning reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fwc import __version__
from fwc.diagnostics import Diagnostic, Severity
from fwc.lints._registry import HELP_URL, load_lints
from fwc.render.fingerprints import fingerprints
from fwc.source import Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LONGEST_TEXT = 1024  # GitHub's limit for rule descriptions
MOST_RESULTS = 25_000  # GitHub refuses a run with more

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}


def render_sarif(diagnostics: Sequence[Diagnostic], suppressed: Sequence[Diagnostic] = ()) -> str:
    """One run; suppressed findings are included with `suppressions`, so that dashboards can tell them from fixed ones."""
    shown = [*diagnostics, *suppressed][:MOST_RESULTS]
    codes = sorted({d.code for d in shown})
    index = {code: i for i, code in enumerate(codes)}
    marks = fingerprints(shown)
    results = [
        _result(d, index[d.code], mark, silenced=i >= len(diagnostics))
        for i, (d, mark) in enumerate(zip(shown, marks, strict=True))
    ]
    run = {
        "tool": {
            "driver": {
                "name": "fwc",
                "semanticVersion": __version__,
                "informationUri": "https://fwc.readthedocs.io/",
                "rules": [_rule(code, next(d for d in shown if d.code == code)) for code in codes],
            }
        },
        "automationDetails": {"id": "fwc/lint/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str, example: Diagnostic) -> dict[str, Any]:
    lint = load_lints().get(code)
    summary = (lint.summary if lint else example.name.replace("-", " ") or code)[:LONGEST_TEXT]
    text = lint.documentation.strip() if lint else summary
    severity = lint.severity if lint else example.severity
    name = lint.name if lint else example.name
    rule: dict[str, Any] = {
        "id": code,
        "name": "".join(word.capitalize() for word in (name or code).split("-")),
        "shortDescription": {"text": summary},
        "fullDescription": {"text": re.sub(r"\s+", " ", text)[:LONGEST_TEXT]},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {
            "tags": sorted({"security", example.category or "firewall"}),
            "precision": "very-high",
            "problem.severity": _PROBLEMS[severity],
            "security-severity": {Severity.ERROR: "8.0", Severity.WARNING: "5.0", Severity.INFO: "2.0"}[severity],
        },
    }
    if name:
        rule["helpUri"] = HELP_URL.format(name=name)
    return rule


def _result(diagnostic: Diagnostic, index: int, mark: str, silenced: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": _message(diagnostic)},
        "locations": [_location(diagnostic.primary.span)] if diagnostic.primary else [],
        "partialFingerprints": {"primaryLocationLineHash": f"{mark[:16]}:1", "fwcFingerprint/v1": mark},
    }
    if diagnostic.secondary:
        result["relatedLocations"] = [
            {"id": i, "message": {"text": label.message or "see here"}, **_location(label.span)}
            for i, label in enumerate(diagnostic.secondary[:100], 1)
        ]
    edits = [e for fix in diagnostic.fixes[:1] for e in fix.edits]
    if edits:
        result["fixes"] = [_fix(diagnostic.fixes[0].message, edits)]
    if silenced:
        result["suppressions"] = [{"kind": "inSource"}]
    return result


def _message(diagnostic: Diagnostic) -> str:
    parts = [diagnostic.message]
    parts.extend(f"[{label.message or 'see'}]({i})" for i, label in enumerate(diagnostic.secondary[:8], 1))
    if diagnostic.witness and "text" in diagnostic.witness:
        parts.append(f"Witness: {diagnostic.witness['text']}")
    if diagnostic.help:
        parts.append(f"Help: {diagnostic.help}")
    first, *rest = parts
    return first.rstrip(".") + "." + "".join(f"\n{part}" for part in rest)


def _location(span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(span.file.path), "region": _region(span)}}


def _artifact(path: str) -> dict[str, str]:
    if path.startswith("/"):
        return {"uri": "file://" + quote(path)}
    return {"uri": quote(path.removeprefix("./")), "uriBaseId": "%SRCROOT%"}


def _region(span: Span) -> dict[str, int]:
    row, column = span.file.position(span.start)
    end_row, end_column = span.file.position(span.end)
    return {"startLine": row, "startColumn": column, "endLine": end_row, "endColumn": end_column}


def _fix(message: str, edits: Sequence[Any]) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in edits:
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.replacement}}
        changes.setdefault(edit.span.file.path, []).append(replacement)
    return {
        "description": {"text": message},
        "artifactChanges": [
            {"artifactLocation": _artifact(path), "replacements": replacements}
            for path, replacements in changes.items()
        ],
    }
