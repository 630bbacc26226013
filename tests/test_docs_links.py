"""The documentation holds together: links resolve, generated pages are current, commands exist, no machine's own paths."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\n")
PAGES = [p for p in sorted(ROOT.rglob("*.md")) if not {".venv", "node_modules"} & set(p.relative_to(ROOT).parts)]
PAGES = [p for p in PAGES if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{name(page)} links to {target}"
        if fragment:
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.M)
            assert fragment in {anchor(h) for h in headings}, f"{name(page)} links to {target}"


MACHINE = re.compile(r"(?<![\w./-])/(?:work|root|home/(?!user\b)\w+|Users/\w+)/")


def test_no_file_names_a_directory_of_somebodys_machine() -> None:
    for path in TRACKED:
        if path and path.endswith((".py", ".md", ".fw", ".toml", ".yml", ".yaml", ".txt", ".lark", "Makefile", "run")):
            found = MACHINE.search((ROOT / path).read_text(errors="replace")) if (ROOT / path).exists() else None
            assert found is None, f"{path}: {found}"


def test_the_table_of_targets_is_current() -> None:
    """`make docs` writes docs/targets.md."""
    assert (ROOT / "docs/targets.md").read_text() == runpy.run_path(str(ROOT / "docs/generate.py"))["targets"]()


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    for page in PAGES:
        for target in re.findall(r"`make ([a-z]+)", page.read_text()):
            assert target in targets, f"{name(page)}: make {target}"
    assert {"check", "fix", "test", "props", "kernel", "bless", "docs", "grammar", "wheel", "bench"} <= targets
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.M)
    assert phony and set(phony[1].split()) == targets


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    for page in sorted((ROOT / "docs").rglob("*.md")):
        directory = page.parent.name
        if directory in ("lints", "decisions") or page.name == "README.md":
            continue
        assert f"({page.relative_to(ROOT / 'docs')})" in index, name(page)
    decisions = (ROOT / "docs/decisions/README.md").read_text()
    for page in (ROOT / "docs/decisions").glob("[0-9]*.md"):
        assert f"({page.name})" in decisions


def test_the_table_of_properties_is_complete() -> None:
    """Every property file has a row, and every test that a row names exists."""
    directory = ROOT / "tests/properties"
    table = (directory / "README.md").read_text()
    for path in directory.glob("test_*.py"):
        assert f"`{path.name}::" in table, path.name
    for file, function in re.findall(r"`([\w./]+\.py)(?:::(\w+))?`", table):
        found = [base for base in (directory, directory / "../unit/elaborate") if (base / file).exists()]
        assert found, file
        assert not function or f"def {function}(" in (found[0] / file).read_text(), f"{file}::{function}"
