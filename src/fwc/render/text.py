"""Diagnostics as text for people: `full` with the source lines, `concise` with one line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fwc.diagnostics import Applicability, Diagnostic, Label, Severity
from fwc.records import Record
from fwc.source import Span

LONGEST_LINE = 160
"""Source lines are cut to about this many columns around the span: a crafted line of a megabyte must not flood a terminal."""


class Style(Record):
    """Terminal escapes, all empty without colour."""

    error: str = ""
    warning: str = ""
    info: str = ""
    frame: str = ""
    bold: str = ""
    reset: str = ""

    def severity(self, severity: Severity) -> str:
        return {Severity.ERROR: self.error, Severity.WARNING: self.warning, Severity.INFO: self.info}[severity]


PLAIN = Style()
COLOUR = Style("\033[1;31m", "\033[1;33m", "\033[1;36m", "\033[1;34m", "\033[1m", "\033[0m")


def render_full(diagnostics: Iterable[Diagnostic], style: Style = PLAIN) -> str:
    """Every diagnostic with its source lines, separated by blank lines."""
    return "".join(_full(d, style) + "\n" for d in diagnostics)


def render_concise(diagnostics: Iterable[Diagnostic], style: Style = PLAIN) -> str:
    """`path:line:column: severity CODE message`, one line each: what editors' problem matchers parse."""
    return "".join(f"{_place(d)}{_head(d, style)}\n" for d in diagnostics)


def visible(text: str) -> str:
    """`text` with control characters, line ends and bidirectional overrides spelled out, so that hostile input can neither
    move the cursor nor reorder what is read. Tabs become one space to keep carets in place."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible_character(c) for c in text)


def _visible_character(character: str) -> str:
    if character == "\t":
        return " "
    if character.isprintable() or character == " ":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _place(diagnostic: Diagnostic) -> str:
    if diagnostic.primary is None:
        return ""
    span = diagnostic.primary.span
    line, column = span.file.position(span.start)
    return f"{visible(span.file.path)}:{line}:{column}: "


def _head(diagnostic: Diagnostic, style: Style) -> str:
    category = f" [{diagnostic.category}]" if diagnostic.category else ""
    colour = style.severity(diagnostic.severity)
    return f"{colour}{diagnostic.severity} {diagnostic.code}{style.reset}{category} {visible(diagnostic.message)}"


def _full(diagnostic: Diagnostic, style: Style) -> str:
    lines = [_head(diagnostic, style)]
    labels = ([diagnostic.primary] if diagnostic.primary else []) + list(diagnostic.secondary)
    width = max((len(str(_last_line(label.span))) for label in labels), default=1)
    bar = f"{' ' * width} {style.frame}|{style.reset}"
    path = None
    for index, label in enumerate(labels):
        line, column = label.span.file.position(label.span.start)
        if label.span.file is not path:
            arrow = "-->" if path is None else ":::"
            place = f"{visible(label.span.file.path)}:{line}:{column}"
            lines.append(f"{' ' * width}{style.frame}{arrow}{style.reset} {place}")
            lines.append(bar)
            path = label.span.file
        mark = "^" if index == 0 and diagnostic.primary else "-"
        lines.extend(_excerpt(label, mark, width, style, diagnostic.severity))
        lines.append(bar)
    notes = _notes(diagnostic)
    if not labels:
        return "\n".join([*lines, *(f"  = {note}" for note in notes)]) + "\n"
    lines.extend(f"{' ' * width} {style.frame}={style.reset} {note}" for note in notes)
    if not notes:
        lines.pop()
    return "\n".join(lines) + "\n"


def _notes(diagnostic: Diagnostic) -> list[str]:
    notes = [f"note: {_hanging(note)}" for note in diagnostic.notes]
    if diagnostic.witness and "text" in diagnostic.witness:
        notes.append(f"witness: {visible(str(diagnostic.witness['text']))}")
    if diagnostic.help:
        notes.append(f"help: {_hanging(diagnostic.help)}")
    for fix in diagnostic.fixes:
        how = {
            Applicability.SAFE: "fix (`--fix`)",
            Applicability.UNSAFE: "fix (`--unsafe-fixes`)",
            Applicability.DISPLAY: "suggestion",
        }[fix.applicability]
        notes.append(f"{how}: {_hanging(fix.message)}")
    return notes


def _hanging(text: str) -> str:
    return "\n            ".join(visible(line) for line in text.split("\n"))


def _last_line(span: Span) -> int:
    return span.file.position(max(span.start, min(span.end, span.start + 1)))[0]


def _excerpt(label: Label, mark: str, width: int, style: Style, severity: Severity) -> list[str]:
    """The line in which the span begins with the span underlined; a span of several lines is underlined to the line's end."""
    span = label.span
    number, column = span.file.position(span.start)
    text = span.file.line_text(number)
    begin = min(column - 1, len(text))
    end = min(len(text), begin + max(1, span.end - span.start))
    before, inside, after = _cut(text, begin, max(end, begin))
    colour = style.severity(severity) if mark == "^" else style.frame
    underline = mark * max(1, _columns(inside))
    message = f" {visible(label.message)}" if label.message else ""
    margin = f"{style.frame}|{style.reset}"
    return [
        f"{number:>{width}} {margin} {before}{inside}{after}".rstrip(),
        f"{' ' * width} {margin} {' ' * _columns(before)}{colour}{underline}{style.reset}{message}",
    ]


def _cut(text: str, begin: int, end: int) -> tuple[str, str, str]:
    before, inside, after = visible(text[max(0, begin - 400) : begin]), visible(text[begin : begin + 400]), ""
    inside = visible(text[begin : min(end, begin + 400)])
    after = visible(text[end : end + 400])
    if begin > 400 or len(before) > LONGEST_LINE // 2:
        before = "..." + before[-LONGEST_LINE // 2 :]
    if len(inside) > LONGEST_LINE:
        inside, after = inside[: LONGEST_LINE - 3] + "...", ""
    room = max(0, LONGEST_LINE + 40 - len(before) - len(inside))
    if len(after) > room:
        after = after[:room] + "..."
    return before, inside, after


def _columns(text: str) -> int:
    """Terminal columns, wide East Asian characters counted twice and combining marks not at all."""
    if text.isascii():
        return len(text)
    import unicodedata  # a library of its own, for texts that have such

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`Found 3 errors, 1 warning.`, or an empty string when there is nothing."""
    parts = []
    for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO):
        count = sum(d.severity is severity for d in diagnostics)
        if count:
            word = "note" if severity is Severity.INFO else str(severity)
            parts.append(f"{count} {word}{'s' if count != 1 else ''}")
    return f"Found {', '.join(parts)}." if parts else ""
