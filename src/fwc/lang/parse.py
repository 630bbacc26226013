"""Text to tree."""

from __future__ import annotations

from fwc.diagnostics import Diagnostic
from fwc.lang import ast
from fwc.source import SourceFile


def parse(source: SourceFile) -> tuple[ast.File, list[Diagnostic]]:
    """The tree of a policy and every syntax error in it; after an error the tree is marked `broken`."""
    raise NotImplementedError
