"""The grammar files are found in a checkout; tests/packaging does the same in a wheel."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fwc.lang.grammars import grammar_text

from .conftest import ROOT


def test_the_grammar_is_the_file_of_the_checkout() -> None:
    assert grammar_text("policy") == (ROOT / "grammar/policy.lark").read_text(encoding="utf-8")


def test_an_unknown_grammar_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match="there is no grammar 'nope'"):
        grammar_text("nope")


def test_parsing_imports_no_lark() -> None:
    code = (
        "import sys; from fwc.lang.parse import parse; from fwc.source import SourceFile;"
        "from fwc.lang.services import standard_service;"
        "t, d = parse(SourceFile('x', 'allow ssh from any to self\\ndrop any'));"
        "assert len(t.statements) == 1 and d and standard_service('https');"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('lark', 'networkx', 'yaml', 'click', 'difflib')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(ROOT / "src")}, check=True
    )
    assert run.stdout.strip() == "[]", run.stdout
