"""Packets are exempted from connection tracking, and then accepted only by rules that ask for a state.

## Why is this bad?

An untracked packet is neither NEW nor ESTABLISHED: no such rule matches it, and the default drops it (measured: the
service is dead). With tracking the same rules would have accepted it.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import CtState
from fwc.ir.model import Rule, Table
from fwc.ir.verdict import NoTrack
from fwc.lints._conntrack import ask, authored, families, filtered, place_span, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.source import Span

MOST_RULES = 200
"""Exemptions looked at in one ruleset."""


@lint("FW208", "notrack-vs-stateful", Severity.ERROR, formats=("iptables-save", "nft"), needs=(NoTrack,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    bases = [bases_of(table) for table in context.ruleset.tables]
    looked = 0
    for number, table, chain, _, rule, span in authored(context):
        if not any(isinstance(action, NoTrack) for action in rule.actions) or looked >= MOST_RULES:
            continue
        looked += 1
        hooks = {base.hook for base in bases[number].get(chain.name, ())}
        found = _of_rule(context, lint, number, table, rule, span, hooks)
        if found is not None:
            yield found


def _of_rule(
    context: LintContext, lint: Lint, number: int, table: Table, rule: Rule, span: Span, hooks: set[Hook]
) -> Diagnostic | None:
    ways = [h for h in (Hook.INPUT, Hook.FORWARD) if Hook.PREROUTING in hooks]
    ways += [Hook.OUTPUT] if Hook.OUTPUT in hooks else []
    for family in families(context, table):
        untracked, tracked = [], []
        for hook in ways:
            if not filtered(context, family, hook):
                return None
            untracked.append(ask(context, family, hook, rule.match, state(CtState.UNTRACKED), table=number))
            tracked.append(ask(context, family, hook, rule.match, state(CtState.NEW), table=number))
        if any(not answer.none or answer.undetermined for answer in untracked):
            continue
        good = next((answer for answer in tracked if answer.some_by is not None), None)
        if good is None:
            continue
        bad = untracked[tracked.index(good)]
        by = place_span(context, good.some_by)
        drops = place_span(context, bad.others_by)
        labels = [Label(by, "accepts them only in a state that untracked packets never have")] if by is not None else []
        labels += [Label(drops, "drops them")] if drops is not None and drops != by else []
        return lint.finding(
            "these packets are not tracked, and only rules for tracked ones accept them", span,
            label="takes them out of connection tracking", secondary=labels, witness={"text": bad.others_text},
            help="accept them without a state (or in state UNTRACKED) in both directions, or track them",
        )  # fmt: skip
    return None
