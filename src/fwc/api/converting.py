"""An existing ruleset in another form, proved equal."""

from __future__ import annotations

import dataclasses

from fwc.api.compiling import TargetOutput, printable
from fwc.api.rulesets import ReadRequest, import_family
from fwc.diagnostics import Diagnostic, Severity, has_errors
from fwc.source import SourceFile

CONVERTED = ("Read back and proved equal to the source, for every hook and family.",)
TRANSLATED = (
    "pf's two legs and its states, translated into netfilter's hooks as docs/dialects/pf.md says;",
    "read back and proved equal to that translation, for every hook and family.",
)


def convert(source: SourceFile, request: ReadRequest, target: str) -> tuple[TargetOutput | None, list[Diagnostic]]:
    """An existing ruleset in the form of `target` ("fwc" is a policy), proved equal; None with every reason at its line when that
    cannot be."""
    tree, ruleset, diagnostics = import_family(source, request.kind, request.family)
    diagnostics = [_loads_all_the_same(each) for each in diagnostics]
    if has_errors(diagnostics):
        return None, diagnostics
    proved: tuple[str, ...] = CONVERTED
    if ruleset.source == "pf" and target != "pf":
        from fwc.convert.pf.hooks import in_hooks
        from fwc.dialects.pf.tree import PfFile

        assert isinstance(tree, PfFile)
        hooked, found = in_hooks(tree, target)
        diagnostics = [*diagnostics, *found]
        if hooked is None:
            return None, diagnostics
        ruleset, proved = hooked, TRANSLATED
    name = source.path.rsplit("/", 1)[-1]
    header = (printable(f"fwc: {name} -> {target}"), *proved)
    if target == "fwc":
        from fwc.convert.policy.convert import policy_of

        files, found = policy_of(source, ruleset)
    else:
        from fwc.convert.convert import convert as convert_ruleset

        files, found = convert_ruleset(source, ruleset, target, header)
    diagnostics = [*diagnostics, *found]
    return (TargetOutput(target, files) if files else None), diagnostics


_LOADED = frozenset({"FW008", "FW013", "FW018"})
"""Mistakes with which the real tool loads the file: what it then does is what is converted."""


def _loads_all_the_same(found: Diagnostic) -> Diagnostic:
    return dataclasses.replace(found, severity=Severity.WARNING) if found.code in _LOADED else found
