"""A list of accepted connection states contains INVALID.

## Why is this bad?

INVALID are the packets that belong to no connection and begin none: forged resets and ACKs, answers nobody asked for,
what is left of connections that NAT no longer knows. The other states are listed to keep exactly these out.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID,RELATED,ESTABLISHED -j ACCEPT
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
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Exceptions

A list of all five states, which is no condition at all, a rule behind one that drops INVALID, and outgoing packets.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Confidence, Diagnostic, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import CtState, Field
from fwc.ir.verdict import Accept, NoTrack
from fwc.lints._conntrack import ask, authored, families, place_span, state, state_values
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.net.intervals import IntervalSet

MOST_RULES = 200
"""Rules whose packets are looked up in one ruleset."""


@lint(
    "FW209",
    "invalid-or-untracked-accepted",
    Severity.WARNING,
    formats=("iptables-save", "nft", "fwc"),
    needs=(Field.CT_STATE,),
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    bases = [bases_of(table) for table in context.ruleset.tables]
    exempts = context.holds(NoTrack) and any(
        isinstance(a, NoTrack) for _, _, _, _, rule, _ in authored(context) for a in rule.actions
    )
    looked = 0
    for number, table, chain, _, rule, span in context.authored_asking(Field.CT_STATE):
        states = state_values(rule) if isinstance(rule.verdict, Accept) else None
        if states is None or states.size() == len(CtState):
            continue
        hooks = {b.hook for b in bases[number].get(chain.name, ())} & {Hook.INPUT, Hook.FORWARD}
        if not hooks or looked >= MOST_RULES:
            continue
        wrong = CtState.INVALID if CtState.INVALID.value in states else CtState.UNTRACKED
        if wrong.value not in states or (wrong is CtState.UNTRACKED and (exempts or table.kind or states == _ONLY)):
            continue
        looked += 1
        for family in families(context, table):
            answers = [ask(context, family, hook, rule.match, state(wrong), table=number) for hook in hooks]
            answer = next((a for a in answers if place_span(context, a.some_by) == span), None)
            if answer is None:
                continue
            if wrong is CtState.INVALID:
                message = "this rule accepts packets that belong to no connection (state INVALID)"
                help = "take INVALID out of the list, and drop such packets before"
            else:
                message = "this rule accepts untracked packets, and no rule exempts any from tracking"
                help = "take UNTRACKED out of the list, or accept exactly the packets that are meant"
            yield lint.finding(
                message, span, help=help, witness={"text": answer.some_text},
                confidence=Confidence.HIGH if wrong is CtState.INVALID else Confidence.MEDIUM,
            )  # fmt: skip
            break


_ONLY = IntervalSet.of(CtState.UNTRACKED.value)
