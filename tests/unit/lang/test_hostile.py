"""Whatever the text is, the parser answers, soon, and every finding has a place in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.watchdog import ends

from fwc.lang import ast
from fwc.lang.parse import parse
from fwc.source import SourceFile

from .conftest import policies, spoilt_statements, vocabulary


def answer(text: str) -> ast.File:
    source = SourceFile("case.fw", text)
    tree, found = parse(source)
    assert tree.broken == bool(found)
    for each in found:
        assert each.primary is not None
        assert 0 <= each.primary.span.start <= each.primary.span.end <= len(text)
        assert each.message and each.message.isprintable()
        assert not each.help or each.help.isprintable()
    return tree


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.binary().map(lambda b: b.decode("latin-1")), spoilt_statements()))
def test_any_text(text: str) -> None:
    answer(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(vocabulary()), max_size=40), st.sampled_from(["", " ", "\n"]))
def test_any_words(words: list[str], joint: str) -> None:
    answer(joint.join(words))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(policies())), st.data())
def test_cut_policies(name: str, data: st.DataObject) -> None:
    text = policies()[name]
    low = data.draw(st.integers(0, len(text)))
    high = data.draw(st.integers(low, min(len(text), low + 2000)))
    answer(text[low:high])


LARGE = {
    "nested blocks": "from any to self { " * 5000 + "}" * 5000,
    "nested lists": "allow ssh from " + "{ " * 5000 + "lan" + " }" * 5000 + " to self",
    "open braces": "{" * 100_000,
    "closing braces": "}\n" * 20_000,
    "open blocks": "from any to self {\n" * 59,
    "members": "group g = {\n" + "\n".join(f"10.{n >> 8}.{n & 255}.1" for n in range(20_000)) + "\n}",
    "members in a line": "group g = " + ", ".join(f"10.{n >> 8}.{n & 255}.1" for n in range(20_000)),
    "a long string": 'allow ssh from lan to self comment "' + "x" * 4_000_000 + '"',
    "a long open string": 'allow ssh from lan to self comment "' + "x\\" * 2_000_000,
    "quotes": '"' * 300_000,
    "backslashes": "\\" * 300_000,
    "a long word": "a-" * 500_000,
    "a long number": "allow tcp " + "9" * 1_000_000 + " from lan to self",
    "many errors": "drop any\n" * 20_000,
    "commas": "," * 300_000,
    "brackets": "[" * 300_000,
    "comments": "#" * 300_000 + "\n" + "#\n" * 100_000,
    "blanks": " \t" * 500_000,
    "open raw texts": 'native nft """' * 3_000,
    "many closed groups": "group g = { a }\n" * 20_000,
}


@pytest.mark.parametrize("name", sorted(LARGE))
def test_large_texts_are_answered_soon(name: str) -> None:
    with ends():
        answer(LARGE[name])


def test_a_byte_order_mark_and_windows_lines() -> None:
    tree = answer("\ufeffsyntax 1\r\nallow ssh from lan to self # why\r\n")
    assert not tree.broken and len(tree.statements) == 2
