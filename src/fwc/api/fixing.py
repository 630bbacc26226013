"""Lint and fix, each safe fix proved to change nothing."""

from __future__ import annotations

import dataclasses

from fwc.analysis.equivalence import compare
from fwc.api.linting import LintOutcome, LintRequest, lint, lint_context
from fwc.diagnostics import Diagnostic
from fwc.lang.files import Files
from fwc.lints._fix import MOST_ROUNDS, apply_fixes
from fwc.source import SourceFile


def fix(source: SourceFile, files: Files, request: LintRequest, unsafe: bool) -> tuple[LintOutcome, str, int]:
    """Lint and fix until nothing more can be fixed: what is left, the new text, and how many were fixed.

    A safe fix stays only when the engine proves that the text with it treats every packet as the text without it.
    """
    applied: list[tuple[str, str, str]] = []
    refused: set[tuple[str, str]] = set()
    outcome = lint(source, files, request)
    for _ in range(MOST_ROUNDS):
        wanted = [d for d in outcome.findings if (d.code, d.primary.span.text if d.primary else "") not in refused]
        text, fixed = apply_fixes(source, wanted, False)
        if fixed and not _same_meaning(source, SourceFile(source.path, text), files, request):
            text, fixed = _provable(source, fixed, files, request, refused)
            if not fixed:
                continue
        if not fixed and unsafe:
            text, fixed = apply_fixes(source, wanted, True)
        if not fixed or text == source.text:
            break
        applied += [(source.path, each.code, each.name) for each in fixed]
        source = SourceFile(source.path, text)
        outcome = lint(source, files, request)
    notes = outcome.notes
    if refused:
        left_out = f"{len(refused)} fixes were left out: they could not be proved to change nothing"
        notes = [*notes, f"{source.path}: {left_out}"]
    return dataclasses.replace(outcome, notes=notes, applied=tuple(applied)), source.text, len(applied)


def _provable(
    source: SourceFile, fixed: list[Diagnostic], files: Files, request: LintRequest, refused: set[tuple[str, str]]
) -> tuple[str, list[Diagnostic]]:
    """The first of the fixes that is proved to change nothing, applied; those before it are refused for good."""
    for diagnostic in fixed:
        text, one = apply_fixes(source, [diagnostic], False)
        if one and _same_meaning(source, SourceFile(source.path, text), files, request):
            return text, one
        refused.add((diagnostic.code, diagnostic.primary.span.text if diagnostic.primary else ""))
    return source.text, []


def _same_meaning(before: SourceFile, after: SourceFile, files: Files, request: LintRequest) -> bool:
    old, _ = lint_context(before, files, request)
    new, found = lint_context(after, files, request)
    if any(d.code == "FW001" for d in found) or (old.elaborated is None) is not (new.elaborated is None):
        return False
    return compare(old.ruleset, new.ruleset) is None
