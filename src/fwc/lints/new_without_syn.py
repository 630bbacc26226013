"""A new TCP connection is accepted although its first packet is no SYN.

## Why is this bad?

Connection tracking takes up a connection in the middle (`nf_conntrack_tcp_loose`), so a stray ACK is NEW. Scans that use such
packets pass, and so do connections that the other side has forgotten. After a restart it is what keeps connections alive.

## Example

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

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN -m conntrack --ctstate NEW -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Exceptions

A chain that does not deny by default. Each hook is reported once.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.ir.match import Field, MaskedIn
from fwc.lints._conntrack import TCP, place_span, protocol
from fwc.lints._context import LintContext
from fwc.lints._exposure import denies_by_default, new_from_stranger
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.net.intervals import IntervalSet
from fwc.source import Span

_SYN, _ACK, _FIN_RST = 2, 16, 5
_STRAY = MaskedIn(Field.TCP_FLAGS, _SYN | _ACK | _FIN_RST, IntervalSet.of(_ACK))


@lint("FW204", "new-without-syn", Severity.INFO, Persona.AUDITOR, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()
    for hook in (Hook.INPUT, Hook.FORWARD):
        for family in context.facts.families:
            if not denies_by_default(context, family, hook):
                continue
            answer = new_from_stranger(context, family, hook, protocol(TCP), _STRAY)
            span = place_span(context, answer.some_by)
            if answer.some is None or span is None or span in seen:
                continue
            seen.add(span)
            yield lint.finding(
                f"{hook} accepts new TCP connections that do not begin with a SYN", span, label="the first that does",
                help="drop them before: `-p tcp ! --syn -m conntrack --ctstate NEW -j DROP`"
                if context.kind == "iptables-save"
                else "drop them before: `tcp flags & (fin|syn|rst|ack) != syn ct state new drop`",
                witness={"text": answer.some_text},
            )  # fmt: skip
