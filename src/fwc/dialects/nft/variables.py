"""What definitions refer to: a variable that is defined by itself, or by more than a ruleset can hold, is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from fwc.dialects.nft import tree as t

MOST_VALUES = 1 << 20
MOST_DEEP = 200
"""Variables that stand one behind the other."""

Size = tuple[int, int]
"""Values, and variables one behind the other."""


def mentioned(expr: t.Expr) -> Iterator[str]:
    """The variables that an expression names, as often as it does."""
    stack: list[object] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, t.Var):
            yield node.name
        elif isinstance(node, tuple):
            stack.extend(node)
        elif dataclasses.is_dataclass(node):
            stack.extend(getattr(node, field.name) for field in dataclasses.fields(node))


def trouble(name: str, variables: Mapping[str, t.Expr], sizes: dict[str, Size]) -> str:
    """Why the variable has no value, "" when it has one.

    `sizes` keeps what was found of variables that name only known ones, for the next question: a later definition changes
    nothing about those, a redefinition may (then it must be emptied).
    """
    found: dict[str, Size] = {}
    path: set[str] = set()
    stack = [(name, False)]
    while stack:
        at, done = stack.pop()
        named = list(mentioned(variables[at]))
        if done:
            path.discard(at)
            parts = [sizes.get(n) or found[n] for n in named if n in variables]
            found[at] = 1 + sum(values for values, _ in parts), 1 + max((deep for _, deep in parts), default=0)
            if found[at][0] > MOST_VALUES:
                return f"`{name}` has more than {MOST_VALUES} values"
            if found[at][1] > MOST_DEEP:
                return f"`{name}` stands for a variable that stands for another, and so on more than {MOST_DEEP} times"
            if all(n in sizes for n in named):
                sizes[at] = found[at]
        elif at not in found:
            used = [n for n in named if n in variables and n not in sizes]
            path.add(at)
            stack.append((at, True))
            stack.extend((n, False) for n in used)
            if any(n in path for n in used):
                return f"`{name}` is defined by itself"
    return ""
