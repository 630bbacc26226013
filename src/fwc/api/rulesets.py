"""Existing rulesets, and either kind of input as one side of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwc.api.kinds import DIALECT_OF
from fwc.diagnostics import Diagnostic, has_errors
from fwc.dialects.registry import load_dialect
from fwc.ir.model import Ruleset
from fwc.lang.files import Files
from fwc.net.hooks import Family
from fwc.records import Record
from fwc.source import SourceFile

if TYPE_CHECKING:
    from fwc.elaborate.elaborated import Elaborated


def import_ruleset(source: SourceFile, kind: str) -> tuple[object, Ruleset, list[Diagnostic]]:
    """Parse and lift an existing ruleset: its own tree, the IR, and every fault that the real tool would refuse."""
    dialect = load_dialect(DIALECT_OF[kind])
    tree, diagnostics = dialect.parse(source)
    ruleset, more = dialect.lift(tree)
    return tree, ruleset, [*diagnostics, *more]


def import_family(
    source: SourceFile, kind: str, family_name: str = "", companion: SourceFile | None = None
) -> tuple[object, Ruleset, list[Diagnostic]]:
    """As `import_ruleset`, with the family and the companion that only iptables-save has."""
    if kind != "iptables-save":
        return import_ruleset(source, kind)
    from fwc.dialects.iptables.lift import lift
    from fwc.dialects.iptables.parse import parse as parse_save
    from fwc.dialects.iptables.tree import IptablesTree

    family = {"v4": Family.V4, "v6": Family.V6}.get(family_name)
    tree, diagnostics = parse_save(source, family)
    if companion is not None:
        other = {Family.V4: Family.V6, Family.V6: Family.V4}.get(family) if family else None
        second, more = parse_save(companion, other)
        tree = IptablesTree((*tree.files, *second.files), (*tree.sets, *second.sets))
        diagnostics = [*diagnostics, *more]
    ruleset, found = lift(tree)
    return tree, ruleset, [*diagnostics, *found]


class ReadRequest(Record):
    """How to read one input for `diff`, `query` and `graph`: `kind` as `--format-in`, `family` of an iptables-save file that does
    not show it."""

    kind: str
    target: str = ""
    host: str = ""
    today: str = ""
    family: str = ""


class Side(Record):
    """One input, read: its IR, and the families it speaks of."""

    name: str
    kind: str
    ruleset: Ruleset
    families: tuple[Family, ...]
    elaborated: Elaborated | None = None


def read_side(source: SourceFile, files: Files, request: ReadRequest) -> tuple[Side | None, list[Diagnostic]]:
    """Read a policy or an existing ruleset. None when its own tool would refuse it."""
    from fwc.api.policies import load_policy
    from fwc.elaborate.program import ElaborateOptions

    both: tuple[Family, ...] = (Family.V4, Family.V6)
    if request.kind == "fwc":
        options = ElaborateOptions(request.target, request.host, request.today)
        elaborated, diagnostics = load_policy(source, files, options)
        if elaborated is None:
            return None, diagnostics
        # a policy of one family still drops the other: its tables see both
        return Side(source.path, request.kind, elaborated.ruleset, both, elaborated), diagnostics
    _, ruleset, diagnostics = import_family(source, request.kind, request.family)
    if has_errors(diagnostics):
        return None, diagnostics
    families = both
    if request.kind == "iptables-save":
        families = tuple(f for f, word in zip(both, ("ip", "ip6"), strict=True) if _speaks(ruleset, word))
    return Side(source.path, request.kind, ruleset, families), diagnostics


def read_for_graph(source: SourceFile, files: Files, request: ReadRequest) -> tuple[Ruleset | None, list[Diagnostic]]:
    """The IR to draw: of a ruleset with errors (a jump to nowhere, a circle) too, since the drawing shows them."""
    if request.kind == "fwc":
        side, diagnostics = read_side(source, files, request)
        return side.ruleset if side else None, diagnostics
    _, ruleset, diagnostics = import_family(source, request.kind, request.family)
    return ruleset if ruleset.tables or not has_errors(diagnostics) else None, diagnostics


def _speaks(ruleset: Ruleset, word: str) -> bool:
    return any(table.family in (word, "inet") for table in ruleset.tables)
