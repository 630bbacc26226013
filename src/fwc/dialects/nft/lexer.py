"""nft text as parallel lists of tokens and offsets, by one master expression."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, compress

from fwc.dialects.nft import tree as t
from fwc.errors import FwcError
from fwc.records import Record
from fwc.source import SourceFile

_IP6 = (
    r"(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?::(?:[0-9a-fA-F]{1,4}:){0,5}\d+\.\d+\.\d+\.\d+"
    r"|(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?"
    r"|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){7}"
)
_TOKEN = re.compile(
    r"([ \t\r]*(?:\\\r?\n[ \t\r]*)*)"
    r"("
    r"[A-Za-z0-9_][\w./*-]*(?![\w./*:-])|[{}.,;\n]"  # nearly all there is, and nothing that could be one of the next lines
    r'|"[^"]*"'
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
    them, nor is what stands inside of the braces of a long list: these are the `lists` by the index of their `{`."""

    __slots__ = ("comments", "ends", "file", "lists", "starts", "texts")

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.comments: list[tuple[int, str, int]] = []
        self.lists: dict[int, tuple[t.Element, ...]] = {}
        lists = list(long_lists(file.text))
        self._read(file.text, lists)
        if len(self.lists) < len(lists):  # one stands in a comment, or in a string
            self.comments.clear()
            self.lists.clear()
            self._read(file.text, [])
        missing = _AHEAD if not self.texts or self.texts[-1] else _AHEAD - 1
        self.texts += [""] * missing
        self.starts += [len(file.text)] * missing

    def _read(self, text: str, lists: list[LongList]) -> None:
        """The tokens, with those `lists` taken out of the text before."""
        pieces, at = [], 0
        for each in lists:
            pieces.append(text[at : each.start])
            at = each.end
        parts = _TOKEN.split("".join((*pieces, text[at:])))  # what no token is (other blanks), blanks, token, and so on
        self.texts = parts[2::3]
        self.starts = list(accumulate(map(len, parts)))[1::3]
        if lists and not self._moved(lists):
            return
        if "#" in text:
            self._without_comments()
        for each in lists:
            self.lists[bisect_left(self.starts, each.start - 1)] = each.elements

    def _moved(self, lists: list[LongList]) -> bool:
        """Count the offsets in the whole text again; False when one of the `lists` does not stand behind a token `{`."""
        shorter = self.starts
        starts: list[int] = []
        removed = 0
        for each in lists:
            brace = bisect_left(shorter, each.start - 1 - removed)
            if self.texts[brace] != "{" or shorter[brace] != each.start - 1 - removed:
                return False
            starts += [start + removed for start in shorter[len(starts) : brace + 1]]
            removed += each.end - each.start
        self.starts = starts + [start + removed for start in shorter[len(starts) :]]
        return True

    def _without_comments(self) -> None:
        kept = [not text.startswith("#") for text in self.texts]
        if all(kept):
            return
        before = accumulate(kept)
        for number, text, start, keep in zip(before, self.texts, self.starts, kept, strict=True):
            if not keep:
                self.comments.append((number, text, start))
        self.texts = list(compress(self.texts, kept))
        self.starts = list(compress(self.starts, kept))

    def end(self, index: int) -> int:
        """The offset behind token `index`."""
        return self.starts[index] + len(self.texts[index])


# ----- long lists -------------------------------------------------------------------

_LONG_LIST = re.compile(r"elements = \{([\w:., /\n\t-]{100,})\}")
_VERDICTS = frozenset(("accept", "drop", "return", "continue"))
_PROTOCOLS = frozenset(("tcp", "udp", "sctp", "dccp", "icmp"))


class _Unusual(FwcError):
    """An element that must be read token by token."""


class LongList(Record):
    """The elements between a `{` and its `}`, and where they begin and end."""

    start: int
    end: int
    elements: tuple[t.Element, ...]


def long_lists(text: str) -> Iterator[LongList]:
    """The `elements = { ... }` of the text that are long and hold nothing but usual values and verdicts: these are most of a
    large file, so they are read by their commas, without tokens."""
    values, verdicts = _Values(), _Verdicts()
    for match in _LONG_LIST.finditer(text):
        try:
            yield LongList(match.start(1), match.end(1), _elements(match[1], values, verdicts))
        except _Unusual:
            continue


def _elements(text: str, values: _Values, verdicts: _Verdicts) -> tuple[t.Element, ...]:
    items = text.split(",")
    if not items[-1].strip(" \t\n"):
        items.pop()
    if " : " in text:
        out = []
        for item in items:
            key, colon, data = item.strip(" \t\n").partition(" : ")
            out.append(t.Element(_expression(key, values), verdicts[data] if colon else None))
        return tuple(out)
    return tuple([t.Element(_expression(item.strip(" \t\n"), values)) for item in items])


def _expression(text: str, values: _Values) -> t.Expr:
    """A value, or several as a concatenation."""
    if " . " in text:
        return t.Concat(tuple(map(values.__getitem__, text.split(" . "))))
    return values[text]


class _Values(dict[str, t.Expr]):
    """Each value that is one token, made when it is asked for."""

    def __missing__(self, text: str) -> t.Expr:
        match = _TOKEN.fullmatch(text)
        usual = text[:1].isdigit() or (":" in text and text != ":") or text in _PROTOCOLS
        if not usual or match is None or match[2] != text:
            raise _Unusual
        found = self[text] = t.Word(text)
        return found


class _Verdicts(dict[str, t.Expr]):
    def __missing__(self, text: str) -> t.Expr:
        word, _, chain = text.partition(" ")
        if text in _VERDICTS:
            found = t.VerdictWord(text)
        elif word in ("jump", "goto") and chain.isascii() and chain.isidentifier():
            found = t.VerdictWord(word, chain)
        else:
            raise _Unusual
        self[text] = found
        return found
