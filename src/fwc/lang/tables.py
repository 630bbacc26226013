"""The LALR tables of the policy language, loaded from the generated module; Lark itself is not imported.

Actions and gotos of a state are one row, `symbol code symbol code ...`; a code is `state << 1` (shift, goto) or
`rule << 1 | 1` (reduce). Symbols number the terminals first, in the order in which Lark's lexer tries them, then `$END`,
then the nonterminals. Rows are decoded when a parse first needs them: a small policy touches a tenth of them.
"""

from __future__ import annotations

from fwc.records import Record

Row = dict[int, int]


class Grammar(Record):
    """The tables of all start symbols."""

    terminals: tuple[str, ...]
    """Names, in lexing order; a terminal's symbol is its index."""
    patterns: tuple[str, ...]
    """Of a whole word; none for a terminal that is a list of words."""
    words: tuple[tuple[str, ...], ...]
    """The words of a terminal that is a list of words, for others none."""
    needs: tuple[str, ...]
    """Characters that every match of a terminal holds."""
    begins: tuple[str, ...]
    """Characters of which every match of a terminal begins with one."""
    reserved: tuple[tuple[str, ...], ...]
    """Words that the expression of a terminal matches, and that are none of it."""
    end: int
    """The symbol of the end of a line."""
    rules: tuple[tuple[str, int, int, bool], ...]
    """(name of the node, symbol of the left side, number of symbols, whether it dissolves into its parent)."""
    starts: dict[str, tuple[int, int]]
    """Start symbol to (first state, state after it was recognised)."""
    bodies: dict[int, str]
    """State after an opening brace to the start symbol of the lines inside."""
    texts: tuple[str, ...]
    rows: dict[int, Row]

    def row(self, state: int) -> Row:
        """Actions and gotos of `state`."""
        row = self.rows.get(state)
        if row is None:
            numbers = [int(n) for n in self.texts[state].split()]
            row = self.rows[state] = dict(zip(numbers[::2], numbers[1::2], strict=True))
        return row


class Mistake(Record):
    """Where a statement stopped making sense: the word at `index` (or the end of the line, `index == end`), while the
    words before it had led to `states`."""

    start: str
    first: int
    index: int
    end: int
    states: tuple[int, ...]


_loaded: list[Grammar] = []


def grammar() -> Grammar:
    """The tables, loaded once per process."""
    if not _loaded:
        _loaded.append(_load())
    return _loaded[0]


def _load() -> Grammar:
    from fwc.lang._tables import DATA

    names, patterns, words, needs, begins, reserved = zip(*DATA["terminals"], strict=True)
    return Grammar(
        terminals=names,
        patterns=patterns,
        words=words,
        needs=needs,
        begins=begins,
        reserved=reserved,
        end=len(names),
        rules=DATA["rules"],
        starts=DATA["starts"],
        bodies=DATA["bodies"],
        texts=DATA["rows"],
        rows={},
    )
