"""A rule accepts every new connection from anybody to anything.

## Why is this bad?

Such a rule undoes the default deny, and everything below it. Often it was meant for one interface (the loopback) and lost that
condition.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 192.0.2.0/24 -j DROP
-A INPUT -j ACCEPT
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
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import Field
from fwc.ir.verdict import Accept
from fwc.lints._context import LintContext
from fwc.lints._exposure import limits_only, open_rules
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.source import Span
from fwc.space.fields import Box, Dimensions

_HARMLESS = {Field.CT_STATE, Field.SADDR, Field.IIF}


@lint("FW502", "accept-any-any", Severity.ERROR, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()
    for each in open_rules(context, _unlimited, Hook.INPUT, Hook.FORWARD):
        chain = context.facts.chain(each.place)
        base = chain.base if chain is not None else None
        if base is not None and isinstance(base.policy, Accept):
            continue  # says what the policy says: FW501
        if each.span not in seen:
            seen.add(each.span)
            yield lint.finding(
                f"this rule of {each.hook} accepts every new connection from anybody", each.span,
                label="no condition on port, protocol or destination",
                help="limit it to an interface, to sources, or to the ports that are meant", witness={"text": each.text},
            )  # fmt: skip


def _unlimited(dimensions: Dimensions, box: Box) -> bool:
    return limits_only(dimensions, box, _HARMLESS)
