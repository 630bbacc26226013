"""Rulesets with a few mistakes, whatever they are: importers, lints and every conversion give diagnostics, no exception."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.memory_files import NoFiles

from fwc import api
from fwc.lints._settings import LintSettings
from fwc.source import SourceFile

TESTS = Path(__file__).resolve().parents[1]
KINDS = {"iptables-save": ("*.v4", "*.v6"), "nft": ("*.nft",), "pf": ("*.pf", "pf.conf")}
TOKEN = re.compile(r'"[^"\n]*"|\S+')


def _texts(patterns: tuple[str, ...]) -> list[str]:
    files = sorted(f for p in patterns for d in ("cases", "kernel/dumps") for f in (TESTS / d).rglob(p))
    return [text for f in files if len(text := f.read_text()) < 3000 and len(TOKEN.findall(text)) > 3]


def _mutants(texts: list[str]) -> st.SearchStrategy[str]:
    words = sorted({w for text in texts for w in TOKEN.findall(text)})

    @st.composite
    def mutant(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(texts))
        for _ in range(draw(st.integers(1, 3))):
            tokens = list(TOKEN.finditer(text))
            if not tokens:
                break
            token = draw(st.sampled_from(tokens))
            start, end = token.span()
            match draw(st.integers(0, 3)):
                case 0:
                    text = text[:start] + text[end:]
                case 1:
                    text = f"{text[:end]} {token[0]}{text[end:]}"
                case 2:
                    text = text[:start] + draw(st.sampled_from(words)) + text[end:]
                case _:
                    at = draw(st.integers(start, end))
                    text = text[:at] + draw(st.sampled_from("{}()<>!\"'\\$@#;,\n\0\ré0-9/*")) + text[at + 1 :]
        return text

    return mutant()


@pytest.mark.parametrize("kind", KINDS)
def test_no_exception(kind: str) -> None:
    texts = _texts(KINDS[kind])
    assert len(texts) > 5

    @given(_mutants(texts))
    @settings(max_examples=120, deadline=None)
    def judged(text: str) -> None:
        source = SourceFile("rules", text)
        api.lint(source, NoFiles(), api.LintRequest(kind, LintSettings()))
        for target in ("nftables", "iptables", "pf", "fwc"):
            api.convert(source, api.ReadRequest(kind), target)

    judged()
