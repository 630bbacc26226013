"""Policy to IR: expand, then elaborate statement by statement in file order."""

from __future__ import annotations

from fwc.diagnostics import Diagnostic
from fwc.elaborate.elaborated import Elaborated
from fwc.elaborate.program import ElaborateOptions
from fwc.lang import ast
from fwc.lang.files import Files


def elaborate(file: ast.File, files: Files, options: ElaborateOptions) -> tuple[Elaborated | None, list[Diagnostic]]:
    """The IR of one host, or None when there are errors. Reports every mistake of the policy in one run."""
    raise NotImplementedError
