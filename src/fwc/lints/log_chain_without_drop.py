"""A chain whose name promises to log and drop never drops.

## Why is this bad?

`-j LOG_DROP` reads as a denial. A chain that only logs returns to its caller, and the packet goes on to the next
accept.

## Example

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:LOGDROP - [0:0]
-A PREROUTING -s 192.0.2.0/24 -j LOGDROP
-A LOGDROP -m limit --limit 5/min -j LOG --log-prefix "blocked: "
COMMIT
```

## Use instead

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:LOGDROP - [0:0]
-A PREROUTING -s 192.0.2.0/24 -j LOGDROP
-A LOGDROP -m limit --limit 5/min -j LOG --log-prefix "blocked: "
-A LOGDROP -j DROP
COMMIT
```

## Exceptions

A chain that is always followed by a denial of the same packets is not reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.model import Chain, Rule, Table
from fwc.ir.verdict import Accept, Continue, Drop, Log, Reject, Return
from fwc.ir.walk import target_chains
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint

_PROMISE = r"(?i)log.*(?:drop|deny|reject|block)|(?:drop|deny|reject|block).*log"


@lint("FW806", "log-chain-without-drop", Severity.ERROR, formats=("fwc", "iptables-save", "nft"), needs=(Log,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for table in context.ruleset.tables:
        for chain in table.chains:
            if chain.base is not None or not re.search(_PROMISE, chain.name) or context.is_foreign(chain):
                continue
            if not any(isinstance(a, Log) for rule in chain.rules for a in rule.actions) or not _only_logs(chain):
                continue
            calls = list(_callers(table, chain.name))
            open_calls = [rule for caller, index, rule in calls if not _denied_next(caller, index)]
            if not open_calls:
                continue
            last = chain.rules[-1]
            yield lint.finding(
                f"{chain.name} logs and returns: what is sent there is not dropped",
                last.origin.span or chain.origin.span,
                label="the chain ends here",
                secondary=[Label(r.origin.span, "goes on after this") for r in open_calls[:7] if r.origin.span],
                help="end the chain with a rule that drops",
                affects=[r.origin.span for r in open_calls if r.origin.span],
            )


def _only_logs(chain: Chain) -> bool:
    return all(isinstance(rule.verdict, Continue | Return) for rule in chain.rules)


def _callers(table: Table, name: str) -> Iterator[tuple[Chain, int, Rule]]:
    for caller in table.chains:
        for index, rule in enumerate(caller.rules):
            if name in target_chains(rule.verdict):
                yield caller, index, rule


def _denied_next(caller: Chain, index: int) -> bool:
    """Whether what comes back from the call is denied before anything can accept it."""
    call = caller.rules[index]
    for rule in caller.rules[index + 1 :]:
        if isinstance(rule.verdict, Drop | Reject) and (rule.match == call.match or not _conditional(rule)):
            return True
        if isinstance(rule.verdict, Accept) or list(target_chains(rule.verdict)):
            return False
    return caller.base is not None and isinstance(caller.base.policy, Drop)


def _conditional(rule: Rule) -> bool:
    from fwc.ir.match import Always

    return not isinstance(rule.match, Always)
