"""What was printed is read back and compared with the policy, before a byte is written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from fwc.analysis.equivalence import compare
from fwc.diagnostics import Diagnostic, Severity, has_errors
from fwc.dialects.base import OutputFile
from fwc.dialects.registry import load_dialect
from fwc.errors import InternalError
from fwc.ir.match import WithinRate
from fwc.ir.model import Base, Ruleset, Table
from fwc.ir.verdict import ACCEPT
from fwc.ir.walk import match_nodes, rules
from fwc.net.hooks import ChainType, Hook
from fwc.passes.comparable import comparable
from fwc.source import SourceFile

RULESETS = ("nftables.conf", "rules.v4", "rules.v6", "ipset.conf", "pf.conf", "pf.anchor")
"""Output files that hold rules and sets; the others are scripts that load them."""

_HOOK_LINE = re.compile(r"^(?P<tool>ip6?tables) -w .*-I (?P<builtin>[A-Z]+) \d+ -j (?P<chain>\S+)$", re.M)


def read_back(target: str, files: Sequence[OutputFile], policy: Ruleset) -> Ruleset:
    """The IR of emitted text. Zones and own addresses come from the policy: the text of a target does not hold them.

    Raises InternalError when fwc cannot read its own output.
    """
    dialect = load_dialect(target)
    sources = [SourceFile(file.name, file.text) for file in files if file.name in RULESETS]
    tree, diagnostics = dialect.parse_all(sources)
    lifted, more = dialect.lift(tree)
    if has_errors([*diagnostics, *more]):
        raise InternalError(f"cannot read back: {_first_error([*diagnostics, *more])}")
    tables = lifted.tables
    for file in files:
        if file.executable:
            tables = _hooked(tables, file.text)
    return dataclasses.replace(
        lifted, tables=tables, zones=policy.zones, own_addresses=policy.own_addresses, settings=policy.settings
    )


def _hooked(tables: tuple[Table, ...], script: str) -> tuple[Table, ...]:
    """Chains that the script hooks into a builtin chain, as base chains. What they return goes on to the rules of other
    programs, so for us it is accepted."""
    out = []
    for table in tables:
        tool = "ip6tables" if table.family == "ip6" else "iptables"
        hooks = {m["chain"]: m["builtin"] for m in _HOOK_LINE.finditer(script) if m["tool"] == tool}
        chains = tuple(
            dataclasses.replace(c, base=Base(Hook(hooks[c.name].lower()), ChainType.FILTER, 0, ACCEPT))
            if table.kind == "filter" and c.name in hooks
            else c
            for c in table.chains
        )
        out.append(dataclasses.replace(table, chains=chains))
    return tuple(out)


def prove(target: str, files: Sequence[OutputFile], policy: Ruleset) -> None:
    """Raise InternalError unless the emitted text treats every packet as `policy` does, with a packet that shows it."""
    wanted, lifted = load_dialect(target).proof_terms(policy, read_back(target, files, policy))
    names = _names(policy)
    for family in policy.settings.families:
        left = comparable(wanted, family, lambda name: name)
        right = comparable(lifted, family, lambda name: _policy_name(name, names))
        difference = compare(left, right, families=(family,))
        if difference is not None:
            raise InternalError(f"the {target} output does not mean what the policy means: {difference.describe()}")


def set_names(policy: Ruleset) -> Callable[[str], str]:
    """From the names of emitted sets and buckets to the policy's."""
    names = _names(policy)
    return lambda emitted: _policy_name(emitted, names)


def _names(policy: Ruleset) -> dict[str, str]:
    """The policy's run-time sets and buckets by the spelling that targets give them."""
    names = [each.name for table in policy.tables for each in table.sets]
    for _, _, _, rule in rules(policy):
        names.extend(n.name for n in match_nodes(rule.match) if isinstance(n, WithinRate) and n.name)
    return {name.replace("-", "_"): name for name in names}


SHORTEST_CUT = 14
"""iptables cuts the names of hashlimit tables at 15 characters."""


def _policy_name(emitted: str, names: dict[str, str]) -> str:
    """The policy's name of an emitted set or bucket: targets write `-` as `_` and keep one per family."""
    plain = emitted.replace("-", "_")
    found = names.get(plain) or names.get(plain.removesuffix("4").removesuffix("6"))
    if found is None and len(plain) >= SHORTEST_CUT:
        begun = {name for spelled, name in names.items() if spelled.startswith(plain.removesuffix("6")[:-1])}
        found = begun.pop() if len(begun) == 1 else None
    return found or emitted


def _first_error(diagnostics: Sequence[Diagnostic]) -> str:
    found = next(d for d in diagnostics if d.severity is Severity.ERROR)
    where = f"{found.primary.span}: " if found.primary else ""
    return f"{where}{found.message}"
