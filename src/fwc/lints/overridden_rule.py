"""A rule without `quick` is overruled by a later one: in pf the last match decides.

## Why is this bad?

Whoever knows other firewalls expects the first match to win. Here the rule is read, and forgotten when a later rule
matches the same packets.

## Example

```pf
set skip on lo0
block all
pass out all
block in proto tcp to any port 22
pass in all
pass inet6 proto ipv6-icmp all
```

## Use instead

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
pass in proto { tcp, udp } from 192.0.2.0/24
block in quick proto tcp from 192.0.2.7
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.dialects.pf.tree import Filter
from fwc.ir.match import Field, FieldIn, MaskedIn, all_of, any_of, negate
from fwc.ir.model import Chain
from fwc.ir.verdict import Accept, Drop, Reject
from fwc.lints._context import LintContext
from fwc.lints._pf import every_statement
from fwc.lints._reach import DeadRule, reach, verdict_class
from fwc.lints._reach_words import cause_labels, line_list, witness_of
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import Span
from fwc.space.fields import Box


@lint("FW601", "overridden-rule", Severity.ERROR, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).overridden:
        labels, notes = cause_labels(context, dead)
        same = all(verdict_class(c.rule) == verdict_class(dead.rule) for c in dead.causes)
        severity = Severity.WARNING if same else Severity.ERROR
        yield lint.finding(
            "this never decides: a later rule takes all of its packets, and in pf the last match wins",
            dead.span,
            label="overruled",
            secondary=labels,
            notes=notes,
            help="write `quick` behind the action, or move the rule below " + line_list(_later(dead)),
            severity=severity,
            affects=(dead.span, *dead.affects),
            witness=witness_of(context, dead),
        )
    told = {rule.origin.span for each in context.facts.dead() if (rule := context.facts.rule(each.place)) is not None}
    for statement in every_statement(context):
        if isinstance(statement, Filter) and _blocks_something(statement) and statement.span not in told:
            assert statement.span is not None
            later = _let_in_later(context, statement.span)
            if later is not None:
                text, span = later
                yield lint.finding(
                    "every connection that this blocks is let in by a later rule: in pf the last match wins",
                    statement.span,
                    label="overruled",
                    secondary=[Label(span, "decides instead")],
                    help=f"write `block ... quick`, or move the rule below line {span.line}",
                    witness={"text": text},
                )


_STARTS = any_of(
    negate(FieldIn(Field.PROTOCOL, IntervalSet.of(6))), MaskedIn(Field.TCP_FLAGS, 0x12, IntervalSet.of(0x02))
)
"""What begins a connection. A pass keeps state and takes the SYN only, so stray packets of TCP still meet the block."""

_NOT_LOOPBACK = all_of(*(negate(FieldIn(field, IfaceSet.of(["lo0"]))) for field in (Field.IIF, Field.OIF)))


def _blocks_something(rule: Filter) -> bool:
    limited = rule.source.hosts or rule.dest.hosts or rule.source.ports or rule.dest.ports or rule.protocols
    return rule.action == "block" and not rule.quick and rule.span is not None and bool(limited)


def _let_in_later(context: LintContext, span: Span) -> tuple[str, Span] | None:
    """A packet and a later rule that passes it, when all connections of the rule at `span` are passed."""
    found: tuple[str, Span] | None = None
    facts = context.facts
    for _, chain in context.base_chains(Hook.PF_IN, Hook.PF_OUT):
        for rule in chain.rules:
            if rule.origin.span != span or not isinstance(rule.verdict, Drop | Reject) or chain.base is None:
                continue
            query = all_of(rule.match, _STARTS, _NOT_LOOPBACK)
            for family in facts.families:
                boxes = facts.boxes(family, query)
                if not boxes:
                    continue
                answer = facts.accepts(family, chain.base.hook, boxes)
                later = _passes(context, family, chain, span, boxes)
                if not answer.all or later is None:
                    return None
                found = answer.some_text, later
    return found


def _passes(context: LintContext, family: Family, chain: Chain, span: Span, boxes: tuple[Box, ...]) -> Span | None:
    """The first rule below `span` that passes some of the packets."""
    facts = context.facts
    meet = facts.dimensions(family).meet
    for rule in chain.rules:
        at = rule.origin.span
        if at is None or at.start <= span.start or not isinstance(rule.verdict, Accept):
            continue
        others = facts.boxes(family, rule.match)
        if any(meet(a, b) is not None for a in boxes[:16] for b in others[:16]):
            return at
    return None


def _later(dead: DeadRule) -> list[Span]:
    return [cause.span for cause in dead.causes if cause.span is not None]
