"""The known defects and traps of real rulesets that nobody here wrote: how many `fwc lint` reports at their lines.

The rulesets are not part of the project; they are read from `../shared/corpora` beside the checkout when that is there. What is
missed, and why, stands in docs/lint-known-answers.md.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fwc import api
from fwc.diagnostics import Diagnostic, Persona
from fwc.lints._settings import LintSettings
from fwc.project.loader import DiskFiles, standard_policies
from fwc.source import SourceFile

pytestmark = pytest.mark.corpus

CORPORA = Path(__file__).resolve().parents[3] / "shared/corpora"
ANSWERS = CORPORA / "KNOWN_ANSWERS.json"
KINDS = {"iptables": "iptables-save", "nft": "nft", "pf": "pf"}

EXPLAINED = frozenset({"KA025", "KA045", "KA046", "KA057"})
"""Defects that are not reported at default settings; docs/lint-known-answers.md has a row for each."""


def entries() -> list[dict[str, Any]]:
    if not ANSWERS.exists():
        pytest.skip(f"no corpus of known answers at {ANSWERS}")
    found: list[dict[str, Any]] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found


@cache
def findings(name: str) -> tuple[Diagnostic, ...]:
    source = SourceFile(name, (CORPORA / name).read_text(encoding="utf-8", errors="replace"))
    request = api.LintRequest(KINDS[name.split("/")[0]], LintSettings(persona=Persona.REGULAR))
    return tuple(api.lint(source, DiskFiles(name, standard_policies()), request).findings)


def codes_at(entry: dict[str, Any]) -> set[str]:
    """The codes reported for any of the entry's lines."""
    wanted = set(entry["lines"])
    return {
        finding.code
        for finding in findings(entry["file"])
        if wanted & {span.line for span in (*finding.affects, *([finding.primary.span] if finding.primary else []))}
    }


def test_known_defects_are_reported() -> None:
    missed = {e["id"] for e in entries() if e["truth"] == "defect" and not codes_at(e)}
    assert missed <= EXPLAINED, f"no longer reported: {sorted(missed - EXPLAINED)}"


def test_no_trap_is_reported() -> None:
    reported = {e["id"]: codes_at(e) for e in entries() if e["truth"] == "must-not-report"}
    assert {name: codes for name, codes in reported.items() if codes} == {}
