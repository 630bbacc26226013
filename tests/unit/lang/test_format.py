"""fwc fmt: idempotent, nothing lost, the same meaning."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwc.lang.format import format_source, same_tree
from fwc.lang.parse import parse
from fwc.source import SourceFile

from .conftest import ROOT, WORD, policies, spoilt_statements

CASES = ROOT / "tests" / "cases" / "fmt"


def formatted(text: str) -> str:
    result, found = format_source(SourceFile("case.fw", text))
    assert not found
    return result


def check(text: str) -> None:
    """What holds for every text without errors."""
    once = formatted(text)
    assert formatted(once) == once
    before, _ = parse(SourceFile("case.fw", text))
    after, found = parse(SourceFile("case.fw", once))
    assert not found and same_tree(before, after)
    assert not re.search(r"[ \t]+$", re.sub(r'"""(?:.|\n)*?"""', "RAW", once), re.M)
    words = [w for w in WORD.findall(text) if not w.isspace() and w not in ",;\\"]
    kept = [w for w in WORD.findall(once) if not w.isspace() and w not in ",;\\"]
    assert "".join(words) == "".join(kept)


@pytest.mark.parametrize("name", sorted(policies()))
def test_policies(name: str) -> None:
    check(policies()[name])


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_cases(name: str) -> None:
    text = (CASES / name / "input.fw").read_bytes().decode("utf-8")
    assert formatted(text) == (CASES / name / "expected.fw").read_text(encoding="utf-8")


def test_a_broken_text_comes_back_as_it_is() -> None:
    source = SourceFile("case.fw", "syntax  1\ndrop any\n")
    text, found = format_source(source)
    assert text == source.text and found


@st.composite
def relaid(draw: st.DrawFn) -> str:
    """A policy with other blanks, line ends and comments in the places where they mean nothing."""
    text = draw(st.sampled_from(sorted(policies().values())))
    lines = text.split("\n")
    low = draw(st.integers(0, max(0, len(lines) - 12)))
    part = "\n".join(lines[low : low + 12])
    noise = st.sampled_from([" ", "  ", "\t", " \\\n  "])
    end = st.sampled_from(["\n", "\n\n\n", "  \n\t", " # why\n", "\n# own line\n", " ;\n", "\r\n"])
    out = []
    for word in WORD.findall(part):
        if word == "\n":
            out.append(draw(end))
        elif word.isspace() and draw(st.booleans()):
            out.append(draw(noise))
        elif word == "," and draw(st.booleans()):
            out.append(draw(st.sampled_from([",\n", " , ", ", # note\n  "])))
        else:
            out.append(word)
    return "".join(out)


@settings(max_examples=300, deadline=None)
@given(st.one_of(relaid(), spoilt_statements()))
def test_any_layout(text: str) -> None:
    if not parse(SourceFile("case.fw", text))[1]:
        check(text)
