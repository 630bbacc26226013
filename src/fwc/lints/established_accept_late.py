"""Many rules stand before the one that accepts established connections.

## Why is this bad?

Nearly all packets belong to established connections. Each of them is compared with every rule above the accept.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -s 192.0.2.1/32 -p tcp -m tcp --dport 2001 -j ACCEPT
-A INPUT -s 192.0.2.2/32 -p tcp -m tcp --dport 2002 -j ACCEPT
-A INPUT -s 192.0.2.3/32 -p tcp -m tcp --dport 2003 -j ACCEPT
-A INPUT -s 192.0.2.4/32 -p tcp -m tcp --dport 2004 -j ACCEPT
-A INPUT -s 192.0.2.5/32 -p tcp -m tcp --dport 2005 -j ACCEPT
-A INPUT -s 192.0.2.6/32 -p tcp -m tcp --dport 2006 -j ACCEPT
-A INPUT -s 192.0.2.7/32 -p tcp -m tcp --dport 2007 -j ACCEPT
-A INPUT -s 192.0.2.8/32 -p tcp -m tcp --dport 2008 -j ACCEPT
-A INPUT -s 192.0.2.9/32 -p tcp -m tcp --dport 2009 -j ACCEPT
-A INPUT -s 192.0.2.10/32 -p tcp -m tcp --dport 2010 -j ACCEPT
-A INPUT -s 192.0.2.11/32 -p tcp -m tcp --dport 2011 -j ACCEPT
-A INPUT -s 192.0.2.12/32 -p tcp -m tcp --dport 2012 -j ACCEPT
-A INPUT -s 192.0.2.13/32 -p tcp -m tcp --dport 2013 -j ACCEPT
-A INPUT -s 192.0.2.14/32 -p tcp -m tcp --dport 2014 -j ACCEPT
-A INPUT -s 192.0.2.15/32 -p tcp -m tcp --dport 2015 -j ACCEPT
-A INPUT -s 192.0.2.16/32 -p tcp -m tcp --dport 2016 -j ACCEPT
-A INPUT -s 192.0.2.17/32 -p tcp -m tcp --dport 2017 -j ACCEPT
-A INPUT -s 192.0.2.18/32 -p tcp -m tcp --dport 2018 -j ACCEPT
-A INPUT -s 192.0.2.19/32 -p tcp -m tcp --dport 2019 -j ACCEPT
-A INPUT -s 192.0.2.20/32 -p tcp -m tcp --dport 2020 -j ACCEPT
-A INPUT -s 192.0.2.21/32 -p tcp -m tcp --dport 2021 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
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

Rules that drop, reject, log or jump: they may have to see every packet. The number of accepting rules above it from which it is
reported is 20.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Persona, Severity
from fwc.ir.match import CtState
from fwc.ir.model import Chain
from fwc.ir.verdict import Accept
from fwc.ir.walk import conjuncts
from fwc.lints._conntrack import state_values
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import ChainType, Hook
from fwc.source import Span

MOST_BEFORE = 20


@lint("FW203", "established-accept-late", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, chain in context.base_chains(Hook.INPUT, Hook.FORWARD, Hook.OUTPUT):
        if chain.base is None or chain.base.type is not ChainType.FILTER or context.is_foreign(chain):
            continue
        found = _late(chain)
        if found is not None:
            late, count, first = found
            yield lint.finding(
                f"packets of established connections pass {count} accepting rules before they are accepted here", late,
                secondary=[Label(first, "the first of them")], help="move it to the top of the chain",
            )  # fmt: skip


def _late(chain: Chain) -> tuple[Span, int, Span] | None:
    """The accept of everything established, the accepting rules above it, and the first of those."""
    spans: dict[Span, None] = {}
    for rule in chain.rules:
        span = rule.origin.span
        if span is None or not isinstance(rule.verdict, Accept):
            continue
        states = state_values(rule)
        if states is not None and CtState.ESTABLISHED.value in states and len(conjuncts(rule.match)) == 1:
            return (span, len(spans), next(iter(spans))) if len(spans) > MOST_BEFORE else None
        if states is None or CtState.ESTABLISHED.value in states:
            spans[span] = None
    return None
