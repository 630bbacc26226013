"""Rules in chains that nothing leads to, or behind a rule that ends the way of every packet: no packet meets them, so what a
target cannot say of them may be left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fwc.diagnostics import Diagnostic, Severity, warning
from fwc.ir.match import ALWAYS
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Drop, Goto, Reject, Return
from fwc.ir.walk import map_rules, target_chains
from fwc.source import Span


def without_refused(ruleset: Ruleset, found: Sequence[Diagnostic]) -> tuple[Ruleset, list[Diagnostic]] | None:
    """The ruleset without the rules that were refused, with a warning for each; None when a packet may meet one of them."""
    refused = {d.primary.span for d in found if d.severity is Severity.ERROR and d.primary is not None}
    if not refused or any(d.severity is Severity.ERROR and d.primary is None for d in found):
        return None
    reasons: dict[Span, str] = {}
    for table in ruleset.tables:
        reached = _reached(table)
        for chain in table.chains:
            met = len(_met(chain)) if chain.name in reached else 0
            for at, rule in enumerate(chain.rules):
                span = rule.origin.span
                if span not in refused:
                    continue
                if at < met:
                    return None
                reasons[span] = _reason(chain, met)
    if reasons.keys() != refused:
        return None
    out = [d for d in found if d.severity is not Severity.ERROR]
    for span, reason in sorted(reasons.items(), key=lambda item: item[0].start):
        text = f"this rule is left out: {reason}, and the target cannot express it"
        out.append(warning("FW031", text, span, name="lossy-compile"))
    return map_rules(ruleset, lambda rule: _kept(rule, reasons.keys())), out


def _kept(rule: Rule, left_out: Collection[Span | None]) -> tuple[Rule, ...]:
    return () if rule.origin.span in left_out else (rule,)


def _reason(chain: Chain, met: int) -> str:
    if not met:
        return f"nothing leads to its chain {chain.name}"
    span = chain.rules[met - 1].origin.span
    place = "" if span is None else f" on line {span.line}"
    return f"no packet gets past the rule{place}"


def _met(chain: Chain) -> tuple[Rule, ...]:
    """The rules up to the first that takes every packet out of the chain."""
    for at, rule in enumerate(chain.rules):
        if rule.match == ALWAYS and isinstance(rule.verdict, (Accept, Drop, Reject, Goto, Return)):
            return chain.rules[: at + 1]
    return chain.rules


def _reached(table: Table) -> frozenset[str]:
    """The base chains and what they call from rules that a packet meets."""
    by_name = {chain.name: chain for chain in table.chains}
    pending = [chain for chain in table.chains if chain.base is not None]
    seen = {chain.name for chain in pending}
    while pending:
        for rule in _met(pending.pop()):
            for name in target_chains(rule.verdict):
                if name in by_name and name not in seen:
                    seen.add(name)
                    pending.append(by_name[name])
    return frozenset(seen)
