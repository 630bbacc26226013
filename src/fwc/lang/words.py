"""Text to words: where each word starts, and a character for what it may be.

The words of a text do not depend on the parser's state (every terminal of the grammar ends where a word ends), so one
`findall` cuts the whole file. Two words get the same character exactly when the same terminals match them; a statement's
string of characters is its shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import accumulate
from sys import intern

from fwc.lang.tables import Grammar, grammar

# Every alternative begins with a literal or a class: the regex engine then skips those that cannot match at one look.
_WORD = r"""
      [\w.:/@$%*+][\w.:/@$%*+]*(?:-(?!>)[\w.:/@$%*+]*)*(?:\[[\w.:/@$%*+-]*\])*
    | -(?!>)[\w.:/@$%*+]*(?:-(?!>)[\w.:/@$%*+]*)*
    | \[[\w.:/@$%*+-]*\][\w.:/@$%*+]*(?:-(?!>)[\w.:/@$%*+]*)*
    | <->|->
    """
_PLAIN_WORD = r"[A-Za-z0-9_.:/@$%*+-]+"
"""The same in ASCII without brackets and arrows, at half the cost."""

_CUT = r"""
      [ \t]+
    | [lm](?:inux|acos):(?=[A-Za-z"])
    | WORD
    | ,(?:[ \t\r\n]+|\#[^\n]*(?:\n|\Z))*
    | "(?:""(?:.|\n)*?\"\"\"|(?:[^"\\\n]++|\\[^\n])*+"|[^\n]*)
    | [\#\r\n;](?:(?<=\#)[^\n]*(?:\n|\Z)|(?<=[\n;])|(?<=\r)\n)[ \t]*(?:(?:\#[^\n]*(?:\n|\Z)|\r?\n|;)[ \t]*)*
    | \\[ \t]*\r?\n
    | [<>]=?(?!>)
    | =[=>]?|!=|&&|\|\||[!&|]+
    | [\s\S]
    """


@cache
def _cutter(plain: bool) -> re.Pattern[str]:
    return re.compile(_CUT.replace("WORD", _PLAIN_WORD if plain else _WORD), re.VERBOSE)


NEWLINE = "\n"
SPACE = " "
OPEN = "{"
CLOSE = "}"
COMMA = ","
BAD = "?"
_FIRST_KIND = 0x100


class Words:
    """The text of a source from `start` to `end`, cut; `kinds` has one character per word."""

    __slots__ = ("_offsets", "end", "kinds", "start", "texts")

    def __init__(self, texts: list[str], kinds: str, start: int, end: int) -> None:
        self.texts = texts
        self.kinds = kinds
        self.start = start
        self.end = end
        self._offsets: list[int] | None = None

    @property
    def offsets(self) -> list[int]:
        """Where each word begins, and the end. Made for errors alone: a number for each word is more than the tree needs."""
        if self._offsets is None:
            self._offsets = list(accumulate(map(len, self.texts), initial=self.start))
        return self._offsets


class _Pattern:
    """A terminal that is more than a list of words. Its expression is compiled when a word comes that it may match: a small
    policy needs a few of them."""

    def __init__(self, symbol: int, pattern: str, needs: str, begins: str, reserved: tuple[str, ...]) -> None:
        self.symbol = symbol
        self._pattern = pattern
        self._needs = needs
        self.begins = begins
        self._reserved = reserved
        self._match: Callable[[str], object] | None = None

    def matches(self, word: str) -> bool:
        """Whether the whole word, which begins with one of `begins`, is this terminal."""
        for sign in self._needs:
            if sign not in word:
                return False
        if word in self._reserved:
            return False
        if self._match is None:
            self._match = re.compile(self._pattern).fullmatch
        return self._match(word) is not None


class Kinds(dict[str, str]):
    """Word to kind, found once per word; `signatures` maps a kind to the terminals that match, first choice first."""

    def __init__(self, tables: Grammar) -> None:
        super().__init__()
        self.signatures: dict[str, tuple[int, ...]] = {BAD: ()}
        self._by_signature: dict[tuple[int, ...], str] = {(): BAD}
        self._keywords: dict[str, list[int]] = {}
        self._patterns: list[_Pattern] = []
        for symbol, (name, words) in enumerate(zip(tables.terminals, tables.words, strict=True)):
            fixed = {"_COMMA": COMMA, "_NL": NEWLINE, "_LBRACE": OPEN, "_RBRACE": CLOSE}.get(name)
            if fixed is not None:
                self.signatures[fixed] = (symbol,)
            elif not words:
                needs, begins, reserved = tables.needs[symbol], tables.begins[symbol], tables.reserved[symbol]
                self._patterns.append(_Pattern(symbol, tables.patterns[symbol], needs, begins, reserved))
            for word in words:
                self._keywords.setdefault(word, []).append(symbol)
        self._beginning: dict[str, list[_Pattern]] = {}
        self._string = self._signature_kind((tables.terminals.index("STRING"),))
        self._raw = self._signature_kind((tables.terminals.index("RAWTEXT"),))
        self._fixed = {OPEN: OPEN, CLOSE: CLOSE}

    def __missing__(self, word: str) -> str:
        first = word[0]
        if first in " \t\\" and not word.strip(" \t\r\n\\"):
            kind = SPACE if word != "\\" else BAD
        elif first in "#\n;" or word.startswith("\r\n"):
            kind = NEWLINE
        elif first == ",":
            kind = COMMA
        elif first == '"':
            return self._quoted(word)
        else:
            kind = self._fixed.get(word) or self._word(word)
        self[word] = kind
        return kind

    def _quoted(self, word: str) -> str:
        """Strings are many and need no memo."""
        if len(word) >= 6 and word.startswith('"""') and word.endswith('"""'):
            return self._raw
        if len(word) >= 2 and word.endswith('"') and "\n" not in word and not _ends_escaped(word):
            return self._string
        return BAD

    def _word(self, word: str) -> str:
        if len(word) > 300:
            return BAD
        first = word[0]
        patterns = self._beginning.get(first)
        if patterns is None:
            patterns = self._beginning[first] = [each for each in self._patterns if first in each.begins]
        symbols = [each.symbol for each in patterns if each.matches(word)]
        symbols += self._keywords.get(word, ())
        return self._signature_kind(tuple(sorted(symbols)))

    def _signature_kind(self, signature: tuple[int, ...]) -> str:
        kind = self._by_signature.get(signature)
        if kind is None:
            kind = chr(_FIRST_KIND + len(self._by_signature))
            self._by_signature[signature] = kind
            self.signatures[kind] = signature
        return kind


def _ends_escaped(word: str) -> bool:
    """Whether the final quote is escaped, so that the string does not end there."""
    body = word[1:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


_kinds: list[Kinds] = []


def kinds() -> Kinds:
    if not _kinds:
        _kinds.append(Kinds(grammar()))
    return _kinds[0]


def cut(text: str, start: int = 0, end: int | None = None) -> Words:
    """The words of `text`, or of a part of it; together they are the text."""
    end = len(text) if end is None else end
    plain = text.isascii() and text.find("->", start, end) < 0 and text.find("[", start, end) < 0
    texts = list(map(intern, _cutter(plain).findall(text, start, end)))  # few different words
    shape = "".join(map(kinds().__getitem__, texts))
    if texts and texts[0] == "\ufeff" and start == 0:
        shape = SPACE + shape[1:]  # a byte order mark
    return Words(texts, shape, start, end)
