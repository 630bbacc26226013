"""What definitions refer to: a variable that is defined by itself, or by more values than a ruleset can hold, is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from fwc.dialects.nft import tree as t

MOST_VALUES = 1 << 20


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


def trouble(name: str, variables: Mapping[str, t.Expr]) -> str:
    """Why the variable has no value, "" when it has one."""
    counts: dict[str, int] = {}
    path: set[str] = set()
    stack = [(name, False)]
    while stack:
        at, done = stack.pop()
        used = [n for n in mentioned(variables[at]) if n in variables]
        if done:
            path.discard(at)
            counts[at] = 1 + sum(counts[n] for n in used)
            if counts[at] > MOST_VALUES:
                return f"`{name}` has more than {MOST_VALUES} values"
        elif at not in counts:
            if at in path:
                return f"`{name}` is defined by itself"
            path.add(at)
            stack.append((at, True))
            stack.extend((n, False) for n in used)
            if any(n in path for n in used):
                return f"`{name}` is defined by itself"
    return ""
