"""Lint one input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fwc.diagnostics import Diagnostic
from fwc.ir.model import Ruleset
from fwc.ir.verify import verify
from fwc.lang.files import Files
from fwc.lints._context import LintContext
from fwc.lints._run import run_lints
from fwc.lints._settings import LintSettings
from fwc.records import Record
from fwc.source import SourceFile

if TYPE_CHECKING:
    from fwc.elaborate.elaborated import Elaborated


class LintRequest(Record):
    """What to lint: `kind` as `--format-in`, `host` of a fleet file, `family` of an iptables-save file that does not show it,
    `companion` the other family's file."""

    kind: str
    settings: LintSettings
    host: str = ""
    family: str = ""
    companion: SourceFile | None = None


class LintOutcome(Record):
    """Findings of one or more inputs, in output order; `notes` say what was left undecided, `applied` are path, code and name of
    what was fixed."""

    findings: list[Diagnostic]
    suppressed: list[Diagnostic]
    notes: list[str]
    paths: list[str]
    fixed: int = 0
    applied: tuple[tuple[str, str, str], ...] = ()

    @staticmethod
    def joined(outcomes: Sequence[LintOutcome]) -> LintOutcome:
        """The outcomes of several inputs as one."""
        return LintOutcome(
            [each for o in outcomes for each in o.findings],
            [each for o in outcomes for each in o.suppressed],
            [each for o in outcomes for each in o.notes],
            [each for o in outcomes for each in o.paths],
            sum(o.fixed for o in outcomes),
            tuple(each for o in outcomes for each in o.applied),
        )


def lint(source: SourceFile, files: Files, request: LintRequest) -> LintOutcome:
    """Every selected finding on one input (and its companion)."""
    context, earlier = lint_context(source, files, request)
    result = run_lints(context, earlier)
    return LintOutcome(
        list(result.findings), list(result.suppressed), [f"{source.path}: {n}" for n in result.notes], [source.path]
    )


def lint_context(source: SourceFile, files: Files, request: LintRequest) -> tuple[LintContext, list[Diagnostic]]:
    """What the lints look at, and what reading the input found."""
    kind = "nft" if request.kind == "nft-json" else request.kind
    elaborated: Elaborated | None = None
    tree: object = None
    if request.kind == "fwc":
        from fwc.api.policies import elaborated_from
        from fwc.elaborate.program import ElaborateOptions
        from fwc.lang.parse import parse

        options = ElaborateOptions(request.settings.target, request.host, request.settings.today)
        parsed = parse(source)
        tree = parsed[0]
        elaborated, earlier = elaborated_from(parsed, files, options)
        ruleset = elaborated.ruleset if elaborated else Ruleset()
    else:
        from fwc.api.rulesets import import_family

        tree, ruleset, earlier = import_family(source, request.kind, request.family, request.companion)
        known = {(d.code, d.primary.span if d.primary else None) for d in earlier}
        # pf makes a table when it is named, and `no-route` and an empty table are conditions that hold for nothing today
        verified = verify(ruleset, foreign_sets=kind == "iptables-save") if kind != "pf" else []
        earlier += [d for d in verified if (d.code, d.primary.span if d.primary else None) not in known]
    return LintContext(kind, source, ruleset, request.settings, elaborated, tree), earlier
