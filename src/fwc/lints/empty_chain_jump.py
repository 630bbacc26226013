"""A rule leads to a chain that has no rules.

## Why is this bad?

The jump does nothing. Either the rules of the chain are missing, or the jump is a leftover.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:services - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -j services
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:services - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -j services
-A services -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Exceptions

Chains that other programs fill (`foreign-chains` of the configuration), and rules with a log or another trace. A ruleset with
many empty chains was made by a program that keeps them as places for the user's rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Persona, Severity
from fwc.ir.verdict import Count, Goto, Jump
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint

MOST_EMPTY = 5


@lint(
    "FW110", "empty-chain-jump", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"), needs=(Jump, Goto)
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if sum(not c.rules and c.base is None for t in context.ruleset.tables for c in t.chains) > MOST_EMPTY:
        return
    for _, table, _, _, rule, span in authored(context):
        if not isinstance(rule.verdict, Jump | Goto) or any(not isinstance(a, Count) for a in rule.actions):
            continue
        chain = table.chain(rule.verdict.chain)
        if chain is None or chain.rules or context.is_foreign(chain):
            continue
        where = chain.origin.span
        yield lint.finding(
            f"chain {chain.name} has no rules: this jump does nothing", span,
            secondary=[Label(where, "empty")] if where is not None and where != span else [],
            help="delete the jump, or write the rules of the chain",
        )  # fmt: skip
