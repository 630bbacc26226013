"""What was printed is read back and compared with the policy, before a byte is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fwc.analysis.equivalence import compare
from fwc.diagnostics import Diagnostic, Severity, has_errors
from fwc.dialects.base import OutputFile
from fwc.dialects.registry import load_dialect
from fwc.errors import InternalError
from fwc.ir.match import WithinRate
from fwc.ir.model import Ruleset, Table
from fwc.ir.walk import match_nodes, rules
from fwc.passes.comparable import comparable
from fwc.source import SourceFile

RULESETS = ("nftables.conf", "rules.v4", "rules.v6", "pf.conf", "pf.anchor")
"""Output files that hold rules; the others (`ipset.conf`, scripts) create what these refer to."""


def read_back(target: str, files: Sequence[OutputFile], policy: Ruleset) -> Ruleset:
    """The IR of emitted text. Zones and own addresses come from the policy: the text of a target does not hold them.

    Raises InternalError when fwc cannot read its own output.
    """
    dialect = load_dialect(target)
    tables: list[Table] = []
    lifted = Ruleset()
    for file in files:
        if file.name not in RULESETS:
            continue
        source = SourceFile(file.name, file.text)
        tree, diagnostics = dialect.parse(source)
        lifted, more = dialect.lift(tree)
        if has_errors([*diagnostics, *more]):
            raise InternalError(f"cannot read back {file.name}: {_first_error([*diagnostics, *more])}")
        tables.extend(lifted.tables)
    return dataclasses.replace(
        lifted, tables=tuple(tables), zones=policy.zones, own_addresses=policy.own_addresses, settings=policy.settings
    )


def prove(target: str, files: Sequence[OutputFile], policy: Ruleset) -> None:
    """Raise InternalError unless the emitted text treats every packet as `policy` does, with a packet that shows it."""
    lifted = read_back(target, files, policy)
    terms = getattr(load_dialect(target), "proof_terms", None)
    if terms is not None:  # pf has other hooks than the policy: both sides are brought to the same ones
        policy, lifted = terms(policy, lifted)
    names = _names(policy)
    for family in policy.settings.families:
        left = comparable(policy, family, lambda name: name)
        right = comparable(lifted, family, lambda name: _policy_name(name, names))
        difference = compare(left, right, families=(family,))
        if difference is not None:
            raise InternalError(f"the {target} output does not mean what the policy means: {difference.describe()}")


def _names(policy: Ruleset) -> dict[str, str]:
    """The policy's run-time sets and buckets by the spelling that targets give them."""
    names = [each.name for table in policy.tables for each in table.sets]
    for _, _, _, rule in rules(policy):
        names.extend(n.name for n in match_nodes(rule.match) if isinstance(n, WithinRate) and n.name)
    return {name.replace("-", "_"): name for name in names}


def _policy_name(emitted: str, names: dict[str, str]) -> str:
    """The policy's name of an emitted set or bucket: targets write `-` as `_` and keep one per family."""
    plain = emitted.replace("-", "_")
    return names.get(plain) or names.get(plain.removesuffix("4").removesuffix("6")) or emitted


def _first_error(diagnostics: Sequence[Diagnostic]) -> str:
    found = next(d for d in diagnostics if d.severity is Severity.ERROR)
    where = f"{found.primary.span}: " if found.primary else ""
    return f"{where}{found.message}"
