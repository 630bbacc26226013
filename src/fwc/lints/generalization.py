"""A wider rule follows a narrower one with the other verdict: an exception from a rule.

## Why is this bad?

It is not: this is how exceptions are written. For an audit the list of exceptions is what must be explained.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 10.1.2.3/32 -p tcp -m tcp --dport 443 -j DROP
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 443 -j ACCEPT
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
-A INPUT -p tcp -m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
```

## Exceptions

Rules that hold for every packet, as the end of a chain. At most 50 exceptions of one ruleset are shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.program import sees
from fwc.diagnostics import Diagnostic, Label, Persona, Severity
from fwc.ir.match import Field
from fwc.ir.model import Rule
from fwc.lints._conditions import names_field
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._reach import verdict_class
from fwc.lints._reach_words import does
from fwc.lints._registry import Lint, lint
from fwc.source import Span
from fwc.space.fields import Box
from fwc.space.index import bits_of, index_of

MOST_FINDINGS = 50
MOST_RULES = 5_000
"""Rules of one chain that are compared with those before them."""


@lint("FW108", "generalization", Severity.INFO, Persona.AUDITOR, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    chains: dict[tuple[int, str], list[tuple[Rule, Span]]] = {}
    for number, _, chain, _, rule, span in authored(context):
        if verdict_class(rule) in ("accept", "deny"):
            chains.setdefault((number, chain.name), []).append((rule, span))
    told = 0
    for (number, _), rules in chains.items():
        for narrow, wide in _exceptions(context, number, rules[:MOST_RULES]):
            if told >= MOST_FINDINGS:
                return
            told += 1
            verb = does(narrow[0].verdict)
            yield lint.finding(
                f"this rule {verb} a part of what line {wide[1].line} {does(wide[0].verdict)}", narrow[1],
                label="an exception", secondary=[Label(wide[1], "the rule that it is excepted from")],
                help="if the exception has lost its reason, delete it",
            )  # fmt: skip


def _exceptions(
    context: LintContext, number: int, rules: list[tuple[Rule, Span]]
) -> Iterator[tuple[tuple[Rule, Span], tuple[Rule, Span]]]:
    """Rules with the first later one of the other verdict that holds all of their packets and more."""
    table = context.ruleset.tables[number]
    family = next((f for f in context.facts.families if sees(table, f)), None)
    if family is None or len(rules) < 2:
        return
    dimensions = context.facts.dimensions(family)
    singles: list[tuple[int, Box]] = []
    for at, (rule, _) in enumerate(rules):
        boxes = context.facts.boxes(family, rule.match, number)
        if len(boxes) == 1 and boxes[0] and not names_field(rule.match, Field.CT_STATE):
            singles.append((at, boxes[0]))
    index = index_of(dimensions, [box for _, box in singles])
    for bit, (at, box) in enumerate(singles):
        wider = index.contain(box, index.every >> (bit + 1) << (bit + 1))
        for other in bits_of(wider):
            later, outer = singles[other]
            if outer != box and verdict_class(rules[later][0]) != verdict_class(rules[at][0]):
                yield rules[at], rules[later]
                break
