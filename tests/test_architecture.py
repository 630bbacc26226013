"""ARCHITECTURE.md is true: its layers are those of the test, its paths exist, and every invariant names a test that is there."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from tests.test_layers import LAYERS, imports

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
INVARIANTS = re.findall(r"^\| (\d) \| (.+) \| (.+) \|$", TEXT, re.M)


def test_the_layers_are_those_of_the_test() -> None:
    block = re.search(r"```layers\n(.*?)\n```", TEXT, re.S)
    assert block
    assert tuple(frozenset(line.split(" · ")) for line in block[1].splitlines()) == LAYERS


def test_eight_invariants() -> None:
    assert [number for number, _, _ in INVARIANTS] == list("12345678")


@pytest.mark.parametrize("number", "12345678")
def test_an_invariant_names_tests_that_exist(number: str) -> None:
    cell = next(tests for n, _, tests in INVARIANTS if n == number)
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cell)
    assert named
    for path, function in named:
        assert f"def {function}(" in (ROOT / path).read_text(), f"{path}::{function}"


def test_every_package_is_on_the_map() -> None:
    """Every package and top-level module of fwc, and no other."""
    code = TEXT[TEXT.index("## Code map") : TEXT.index("## Where to add things")]
    source = ROOT / "src" / "fwc"
    there = {path.name + "/" for path in source.iterdir() if (path / "__init__.py").exists()}
    there |= {path.name for path in source.glob("[a-z]*.py")} - {"errors.py"}
    named = set(re.findall(r"^  ([a-z]+/|[a-z]+\.py)", code, re.M)) | set(
        re.findall(r"^  [a-z]+/  ([a-z]+/)", code, re.M)
    )
    assert there == named


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b([a-z_]+/[a-z_/]*[a-z_]+\.(?:py|lark))\b", TEXT))))
def test_a_path_that_is_named_exists(path: str) -> None:
    assert any((ROOT / base / path).exists() for base in ("", "src/fwc"))


PACKAGE_OF = {"yaml": "pyyaml"}


def test_dependencies_are_what_is_imported() -> None:
    """Nothing is declared that the package does not import, and nothing is imported that is not declared."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=~ ]", each)[0].lower() for each in project["dependencies"]}
    imported = set()
    for path in (ROOT / "src" / "fwc").rglob("*.py"):
        for name, _ in imports(ast.parse(path.read_text())):
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top != "fwc":
                imported.add(PACKAGE_OF.get(top, top))
    assert imported == declared
