"""A policy as its author wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from fwc.lang import ast
from fwc.lang.parse import parse
from fwc.source import SourceFile


@lru_cache(maxsize=2)
def _parsed(source: SourceFile) -> ast.File:
    return parse(source)[0]


def statements(source: SourceFile) -> Iterator[ast.Statement]:
    """Every statement of the file, those in blocks behind the block's own. Included files are not read."""
    stack = list(reversed(_parsed(source).statements))
    while stack:
        statement = stack.pop()
        yield statement
        for name in ("body", "block", "otherwise"):
            block = getattr(statement, name, None)
            if isinstance(block, ast.Block):
                stack.extend(reversed(block.statements))


def options(statement: ast.Statement) -> tuple[ast.Option, ...]:
    """What stands behind a statement's ends and conditions."""
    clauses = getattr(statement, "clauses", None)
    own = clauses.options if isinstance(clauses, ast.Clauses) else getattr(statement, "options", ())
    return own if isinstance(own, tuple) else ()


def nodes(source: SourceFile, *kinds: type) -> Iterator[object]:
    """Every node of the file that is of one of the types, in file order."""
    stack: list[object] = [_parsed(source).statements]
    while stack:
        node = stack.pop()
        if isinstance(node, kinds):
            yield node
        if isinstance(node, tuple):
            stack.extend(reversed(node))
        elif type(node).__module__ == ast.__name__:
            stack.extend(getattr(node, name) for name in reversed(getattr(node, "__match_args__", ())))
