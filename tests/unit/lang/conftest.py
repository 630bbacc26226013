"""Shared by the tests of the language: the example policies, their statements, and ways to spoil them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from fwc.lang.parse import parse
from fwc.source import SourceFile

ROOT = Path(__file__).parents[3]


@cache
def policies() -> dict[str, str]:
    """Every complete policy beside the tests: the shipped library, the examples, and one of all statements."""
    paths = [*ROOT.glob("policies/std/*.fw"), *ROOT.glob("examples/**/*.fw"), Path(__file__).with_name("everything.fw")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}


@cache
def statements() -> list[str]:
    """The text of every statement of `everything.fw` and of some services."""
    everything = Path(__file__).with_name("everything.fw").read_text(encoding="utf-8")
    tree, problems = parse(SourceFile("everything.fw", everything))
    assert not problems
    return [statement.span.text for statement in tree.statements]


WORD = re.compile(r'"""(?:.|\n)*?"""|"[^"\n]*"|[\w.:/@$%*+-]+|->|<->|\n|[ \t]+|.')


@cache
def vocabulary() -> list[str]:
    """Words to put where they do not belong."""
    found = {word for text in statements() for word in WORD.findall(text) if not word.isspace() and len(word) < 40}
    return [
        *sorted(found),
        "!",
        "or",
        "=>",
        "99999",
        "10.0.0.1/8",
        "a--b",
        "2nd",
        "\n",
        ";",
        "# c\n",
        "\\\n",
        '"',
        "'",
        "é",
    ]


@st.composite
def spoilt_statements(draw: st.DrawFn) -> str:
    """One to three statements in which up to three words were replaced, removed, doubled or added."""
    texts = draw(st.lists(st.sampled_from(statements()), min_size=1, max_size=3))
    words = WORD.findall("\n".join(texts))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(words) - 1))
        kind = draw(st.sampled_from(["replace", "remove", "double", "add"]))
        if kind == "replace":
            words[at] = draw(st.sampled_from(vocabulary()))
        elif kind == "remove":
            words[at] = " "
        elif kind == "double":
            words.insert(at, words[at] + " ")
        else:
            words.insert(at, " " + draw(st.sampled_from(vocabulary())) + " ")
    return "".join(words)
