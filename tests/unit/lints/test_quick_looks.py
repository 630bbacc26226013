"""What lints look at before they compile an expression loses nothing that the expression would match."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwc.lints import interface_not_for_target, unused_object


@pytest.mark.parametrize("names", [interface_not_for_target._ONLY_MACOS, interface_not_for_target._ONLY_LINUX])
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_names_of_interfaces_begin_so(names: tuple[tuple[str, ...], str], data: st.DataObject) -> None:
    begins, expression = names
    assert data.draw(st.from_regex(expression, fullmatch=True)).startswith(begins)


@given(st.text("ab_-0129 .:/é\n"))
@settings(max_examples=1000, deadline=None)
def test_words_are_counted_as_the_expression_finds_them(text: str) -> None:
    names = {"a", "b", "ab", "a-b", "_", "a1", "_-"}
    wanted = Counter(word for word in re.findall(unused_object._WORD, text) if word in names)
    assert unused_object._counts(text, names) == wanted


@given(st.lists(st.sampled_from(["a", "b", "c", "ab", "# a", "\n", "b c"]), max_size=40), st.integers(1, 9))
@settings(max_examples=500, deadline=None)
def test_what_stands_once_is_found_in_pieces_as_in_the_whole(words: list[str], size: int) -> None:
    text, names = " ".join(words), {"a", "b", "c", "ab"}
    counts = unused_object._counts(re.sub("#.*", "", text), names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unused_object, "_PIECE", size)
        assert unused_object._once(text, names) == {name for name in names if counts[name] == 1}
