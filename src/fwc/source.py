"""Where text came from: source files, spans in them, and the origin of everything derived from them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

from fwc.records import InParts, Record


class SourceFile:
    """The text of one input with its display name; compared by identity, so two reads of a file are two sources."""

    __slots__ = ("_line_starts", "path", "text")

    start = 0

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._line_starts: list[int] | None = None

    @property
    def file(self) -> SourceFile:
        """The file itself: with `start` it is an anchor, from which places are counted."""
        return self

    @property
    def line_starts(self) -> list[int]:
        """Offsets at which the lines begin; lines end at LF only, as every tool that reads these files counts them."""
        if self._line_starts is None:
            starts = [0]
            find = self.text.find
            at = find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = find("\n", at + 1)
            self._line_starts = starts
        return self._line_starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of `offset`, both counted from 1, columns in characters."""
        starts = self.line_starts
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of line `line` (from 1), without its line end."""
        starts = self.line_starts
        end = starts[line] - 1 if line < len(starts) else len(self.text)
        return self.text[starts[line - 1] : end].rstrip("\r")

    def __repr__(self) -> str:
        return f"SourceFile({self.path!r})"


class Span(NamedTuple):
    """A half-open range of characters of one source."""

    file: SourceFile
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.file.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.file.position(self.start)[1]

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]

    def __str__(self) -> str:
        line, column = self.file.position(self.start)
        return f"{self.file.path}:{line}:{column}"


class Anchor(Record):
    """A place of a file from which others nearby are counted: small numbers take no memory of their own."""

    file: SourceFile
    start: int


_new_span: Callable[[type[Span], tuple[SourceFile, int, int]], Span] = tuple.__new__


def _span(node: Any) -> Span:
    anchor = node._anchor
    start = anchor.start
    return _new_span(Span, (anchor.file, start + node._start, start + node._end))


class Written(Record, kept={"span": InParts(_span, "_anchor", "_start", "_end")}):
    """`class Name(Written)` is a record that has its `span` not as an object with two large numbers, but as three fields of its
    own, which is half of the memory of a tree. Where it is made, (anchor, start, end) will do for a span; a file is an anchor."""


def utf8(text: str) -> bytes:
    """Text as bytes; characters that stand for no text, as the invalid bytes of a file do, are encoded as they are."""
    return text.encode("utf-8", "surrogatepass")


class Origin(Record):
    """What the user wrote that caused a node, innermost place first (a template's body, then the `use` that expanded it),
    and the names of the passes or implicit rules that derived the node from it."""

    spans: tuple[Span, ...] = ()
    via: tuple[str, ...] = ()

    @property
    def span(self) -> Span | None:
        """The primary place, or None for a node that no text caused (an implicit rule)."""
        return self.spans[0] if self.spans else None


NO_ORIGIN = Origin()
