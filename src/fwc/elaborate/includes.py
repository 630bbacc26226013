"""Reading what a policy includes: every file once, cycles and unreadable files reported at the `include`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from fwc.diagnostics import Diagnostic
from fwc.elaborate.codes import INCLUDE, INCLUDE_CYCLE, TOO_LARGE
from fwc.elaborate.report import mistake
from fwc.lang import ast
from fwc.lang.files import FileProblem, Files
from fwc.lang.parse import parse
from fwc.records import Record
from fwc.source import SourceFile, Span

DEEPEST_INCLUDE = 50
DEEPEST_BLOCK = 100
"""Blocks within blocks; deeper ones would cost every later step its stack, and nobody reads them."""

MOST_FILES = 10_000
MOST_REPORTED = 20


class Included(Record):
    """One file that an `include` names; `key` tells files apart however their path was written."""

    key: str
    file: ast.File


Loaded = Mapping[Span, tuple[Included, ...]]
"""Per `include` statement, by its span, the files it names."""


def misread(file: ast.File, loaded: Loaded) -> frozenset[str]:
    """The names that lines with syntax errors meant to declare, here and in what is included."""
    return file.misread.union(*(part.file.misread for parts in loaded.values() for part in parts))


class _Loader:
    def __init__(self, files: Files, out: list[Diagnostic]) -> None:
        self.files = files
        self.out = out
        self.parsed: dict[str, ast.File] = {}
        self.loaded: dict[Span, tuple[Included, ...]] = {}
        self.failed = 0

    def visit(self, file: ast.File, path: tuple[str, ...]) -> None:
        for include in self._includes(file):
            if include.span in self.loaded:
                continue
            if self.failed >= MOST_REPORTED:
                return
            found: list[Included] = []
            for source in self._sources(include, len(path)):
                key = file_key(source)
                if key in path:
                    self._cycle(include, path, key)
                    continue
                fresh = key not in self.parsed
                if fresh:
                    self.parsed[key], problems = parse(source)
                    self.out.extend(problems)
                found.append(Included(key, self.parsed[key]))
                if fresh:
                    self.visit(self.parsed[key], (*path, key))
            self.loaded[include.span] = tuple(found)

    def _sources(self, include: ast.Include, depth: int) -> Sequence[SourceFile]:
        if depth > DEEPEST_INCLUDE or len(self.parsed) > MOST_FILES:
            self._fail(
                mistake(
                    TOO_LARGE,
                    f"includes are nested deeper than {DEEPEST_INCLUDE} files, or name more than {MOST_FILES:,}",
                    include.span,
                    help="include the files from one place",
                )
            )
            return ()
        try:
            return self.files.include(include.path.value, include.span.file)
        except FileProblem as problem:
            self._fail(
                mistake(
                    INCLUDE, f"{problem}", include.path.span, help="paths are relative to the file that includes them"
                )
            )
            return ()

    def _includes(self, file: ast.File) -> Iterator[ast.Include]:
        pending: list[tuple[Sequence[object], int]] = [(file.statements, 0)]
        while pending:
            statements, depth = pending.pop()
            for statement in statements:
                if isinstance(statement, ast.Include):
                    yield statement
                    continue
                bodies = bodies_of(statement)
                if bodies and depth >= DEEPEST_BLOCK:
                    self._too_deep(statement)
                    continue
                pending.extend((body, depth + 1) for body in bodies)

    def _cycle(self, include: ast.Include, path: tuple[str, ...], key: str) -> None:
        files = [*path[path.index(key) :], key]
        self._fail(
            mistake(
                INCLUDE_CYCLE,
                f"files include each other: {' -> '.join(files)}",
                include.span,
                help="remove this include, or move what both need into a third file",
            )
        )

    def _too_deep(self, statement: object) -> None:
        span = statement.span if isinstance(statement, _BLOCKS) else None
        help = "move the inner blocks into a template or a chain"
        self._fail(mistake(TOO_LARGE, f"blocks are nested deeper than {DEEPEST_BLOCK}", span, help=help))

    def _fail(self, problem: Diagnostic) -> None:
        self.out.append(problem)
        self.failed += 1


def load(file: ast.File, files: Files, out: list[Diagnostic]) -> Loaded | None:
    """Parse everything that `file` includes, directly or not, in code of any host and target. None when a file is missing
    or the nesting is endless: every later message would be about the consequences."""
    loader = _Loader(files, out)
    key = file_key(file.span.file)
    loader.parsed[key] = file
    loader.visit(file, (key,))
    return None if loader.failed else loader.loaded


def file_key(source: SourceFile) -> str:
    return posixpath.normpath(source.path)


_BLOCKS = (ast.When, ast.Scope, ast.Early, ast.Template, ast.ChainDecl, ast.HookDecl, ast.ManagedHost)
_HOLDING = frozenset(_BLOCKS)
"""What holds other statements."""


def bodies_of(statement: object) -> tuple[Sequence[object], ...]:
    """The statement lists inside a statement."""
    if type(statement) not in _HOLDING:
        return ()
    if isinstance(statement, ast.When):
        if statement.otherwise is None:
            return (statement.body.statements,)
        return (statement.body.statements, statement.otherwise.statements)
    if isinstance(statement, (ast.Scope, ast.Early, ast.Template, ast.ChainDecl, ast.HookDecl)):
        return (statement.body.statements,)
    return (statement.items,) if isinstance(statement, ast.ManagedHost) else ()
