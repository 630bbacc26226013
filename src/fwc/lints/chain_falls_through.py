"""A chain that is named for dropping lets some packets return.

## Why is this bad?

Whoever reads `-j bad_drop` believes that the packets end there. What none of the chain's rules takes goes on behind the jump,
and may be accepted.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:bad_drop - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -j bad_drop
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A bad_drop -p tcp -j REJECT --reject-with tcp-reset
-A bad_drop -p udp -j REJECT --reject-with icmp-port-unreachable
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:bad_drop - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -j bad_drop
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A bad_drop -p tcp -j REJECT --reject-with tcp-reset
-A bad_drop -p udp -j REJECT --reject-with icmp-port-unreachable
-A bad_drop -j DROP
COMMIT
```

## Exceptions

A chain from which a RETURN leads back: that is meant. A chain that only logs is FW806. A chain behind whose every call the
packets are dropped anyway is reported all the same: it is the name that does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.analysis.program import Kind, ProgramTooLarge, sees, unfold_chain
from fwc.diagnostics import Diagnostic, Label, Persona, Severity
from fwc.ir.graph import calls
from fwc.ir.model import Chain, Table
from fwc.ir.verdict import Accept, Drop, OpaqueVerdict, Reject, Return, VerdictMap
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family
from fwc.space.cover import BudgetSpent, uncovered

_PROMISE = re.compile(r"(?:^|[-_.])(?:drop|reject|deny)$")


@lint(
    "FW112",
    "chain-falls-through",
    Severity.INFO,
    Persona.PEDANTIC,
    formats=("iptables-save", "nft", "fwc"),
    needs=("called chain",),
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for number, table in enumerate(context.ruleset.tables):
        called = {name for targets in calls(table).values() for name in targets}
        for chain in table.chains:
            if chain.base is not None or chain.name not in called or not _PROMISE.search(chain.name):
                continue
            if context.is_foreign(chain) or not _decides(chain):
                continue
            last = chain.rules[-1].origin.span
            span = last or chain.origin.span
            if span is None or not any(_returns(context, f, number, table, chain) for f in context.facts.families):
                continue
            where = chain.origin.span
            yield lint.finding(
                f"not every packet that is sent to {chain.name} ends there", span, label="what no rule takes returns",
                secondary=[Label(where, "named for it")] if where is not None and where != span else [],
                help="end the chain with a rule without a condition, or give it another name",
            )  # fmt: skip


def _decides(chain: Chain) -> bool:
    """Some of its packets are denied, and none is sent back, let pass or lost sight of on purpose."""
    verdicts = [rule.verdict for rule in chain.rules]
    if any(isinstance(v, Return | Accept | VerdictMap | OpaqueVerdict) for v in verdicts):
        return False
    return any(isinstance(v, Drop | Reject) for v in verdicts)


def _returns(context: LintContext, family: Family, number: int, table: Table, chain: Chain) -> bool:
    if not sees(table, family):
        return False
    try:
        program = unfold_chain(context.facts.source(family), number, chain)
        ends = [e for e in program.entries if e.kind is Kind.TERMINAL and e.place.index >= 0]
        boxes = [b for e in ends for b in e.boxes if program.dimensions.stable(b)]
        return uncovered(program.dimensions, (), boxes) is not None
    except (ProgramTooLarge, BudgetSpent):
        return False
