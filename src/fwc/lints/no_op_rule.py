"""A rule has no target: it does nothing but count.

## Why is this bad?

Often the `-j` was forgotten, and packets that the rule was to accept or drop meet the rules below.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -i eth0 -p tcp -m tcp --dport 80
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
-A INPUT -i eth0 -p tcp -m tcp --dport 80 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Exceptions

A condition with an effect of its own (`recent --set`, a limit, a quota), a rule with a comment, and a chain in which no rule has
a target, or many rules have none: that is for accounting.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.ir.match import Always, Opaque, SetRef, WithinConnections, WithinRate
from fwc.ir.model import Chain, Rule
from fwc.ir.verdict import Continue
from fwc.ir.walk import match_nodes
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint

FOR_ACCOUNTING = 6
"""So many rules without a target are no oversight."""

_MAY_ACT = (Opaque, SetRef, WithinConnections, WithinRate)


@lint("FW115", "no-op-rule", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    accounting: dict[int, bool] = {}
    for _, _, chain, _, rule, span in authored(context):
        if not _does_nothing(rule):
            continue
        if id(chain) not in accounting:
            accounting[id(chain)] = _only_counts(chain)
        if not accounting[id(chain)]:
            yield lint.finding(
                "this rule has no target: its packets meet the rules below as if it were not there", span,
                help="say what becomes of the packets: `-j ACCEPT`, `-j DROP`, `-j LOG`"
                if context.kind == "iptables-save"
                else "say what becomes of the packets: accept, drop, log, counter",
            )  # fmt: skip


def _does_nothing(rule: Rule) -> bool:
    if not isinstance(rule.verdict, Continue) or rule.actions or rule.comment or isinstance(rule.match, Always):
        return False
    return not any(isinstance(node, _MAY_ACT) for node in match_nodes(rule.match))


def _only_counts(chain: Chain) -> bool:
    idle = sum(_does_nothing(rule) for rule in chain.rules)
    return idle >= FOR_ACCOUNTING or all(isinstance(rule.verdict, Continue) for rule in chain.rules)
