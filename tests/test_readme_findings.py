"""The README's findings are what the tool prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from fwc.cli.main import cli

ROOT = Path(__file__).resolve().parents[1]


def test_findings_of_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = re.search(r"<!-- fwc (.*?) -->\n```text\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert shown is not None
    monkeypatch.chdir(ROOT / "examples/lint")
    words = [*shown[1].split(), "--isolated", "--color", "never"]
    result = CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False)
    assert result.stdout + result.stderr == shown[2]
