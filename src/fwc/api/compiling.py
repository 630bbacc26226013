"""Compile a policy: lower, print, check assertions and lints, prove."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fwc.api.policies import elaborated_from
from fwc.diagnostics import Diagnostic, Severity, has_errors
from fwc.dialects.base import Lossy, LowerOptions, OutputFile
from fwc.dialects.registry import load_dialect
from fwc.elaborate.elaborated import Elaborated
from fwc.elaborate.program import ElaborateOptions
from fwc.errors import UsageError
from fwc.ir.model import Ruleset
from fwc.lang import ast
from fwc.lang.files import Files
from fwc.lang.parse import parse
from fwc.lints._settings import LintSettings
from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import SourceFile

if TYPE_CHECKING:
    from fwc.analysis.programs import Programs


class CompileOptions(Record):
    """`targets` are canonical names; empty means the policy's own. `optimize` 0 gives the plain list of rules. Without
    `assertions` the policy's own are not checked."""

    targets: tuple[str, ...] = ()
    host: str = ""
    today: str = ""
    lossy: Lossy = Lossy.NONE
    ipset: bool = False
    optimize: int = 1
    verify: bool = True
    lint: bool = True
    lint_settings: LintSettings = LintSettings()
    assertions: bool = True


class TargetOutput(Record):
    target: str
    files: tuple[OutputFile, ...]


def compile_policy(
    source: SourceFile, files: Files, options: CompileOptions
) -> tuple[tuple[TargetOutput, ...], list[Diagnostic]]:
    """Compile for every target asked for. With any error the outputs are empty: nothing is to be written."""
    outputs: list[TargetOutput] = []
    diagnostics: list[Diagnostic] = []
    parsed = parse(source)  # once for all targets
    targets = options.targets or _own_target(parsed, files, options, diagnostics)
    for number, target in enumerate(targets, 1):
        given = [parsed]
        if number == len(targets):
            del parsed  # what follows the lints needs memory, and no tree
        draft, found = _draft(source, given, files, options, target)
        known = set(diagnostics)
        diagnostics.extend(d for d in found if d not in known)
        if draft is not None:
            outputs.append(draft.proved())
    if has_errors(diagnostics):
        return (), diagnostics
    return tuple(outputs), diagnostics


def policy_findings(source: SourceFile, files: Files, options: CompileOptions) -> list[Diagnostic]:
    """What the lints say when the policy is compiled for each target. `compile_policy` without `lint` does all the rest, at the
    same time if need be; it also reports a policy's errors, of which nothing is said here."""
    found: list[Diagnostic] = []
    parsed = parse(source)
    for target in options.targets or _own_target(parsed, files, options, []):
        elaborated, _ = elaborated_from(parsed, files, ElaborateOptions(target, options.host, options.today))
        if elaborated is not None:
            found += _lint_findings(source, [parsed], elaborated, target, options)[0]
    return found


def _own_target(
    parsed: tuple[ast.File, list[Diagnostic]], files: Files, options: CompileOptions, diagnostics: list[Diagnostic]
) -> tuple[str, ...]:
    elaborated, found = elaborated_from(parsed, files, ElaborateOptions("", options.host, options.today))
    if elaborated is None:
        diagnostics.extend(found)
        return ()
    if not elaborated.ruleset.settings.target:
        raise UsageError(
            "no target: give --target nftables, iptables or pf, or write `target` in the policy's settings"
        )
    return (elaborated.ruleset.settings.target,)


class _Draft(Record):
    """An output that is to be proved equal to `policy`, if there is one; `known` is what the lints worked out of it."""

    output: TargetOutput
    policy: Ruleset | None = None
    known: Mapping[Family, Programs] = dataclasses.field(default_factory=dict)

    def proved(self) -> TargetOutput:
        if self.policy is not None:
            from fwc.roundtrip import prove

            prove(self.output.target, self.output.files, self.policy, self.known)
        return self.output


_Parsed = list[tuple[ast.File, list[Diagnostic]]]
"""One parsed policy, until it is taken out."""


def _draft(
    source: SourceFile, parsed: _Parsed, files: Files, options: CompileOptions, target: str
) -> tuple[_Draft | None, list[Diagnostic]]:
    from fwc.passes.pipeline import optimize
    from fwc.roundtrip import native_mistakes

    elaborated, diagnostics = elaborated_from(parsed[0], files, ElaborateOptions(target, options.host, options.today))
    if elaborated is None:
        return None, diagnostics
    findings: list[Diagnostic] = []
    known: Mapping[Family, Programs] = {}
    if options.lint:
        findings, known = _lint_findings(source, parsed, elaborated, target, options)
    parsed.clear()
    dialect = load_dialect(target)
    lower_options = LowerOptions(options.lossy, options.ipset, _header(source, elaborated, target, options))
    ruleset = optimize(elaborated.ruleset, target, options.optimize)
    tree, found = dialect.lower(ruleset, lower_options)
    diagnostics.extend(found)
    if tree is None or has_errors(diagnostics):
        return None, diagnostics
    printed = tuple(dialect.print(tree))
    if options.verify:
        diagnostics.extend(native_mistakes(target, printed, elaborated.ruleset))
        if has_errors(diagnostics):
            return None, diagnostics
    del tree, ruleset  # checks need memory, and only the text
    if options.assertions:
        diagnostics.extend(_broken_assertions(elaborated, target, printed if _not_the_policy(printed, options) else ()))
        if has_errors(diagnostics):
            return None, diagnostics
    diagnostics.extend(findings)
    if has_errors(diagnostics):
        return None, diagnostics
    if any(LOSS in file.text for file in printed):
        return _Draft(TargetOutput(target, tuple(_not_proved(file) for file in printed))), diagnostics
    output = TargetOutput(target, printed)
    return _Draft(output, elaborated.ruleset, known) if options.verify else _Draft(output), diagnostics


def _lint_findings(
    source: SourceFile, parsed: _Parsed, elaborated: Elaborated, target: str, options: CompileOptions
) -> tuple[list[Diagnostic], Mapping[Family, Programs]]:
    """Errors and warnings of the lints for this target, and what they worked out of the policy; not its assertions."""
    from fwc.lints._context import LintContext
    from fwc.lints._run import run_lints

    settings = dataclasses.replace(options.lint_settings, target=target, today=options.today)
    context = LintContext("fwc", source, elaborated.ruleset, settings, elaborated, parsed.pop()[0])
    found = [d for d in run_lints(context).findings if d.code != "FW530" and d.severity is not Severity.INFO]
    facts = context.computed_facts
    return found, {} if facts is None else {family: facts.programs(family) for family in facts.families}


def _not_the_policy(printed: tuple[OutputFile, ...], options: CompileOptions) -> bool:
    return not options.verify or any(LOSS in file.text for file in printed)


def _broken_assertions(elaborated: Elaborated, target: str, printed: tuple[OutputFile, ...]) -> list[Diagnostic]:
    """The assertions that do not hold: for the policy, and for output that is not proved equal to it."""
    from fwc.roundtrip import read_back, set_names

    if not elaborated.assertions:
        return []
    from fwc.lints.assertion_failed import findings

    found = findings(elaborated)
    if printed and target != "pf" and not found:
        policy = elaborated.ruleset
        lifted = read_back(target, printed, policy)
        found = findings(elaborated, lifted, set_names(policy, target, lifted))
    return found


PROVED = "Read back and proved equal to the policy, for every hook and family."
LOSS = "\n# lossy: "


def _not_proved(file: OutputFile) -> OutputFile:
    """With --lossy the output differs from the policy on purpose; its header must not say otherwise."""
    text = file.text.replace(
        f"# {PROVED}\n", "# NOT proved: it differs from the policy by the losses listed below.\n", 1
    )
    return dataclasses.replace(file, text=text)


def _header(source: SourceFile, elaborated: Elaborated, target: str, options: CompileOptions) -> tuple[str, ...]:
    name = source.path.rsplit("/", 1)[-1]
    host = f" for {options.host}" if options.host else ""
    lines = [f"fwc: {name}{host} -> {target}"]
    if options.verify:
        lines.append(PROVED)
        lines.extend(_outside_the_proof(elaborated.ruleset))
    else:
        lines.append("NOT proved: compiled with --no-verify.")
    lines.extend(f"{path} sha256 {digest}" for path, digest in elaborated.inputs)
    lines.extend(elaborated.notes)
    return tuple(printable(line) for line in lines)


def _outside_the_proof(policy: Ruleset) -> list[str]:
    """What a reader of PROVED might think is in it."""
    return ["Native text is copied as it is and is no part of the proof."] if policy.natives else []


def printable(text: str) -> str:
    """A file name may hold a line end; in a comment it must not begin a line of its own."""
    return "".join(c if c.isprintable() else "?" for c in text)
