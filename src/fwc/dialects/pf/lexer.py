"""Tokens of pf.conf as pfctl's yylex makes them: macros are replaced while reading, `\\` joins lines."""

from __future__ import annotations

import re

from fwc.dialects.pf.words import KEYWORDS
from fwc.source import SourceFile, Span

# kinds of tokens
WORD = 0  # a bare word that is no keyword
KEY = 1
STRING = 2  # quoted
NUMBER = 3
PUNCT = 4
NEWLINE = 5
END = 6
BAD = 7  # an undefined macro or an unterminated string; the value is the message

MAX_TOKEN = 8095  # pfctl's token buffer is 8096 bytes

_TOKEN = re.compile(
    r"(?P<skip>(?:[ \t]|\\\n|\\(?=[ \t]))+)"  # lgetc() drops a backslash before a blank, too
    r"|(?P<comment>\#(?:\\\n|[^\n])*)"
    r"|(?P<nl>\n)"
    r"|(?P<string>\"(?:\\[\s\S]|[^\"\\])*\"|'(?:\\[\s\S]|[^'\\])*')"
    r"|(?P<number>-?[0-9]+(?=[\s),/}=]|\\\n|\Z))"
    r"|(?P<word>[A-Za-z0-9:_](?:[A-Za-z0-9\"$%&'*+.:;?@\[\]^_`|~-]|\\(?!\n)|\\\n)*)"
    r"|(?P<op><>|><|->)"
    r"|\$(?P<macro>[A-Za-z0-9_]*)"
    r"|(?P<punct>[\s\S])"
)
_PLAIN_LINE = re.compile(r"[A-Za-z0-9:_][A-Za-z0-9:_.-]*(?: [A-Za-z0-9:_][A-Za-z0-9:_.-]*)*\n")
"""Words and numbers with a blank between them: each is a token by itself, and no macro is defined."""
_TAIL = re.compile(r"[A-Za-z0-9\"%&'*+.:;?@\[\]^_`|~-]*(?:->)?")


class Tokens:
    """Parallel lists, one entry per token, ended by an END token."""

    __slots__ = ("comments", "ends", "file", "kinds", "starts", "values")

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.kinds: list[int] = []
        self.values: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.comments: dict[int, str] = {}  # offset of `#` to text

    def add(self, kind: int, value: str, start: int, end: int) -> None:
        self.kinds.append(kind)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)

    def span(self, first: int, last: int) -> Span:
        return Span(self.file, self.starts[first], max(self.ends[last], self.starts[first]))


def unquote(text: str) -> str:
    """The content of a quoted string: `\\` before its quote, a blank or a line end is dropped, and so is a line end."""
    if "\\" not in text and "\n" not in text:
        return text[1:-1]
    quote, body, out, i = text[0], text[1:-1], [], 0
    while i < len(body):
        c = body[i]
        if c == "\\" and i + 1 < len(body) and body[i + 1] in (quote, " ", "\t", "\n"):
            i += 1
            if body[i] != "\n":
                out.append(body[i])
        elif c != "\n":
            out.append(c)
        i += 1
    return "".join(out)


def tokenize(file: SourceFile) -> Tokens:
    """All tokens of the file. Macros are defined by `NAME = values` lines, as they are read."""
    tokens = Tokens(file)
    macros: dict[str, str] = {}
    text, at, line_first = file.text, 0, 0
    if text.startswith("\ufeff"):
        at = 1
    match = _TOKEN.match
    add = tokens.add
    end = len(text)
    known = _Kinds()
    while at < end:
        line = _PLAIN_LINE.match(text, at) if line_first == len(tokens.kinds) else None
        if line is not None and line.end() - at < MAX_TOKEN:
            _add_plain(tokens, known, text[at : line.end() - 1].split(" "), at)
            at, line_first = line.end(), len(tokens.kinds)
            continue
        m = match(text, at)
        assert m is not None
        kind = m.lastgroup
        stop = m.end()
        if kind == "word":
            word = m.group()
            if "\\\n" in word:
                word = word.replace("\\\n", "")
            add(KEY if word in KEYWORDS else WORD, word, at, stop)
            if stop - at > MAX_TOKEN:
                tokens.kinds[-1], tokens.values[-1] = BAD, "a word is longer than 8,095 characters"
        elif kind == "macro":
            stop = _expand(tokens, macros, m.group("macro"), at, stop)
        elif kind == "nl":
            _remember_macro(tokens, macros, line_first)
            add(NEWLINE, "\n", at, stop)
            line_first = len(tokens.kinds)
        elif kind == "comment":
            tokens.comments[at] = m.group()
        elif kind != "skip":
            _add_other(tokens, kind or "", m.group(), at, stop)
        at = stop
    _remember_macro(tokens, macros, line_first)
    add(END, "", end, end)
    return tokens


class _Kinds(dict[str, int]):
    """What each word of a plain line is, made when it is asked for."""

    def __missing__(self, word: str) -> int:
        kind = self[word] = NUMBER if word.isdigit() else KEY if word in KEYWORDS else WORD
        return kind


def _add_plain(tokens: Tokens, known: _Kinds, words: list[str], at: int) -> None:
    """The words of a line with its end."""
    words.append("\n")
    tokens.kinds.extend(map(known.__getitem__, words[:-1]))
    tokens.kinds.append(NEWLINE)
    tokens.values.extend(words)
    starts, ends = tokens.starts, tokens.ends
    for word in words[:-1]:
        starts.append(at)
        at += len(word)
        ends.append(at)
        at += 1
    starts.append(at - 1)
    ends.append(at)


def _add_other(tokens: Tokens, kind: str, text: str, at: int, stop: int) -> None:
    if kind == "number":
        tokens.add(NUMBER, text, at, stop)
    elif kind == "string":
        value = unquote(text)
        if len(value) > MAX_TOKEN:
            tokens.add(BAD, "a quoted string is longer than 8,095 characters", at, stop)
        else:
            tokens.add(STRING, value, at, stop)
    elif text in ('"', "'"):
        tokens.add(BAD, "this quoted string has no end", at, stop)
    else:
        tokens.add(PUNCT, text, at, stop)


def _expand(tokens: Tokens, macros: dict[str, str], name: str, at: int, stop: int) -> int:
    """Add the tokens of macro `name`; characters that follow it directly are glued to its last word."""
    value = macros.get(name)
    if value is None:
        tokens.add(BAD, f"macro '{name}' is not defined", at, stop)
        return stop
    tail = _TAIL.match(tokens.file.text, stop)
    assert tail is not None
    glued = tail.group()
    if glued.endswith("->"):
        glued = glued[:-2]
    text = value + glued
    pos = 0
    while pos < len(text):
        m = _TOKEN.match(text, pos)
        assert m is not None
        kind, word = m.lastgroup, m.group()
        if kind == "word":
            tokens.add(KEY if word in KEYWORDS else WORD, word, at, stop + len(glued))
        elif kind == "macro":
            tokens.add(PUNCT, "$", at, stop)
        elif kind == "nl":
            pass
        elif kind not in ("skip", "comment"):
            _add_other(tokens, kind or "", word, at, stop + len(glued))
        pos = m.end()
    return stop + len(glued)


def _remember_macro(tokens: Tokens, macros: dict[str, str], first: int) -> None:
    """Define a macro when the line that starts at token `first` reads `NAME = value...`."""
    kinds, values = tokens.kinds, tokens.values
    last = len(kinds)
    if last - first < 3 or kinds[first] not in (WORD, STRING) or values[first + 1] != "=" or kinds[first + 1] != PUNCT:
        return
    if all(kind in (WORD, STRING, NUMBER) for kind in kinds[first + 2 : last]):
        macros[values[first]] = " ".join(values[first + 2 : last])
