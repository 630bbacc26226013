"""A rate-limited accept limits nothing: what is over the limit is accepted by what follows.

## Why is this bad?

A packet over the limit does not match the rule and goes on. When a later rule or the policy accepts it, the limit
(against brute force, against floods) has no effect at all. One of the commonest mistakes.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j DROP
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.facts import Facts
from fwc.analysis.program import Place
from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import CtState, WithinConnections, WithinRate, all_of
from fwc.ir.model import Rule
from fwc.ir.verdict import Accept
from fwc.lints._change import MOST_QUESTIONS, ProgramTooLarge, difference, is_small, limits, with_rule, without_limits
from fwc.lints._conntrack import authored, outside, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.source import Span

_HOOKS = {Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.PREROUTING}


@lint(
    "FW120",
    "limit-is-ineffective",
    Severity.ERROR,
    formats=("iptables-save", "nft", "fwc"),
    needs=(WithinRate, WithinConnections),
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if not is_small(context.ruleset):
        return
    entered = [bases_of(table) for table in context.ruleset.tables]
    asked = 0
    for number, _, chain, index, rule, span in authored(context):
        limited = [each for each in limits(rule.match) if not each.over]
        bases = entered[number].get(chain.name, ())
        if not limited or not isinstance(rule.verdict, Accept) or not any(b.hook in _HOOKS for b in bases):
            continue
        if context.facts.witness(Place(number, chain.name, index)) is None:
            continue
        asked += 1
        if asked > MOST_QUESTIONS:
            return
        if _changes_nothing(context, rule):
            labels = _who_accepts(context, rule, number, [b.hook for b in bases], span)
            yield lint.finding(
                "this limit limits nothing: every packet that is over it is accepted by what follows", span,
                label="accepts what is within the limit", secondary=labels,
                help="deny what is over the limit in the next rule, or delete the rule",
            )  # fmt: skip


def _changes_nothing(context: LintContext, rule: Rule) -> bool:
    try:
        return difference(context, context.ruleset, with_rule(context.ruleset, rule, lambda _: ())) is None
    except ProgramTooLarge:
        return False


def _who_accepts(context: LintContext, rule: Rule, table: int, hooks: list[Hook], span: Span) -> list[Label]:
    facts = Facts(with_rule(context.ruleset, rule, lambda _: ()), context.facts.families)
    for family in context.facts.families:
        for hook in hooks:
            rest = all_of(without_limits(rule.match), outside(hook), state(CtState.NEW))
            place = facts.accepts(family, hook, facts.boxes(family, rest, table)).some_by
            by = facts.rule(place) if place is not None else None
            if by is not None and by.origin.span is not None and by.origin.span != span:
                return [Label(by.origin.span, "accepts what is over the limit")]
    return []
