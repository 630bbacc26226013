"""A denial of certain sources comes after an accept that lets the same sources in.

## Why is this bad?

Who is on a list of blocked addresses is meant to reach nothing; but what earlier rules accept from everybody is open
to them as well.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 198.51.100.7/32 -j DROP
-A INPUT -p udp -m udp --dport 51820 -j ACCEPT
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
-A INPUT -p tcp -m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN -j DROP
-A INPUT -s 198.51.100.7/32 -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m udp --dport 51820 -j ACCEPT
COMMIT
```

## Exceptions

Accepts of established connections, of whole interfaces, and of certain sources; denials that name more than
sources. A denied network of more than 65,536 addresses is taken for a default, not for a list of blocked ones.

By default only what can hardly be meant is reported: a single address of the internet that is blocked too late, and the chain of
a program that bans addresses (fail2ban, CrowdSec) called too late for its port. For networks, lists and private addresses, where
the accept before may be an exception, ask as auditor.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from fwc.analysis.program import Place
from fwc.diagnostics import Confidence, Diagnostic, Label, Persona, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import AllOf, CtState, Field, FieldIn, Match, SetRef
from fwc.ir.model import Chain, Rule
from fwc.ir.verdict import Accept, Drop, Jump, Reject
from fwc.lints._conditions import names_field
from fwc.lints._conntrack import ask, authored, families, place_span, state
from fwc.lints._context import LintContext
from fwc.lints._exposure import PRIVATE
from fwc.lints._registry import Lint, lint
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Hook
from fwc.net.intervals import IntervalSet

MOST_FINDINGS = 50
MOST_RULES = 200
"""Denials whose packets are looked up in one ruleset."""

_MOST_ADDRESSES = 1 << 16


_BANS = ("f2b-*", "fail2ban-*", "crowdsec*", "CROWDSEC*", "sshguard*")
_NO_HOST = AddressSet(IntervalSet([(0, (1 << 24) - 1), (224 << 24, (1 << 32) - 1)]), IntervalSet([(0, (2 << 124) - 1)]))
"""Addresses that no single host of the internet has: 0/8, 224.0.0.0/3, and IPv6 below 2000::/3."""


@lint("FW107", "partial-shadow-conflict", Severity.WARNING, Persona.REGULAR, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    bases = [bases_of(table) for table in context.ruleset.tables]
    told = looked = 0
    for number, table, chain, index, rule, span in authored(context):
        if told >= MOST_FINDINGS or looked >= MOST_RULES:
            return
        bans = _calls_bans(rule)
        if index == 0 or not (bans or _blocks_sources(rule)):
            continue
        looked += 1
        hooks = {b.hook for b in bases[number].get(chain.name, ())} & {Hook.INPUT, Hook.FORWARD}
        for family in families(context, table):
            answers = [
                ask(context, family, hook, rule.match, state(CtState.NEW), table=number) for hook in sorted(hooks)
            ]
            answer = next((a for a in answers if _bypassed(chain, index, a.some_by)), None)
            if answer is None:
                continue
            by = place_span(context, answer.some_by)
            assert by is not None
            told += 1
            sure = bans or _is_stranger(rule.match)
            what = "banned addresses are let in" if bans else "not everything from these sources is denied"
            yield lint.finding(
                f"{what}: line {by.line} accepts a part of it before", span,
                severity=None if sure else Severity.INFO, confidence=Confidence.HIGH if sure else Confidence.LOW,
                secondary=[Label(by, "accepts a part of it")], help=f"move the rule above line {by.line}",
                witness={"text": answer.some_text},
            )  # fmt: skip
            break


def _calls_bans(rule: Rule) -> bool:
    """Whether the rule asks a chain of banned addresses about one service."""
    if not isinstance(rule.verdict, Jump) or not names_field(rule.match, Field.DPORT):
        return False
    return any(fnmatchcase(rule.verdict.chain, pattern) for pattern in _BANS)


def _is_stranger(match: Match) -> bool:
    """Whether the condition is a single address of the internet."""
    if not isinstance(match, FieldIn) or not isinstance(match.values, AddressSet):
        return False
    values = match.values
    one = values.v4.size() + values.v6.size() == 1
    return one and not values & PRIVATE and not values & _NO_HOST


def _blocks_sources(rule: Rule) -> bool:
    if not isinstance(rule.verdict, Drop | Reject):
        return False
    match = rule.match
    if isinstance(match, SetRef):
        return match.fields == (Field.SADDR,)
    if not isinstance(match, FieldIn) or match.field is not Field.SADDR or not isinstance(match.values, AddressSet):
        return False
    return match.values.v4.size() <= _MOST_ADDRESSES and match.values.v6.size() <= 1 << 96


def _bypassed(chain: Chain, index: int, place: Place | None) -> bool:
    """Whether an earlier rule of the chain that names no sources accepts."""
    if place is None or place.chain != chain.name or not 0 <= place.index < index:
        return False
    rule = chain.rules[place.index]
    parts = rule.match.parts if isinstance(rule.match, AllOf) else (rule.match,)
    named = any(isinstance(p, SetRef) or (isinstance(p, FieldIn) and p.field is Field.SADDR) for p in parts)
    trusting = names_field(rule.match, Field.IIF) and not names_field(rule.match, Field.DPORT)
    return isinstance(rule.verdict, Accept) and not named and not trusting
