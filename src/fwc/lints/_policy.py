"""A policy as its author wrote it."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.lang import ast
from fwc.lints._context import LintContext


def policy_file(context: LintContext) -> ast.File:
    """The policy under lint, as it was parsed for its elaboration."""
    assert isinstance(context.tree, ast.File)
    return context.tree


def statements(context: LintContext) -> Iterator[ast.Statement]:
    """Every statement of the file, those in blocks behind the block's own. Included files are not read."""
    stack = list(reversed(policy_file(context).statements))
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


def nodes(context: LintContext, *kinds: type) -> Iterator[object]:
    """Every node of the file that is of one of the types, in file order."""
    stack: list[object] = [policy_file(context).statements]
    while stack:
        node = stack.pop()
        if isinstance(node, kinds):
            yield node
        if isinstance(node, tuple):
            stack.extend(reversed(node))
        elif type(node).__module__ == ast.__name__:
            stack.extend(getattr(node, name) for name in reversed(getattr(node, "__match_args__", ())))
