"""The same texts read by Lark itself, from grammar/policy.lark, into the same trees."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from fwc.lang.grammars import grammar_text
from fwc.lang.nodes import NODES
from fwc.lang.values import LEAVES, Builder
from fwc.source import SourceFile

from .conftest import ROOT

BODIES = {"block", "settings_decl", "zone_decl", "host_decl", "optblock", "test_decl"}
"""Rules whose braces hold lines, not a list."""


@cache
def reference() -> Lark:
    options: dict[str, Any] = {"maybe_placeholders": False, "propagate_positions": True, "keep_all_tokens": True}
    return Lark(grammar_text("policy"), parser="lalr", lexer="contextual", start="start", **options)


def generator() -> Any:
    """grammar/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "grammar" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_by_lark(source: SourceFile) -> tuple[list[Any], Builder] | None:
    """The statements, and what the handlers reported; None when Lark refuses the text."""
    try:
        tree = reference().parse(source.text)
    except UnexpectedInput:
        return None
    builder = Builder(source)
    found = [value for child in tree.children if (value := _value(builder, child)) is not None]
    return found, builder


def _value(builder: Builder, node: Tree[Token] | Token) -> Any:
    if isinstance(node, Token):
        leaf = LEAVES.get(node.type)
        assert node.start_pos is not None and node.end_pos is not None
        return leaf(builder, str(node), node.start_pos, node.end_pos) if leaf else None
    parts: list[Any] = []
    body: list[Any] | None = None
    for child in node.children:
        if node.data in BODIES and isinstance(child, Token) and child.type == "_LBRACE":
            body = []
        elif node.data in BODIES and isinstance(child, Token) and child.type == "_RBRACE":
            assert body is not None
            parts.append(tuple(body))
            body = None
        else:
            value = _value(builder, child)
            if value is not None:
                (parts if body is None else body).append(value)
    return NODES[str(node.data)](builder, parts, node.meta.start_pos, node.meta.end_pos)
