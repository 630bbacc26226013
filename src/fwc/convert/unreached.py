"""Rules in chains that nothing leads to: no packet meets them, so what a target cannot say of them may be left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fwc.diagnostics import Diagnostic, Severity, warning
from fwc.ir.model import Rule, Ruleset, Table
from fwc.ir.walk import map_rules, target_chains
from fwc.source import Span


def without_refused(ruleset: Ruleset, found: Sequence[Diagnostic]) -> tuple[Ruleset, list[Diagnostic]] | None:
    """The ruleset without the rules that were refused, with a warning for each; None when a packet may meet one of them."""
    refused = {d.primary.span for d in found if d.severity is Severity.ERROR and d.primary is not None}
    if not refused or any(d.severity is Severity.ERROR and d.primary is None for d in found):
        return None
    names: dict[Span, str] = {}
    for table in ruleset.tables:
        reached = _reached(table)
        for chain in table.chains:
            for rule in chain.rules:
                span = rule.origin.span
                if span not in refused:
                    continue
                if chain.name in reached:
                    return None
                names[span] = chain.name
    if names.keys() != refused:
        return None
    out = [d for d in found if d.severity is not Severity.ERROR]
    for span, name in sorted(names.items(), key=lambda item: item[0].start):
        text = f"this rule is left out: nothing leads to its chain {name}, and the target cannot express it"
        out.append(warning("FW031", text, span, name="lossy-compile"))
    return map_rules(ruleset, lambda rule: _kept(rule, names.keys())), out


def _kept(rule: Rule, left_out: Collection[Span | None]) -> tuple[Rule, ...]:
    return () if rule.origin.span in left_out else (rule,)


def _reached(table: Table) -> frozenset[str]:
    """The base chains and what they call."""
    by_name = {chain.name: chain for chain in table.chains}
    pending = [chain for chain in table.chains if chain.base is not None]
    seen = {chain.name for chain in pending}
    while pending:
        for rule in pending.pop().rules:
            for name in target_chains(rule.verdict):
                if name in by_name and name not in seen:
                    seen.add(name)
                    pending.append(by_name[name])
    return frozenset(seen)
