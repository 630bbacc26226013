"""nft text as parallel lists of tokens and offsets, by one master expression."""

from __future__ import annotations

import re

from fwc.source import SourceFile

_IP6 = (
    r"(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?::(?:[0-9a-fA-F]{1,4}:){0,5}\d+\.\d+\.\d+\.\d+"
    r"|(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?"
    r"|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){7}"
)
_TOKEN = re.compile(
    r"(?:[ \t\r]+|\\\r?\n)*"
    r"("
    r'"[^"]*"'
    r"|[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}(?![\w:])"
    r"|[0-9a-fA-F]{1,4}:[0-9a-fA-F]{1,4}(?![\w:.])"  # a tc class, or an hour and minute
    rf"|(?:{_IP6})(?:/\d+)?(?:-(?:{_IP6})(?:/\d+)?)?"
    r"|[A-Za-z0-9_][\w./*-]*"
    r"|[$@][A-Za-z_][\w./-]*"
    r"|\n|#[^\n]*"
    r"|[=!<>]=|<<|>>|[^\s]"
    r"|\Z)"
)

_AHEAD = 8
"""Tokens behind the present one that the reader may look at (`@th,0,16` is the longest at once)."""


class Tokens:
    """`texts` ends with empty tokens at the end of the file, as many as the reader looks ahead. Comments and blanks are not among
    them."""

    __slots__ = ("comments", "ends", "file", "starts", "texts")

    def __init__(self, file: SourceFile) -> None:
        texts: list[str] = []
        starts: list[int] = []
        comments: list[tuple[int, str, int]] = []
        add_text, add_start = texts.append, starts.append
        for match in _TOKEN.finditer(file.text):
            text = match[1]
            if text[:1] == "#":
                comments.append((len(texts), text, match.start(1)))
                continue
            add_text(text)
            add_start(match.start(1))
        missing = _AHEAD if not texts or texts[-1] else _AHEAD - 1
        texts += [""] * missing
        starts += [len(file.text)] * missing
        self.file = file
        self.texts = texts
        self.starts = starts
        self.comments = comments

    def end(self, index: int) -> int:
        """The offset behind token `index`."""
        return self.starts[index] + len(self.texts[index])
