"""Shape, lower, print, read back, compare: only what is proved equal leaves this module."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fwc.analysis.equivalence import Difference, compare
from fwc.analysis.program import Place
from fwc.convert.chains import in_chains
from fwc.convert.equivalents import respelled
from fwc.convert.references import dangling
from fwc.convert.tables import families, shaped
from fwc.convert.unreached import without_refused
from fwc.diagnostics import Diagnostic, error, has_errors
from fwc.dialects.base import LowerOptions, OutputFile
from fwc.dialects.nft.names import Refused
from fwc.dialects.registry import load_dialect
from fwc.ir.model import Ruleset
from fwc.net.hooks import Family
from fwc.passes.comparable import comparable
from fwc.passes.pipeline import optimize
from fwc.roundtrip import read_back, set_names
from fwc.source import SourceFile, Span


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
    if target == "nftables":
        wanted = in_chains(wanted)
    for level in (1, 0):
        files, problems = _attempt(source, wanted, target, header, level)
        if files:
            return files, problems
    return (), problems


def _attempt(
    source: SourceFile, wanted: Ruleset, target: str, header: tuple[str, ...], level: int
) -> tuple[tuple[OutputFile, ...], list[Diagnostic]]:
    dialect = load_dialect(target)
    try:
        tree, found = dialect.lower(optimize(wanted, target, level), LowerOptions(header=header))
    except Refused as problem:
        text = f"nftables cannot express {problem.feature}"
        return (), [error("FW031", text, _first_line(source), help=problem.help, name="lossy-compile")]
    if tree is None or has_errors(found):
        return (), found
    files = tuple(dialect.print(tree))
    difference = _difference(wanted, target, files)
    if difference is None:
        return files, found
    return (), [*found, _unproved(source, wanted, target, difference)]


def _difference(wanted: Ruleset, target: str, files: Sequence[OutputFile]) -> Difference | None:
    left, right = load_dialect(target).proof_terms(wanted, read_back(target, files, wanted))
    if wanted.source == "pf" and target != "pf":
        from fwc.convert.pf.states import apart

        left, right = apart(left), apart(right)
    for family in wanted.settings.families:
        mine = comparable(left, family, lambda name: name)
        other = comparable(right, family, set_names(wanted, target, right, (family,)))
        difference = compare(mine, other, families=(family,))
        if difference is not None:
            return difference
    return None


def _unproved(source: SourceFile, wanted: Ruleset, target: str, difference: Difference) -> Diagnostic:
    return error(
        "FW031",
        f"the {target} form is not proved equal to the source",
        _place(wanted, difference.left_place) or _first_line(source),
        notes=difference.sides("the source", target),
        help="take this rule out and write it by hand",
        name="lossy-compile",
    )


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
