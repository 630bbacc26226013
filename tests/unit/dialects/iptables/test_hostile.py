"""Mutations of real-looking rulesets: a diagnostic or a ruleset, never an exception, and never more than what was put in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fwc.api import ReadRequest, convert
from fwc.dialects.iptables import dialect
from fwc.ir.walk import rules
from fwc.source import SourceFile

DUMPS = [path.read_text() for path in sorted(Path(__file__).parents[3].joinpath("kernel", "dumps").glob("*.v4"))]
SPLICES = [
    "", " ", "!", "! ", "-j", "-m", "-m recent --set", "-g", "--dport", "0", "-1", "4294967296", "1.2.3.4/33", "::/0",
    "\0", '"', "'",
    "\\", "\r", "\t", "*nat\n", "COMMIT\n", ":INPUT",
    "-A INPUT", "ü", "\u2028", "\udc80", "9" * 400, "a," * 2000, "0x", "1:2:3", "-N x",
    "-m set --match-set x src,src,src", "-m u32 --u32 &&&", "-m time --timestart ::", "-m statistic --mode nth", "[1:2]", "-c 1",
]  # fmt: skip

settings_ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def mutated(draw: st.DrawFn) -> str:
    lines = draw(st.sampled_from(DUMPS)).splitlines(keepends=True)
    lines = lines[: draw(st.integers(5, 60))]
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(lines) - 1))
        words = lines[at].split(" ")
        word = draw(st.integers(0, len(words) - 1))
        kind = draw(st.integers(0, 5))
        if kind == 0:
            del words[word]
        elif kind == 1:
            words[word] = draw(st.sampled_from(SPLICES))
        elif kind == 2:
            words.insert(word, draw(st.sampled_from(SPLICES)))
        elif kind == 3:
            words.insert(word, words[draw(st.integers(0, len(words) - 1))])
        elif kind == 4:
            other = lines[draw(st.integers(0, len(lines) - 1))].split(" ")
            words[word:] = other[min(word, len(other)) :]
        else:
            cut = draw(st.integers(0, len(words[word])))
            words[word] = words[word][:cut] + draw(st.characters()) + words[word][cut:]
        lines[at] = " ".join(words)
    text = "".join(lines)
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


@settings_
@given(mutated())
def test_read_and_printed(text: str) -> None:
    tree, found = dialect.parse(SourceFile("rules.v4", text))
    lifted, more = dialect.lift(tree)
    for each in (*found, *more):
        assert each.message
        if each.primary is not None and each.primary.span is not None:
            assert 0 <= each.primary.span.start <= each.primary.span.end <= len(text)
    assert sum(1 for _ in rules(lifted)) <= text.count("-A") + text.count("-I") + text.count("-R") + text.count("--")
    if not any(each.severity.name == "ERROR" for each in (*found, *more)):
        again, _ = dialect.parse(SourceFile("rules.v4", "".join(f.text for f in dialect.print(tree))))
        assert [(b.name, [r.words for r in b.rules]) for f in again.files for b in f.tables] == [
            (b.name, [r.words for r in b.rules]) for f in tree.files for b in f.tables
        ]


@settings(settings_, max_examples=60)
@given(mutated())
def test_converted_or_refused(text: str) -> None:
    output, found = convert(SourceFile("rules.v4", text), ReadRequest("iptables-save"), "nftables")
    assert (output is None) is any(each.severity.name == "ERROR" for each in found)


@pytest.mark.parametrize(
    "text",
    [
        "*filter\n" + "-A INPUT " + "! " * 200_000 + "-j DROP\nCOMMIT\n",
        "*filter\n" + "-A INPUT " + "-m tcp " * 20_000 + "-j DROP\nCOMMIT\n",
        "*filter\n-A INPUT -s " + "1.2.3.4," * 100_000 + "1.2.3.4 -j DROP\nCOMMIT\n",
        "*filter\n" + "".join(f":c{i} - [0:0]\n-A c{i} -j c{i + 1}\n" for i in range(5_000)) + "COMMIT\n",
        '*filter\n-A INPUT -m comment --comment "' + "x" * 1_000_000 + "\nCOMMIT\n",
        "*filter\n" + "-I INPUT 1 -j DROP\n" * 20_000 + "COMMIT\n",
    ],
    ids=["bangs", "modules", "addresses", "deep", "quote", "inserts"],
)
def test_large_and_strange(text: str) -> None:
    tree, _ = dialect.parse(SourceFile("rules.v4", text))
    dialect.lift(tree)
