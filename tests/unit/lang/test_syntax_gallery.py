"""Every known mistake of tests/cases/syntax and what is said about it. FWC_BLESS=1 writes the expectations anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fwc.diagnostics import Diagnostic
from fwc.lang.parse import parse
from fwc.source import SourceFile

CASES = Path(__file__).parents[2] / "cases" / "syntax"
NAMES = sorted(path.name for path in CASES.iterdir() if (path / "input.fw").is_file())


def rendered(found: list[Diagnostic]) -> str:
    """`line:column-end: code message`, the marked text, then help and the earlier place."""
    lines = []
    for each in found:
        assert each.primary is not None
        span = each.primary.span
        lines.append(f"{span.line}:{span.column}: {each.code} {each.message}")
        lines.append(f"    at {span.text[:60]!a}")
        lines += [f"    help: {each.help}"] if each.help else []
        lines += [f"    {label.span.line}:{label.span.column}: {label.message}" for label in each.secondary]
    return "\n".join(lines) + "\n"


def test_the_gallery_is_large() -> None:
    assert len(NAMES) >= 60


@pytest.mark.parametrize("name", NAMES)
def test_mistake(name: str) -> None:
    text = (CASES / name / "input.fw").read_bytes().decode("utf-8")
    tree, found = parse(SourceFile("input.fw", text))
    assert found and tree.broken
    golden = CASES / name / "expected.txt"
    if os.environ.get("FWC_BLESS"):
        golden.write_text(rendered(found), encoding="utf-8")
    assert rendered(found) == golden.read_text(encoding="utf-8")
