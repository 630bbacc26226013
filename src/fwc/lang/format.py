"""The canonical layout of a policy: what `fwc fmt` writes.

Only blanks, line ends, `;` and the commas at line ends of braced lists change; every word and comment stays. A group in
braces that was on one line stays on one line, all others get one entry per line, indented by four. The formatted text is
parsed again: when its tree is not the tree of the input, that is a bug of fwc and nothing is returned.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass

from fwc.diagnostics import Diagnostic
from fwc.errors import InternalError
from fwc.lang.parse import read
from fwc.lang.words import CLOSE, COMMA, NEWLINE, OPEN, SPACE, Words
from fwc.records import Record
from fwc.source import SourceFile, Span

_INDENT = "    "
_PIECES = re.compile(r"#[^\n]*|\n|;")


def format_source(source: SourceFile) -> tuple[str, list[Diagnostic]]:
    """The text in its canonical layout; a text with syntax errors comes back as it is, with them."""
    tree, diagnostics, words, bodies = read(source)
    if diagnostics:
        return source.text, diagnostics
    text = _Layout(words, bodies).text()
    again, problems, _, _ = read(SourceFile(source.path, text))
    if problems or not same_tree(tree, again):
        raise InternalError(f"the formatted text of {source.path} does not mean what the text meant")
    return text, []


def same_tree(left: object, right: object) -> bool:
    """Whether two trees are equal but for their spans."""
    if left.__class__ is not right.__class__:
        return False
    if isinstance(left, Span):
        return True
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same_tree, left, right))
    if is_dataclass(left):
        return all(same_tree(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    return left == right


class _Line(Record):
    depth: int
    text: str
    comment: str


class _Brace:
    """An open brace: whether its group is spread over lines, and whether it holds statements or a list."""

    __slots__ = ("body", "spread")

    def __init__(self, spread: bool, body: bool) -> None:
        self.spread = spread
        self.body = body


class _Layout:
    """Words to lines."""

    def __init__(self, words: Words, bodies: frozenset[int]) -> None:
        self.words = words
        self.bodies = bodies
        self.lines: list[_Line] = []
        self.current: list[str] = []
        self.braces: list[_Brace] = []
        self.continued = False

    def text(self) -> str:
        spread = self._spread_groups()
        for at, (word, kind) in enumerate(zip(self.words.texts, self.words.kinds, strict=True)):
            if kind == SPACE:
                if "\n" in word and self._goes_on(at):
                    self._continue_line()
            elif kind == NEWLINE:
                self._line_end(word, at)
            elif kind == COMMA:
                self._comma(word, at)
            elif kind == OPEN:
                self.current.append(word)
                self.braces.append(_Brace(at in spread, at in self.bodies))
                if at in spread:
                    self._flush()
                    self.continued = False
            elif kind == CLOSE:
                self._close()
            else:
                self.current.append(word)
        self._flush()
        while self.lines and not self.lines[-1].text and not self.lines[-1].comment:
            self.lines.pop()
        return _joined(self.lines)

    def _spread_groups(self) -> set[int]:
        """The opening braces whose groups hold a line end."""
        spread: set[int] = set()
        stack: list[int] = []
        for at, (word, kind) in enumerate(zip(self.words.texts, self.words.kinds, strict=True)):
            if kind == OPEN:
                stack.append(at)
            elif kind == CLOSE:
                stack.pop()
            elif "\n" in word:
                spread.update(stack)
        return spread

    @property
    def depth(self) -> int:
        return sum(brace.spread for brace in self.braces)

    @property
    def _flat(self) -> bool:
        """Whether the innermost group stays on its line."""
        return bool(self.braces) and not self.braces[-1].spread

    def _flush(self, comment: str = "") -> None:
        """End the line; what `{` opened counts from the next line on."""
        if not self.current:
            return
        text = _spaced(self.current)
        depth = self.depth - (self.current[-1] == "{" and self.braces[-1].spread) + self.continued
        self.lines.append(_Line(depth, text, comment))
        self.current = []

    def _continue_line(self) -> None:
        """A final backslash."""
        if not self.current:
            return
        self.current.append("\\")
        self._flush()
        self.continued = True

    def _comma(self, word: str, at: int) -> None:
        if "\n" not in word and "#" not in word:
            if not (self._next_closes(at) and self.current):
                self.current[-1] += ","
            return
        in_list = bool(self.braces) and not self.braces[-1].body
        if not in_list:
            self.current[-1] += ","
        self._flush()
        self.continued = not in_list
        self._comments(word)

    def _goes_on(self, at: int) -> bool:
        """Whether words follow a backslash that continues the line; before a separator or a line end it is not needed."""
        kinds = self.words.kinds
        at += 1
        while at < len(kinds) and kinds[at] == SPACE:
            if "\n" in self.words.texts[at]:
                return False  # a second backslash continues it
            at += 1
        return at < len(kinds) and kinds[at] not in (NEWLINE, CLOSE, COMMA)

    def _next_closes(self, at: int) -> bool:
        """Whether only blanks stand between a separator and the closing brace."""
        kinds = self.words.kinds
        at += 1
        while at < len(kinds) and kinds[at] in (SPACE, NEWLINE):
            at += 1
        return at < len(kinds) and kinds[at] == CLOSE

    def _line_end(self, word: str, at: int) -> None:
        if self._flat:
            if self.current and self.current[-1] != "{" and not self._next_closes(at):
                self.current[-1] += ";"
            return
        self._flush()
        self.continued = False
        self._comments(word)

    def _comments(self, word: str) -> None:
        """The comments and blank lines of a line end: a comment before its first line end belongs to the line before."""
        ends = 0
        attached = bool(self.lines) and bool(self.lines[-1].text) and not self.lines[-1].comment
        for piece in _PIECES.findall(word):
            if piece == "\n":
                ends += 1
            elif piece != ";":
                comment = piece.rstrip()
                if attached and ends == 0:
                    line = self.lines[-1]
                    self.lines[-1] = _Line(line.depth, line.text, comment)
                else:
                    self._blank_after(ends)
                    self.lines.append(_Line(self.depth + self.continued, "", comment))
                    ends = 0
                attached = False
        self._blank_after(ends)

    def _blank_after(self, ends: int) -> None:
        """One blank line for any number of them; none at the beginning of the file or of a group."""
        if ends < 2 or not self.lines:
            return
        last = self.lines[-1]
        if (last.text or last.comment) and not last.text.endswith("{"):
            self.lines.append(_Line(0, "", ""))

    def _close(self) -> None:
        brace = self.braces[-1]
        if brace.spread:
            self._flush()
            self.continued = False
            while self.lines and not self.lines[-1].text and not self.lines[-1].comment:
                self.lines.pop()
        self.braces.pop()
        self.current.append("}")


def _spaced(words: list[str]) -> str:
    """Words with one blank between them, none inside parentheses."""
    parts: list[str] = []
    for word in words:
        if parts and word[0] not in "()" and parts[-1] != "(":
            parts.append(" ")
        parts.append(word)
    return "".join(parts)


def _joined(lines: list[_Line]) -> str:
    """The lines as text, the comments behind neighbouring lines in one column."""
    column: dict[int, int] = {}
    run: list[int] = []
    for n in range(len(lines) + 1):
        if n < len(lines) and lines[n].text and lines[n].comment:
            run.append(n)
            continue
        widths = [_width(lines[m]) for m in run]
        column.update((m, max(widths) + 2) for m in run)
        run = []
    out = []
    for n, line in enumerate(lines):
        if not line.text and not line.comment:
            out.append("\n")
            continue
        text = _INDENT * line.depth + line.text
        if line.comment:
            text += " " * (column[n] - _width(line) if n in column else 0) + line.comment
        out.append(text + "\n")
    return "".join(out)


def _width(line: _Line) -> int:
    """Columns of the text's last line."""
    before, _, last = line.text.rpartition("\n")
    return len(last) if before else len(_INDENT) * line.depth + len(last)
