"""A chain that drops by default accepts no packet of established connections.

## Why is this bad?

The other direction lets connections begin, but no reply comes through: every connection times out. The rule that is
missing is usually the first of a ruleset.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p icmp -j ACCEPT
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
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Exceptions

Rulesets that accept replies without connection states (by source port, or everything from a network), and pf, whose
`pass` rules keep state.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.facts import Answer
from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.match import CtState, Field, FieldIn
from fwc.lints._conntrack import EPHEMERAL, TCP, UDP, ask, filtered, place_span, protocol, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook

_PEER = {Hook.INPUT: Hook.OUTPUT, Hook.OUTPUT: Hook.INPUT, Hook.FORWARD: Hook.FORWARD}
_NAMES = {TCP: "tcp", UDP: "udp"}


@lint("FW201", "missing-established-accept", Severity.ERROR, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for hook in (Hook.INPUT, Hook.OUTPUT, Hook.FORWARD):
        for family in context.facts.families:
            found = _of_hook(context, lint, family, hook)
            if found is not None:
                yield found
                break


def _of_hook(context: LintContext, lint: Lint, family: Family, hook: Hook) -> Diagnostic | None:
    if not filtered(context, family, hook):
        return None
    lost: list[tuple[int, Answer, Answer]] = []
    for number in (TCP, UDP):
        reply = FieldIn(Field.DPORT if hook is Hook.INPUT else Field.SPORT, EPHEMERAL)
        shape = [reply] if hook is Hook.INPUT else []
        answer = ask(context, family, hook, protocol(number), state(CtState.ESTABLISHED), *shape)
        if not answer.none or answer.undetermined:
            continue
        begins = ask(context, family, _PEER[hook], protocol(number), state(CtState.NEW))
        if not begins.none and not begins.undetermined:
            lost.append((number, answer, begins))
    if not lost:
        return None
    _, answer, begins = lost[0]
    names = " and ".join(_NAMES[number] for number, _, _ in lost)
    span = place_span(context, answer.others_by)
    begin = place_span(context, begins.some_by)
    labels = [Label(begin, "lets connections begin")] if begin is not None and begin != span else []
    chain = context.facts.chain(answer.others_by) if answer.others_by is not None else None
    name = chain.name if chain is not None else str(hook)
    return lint.finding(
        f"replies do not get through {name}: no {names} packet of an established connection is accepted", span,
        label="drops them", secondary=labels,
        help=f"accept them first: {_first_rule(context, name)}",
        witness={"text": answer.others_text},
    )  # fmt: skip


def _first_rule(context: LintContext, chain: str) -> str:
    if context.kind == "iptables-save":
        return f"`-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`"
    return "`ct state established,related accept`"
