"""Writing suppressions for findings into a text: what `fwc lint --add-ignore` does."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic
from fwc.source import SourceFile

_NEVER = frozenset({"FW001", "FW097", "FW098", "FW099"})


def with_ignores(source: SourceFile, diagnostics: Iterable[Diagnostic], reason: str) -> tuple[str, int]:
    """The text with `# fwc: ignore[CODES] -- reason` above each line that has findings, and how many findings that silences.

    Left out are findings of other files, syntax errors, and lines that continue the one above (a comment would end it).
    """
    rows: dict[int, dict[str, None]] = {}
    count = 0
    for each in diagnostics:
        if each.primary is None or each.primary.span.file is not source or each.code in _NEVER:
            continue
        row = each.primary.span.line
        if row > 1 and source.line_text(row - 1).rstrip().endswith("\\"):
            continue
        rows.setdefault(row, {})[each.code] = None
        count += 1
    lines = source.text.splitlines(keepends=True)
    for row in sorted(rows, reverse=True):
        text = source.line_text(row)
        indent = text[: len(text) - len(text.lstrip())]
        lines.insert(row - 1, f"{indent}# fwc: ignore[{', '.join(sorted(rows[row]))}] -- {reason}\n")
    return "".join(lines), count
