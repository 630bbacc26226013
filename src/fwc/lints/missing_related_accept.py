"""Established connections are accepted, the ICMP errors that belong to them are not.

## Why is this bad?

"Host unreachable", "time exceeded" and the like arrive in state RELATED. Without them programs wait for a timeout
instead of failing at once, traceroute shows nothing, and data connections of FTP and SIP helpers do not begin. (That
large packets die without "fragmentation needed" is FW401.)

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 3/4 -j ACCEPT
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

A ruleset that accepts the ICMP errors without looking at the state.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import CtState, Field, FieldIn, Match, all_of
from fwc.lints._conntrack import EPHEMERAL, ICMP4, ICMP6, TCP, ask, filtered, place_span, protocol, state, state_values
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.source import Span

# type << 8 | code: destination unreachable (host, port), time exceeded; RFC 792 and RFC 4443
_ERRORS = {Family.V4: (3 << 8 | 1, 3 << 8 | 3, 11 << 8), Family.V6: (1 << 8 | 3, 1 << 8 | 4, 3 << 8)}
_TOO_BIG = {Family.V4: 3 << 8 | 4, Family.V6: 2 << 8}


@lint("FW202", "missing-related-accept", Severity.WARNING, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()
    for hook in (Hook.INPUT, Hook.FORWARD):
        for family in context.facts.families:
            span, text = _of_hook(context, family, hook)
            if span is None or span in seen:
                continue
            seen.add(span)
            yield lint.finding(
                f"ICMP errors of established connections do not get through {hook}: RELATED is not accepted", span,
                label="accepts ESTABLISHED only", help="accept RELATED in the same rule: ESTABLISHED,RELATED",
                witness={"text": text},
            )  # fmt: skip


def _of_hook(context: LintContext, family: Family, hook: Hook) -> tuple[Span | None, str]:
    if not filtered(context, family, hook):
        return None, ""
    established = ask(context, family, hook, protocol(TCP), state(CtState.ESTABLISHED), FieldIn(Field.DPORT, EPHEMERAL))
    rule = context.facts.rule(established.some_by) if established.some_by is not None else None
    states = state_values(rule) if rule is not None else None
    if states is None or CtState.ESTABLISHED.value not in states or CtState.RELATED.value in states:
        return None, ""
    if _known_by_401() and ask(context, family, hook, _error(family, _TOO_BIG[family])).none:
        return None, ""
    answers = [ask(context, family, hook, _error(family, value)) for value in _ERRORS[family]]
    if not all(answer.none and not answer.undetermined for answer in answers):
        return None, ""
    return place_span(context, established.some_by), answers[0].others_text


def _error(family: Family, value: int) -> Match:
    field, number = (Field.ICMP, ICMP4) if family is Family.V4 else (Field.ICMPV6, ICMP6)
    return all_of(protocol(number), FieldIn(field, IntervalSet.of(value)), state(CtState.RELATED))


def _known_by_401() -> bool:
    """Where "too big" is missing as well, FW401 (FW402 in IPv6) says all of this with the worse consequence."""
    from fwc.lints._registry import LISTED

    return "FW401" in LISTED
