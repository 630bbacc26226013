"""A limit is the wrong way round: the first packets are denied, the flood is let through.

## Why is this bad?

A limit matches what is *within* it. `limit rate 3/minute drop` drops three packets a minute and lets the rest go on;
`limit rate over 3/minute accept` accepts only the flood. Both targets load it.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min -j DROP
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

## Exceptions

A limited reject whose excess is dropped by what follows: that limits the answers, as meant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from fwc.analysis.program import Place
from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import WithinConnections, WithinRate
from fwc.ir.model import Rule
from fwc.ir.verdict import Accept, Drop, Reject
from fwc.lints._change import (
    MOST_QUESTIONS,
    ProgramTooLarge,
    difference,
    is_small,
    limits,
    undecided,
    with_rule,
    without_limits,
)
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint


@lint(
    "FW121", "inverted-limit", Severity.ERROR, formats=("iptables-save", "nft"), needs=(WithinRate, WithinConnections)
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if not is_small(context.ruleset):
        return
    asked = 0
    for number, _, chain, index, rule, span in authored(context):
        found = limits(rule.match)
        denies = isinstance(rule.verdict, Drop | Reject) and any(not each.over for each in found)
        accepts = isinstance(rule.verdict, Accept) and any(each.over for each in found)
        if not (denies or accepts) or context.facts.witness(Place(number, chain.name, index)) is None:
            continue
        asked += 1
        if asked > MOST_QUESTIONS:
            return
        other = _otherwise(context, rule)
        if other is None:
            continue
        what = "drops" if isinstance(rule.verdict, Drop) else "rejects"
        if denies:
            message = f"this limit is the wrong way round: it {what} what is within the limit and lets the rest go on"
            help = "accept what is within the limit and deny the rest after it, or match what is over it"
        else:
            message = "this limit is the wrong way round: it accepts only what is over the limit"
            help = "accept what is within the limit, and deny what is over it"
        yield lint.finding(message, span, help=help, witness={"text": other})


def _otherwise(context: LintContext, rule: Rule) -> str | None:
    """A packet that the rule would decide otherwise without its limit than what follows does; None when there is none."""
    every = dataclasses.replace(rule, match=without_limits(rule.match))
    gone = with_rule(context.ruleset, rule, lambda _: ())
    whole = with_rule(context.ruleset, rule, lambda _: (every,))
    try:
        found = difference(context, gone, whole, refusals_alike=True)
    except ProgramTooLarge:
        return None
    return None if found is None or undecided(found) else found.text
