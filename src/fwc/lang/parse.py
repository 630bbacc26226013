"""Text to tree."""

from __future__ import annotations

import gc
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import accumulate
from typing import Any

from fwc.diagnostics import Diagnostic
from fwc.lang import ast, changes, statements
from fwc.lang.nodes import NODES
from fwc.lang.shapes import Doubt, Shape, compile_shape
from fwc.lang.tables import Mistake, grammar
from fwc.lang.values import LEAVES, Builder
from fwc.lang.words import CLOSE, NEWLINE, OPEN, SPACE, Words, cut, kinds
from fwc.records import Record
from fwc.source import Anchor, SourceFile, Span

_ = changes, statements  # they register their handlers in NODES

MAX_DEPTH = 60
"""Braces inside braces; no policy needs ten, and the walks over the tree may recurse."""


def parse(source: SourceFile) -> tuple[ast.File, list[Diagnostic]]:
    """The tree of a policy and every syntax error in it; after an error the tree is marked `broken`."""
    reader = _Reader(source)
    collecting = gc.isenabled()
    gc.disable()  # a tree is all live: looking for garbage in it costs a third of the time
    try:
        found = reader.read()
    finally:
        if collecting:
            if not gc.get_freeze_count():
                gc.freeze()  # and back: all that is young is now old, without having been walked
                gc.unfreeze()
            gc.enable()
    reader.diagnostics.sort(key=Diagnostic.sort_key)
    return reader.file(found), reader.diagnostics


def read(source: SourceFile) -> tuple[ast.File, list[Diagnostic], Words, frozenset[int]]:
    """As `parse`, by the tables alone; with the words, and which opening braces hold lines and not lists."""
    reader = _Reader(source, plain=True)
    found = reader.read()
    reader.diagnostics.sort(key=Diagnostic.sort_key)
    return reader.file(found), reader.diagnostics, reader.words, frozenset(reader.bodies)


def parse_statement(source: SourceFile, start: int, end: int) -> tuple[ast.Statement | None, list[Diagnostic]]:
    """One statement of a source, by offsets; None when it has syntax errors."""
    reader = _Reader(source, start, end)
    found = reader.read()
    return (None if reader.diagnostics or not found else found[0]), reader.diagnostics


LONGEST_SHAPE = 120
MOST_SHAPES = 4000
WORTH_COMPILING = 4
"""Words in a statement that may get a function, functions for each start symbol, and how often a shape must have been met:
compiling costs as much as reading three statements by the tables."""

_shapes: dict[str, dict[str, Shape]] = {}
_seen: defaultdict[str, Counter[str]] = defaultdict(Counter)


_DECLARING = frozenset({"zone", "host", "group", "service", "set", "template", "chain", "let"})

_BRACES = re.compile("[{}]")


@cache
def _unseen() -> re.Pattern[str]:
    """Only compiled for a text that may have one: its set of characters takes longer than parsing a small policy."""
    return re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\r(?!\n)")


class _Stop(Exception):
    """A line that is not a statement."""

    def __init__(self, mistake: Mistake) -> None:
        self.mistake = mistake


# A concrete tree is made of (terminal, word index), (rule, parts, first word, last word), and bodies in braces:
# ("{", parts of all lines) or, when the lines were finished apart, ("=", values).
_Tree = tuple[Any, ...]


class _Line(Record):
    """The statement that is being read: its first word, where that begins, and the offsets of its words from there."""

    first: int
    start: int
    offsets: list[int]

    def offset(self, index: int) -> int:
        """Where a word of the statement begins, by its index in the file."""
        return self.start + self.offsets[index - self.first]


class _Reader:
    """One run over one file."""

    def __init__(self, source: SourceFile, start: int = 0, end: int | None = None, plain: bool = False) -> None:
        words = cut(source.text, start, end)
        self.source = source
        self.longest = 0 if plain else LONGEST_SHAPE
        self.bodies: set[int] = set()
        self.words = words
        self.texts = words.texts
        self.line = _Line(0, words.start, [])
        self.shapes = words.kinds
        self.signatures = kinds().signatures
        self.tables = grammar()
        self.builder = Builder(source)
        self.diagnostics = self.builder.diagnostics
        self.misread: set[str] = set()
        self.closing: dict[int, int] = {}
        self.unclosed: list[int] = []

    def read(self) -> list[ast.Statement]:
        self._check_characters()
        if not self._match_braces():
            return []
        return self._lines("stmt", 0, len(self.texts), self.words.start)

    def file(self, found: list[ast.Statement]) -> ast.File:
        """The tree of the whole file, once it has been read."""
        span = Span(self.source, 0, len(self.source.text))
        return ast.File(tuple(found), bool(self.diagnostics), span, frozenset(self.misread))

    def _check_characters(self) -> None:
        """Characters that a reviewer cannot see, or sees in another order than the compiler."""
        start = self.words.start
        text = self.source.text[start : self.words.end]
        if text.replace("\n", "").replace("\t", "").isprintable():
            return  # looking for each of them takes twenty times as long
        for found in _unseen().finditer(text):
            message = f"the character U+{ord(found[0]):04X} cannot stand in a policy"
            self.builder.error("FW043", message, start + found.start(), start + found.end(), "remove it")

    def _match_braces(self) -> bool:
        """Fill `closing`; report braces without a partner. False when they nest too deep."""
        shapes = self.shapes
        stack: list[int] = []
        stray: list[int] = []
        for found in _BRACES.finditer(shapes):
            at = found.start()
            if shapes[at] == OPEN:
                stack.append(at)
                if len(stack) > MAX_DEPTH:
                    self._error_at(at, "FW049", f"braces are nested deeper than {MAX_DEPTH}")
                    return False
            elif stack:
                self.closing[stack.pop()] = at
            else:
                stray.append(at)
                self._error_at(at, "FW001", "this `}` closes nothing")
        limit = len(shapes)
        for at in stack:
            self._error_at(at, "FW001", "this `{` is never closed")
            limit = self._likely_end(at, limit if at < limit else len(shapes))
            self.closing[at] = limit
            self.unclosed.append(at)
        if stray:
            lines = list(shapes)
            for at in stray:
                lines[at] = NEWLINE
            self.shapes = "".join(lines)
        return True

    def _likely_end(self, brace: int, limit: int) -> int:
        """Where a brace that is never closed should have been: before the next line that is indented no deeper."""
        from fwc.lang.hints import STATEMENT_WORDS

        text = self.source.text
        line = text.rfind("\n", 0, self.words.offsets[brace]) + 1
        indent = len(text[line:]) - len(text[line:].lstrip(" \t")) if line < len(text) else 0
        at = self.shapes.find(NEWLINE, brace, limit)
        while at >= 0:
            word = self.texts[at]
            after = self.texts[at + 1] if at + 1 < limit else ""
            if "\n" in word and len(word) - word.rfind("\n") - 1 <= indent and after in STATEMENT_WORDS:
                return at
            at = self.shapes.find(NEWLINE, at + 1, limit)
        return limit

    def _error_at(self, index: int, code: str, message: str, help: str = "") -> None:
        offsets = self.words.offsets
        self.builder.error(code, message, offsets[index], offsets[index + 1], help)

    # ----- lines -------------------------------------------------------------

    def _lines(self, start: str, at: int, end: int, place: int) -> list[Any]:
        """The values of the lines between two word indexes, of which the first is at `place`, each read from `start`."""
        found: list[Any] = []
        shapes, texts, builder, source = self.shapes, self.texts, self.builder, self.source
        known = _shapes.setdefault(start, {})
        find, longest = shapes.find, self.longest
        while at < end:
            if shapes[at] in "\n ":
                place += len(texts[at])
                at += 1
                continue
            stop = find(NEWLINE, at, end)
            if stop < 0:
                stop = end
            if find(OPEN, at, stop) >= 0:
                stop = self._line_end(at, end)
            words = texts[at:stop]
            offsets = [0, *accumulate(map(len, words))]
            key = shapes[at:stop] if stop - at <= longest else ""
            shape = known.get(key)
            if shape is not None:
                reported = len(self.diagnostics)
                try:
                    found += shape(builder, Anchor(source, place), words, offsets)
                except Doubt:
                    del self.diagnostics[reported:]
                    found += self._line_values(start, _Line(at, place, offsets), stop)
            else:
                found += self._line_values(start, _Line(at, place, offsets), stop, key)
            at = stop
            place += offsets[-1]
        return found

    def _line_values(self, start: str, line: _Line, stop: int, key: str = "") -> list[Any]:
        """The values of one line by the tables; a shape seen before (`key`) becomes a function."""
        reported = len(self.diagnostics)
        outer, self.line = self.line, line
        trees = self._line(start, line.first, stop, bool(key))
        if key and trees and len(self.diagnostics) == reported:
            seen = _seen[start]
            if len(seen) > 10 * MOST_SHAPES:
                seen.clear()
            seen[key] += 1
            if seen[key] >= WORTH_COMPILING and len(_shapes[start]) < MOST_SHAPES:
                _shapes[start][key] = compile_shape(trees, line.first)
        values = [self._value(tree) for tree in trees]
        self.line = outer
        return values

    def _line_end(self, at: int, end: int) -> int:
        """Where the line that begins at `at` ends: a newline outside of braces, or `end`."""
        shapes = self.shapes
        stop = shapes.find(NEWLINE, at, end)
        if stop < 0:
            stop = end
        brace = shapes.find(OPEN, at, stop)
        while brace >= 0:
            close = self.closing[brace]
            after = close + 1 if shapes[close : close + 1] == CLOSE else close
            if after > stop:
                stop = shapes.find(NEWLINE, after, end)
                if stop < 0:
                    stop = end
            brace = shapes.find(OPEN, after, stop)
        return stop

    def _line(self, start: str, first: int, end: int, whole: bool) -> list[_Tree]:
        """The parts of one line; none, and a diagnostic, when it is not what `start` says."""
        while self.shapes[end - 1] == SPACE:
            end -= 1
        try:
            return self._tree(start, first, end, whole)
        except _Stop as stop:
            self._note_name(first, end)
            if any(first <= brace <= stop.mistake.index for brace in self.unclosed):
                return []
            self._bodies_after(stop.mistake)
            at = stop.mistake.index
            if at < end and _unseen().search(self.texts[at]):
                return []  # reported as that
            from fwc.lang.syntax_errors import describe  # of no use to a text without a mistake

            self.diagnostics.append(describe(self.source, self.tables, self.words, stop.mistake))
            return []

    def _note_name(self, first: int, end: int) -> None:
        """Keep the name that a line with an error declares: its uses are no errors of their own."""
        words = [
            text for kind, text in zip(self.shapes[first:end], self.texts[first:end], strict=True) if kind != SPACE
        ]
        if len(words) > 1 and words[0] in _DECLARING:
            self.misread.add(words[1])

    def _bodies_after(self, mistake: Mistake) -> None:
        """Read the statements in the braces of a line that is none, for their errors alone."""
        from fwc.lang.hints import LIKELY_STATEMENTS

        brace = self.shapes.find(OPEN, mistake.index, mistake.end)
        while brace >= 0:
            close = self.closing[brace]
            at = brace + 1
            while at < close and self.shapes[at] in "\n ":
                at += 1
            if at < close and self.texts[at] in LIKELY_STATEMENTS:
                self._lines("stmt", at, close, self.words.offsets[at])
            brace = self.shapes.find(OPEN, close + 1, mistake.end)

    def _body(self, start: str, at: int, end: int, whole: bool) -> _Tree:
        if not whole:
            return ("=", tuple(self._lines(start, at, end, self.line.offset(at))))
        parts: list[_Tree] = []
        while True:
            while at < end and self.shapes[at] in "\n ":
                at += 1
            if at >= end:
                return ("{", parts)
            stop = self._line_end(at, end)
            parts.extend(self._line(start, at, stop, True))
            at = stop

    def _tree(self, start: str, first: int, end: int, whole: bool) -> list[_Tree]:
        """Run the LALR tables over the words first..end."""
        tables, shapes, signatures = self.tables, self.shapes, self.signatures
        state, final = tables.starts[start]
        states = [state]
        firsts: list[int] = []
        values: list[Any] = []
        at, last = first, first
        while True:
            while at < end and shapes[at] == SPACE:
                at += 1
            signature = signatures[shapes[at]] if at < end else (tables.end,)
            row = tables.row(states[-1])
            for symbol in signature:
                code = row.get(symbol)
                if code is not None:
                    break
            else:
                raise _Stop(Mistake(start, first, at, end, tuple(states)))
            while code is not None and code & 1:
                name, left, size, inline = tables.rules[code >> 1]
                parts = values[len(values) - size :]
                begin = firsts[-size] if size else at
                if size:
                    del states[-size:], values[-size:], firsts[-size:]
                joined = _join(parts)
                values.append(joined if inline else (name, joined, begin, last))
                firsts.append(begin)
                state = tables.row(states[-1])[left] >> 1
                states.append(state)
                if symbol == tables.end and state == final:
                    return _join(values)
                code = tables.row(state).get(symbol)
            if code is None:
                raise _Stop(Mistake(start, first, at, end, tuple(states)))
            state = code >> 1
            states.append(state)
            firsts.append(at)
            last = at
            if shapes[at] == OPEN and state in tables.bodies:
                close = self.closing[at]
                self.bodies.add(at)
                values.append(self._body(tables.bodies[state], at + 1, min(close, end), whole))
                at = close
                continue
            terminal = tables.terminals[symbol]
            values.append((terminal, at) if terminal in LEAVES else [])
            at += 1

    def _value(self, tree: _Tree) -> Any:
        """Build what a concrete tree stands for."""
        name = tree[0]
        if len(tree) == 4:
            parts = [self._value(part) for part in tree[1]]
            return NODES[name](self.builder, parts, self.line.offset(tree[2]), self.line.offset(tree[3] + 1))
        if name == "=":
            return tree[1]
        if name == "{":
            return tuple(self._value(part) for part in tree[1])
        at = tree[1]
        return LEAVES[name](self.builder, self.texts[at], self.line.offset(at), self.line.offset(at + 1))


def _join(parts: list[Any]) -> list[_Tree]:
    """Parts in one list; lists dissolve. The first list is reused: repetitions are left recursive."""
    if parts and parts[0].__class__ is list:
        joined = parts[0]
        rest = parts[1:]
    else:
        joined = []
        rest = parts
    for part in rest:
        if part.__class__ is list:
            joined.extend(part)
        else:
            joined.append(part)
    return joined
