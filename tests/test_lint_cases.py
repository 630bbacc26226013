"""Every directory tests/cases/lint/<lint>/<case>: `input.EXT`, perhaps `companion.EXT` and `fwc.yaml`, and what the lint says.

Only the findings of that lint are compared, as its own persona sees them; `FWC_BLESS=1` (`make bless`) rewrites expected.txt.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.lint_pages import run

from fwc import api
from fwc.lints._registry import find_lint
from fwc.lints._settings import LintSettings
from fwc.project.config import load_config
from fwc.render.text import render_full
from fwc.source import SourceFile

ROOT = Path(__file__).resolve().parents[1] / "tests/cases/lint"
CASES = sorted(p.parent for p in ROOT.glob("*/*/input.*"))
KINDS = {".fw": "fwc", ".v4": "iptables-save", ".v6": "iptables-save", ".nft": "nft", ".json": "nft-json", ".pf": "pf"}


def result(case: Path) -> str:
    lint = find_lint(case.parent.name)
    assert lint is not None, f"there is no lint {case.parent.name}"
    path = next(case.glob("input.*"))
    settings = load_config(case / "fwc.yaml") if (case / "fwc.yaml").exists() else LintSettings()
    other = next(case.glob("companion.*"), None)
    companion = SourceFile(other.name, other.read_text(encoding="utf-8")) if other else None
    source = SourceFile(path.name, path.read_text(encoding="utf-8"))
    kind = KINDS.get(path.suffix) or api.recognise_kind(source)
    assert kind is not None
    outcome = run(source, kind, settings, lint.persona, companion, (lint.code,))
    return render_full(outcome.findings) or "No findings.\n"


@pytest.mark.parametrize("case", CASES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_lint_case(case: Path) -> None:
    expected = case / "expected.txt"
    text = result(case)
    if os.environ.get("FWC_BLESS"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_there_are_cases() -> None:
    assert CASES
