"""Policies as strings, with included files in a dictionary."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Mapping, Sequence

from fwc.diagnostics import Diagnostic, Severity
from fwc.elaborate.program import ElaborateOptions, Placed, Program, expand
from fwc.lang import ast
from fwc.lang.files import FileProblem
from fwc.lang.parse import parse
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.source import SourceFile


class MemoryFiles:
    """Included files and set files by path, and the lock."""

    def __init__(self, files: Mapping[str, str] | None = None, lock: Mapping[str, Sequence[str]] | None = None) -> None:
        self.files = dict(files or {})
        self.locked = dict(lock or {})
        self.reads = 0

    def include(self, pattern: str, base: SourceFile) -> Sequence[SourceFile]:
        names = sorted(n for n in self.files if fnmatch.fnmatchcase(n, pattern) or n == pattern)
        if not names:
            raise FileProblem(f"no file matches {pattern!r}")
        self.reads += len(names)
        return [SourceFile(name, self.files[name]) for name in names]

    def data(self, path: str, base: SourceFile) -> tuple[SourceFile, str]:
        if path not in self.files:
            raise FileProblem(f"cannot read {path}: no such file")
        text = self.files[path]
        return SourceFile(path, text), hashlib.sha256(text.encode()).hexdigest()

    def lock(self) -> Mapping[str, Sequence[str]]:
        return self.locked


def expand_text(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    lock: Mapping[str, Sequence[str]] | None = None,
    target: str = "",
    host: str = "",
    today: str = "2026-11-23",
) -> tuple[Program | None, list[Diagnostic]]:
    """Parse (there must be no syntax error in the main text) and expand."""
    tree, problems = parse(SourceFile("policy.fw", text))
    assert not problems, [(str(p.primary and p.primary.span), p.message) for p in problems]
    return expand(tree, MemoryFiles(files, lock), ElaborateOptions(target, host, today))


def program_of(text: str, files: Mapping[str, str] | None = None, **options: object) -> Program:
    """The program of a policy without mistakes."""
    program, problems = expand_text(text, files, **options)  # type: ignore[arg-type]
    assert program is not None, messages(problems)
    assert not [p for p in problems if p.severity is Severity.ERROR], messages(problems)
    return program


def errors_of(text: str, files: Mapping[str, str] | None = None, **options: object) -> list[Diagnostic]:
    _, problems = expand_text(text, files, **options)  # type: ignore[arg-type]
    return [p for p in problems if p.severity is Severity.ERROR]


def error_of(text: str, files: Mapping[str, str] | None = None, **options: object) -> Diagnostic:
    """The one error of a policy."""
    found = errors_of(text, files, **options)
    assert len(found) == 1, messages(found)
    assert found[0].help, "every error says what to write instead"
    return found[0]


def messages(problems: Sequence[Diagnostic]) -> list[str]:
    return [f"{p.primary.span if p.primary else ''} {p.code} {p.message} | {p.help}" for p in problems]


def at(problem: Diagnostic) -> str:
    """The text that a diagnostic points at."""
    assert problem.primary is not None
    return problem.primary.span.text


def rules(placed: Sequence[Placed]) -> list[str]:
    """The text of each placed statement."""
    return [p.origin.spans[0].text for p in placed]


def rule(placed: Placed) -> ast.Rule:
    assert isinstance(placed.statement, ast.Rule)
    return placed.statement


def texts(addresses: AddressSet) -> list[str]:
    return [*addresses.texts(Family.V4), *addresses.texts(Family.V6)]
