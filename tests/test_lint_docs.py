"""Every lint's page is complete, written out and true: its bad example fires this code and nothing else, its good one nothing."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from tests.lint_pages import examples, lint_example, section

from fwc.lints._registry import CATEGORIES, Lint, load_lints

ROOT = Path(__file__).resolve().parents[1]
LINTS = list(load_lints().values())
MODULES = sorted(p.stem for p in (ROOT / "src/fwc/lints").glob("[a-z]*.py"))


def code(lint: Lint) -> str:
    return f"{lint.code}-{lint.name}"


def test_names_are_unique() -> None:
    assert len({each.name for each in LINTS}) == len(LINTS)


@pytest.mark.parametrize("module", MODULES)
def test_a_file_is_named_as_its_lint(module: str) -> None:
    """One lint a file, so that a name leads to its code."""
    text = importlib.import_module(f"fwc.lints.{module}").__doc__
    declared = [each for each in LINTS if each.documentation == text and not each.front_end]
    assert [each.name for each in declared] == [module.replace("_", "-")]


@pytest.mark.parametrize("lint", LINTS, ids=code)
def test_page_is_complete(lint: Lint) -> None:
    assert lint.code[:3] in CATEGORIES
    assert lint.summary.endswith(".")
    assert section(lint.documentation, "Why is this bad?").strip()
    if not lint.front_end:
        assert examples(lint.documentation, "Example"), "no example"
        assert examples(lint.documentation, "Use instead"), "nothing to use instead"


@pytest.mark.parametrize("lint", LINTS, ids=code)
def test_bad_example_fires_exactly_this_code(lint: Lint, tmp_path: Path) -> None:
    for example in examples(lint.documentation, "Example"):
        found = lint_example(lint, example, tmp_path).findings
        assert {d.code for d in found} == {lint.code}, [(d.code, str(d.primary), d.message) for d in found]
        assert {d.name for d in found} == {lint.name}


@pytest.mark.parametrize("lint", LINTS, ids=code)
def test_good_example_is_silent(lint: Lint, tmp_path: Path) -> None:
    for example in examples(lint.documentation, "Use instead"):
        found = lint_example(lint, example, tmp_path).findings
        assert [(d.code, d.message) for d in found] == []


@pytest.mark.parametrize("lint", [each for each in LINTS if not each.front_end], ids=code)
def test_has_a_case(lint: Lint) -> None:
    """`make bless` writes expected.txt; somebody reads it."""
    cases = list((ROOT / "tests/cases/lint" / lint.name).glob("*/expected.txt"))
    assert cases, f"no directory tests/cases/lint/{lint.name}/<case>/"


def test_pages_are_written_out() -> None:
    """`make docs` writes docs/lints/."""
    import runpy

    pages = runpy.run_path(str(ROOT / "docs/generate.py"))["pages"]()
    directory = ROOT / "docs/lints"
    assert {p.name: p.read_text(encoding="utf-8") for p in sorted(directory.glob("*.md"))} == pages


def test_the_table_says_what_the_lints_say() -> None:
    """`make docs` writes src/fwc/lints/_table.py; a lint that is not in it would never run."""
    import runpy

    written = (ROOT / "src/fwc/lints/_table.py").read_text(encoding="utf-8")
    assert written == runpy.run_path(str(ROOT / "docs/generate.py"))["table"](), "run `make docs`"
