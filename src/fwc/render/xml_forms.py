"""Checkstyle and JUnit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from fwc.diagnostics import Diagnostic, Severity

_HEADER = '<?xml version="1.0" encoding="utf-8"?>\n'


def render_checkstyle(diagnostics: Iterable[Diagnostic]) -> str:
    """One `file` per path, one `error` per finding."""
    lines = [_HEADER, '<checkstyle version="4.3">\n']
    for path, group in groupby(diagnostics, _path):
        lines.append(f"  <file name={_quoted(path)}>\n")
        for d in group:
            row, column = _position(d)
            lines.append(
                f'    <error line="{row}" column="{column}" severity="{d.severity}"'
                f" message={_quoted(d.message)} source={_quoted('fwc.' + d.code)}/>\n"
            )
        lines.append("  </file>\n")
    return "".join([*lines, "</checkstyle>\n"])


def render_junit(diagnostics: Sequence[Diagnostic], files: Iterable[str]) -> str:
    """One suite per file; a clean file is one passing case, so that the report lists what was looked at."""
    by_path: dict[str, list[Diagnostic]] = {path: [] for path in files}
    for d in diagnostics:
        by_path.setdefault(_path(d), []).append(d)
    lines = [_HEADER, '<testsuites name="fwc">\n']
    for path, found in by_path.items():
        tests = max(1, len(found))
        lines.append(f'  <testsuite name={_quoted(path)} tests="{tests}" failures="{len(found)}" errors="0">\n')
        if not found:
            lines.append(f'    <testcase name="fwc" classname={_quoted(path)}/>\n')
        for d in found:
            row, column = _position(d)
            lines.append(f"    <testcase name={_quoted('fwc.' + d.code)} classname={_quoted(path)}>\n")
            lines.append(
                f'      <failure message={_quoted(d.message)} type="{_kind(d)}">line {row}, column {column}</failure>\n'
            )
            lines.append("    </testcase>\n")
        lines.append("  </testsuite>\n")
    return "".join([*lines, "</testsuites>\n"])


def _kind(diagnostic: Diagnostic) -> str:
    return "error" if diagnostic.severity is Severity.ERROR else "warning"


def _path(diagnostic: Diagnostic) -> str:
    return diagnostic.primary.span.file.path if diagnostic.primary else ""


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    return diagnostic.primary.span.file.position(diagnostic.primary.span.start) if diagnostic.primary else (1, 1)


def _quoted(text: str) -> str:
    """A double-quoted attribute; characters that XML 1.0 cannot hold at all become U+FFFD."""
    out = []
    for c in text:
        code = ord(c)
        if c in _ENTITIES:
            out.append(_ENTITIES[c])
        elif code < 0x20:
            out.append(f"&#{code};" if c in "\t\n\r" else "\N{REPLACEMENT CHARACTER}")
        elif 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF):
            out.append("\N{REPLACEMENT CHARACTER}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
