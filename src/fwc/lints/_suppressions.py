"""Comments and clauses that silence a finding: who wrote them, why, until when, and whether they still do anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fwc.diagnostics import Diagnostic, Severity, error, warning
from fwc.elaborate.elaborated import Suppression
from fwc.records import Record
from fwc.source import SourceFile, Span

_DIRECTIVE = (
    r"fwc:\s*(?P<verb>ignore-file|ignore|off|on)\s*\[(?P<codes>[^\]\n]*)\]"
    r"(?:\s+until=(?P<until>\d{4}-\d\d-\d\d))?(?P<reason>[^\n]*)"
)
_COMMENT_LINE = r"\s*(?:#|//)"


class Directive(Record):
    """One suppression. It covers findings whose rows lie in first..last (both included) of its file."""

    codes: tuple[str, ...]
    first: int
    last: int
    reason: str
    until: str
    where: Span
    file_wide: bool = False


def read_directives(source: SourceFile, clauses: Iterable[Suppression] = ()) -> list[Directive]:
    """The `# fwc: ...` comments of the text (also inside `--comment "fwc:ignore[...]"`, an nft `comment` and a pf `label`,
    which survive a save) and the policy's own `ignore X because` clauses."""
    out = [_from_clause(clause) for clause in clauses if clause.where.file is source]
    if "fwc:" not in source.text:
        return out
    open_ranges: list[tuple[tuple[str, ...], int, str, str, Span]] = []
    lines = len(source.line_starts)
    for match in re.finditer(_DIRECTIVE, source.text):
        codes = tuple(c.strip() for c in match["codes"].split(",") if c.strip())
        where = Span(source, match.start(), match.end())
        row = where.line
        reason = match["reason"].strip().strip("\"'").lstrip("-: ").strip()
        until = match["until"] or ""
        if match["verb"] == "ignore-file":
            out.append(Directive(codes, 1, lines, reason, until, where, True))
        elif match["verb"] == "ignore":
            alone = re.match(_COMMENT_LINE, source.line_text(row)) is not None
            target = _next_line(source, row) if alone else row
            out.append(Directive(codes, target, target, reason, until, where))
        elif match["verb"] == "off":
            open_ranges.append((codes, row, reason, until, where))
        else:
            for opened in [o for o in open_ranges if o[0] == codes]:
                open_ranges.remove(opened)
                out.append(Directive(codes, opened[1], row, opened[2], opened[3], opened[4]))
    out.extend(Directive(c, row, lines, reason, until, where) for c, row, reason, until, where in open_ranges)
    return out


def _next_line(source: SourceFile, row: int) -> int:
    """The next line that is neither blank nor a comment: what a comment on its own line speaks of."""
    last = len(source.line_starts)
    for number in range(row + 1, last + 1):
        text = source.line_text(number)
        if text.strip() and not re.match(_COMMENT_LINE, text):
            return number
    return row


def _from_clause(clause: Suppression) -> Directive:
    file = clause.where.file
    if clause.span is None:
        return Directive((clause.lint,), 1, len(file.line_starts), clause.reason, "", clause.where, True)
    first = file.position(clause.span.start)[0]
    last = file.position(max(clause.span.start, clause.span.end - 1))[0]
    return Directive((clause.lint,), first, last, clause.reason, "", clause.where)


def matches(pattern: str, diagnostic: Diagnostic) -> bool:
    """Does a code, a code prefix (`FW1`), a name (a lint's own or the language's) or `ALL` speak of this diagnostic?"""
    if pattern == diagnostic.name or pattern.upper() == "ALL":
        return True
    from fwc.lints._aliases import ALIASES

    if pattern in ALIASES:
        return diagnostic.code in ALIASES[pattern]
    upper = pattern.upper()
    return upper.startswith("FW") and diagnostic.code.startswith(upper)


def apply(
    diagnostics: Sequence[Diagnostic], directives: Sequence[Directive], today: str, require_reason: bool
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Split into (kept, suppressed); kept includes FW097 expired, FW098 reasonless and FW099 unused suppressions."""
    kept: list[Diagnostic] = []
    suppressed: list[Diagnostic] = []
    used: set[int] = set()
    for diagnostic in diagnostics:
        hit = _covering(diagnostic, directives, today)
        if hit is None:
            kept.append(diagnostic)
        else:
            used.add(hit)
            suppressed.append(diagnostic)
    for index, directive in enumerate(directives):
        kept.extend(_about(directive, index in used, today, require_reason))
    return kept, suppressed


def _covering(diagnostic: Diagnostic, directives: Sequence[Directive], today: str) -> int | None:
    if diagnostic.primary is None or diagnostic.code in {"FW097", "FW098", "FW099"}:
        return None
    span = diagnostic.primary.span
    row = span.line
    for index, directive in enumerate(directives):
        if directive.where.file is not span.file or not directive.first <= row <= directive.last:
            continue
        if directive.until and today and directive.until < today:
            continue
        if any(matches(code, diagnostic) for code in directive.codes):
            return index
    return None


def _about(directive: Directive, used: bool, today: str, require_reason: bool) -> list[Diagnostic]:
    codes = ", ".join(directive.codes)
    category = "validity"
    out: list[Diagnostic] = []
    if directive.until and today and directive.until < today:
        found = warning(
            "FW097", f"the suppression of {codes} ended on {directive.until}", directive.where,
            help="fix the finding, or extend the date with the reason why", name="expired-suppression",
        )  # fmt: skip
        out.append(found)
    elif not used:
        found = warning(
            "FW099", f"nothing here is reported as {codes}: the suppression does nothing", directive.where,
            help=_unknown(directive.codes) or "remove it, so that it cannot hide a later finding", name="unused-suppression",
        )  # fmt: skip
        out.append(found)
    if not directive.reason:
        make = error if require_reason else warning
        found = make(
            "FW098", f"the suppression of {codes} gives no reason", directive.where,
            help="write why after the bracket: `# fwc: ignore[CODE] -- reason`", name="suppression-without-reason",
        )  # fmt: skip
        if require_reason:
            out.append(found)
        else:
            out.append(_as_info(found))
    return [_categorised(d, category) for d in out]


def _unknown(codes: Sequence[str]) -> str:
    """What to say of a word that is no code and no name of a lint."""
    from difflib import get_close_matches

    from fwc.lints._aliases import ALIASES
    from fwc.lints._registry import load_lints

    lints = load_lints()
    names = {*ALIASES, *(each.name for each in lints.values())}
    for code in codes:
        upper = code.upper()
        if code in names or upper == "ALL" or (upper.startswith("FW") and any(c.startswith(upper) for c in lints)):
            continue
        close = get_close_matches(code, sorted(names), 1)
        return f"there is no lint {code}" + (f"; did you mean {close[0]}?" if close else "; `fwc rules` lists them")
    return ""


def _as_info(diagnostic: Diagnostic) -> Diagnostic:
    return Diagnostic(
        diagnostic.code,
        Severity.INFO,
        diagnostic.message,
        diagnostic.primary,
        help=diagnostic.help,
        name=diagnostic.name,
    )


def _categorised(diagnostic: Diagnostic, category: str) -> Diagnostic:
    span = diagnostic.primary.span if diagnostic.primary else None
    return Diagnostic(
        diagnostic.code, diagnostic.severity, diagnostic.message, diagnostic.primary, (), (), diagnostic.help,
        diagnostic.name, category=category, affects=(span,) if span else (),
    )  # fmt: skip
