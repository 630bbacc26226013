"""What packets cost."""

from __future__ import annotations

from fwc.analysis.cost import HookCost, costs
from fwc.api.compiling import CompileOptions, compile_policy
from fwc.api.kinds import DIALECT_OF
from fwc.api.policies import load_policy
from fwc.api.rulesets import ReadRequest, import_ruleset
from fwc.diagnostics import Diagnostic, has_errors
from fwc.elaborate.program import ElaborateOptions
from fwc.lang.files import Files
from fwc.source import SourceFile


def cost(
    source: SourceFile, files: Files, request: ReadRequest, optimize: int = 1, ipset: bool = False
) -> tuple[str, list[HookCost], list[Diagnostic]]:
    """What packets cost at each hook, and the target whose prices were taken. A policy is costed as what it compiles to."""
    if request.kind != "fwc":
        _, ruleset, diagnostics = import_ruleset(source, request.kind)
        target = DIALECT_OF[request.kind]
        return target, [] if has_errors(diagnostics) else costs(ruleset, target), diagnostics
    from fwc.roundtrip import read_back

    targets = (request.target,) if request.target else ()
    options = CompileOptions(
        targets, request.host, request.today, ipset=ipset, optimize=optimize, verify=False, lint=False
    )
    outputs, diagnostics = compile_policy(source, files, options)
    if not outputs:
        return request.target, [], diagnostics
    elaborated, _ = load_policy(source, files, ElaborateOptions(outputs[0].target, request.host, request.today))
    assert elaborated is not None
    target = outputs[0].target
    return target, costs(read_back(target, outputs[0].files, elaborated.ruleset), target), diagnostics
