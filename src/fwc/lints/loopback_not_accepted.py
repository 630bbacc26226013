"""Everything is denied by default and the loopback interface is not accepted: local programs cannot talk to each other.

## Why is this bad?

Databases, name resolution (`127.0.0.53`), mail and desktop services use the loopback interface, and it is filtered like any
other.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
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
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import CtState, all_of, state_in
from fwc.lints._conntrack import TCP, ask, place_span, protocol
from fwc.lints._context import LintContext
from fwc.lints._exposure import UNUSUAL
from fwc.lints._loopback import LOOPBACK, on_lo
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.source import Span


@lint("FW507", "loopback-not-accepted", Severity.ERROR, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    facts = context.facts
    seen: set[Span] = set()
    for hook in (Hook.INPUT, Hook.OUTPUT):
        for family in facts.families:
            query = all_of(on_lo(context.ruleset, hook), state_in(CtState.NEW), protocol(TCP), UNUSUAL, *LOOPBACK)
            answer = facts.accepts(family, hook, facts.boxes(family, query))
            span = place_span(context, answer.others_by)
            if answer.none and not answer.undetermined and span is not None and span not in seen:
                if ask(context, family, hook, state_in(CtState.NEW, CtState.ESTABLISHED)).none:
                    continue  # nothing is accepted here at all: that is meant
                seen.add(span)
                side = "-i lo" if hook is Hook.INPUT else "-o lo"
                yield lint.finding(
                    f"{hook} refuses what this machine sends to itself over the loopback interface", span,
                    label="refuses it", help=f"begin with `{side} -j ACCEPT` (nftables: `iif lo accept`)",
                    witness={"text": answer.others_text},
                )  # fmt: skip
                break
