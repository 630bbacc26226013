"""Shape, lower, print, read back, compare: only what is proved equal leaves this module."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fwc.analysis.equivalence import Difference
from fwc.analysis.program import Place
from fwc.convert.chains import called
from fwc.convert.equivalents import respelled
from fwc.convert.order import asked_first
from fwc.convert.proxies import proxied
from fwc.convert.recent import in_sets
from fwc.convert.recent_lists import as_lists, shorter_lists
from fwc.convert.references import dangling
from fwc.convert.tables import families, shaped
from fwc.convert.unless import unless, unless_text
from fwc.convert.unreached import without_refused
from fwc.diagnostics import Diagnostic, Severity, error, has_errors
from fwc.dialects.base import LowerOptions, OutputFile
from fwc.dialects.nft.names import Refused
from fwc.dialects.registry import load_dialect
from fwc.ir.model import Ruleset
from fwc.net.hooks import Family
from fwc.passes.pipeline import optimize
from fwc.roundtrip import difference, read_back
from fwc.source import SourceFile, Span

_LISTS = (
    "Except for how many addresses the lists of `recent` hold, and what they do when they are full (docs/importing.md)."
)


def convert(
    source: SourceFile, ruleset: Ruleset, target: str, header: Sequence[str] = ()
) -> tuple[tuple[OutputFile, ...], list[Diagnostic]]:
    """The files of `target` that treat every packet as `ruleset` does, or none and every reason at its line.

    Long runs of rules become sets and maps where that can be written and proved; otherwise the plain list is tried.
    """
    found = _refusals(source, ruleset, target)
    if found:
        return (), found
    files, problems = _converted(source, ruleset, target, tuple(header))
    if not files and (rest := without_refused(ruleset, problems)) is not None:
        ruleset, left_out = rest
        files, problems = _converted(source, ruleset, target, tuple(header))
        problems = [*left_out, *problems]
    return files, problems if files else [_for_rulesets(d) for d in problems]


def _converted(
    source: SourceFile, ruleset: Ruleset, target: str, header: tuple[str, ...]
) -> tuple[tuple[OutputFile, ...], list[Diagnostic]]:
    problems = dangling(ruleset) if target == "nftables" else []
    if problems:
        return (), problems
    wanted = respelled(shaped(ruleset, target), target)
    said: list[Diagnostic] = []
    if target == "nftables":
        wanted, said = in_sets(wanted)
        wanted = called(wanted, proxied)
    wanted = called(wanted, asked_first)
    if target in ("nftables", "iptables"):
        wanted = called(wanted, unless if target == "nftables" else unless_text)
    forms = [(wanted, said)]
    if target == "iptables" and (lists := as_lists(wanted)) is not wanted:
        forms.insert(0, (lists, shorter_lists(lists)))
    for written, said in forms:
        lines = (*header, _LISTS) if said else header
        for level in (1, 0):
            files, problems = _attempt(source, wanted, written, target, lines, level)
            if files:
                return files, [*said, *problems]
    return (), _together(said, problems)


def _together(said: Sequence[Diagnostic], problems: Sequence[Diagnostic]) -> list[Diagnostic]:
    """What is wrong with lists, and with the other rules."""
    blamed = [d for d in said if d.severity is Severity.ERROR]
    places = {d.primary.span for d in blamed if d.primary is not None}
    return [*blamed, *(d for d in problems if d.primary is None or d.primary.span not in places)]


def _attempt(
    source: SourceFile, wanted: Ruleset, written: Ruleset, target: str, header: tuple[str, ...], level: int
) -> tuple[tuple[OutputFile, ...], list[Diagnostic]]:
    """The files of `written`, which is another form of `wanted`, proved equal to `wanted`."""
    dialect = load_dialect(target)
    try:
        tree, found = dialect.lower(optimize(written, target, level), LowerOptions(header=header))
    except Refused as problem:
        text = f"nftables cannot express {problem.feature}"
        return (), [error("FW031", text, _first_line(source), help=problem.help, name="lossy-compile")]
    if tree is None or has_errors(found):
        return (), found
    files = tuple(dialect.print(tree))
    other = _difference(wanted, target, files)
    if other is None:
        return files, found
    return (), [*found, _unproved(source, wanted, target, other)]


def _difference(wanted: Ruleset, target: str, files: Sequence[OutputFile]) -> Difference | str | None:
    left, right = load_dialect(target).proof_terms(wanted, read_back(target, files, wanted))
    if wanted.source == "pf" and target != "pf":
        from fwc.convert.pf.states import apart

        left, right = apart(left), apart(right)
    if target == "iptables":
        left, right = in_sets(left)[0], in_sets(right)[0]
    return difference(target, wanted, left, right)


def _unproved(source: SourceFile, wanted: Ruleset, target: str, found: Difference | str) -> Diagnostic:
    text, place = f"the {target} form is not proved equal to the source", _first_line(source)
    if isinstance(found, str):
        return error("FW031", f"{text}: {found}", place, name="lossy-compile")
    place = _place(wanted, found.left_place) or place
    help = "take this rule out and write it by hand"
    return error("FW031", text, place, notes=found.sides("the source", target), help=help, name="lossy-compile")


def _place(ruleset: Ruleset, place: Place) -> Span | None:
    """The source's rule or chain that decides the packet."""
    table = ruleset.tables[place.table] if 0 <= place.table < len(ruleset.tables) else None
    chain = table.chain(place.chain) if table is not None else None
    if chain is None:
        return None
    if 0 <= place.index < len(chain.rules):
        return chain.rules[place.index].origin.span
    return chain.origin.span


def _refusals(source: SourceFile, ruleset: Ruleset, target: str) -> list[Diagnostic]:
    """What stands in the way of the whole file, before any rule is looked at."""
    spoken = families(ruleset)
    if target == "pf" and ruleset.source != "pf" and len(spoken) == 1:
        other = Family.V6 if spoken[0] is Family.V4 else Family.V4
        text = f"this file says nothing about IPv{other.value}, and pf.conf rules both families"
        help = "convert a ruleset that has both, for instance nft tables of family inet"
        return [error("FW031", text, _first_line(source), help=help, name="lossy-compile")]
    if not ruleset.tables:
        return [error("FW031", "there is no table to convert", _first_line(source), name="lossy-compile")]
    return []


def _first_line(source: SourceFile) -> Span:
    end = source.text.find("\n")
    return Span(source, 0, end if end >= 0 else len(source.text))


def _for_rulesets(found: Diagnostic) -> Diagnostic:
    """The diagnostic without the way out that only a policy has."""
    found = dataclasses.replace(found, notes=tuple(n for n in found.notes if "`when " not in n))
    if not found.help or "when " not in found.help:
        return found
    help = found.help.split("; or put", 1)[0] if "; or put" in found.help else ""
    return dataclasses.replace(found, help="" if help.startswith("put ") else help)
