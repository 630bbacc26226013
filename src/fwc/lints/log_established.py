"""Every packet of established connections is logged.

## Why is this bad?

A single download writes thousands of lines a second: the log is useless, the disk full, and the machine slow.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j LOG --log-prefix "est: "
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
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
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Exceptions

A log with a limit, one for an nflog group, and one that asks for more than protocol and interface.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import CtState, Field, FieldIn
from fwc.ir.model import Rule
from fwc.ir.verdict import Log
from fwc.ir.walk import conjuncts
from fwc.lints._conntrack import authored, state_values
from fwc.lints._context import LintContext
from fwc.lints._hooks import hooks_of
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook

_PLAIN = frozenset({Field.CT_STATE, Field.IIF, Field.OIF, Field.PROTOCOL})
_HOOKS = {Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING}


@lint("FW804", "log-established", Severity.WARNING, formats=("iptables-save", "nft"), needs=(Log,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = [each for each in authored(context) if _logs(each[4])]
    if not found:
        return
    dead = {(d.place.table, d.place.chain, d.place.index) for d in context.facts.dead()}
    for number, table, chain, index, _, span in found:
        if (number, chain.name, index) in dead or not hooks_of(table).get(chain.name, frozenset()) & _HOOKS:
            continue
        if table.kind == "nat":
            continue
        yield lint.finding(
            "this writes a line for every packet of established connections", span,
            help="log new connections only, or limit it (`limit rate 10/minute`, `-m limit`)",
        )  # fmt: skip


def _logs(rule: Rule) -> bool:
    """An unlimited log of ESTABLISHED but not NEW, on nothing that is rare."""
    if not any(isinstance(a, Log) and a.rate is None and a.nflog_group is None for a in rule.actions):
        return False
    states = state_values(rule)
    if states is None or CtState.ESTABLISHED.value not in states or CtState.NEW.value in states:
        return False
    return all(isinstance(part, FieldIn) and part.field in _PLAIN for part in conjuncts(rule.match))
