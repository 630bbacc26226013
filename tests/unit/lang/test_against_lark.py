"""The tables and the shape cache read what Lark reads: the same texts, the same trees, spans and findings."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwc.diagnostics import Diagnostic
from fwc.lang.parse import WORTH_COMPILING, parse, read
from fwc.lang.tables import grammar
from fwc.lang.words import kinds
from fwc.source import SourceFile

from .conftest import policies, spoilt_statements, statements
from .lark_reference import generator, read_by_lark, reference


def plain(found: list[Diagnostic]) -> list[tuple[object, ...]]:
    return sorted((*d.sort_key(), d.help, d.primary) for d in found)


def agree(text: str) -> None:
    source = SourceFile("case.fw", text)
    by_lark = read_by_lark(source)
    tree, found, _, _ = read(source)
    refused = any(d.code in ("FW001", "FW049") for d in found)
    assert refused == (by_lark is None), found
    if by_lark is not None:
        assert list(tree.statements) == by_lark[0]
        assert plain(found) == plain(by_lark[1].diagnostics)
    for _ in range(WORTH_COMPILING + 1):  # by the tables, until the shape is compiled, then by its function
        cached, again = parse(source)
        assert cached == tree
        assert again == found


def test_the_tables_are_those_of_the_grammar() -> None:
    for path, text in generator().outputs().items():
        assert path.read_text(encoding="utf-8") == text, "run `make grammar`"


def whole_words() -> st.SearchStrategy[str]:
    """Words of all terminals, and such with something before or behind."""
    tables = grammar()
    listed = sorted({word for words in (*tables.words, *tables.reserved) for word in words})
    named = zip(tables.terminals, tables.patterns, strict=True)
    others = [
        st.from_regex(p, fullmatch=True)
        for name, p in named
        if p and name not in ("_NL", "_COMMA", "STRING", "RAWTEXT")
    ]
    extra = st.sampled_from(["", "", "-", "1", "a", "any", ":", "%", "é", "²"])
    return st.tuples(extra, st.one_of(st.sampled_from(listed), *others), extra).map("".join)


@settings(max_examples=2000, deadline=None)
@given(whole_words())
def test_a_word_is_what_its_terminals_match(word: str) -> None:
    wanted = {t.name for t in reference().terminals if re.fullmatch(t.pattern.to_regexp(), word)}
    known = kinds()
    assert {grammar().terminals[symbol] for symbol in known.signatures[known[word]]} == wanted - {"_WS"}


@pytest.mark.parametrize("name", sorted(policies()))
def test_policies(name: str) -> None:
    agree(policies()[name])


@pytest.mark.parametrize("number", range(len(statements())))
def test_each_statement(number: int) -> None:
    agree(statements()[number])


@settings(max_examples=400, deadline=None)
@given(spoilt_statements())
def test_spoilt_statements(text: str) -> None:
    agree(text)
