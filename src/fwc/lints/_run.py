"""Run the lints that the settings select, apply severities and suppressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from fwc.diagnostics import Confidence, Diagnostic, Persona, Severity
from fwc.ir.model import Ruleset
from fwc.ir.walk import target_chains
from fwc.lints._context import LintContext
from fwc.lints._elsewhere import is_elsewhere
from fwc.lints._registry import CATEGORIES, LISTED, Listed, load_lint
from fwc.lints._settings import LintSettings
from fwc.lints._suppressions import apply, matches, read_directives
from fwc.records import Record
from fwc.source import Span

_CERTAINTY = {Confidence.LOW: 0, Confidence.MEDIUM: 1, Confidence.HIGH: 2}
_LEAST = {Persona.REGULAR: Confidence.HIGH, Persona.PEDANTIC: Confidence.MEDIUM, Persona.AUDITOR: Confidence.LOW}
_ORDER = {Persona.REGULAR: 0, Persona.PEDANTIC: 1, Persona.AUDITOR: 2}


class LintResult(Record):
    """`findings` in output order; `suppressed` were silenced by a comment or clause; `notes` say what was not decided."""

    findings: tuple[Diagnostic, ...]
    suppressed: tuple[Diagnostic, ...]
    notes: tuple[str, ...] = ()


def run_lints(context: LintContext, earlier: Iterable[Diagnostic] = ()) -> LintResult:
    """Every selected lint on `context`. `earlier` are diagnostics of parsing and lifting, which are subject to the same
    selection, severities and suppressions."""
    settings = context.settings
    found = [_completed(d) for d in earlier if not is_elsewhere(d, settings)]
    broken = _broken_rows(found)
    for lint in _readers_first(selected(settings, context.kind), context):
        for finding in load_lint(lint.code).check(context) if is_about(lint, context) else ():
            if not (
                lint.code.startswith(("FW010", "FW1")) and finding.primary and _row(finding.primary.span) in broken
            ):
                found.append(finding)
    refused = {_row(d.primary.span) for d in found if d.code == "FW608" and d.primary}  # says more than FW002 does
    found = [d for d in found if d.code != "FW002" or d.primary is None or _row(d.primary.span) not in refused]
    found = [d for d in (_with_severity(d, context) for d in found) if d is not None and _wanted(d, settings)]
    directives = []
    if not settings.ignore_suppressions:
        clauses = context.elaborated.suppressions if context.elaborated else ()
        files = {id(context.source): context.source}
        files.update((id(d.primary.span.file), d.primary.span.file) for d in found if d.primary)
        files.update((id(c.where.file), c.where.file) for c in clauses)
        directives = [d for file in files.values() for d in read_directives(file, clauses)]
    kept, suppressed = apply(_unique(found), directives, settings.today, settings.require_reason)
    kept = [d for d in kept if _wanted(d, settings)]
    return LintResult(
        tuple(sorted(kept, key=Diagnostic.sort_key)),
        tuple(sorted(suppressed, key=Diagnostic.sort_key)),
        tuple(_undecided(context)),
    )


def _readers_first(lints: list[Listed], context: LintContext) -> Iterator[Listed]:
    """The lints that read the tree, then, once its memory is free, the others, which need more of their own."""
    yield from (lint for lint in lints if context.kind in lint.reads_tree)
    context.forget_tree()
    yield from (lint for lint in lints if context.kind not in lint.reads_tree)


def _broken_rows(earlier: Iterable[Diagnostic]) -> frozenset[tuple[int, int]]:
    """Rows of rules that the front end found wrong: that such a rule is never reached would be said twice."""
    return frozenset(
        _row(d.primary.span)
        for d in earlier
        if d.primary and d.severity is Severity.ERROR and "FW001" <= d.code <= "FW032"
    )


def _row(span: Span) -> tuple[int, int]:
    return id(span.file), span.line


def _undecided(context: LintContext) -> Iterator[str]:
    """What the budget left open: a lint that is silent there has not found the rule sound."""
    yield from dict.fromkeys(context.undecided)
    facts = context.computed_facts
    if facts is None:
        return
    if facts.too_large:
        names = ", ".join(sorted(facts.too_large)[:5])
        absent = sorted(_absent_chains(context.ruleset))[:5]
        reason = f"chain {', '.join(absent)} is not in this file" if absent else "too large to follow every way"
        yield f"{reason}: of {names} only faults inside one chain are reported"
    count = len(facts.undetermined()) if facts.searched else 0
    if count:
        yield f"whether {count} rule{'s' if count > 1 else ''} can be reached was not decided within the budget"


def _absent_chains(ruleset: Ruleset) -> set[str]:
    """Chains that rules lead to and the file does not have."""
    absent: set[str] = set()
    for table in ruleset.tables:
        known = {chain.name for chain in table.chains}
        for chain in table.chains:
            absent.update(name for rule in chain.rules for name in target_chains(rule.verdict) if name not in known)
    return absent


def _completed(diagnostic: Diagnostic) -> Diagnostic:
    """A finding of the front end, with name, category and rules as those of the lints."""
    declared = LISTED.get(diagnostic.code)
    name = diagnostic.name or (declared.name if declared else "")
    category = diagnostic.category or CATEGORIES.get(diagnostic.code[:3], "")
    affects = diagnostic.affects or ((diagnostic.primary.span,) if diagnostic.primary else ())
    return dataclasses.replace(diagnostic, name=name, category=category, affects=affects)


def selected(settings: LintSettings, kind: str) -> list[Listed]:
    """The lints that read this kind of input and that the persona or `select` asks for."""
    out = []
    for lint in LISTED.values():
        if kind not in lint.formats or not lint.module:
            continue
        by_persona = _ORDER[lint.persona] <= _ORDER[settings.persona]
        chosen = by_persona if not settings.select else _named(lint, settings.select)
        if chosen or _named(lint, settings.extend_select):
            out.append(lint)
    return out


def is_about(lint: Listed, context: LintContext) -> bool:
    """Whether anything that the lint is about occurs. Only then is it imported; the tests run it nevertheless."""
    return not lint.needs or context.has_any(lint.needs)


def _named(lint: Listed, words: Sequence[str]) -> bool:
    return any(w == lint.name or w.upper() == "ALL" or lint.code.startswith(w.upper()) for w in words)


def _wanted(diagnostic: Diagnostic, settings: LintSettings) -> bool:
    if diagnostic.code == "FW001":
        return True
    if settings.select and not any(matches(w, diagnostic) for w in (*settings.select, *settings.extend_select)):
        return False
    least = settings.min_confidence or _LEAST[settings.persona]
    if _CERTAINTY[diagnostic.confidence] < _CERTAINTY[least] or diagnostic.severity.rank < settings.min_severity.rank:
        return False
    if any(matches(w, diagnostic) for w in settings.ignore):
        return False
    path = diagnostic.primary.span.file.path if diagnostic.primary else ""
    return not any(
        fnmatchcase(path, glob) and any(matches(w, diagnostic) for w in words)
        for glob, words in settings.per_file_ignores
    )


def _with_severity(diagnostic: Diagnostic, context: LintContext) -> Diagnostic | None:
    for word, severity in context.settings.severity:
        if matches(word, diagnostic):
            return None if severity is None else dataclasses.replace(diagnostic, severity=severity)
    for setting in context.elaborated.lint_settings if context.elaborated else ():
        if matches(setting.lint, diagnostic):
            if setting.level == "off":
                return None
            level = Severity.ERROR if setting.level == "error" else Severity.WARNING
            return dataclasses.replace(diagnostic, severity=level)
    return diagnostic


def _unique(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """One finding per code, place and message: a rule that became several rules of the IR is one rule to its author."""
    seen: dict[tuple[str, int, int, str, str], Diagnostic] = {}
    for diagnostic in diagnostics:
        seen.setdefault(diagnostic.sort_key(), diagnostic)
    return list(seen.values())
