"""Policies: parsed and elaborated for one host and target."""

from __future__ import annotations

import dataclasses

from fwc.diagnostics import Diagnostic, has_errors
from fwc.elaborate.driver import elaborate
from fwc.elaborate.elaborated import Elaborated
from fwc.elaborate.program import ElaborateOptions
from fwc.elaborate.program import dns_names as dns_names_of
from fwc.lang import ast
from fwc.lang.files import Files
from fwc.lang.parse import parse
from fwc.source import SourceFile


def load_policy(
    source: SourceFile, files: Files, options: ElaborateOptions
) -> tuple[Elaborated | None, list[Diagnostic]]:
    """Parse and elaborate a policy for one host and target."""
    return elaborated_from(parse(source), files, options)


def elaborated_from(
    parsed: tuple[ast.File, list[Diagnostic]], files: Files, options: ElaborateOptions
) -> tuple[Elaborated | None, list[Diagnostic]]:
    tree, diagnostics = parsed
    elaborated, more = elaborate(tree, files, options)
    told = {d.primary.span for d in diagnostics if d.primary}  # one mistake is told once, by the parser
    diagnostics = [*diagnostics, *(d for d in more if d.primary is None or d.primary.span not in told)]
    if elaborated is None or tree.broken or has_errors(diagnostics):
        return None, diagnostics
    if elaborated.native_conditions:
        from fwc.natives import modelled

        ruleset, found = modelled(elaborated.ruleset)
        if found:
            return None, [*diagnostics, *found]
        elaborated = dataclasses.replace(elaborated, ruleset=ruleset)
    return elaborated, diagnostics


def dns_names(source: SourceFile, files: Files) -> tuple[list[str], list[Diagnostic]]:
    """Every name in a `dns "..."` of the policy and what it includes."""
    tree, diagnostics = parse(source)
    if tree.broken:
        return [], diagnostics
    names, more = dns_names_of(tree, files)
    return list(names), [*diagnostics, *more]
