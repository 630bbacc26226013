"""A rule accepts the replies of another rule, which the accept of established connections does already.

## Why is this bad?

The rule looks at ports and addresses only: besides the replies it accepts new connections from that source port.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -s 10.1.0.0/24 -d 10.2.0.5/32 -p tcp -m tcp --dport 5432 -j ACCEPT
-A FORWARD -s 10.2.0.5/32 -d 10.1.0.0/24 -p tcp -m tcp --sport 5432 -j ACCEPT
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
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -s 10.1.0.0/24 -d 10.2.0.5/32 -p tcp -m tcp --dport 5432 -j ACCEPT
COMMIT
```

## Exceptions

A pair in which neither side asks for a source port: both directions are meant. Where established connections are not all
accepted, the rule is needed.

## Fix safety

The rule is deleted. Unsafe, because the new connections that it accepts are no longer.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Label, Persona, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import CtState, Field, FieldIn, Match, Not, all_of
from fwc.ir.verdict import Accept
from fwc.ir.walk import conjuncts
from fwc.lints._conditions import names_field
from fwc.lints._conntrack import authored, families, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, delete_lines, lint
from fwc.net.hooks import Family, Hook
from fwc.source import Span

_TWIN = {
    Field.SADDR: Field.DADDR, Field.DADDR: Field.SADDR, Field.SPORT: Field.DPORT, Field.DPORT: Field.SPORT,
    Field.IIF: Field.OIF, Field.OIF: Field.IIF,
}  # fmt: skip


@lint(
    "FW211", "symmetric-rule", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"), needs=(Field.SPORT,)
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    accepts: dict[tuple[int, str, frozenset[Match]], Span] = {}
    replies = []
    for number, table, chain, _, rule, span in authored(context):
        if not isinstance(rule.verdict, Accept) or rule.actions or names_field(rule.match, Field.CT_STATE):
            continue
        if names_field(rule.match, Field.SPORT):
            replies.append((number, table, chain, rule, span))
        elif names_field(rule.match, Field.DPORT):
            accepts.setdefault((number, chain.name, frozenset(conjuncts(rule.match))), span)
    for number, table, chain, rule, span in replies if accepts else ():
        first = accepts.get((number, chain.name, frozenset(_reverse(p) for p in conjuncts(rule.match))))
        hooks = {base.hook for base in bases_of(table).get(chain.name, ())}
        if first is None or hooks != {Hook.FORWARD}:
            continue
        query = all_of(rule.match, state(CtState.ESTABLISHED))
        if not all(_taken_before(context, family, number, query, span) for family in families(context, table)):
            continue
        yield lint.finding(
            f"this rule accepts the replies of line {first.line}, which are accepted as established already", span,
            label="also accepts new connections", secondary=[Label(first, "the rule that it mirrors")],
            help="delete it", fixes=[delete_lines("delete the mirrored rule", [span], Applicability.UNSAFE)],
        )  # fmt: skip


def _reverse(part: Match) -> Match:
    if isinstance(part, FieldIn) and part.field in _TWIN:
        return FieldIn(_TWIN[part.field], part.values)
    if isinstance(part, Not):
        return Not(_reverse(part.match))
    return part


def _taken_before(context: LintContext, family: Family, number: int, query: Match, span: Span) -> bool:
    """Whether all established packets of the rule are accepted, and by another one."""
    facts = context.facts
    boxes = facts.boxes(family, query, number)
    answer = facts.accepts(family, Hook.FORWARD, boxes) if boxes else None
    if answer is None:
        return True
    rule = facts.rule(answer.some_by) if answer.some_by is not None else None
    return answer.all and rule is not None and rule.origin.span != span
