"""The layers of ARCHITECTURE.md: imports point down only, and the core touches neither disk nor processes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "fwc"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"cli"}),
    frozenset({"project", "render"}),
    frozenset({"api"}),
    frozenset({"convert"}),
    frozenset({"roundtrip", "natives"}),
    frozenset({"query"}),  # its answers are written as those of diff
    frozenset({"lints", "diff"}),  # above the front ends: lints read a policy's suppressions and a dialect's own tree
    frozenset({"dialects", "elaborate"}),
    frozenset({"passes"}),
    frozenset({"analysis", "sim"}),
    frozenset({"lang", "ir"}),
    frozenset({"space"}),
    frozenset({"net"}),
    frozenset({"diagnostics"}),
    frozenset({"source", "errors"}),
    frozenset({"records"}),
)
"""Top to bottom; packages of one line are siblings and never import each other (except below)."""

EXCEPTIONS = {
    ("space", "ir"): "the algebra's input is the IR's Match; the IR itself knows nothing of the algebra",
    ("elaborate", "lang"): "downwards anyway",
}

WORLD = {"os", "sys", "pathlib", "subprocess", "socket", "logging", "click", "tempfile"}
"""Modules that only cli, project and render may import."""

WORLD_EXCEPTIONS = {
    ("lang/words.py", "sys"): "intern gives equal words one object",
    ("lang/grammars.py", "pathlib"): "finds the grammar of the wheel or the checkout",
    ("net/addresses.py", "socket"): "inet_pton and inet_ntop are pure functions",
}

HEAVY = {"lark", "networkx", "yaml"}
"""Imported only inside the function that needs them: start-up time (docs/performance.md)."""


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def package_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def rank(package: str) -> int | None:
    return next((i for i, layer in enumerate(LAYERS) if package in layer), None)


def imports(tree: ast.AST) -> list[tuple[str, int]]:
    out = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            out.extend((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            module = node.module or ""
            if module == "fwc":
                out.extend((f"fwc.{alias.name}", node.lineno) for alias in node.names)
            else:
                out.append((module, node.lineno))
    return out


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    """A package imports only lower lines of the table, and dialects never import each other."""
    own = package_of(path)
    if own in {"__init__", "__main__"}:
        return
    own_rank = rank(own)
    assert own_rank is not None, f"{own} is not in the layer table"
    name = str(path.relative_to(SOURCE))
    for module, line in imports(ast.parse(path.read_text())):
        parts = module.split(".")
        if parts[0] in WORLD and own_rank >= 2:
            assert (name, parts[0]) in WORLD_EXCEPTIONS, f"{name}:{line} imports {parts[0]}"
        if parts[0] != "fwc" or len(parts) == 1 or parts[1] in {own, "__version__"}:
            if parts[0] == "fwc" and own == "dialects" and len(parts) > 2:
                _check_dialect(path, parts, line)
            continue
        other_rank = rank(parts[1])
        assert other_rank is not None, f"{name}:{line} imports the unknown package {parts[1]}"
        if (own, parts[1]) not in EXCEPTIONS:
            assert other_rank > own_rank, f"{name}:{line}: {own} may not import {parts[1]}"


def _check_dialect(path: Path, parts: list[str], line: int) -> None:
    own = path.relative_to(SOURCE / "dialects").parts
    if len(own) > 1 and parts[2] in {"nft", "iptables", "pf"}:
        assert parts[2] == own[0], f"{path}:{line}: dialect {own[0]} imports dialect {parts[2]}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_heavy_libraries_are_imported_where_used(path: Path) -> None:
    """lark, networkx and yaml stand inside functions, so that commands that do not use them do not pay for them."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in HEAVY, f"{path}:{node.lineno} imports {name} at module level"


def test_the_references_do_not_import_fwc() -> None:
    """The oracles of the tests are independent."""
    for path in sorted((ROOT / "tests" / "reference").rglob("*.py")):
        for module, line in imports(ast.parse(path.read_text())):
            assert module.split(".")[0] != "fwc", f"{path}:{line} imports {module}"
