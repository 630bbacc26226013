"""Apply fixes to a text: what overlaps waits for the next round."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Applicability, Diagnostic, Edit
from fwc.source import SourceFile

MOST_ROUNDS = 100


def apply_fixes(source: SourceFile, diagnostics: Iterable[Diagnostic], unsafe: bool) -> tuple[str, list[Diagnostic]]:
    """The text with the fixes applied that touch only `source`, and the diagnostics that were fixed. Of overlapping fixes
    the first in the file wins; the others find their place when the result is linted again."""
    wanted = {Applicability.SAFE, Applicability.UNSAFE} if unsafe else {Applicability.SAFE}
    chosen: list[Edit] = []
    fixed: list[Diagnostic] = []
    for diagnostic in diagnostics:
        fix = next((f for f in diagnostic.fixes if f.applicability in wanted and f.edits), None)
        if fix is None or any(edit.span.file is not source for edit in fix.edits):
            continue
        new = [edit for edit in fix.edits if edit not in chosen]
        if any(_overlap(a, b) for a in new for b in chosen):
            continue
        chosen.extend(new)
        fixed.append(diagnostic)
    text = source.text
    for edit in sorted(chosen, key=lambda e: e.span.start, reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text, fixed


def _overlap(left: Edit, right: Edit) -> bool:
    return left.span.start < right.span.end and right.span.start < left.span.end
