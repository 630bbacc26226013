"""Loading this ruleset closes the port through which the machine is managed.

## Why is this bad?

A rule speaks of the management port, but no new connection gets to it: whoever loads the ruleset over the network is out. The
ports are `management` in the configuration, tcp 22 by default.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j DROP
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
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
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
```

## Exceptions

A ruleset that does not mention the port (or only refuses it to some sources): the machine may be managed at its console or
through another port. The pedantic persona is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Confidence, Diagnostic, Severity
from fwc.ir.match import CtState, Field, FieldIn, Match, all_of
from fwc.ir.verdict import Accept
from fwc.ir.walk import match_nodes
from fwc.lints._conditions import required
from fwc.lints._conntrack import ask, filtered, place_span, protocol, state
from fwc.lints._context import LintContext
from fwc.lints._exposure import denies_by_default
from fwc.lints._hooks import hooks_of
from fwc.lints._registry import Lint, lint
from fwc.net.addresses import AddressSet, parse_address, prefix_run
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet, Run

_NUMBERS = {"tcp": 6, "udp": 17}


@lint("FW510", "ssh-lockout", Severity.WARNING, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if not denies_by_default(context, Family.V4, Hook.INPUT):
        return
    places = list(_places(context))
    for word, port in context.settings.management:
        wanted = all_of(FieldIn(Field.DPORT, IntervalSet.of(port)), *places)
        families = [f for f in (Family.V4, Family.V6) if filtered(context, f, Hook.INPUT)]
        answers = [
            ask(context, family, Hook.INPUT, protocol(_NUMBERS[word]), state(CtState.NEW), wanted)
            for family in families
            if context.facts.boxes(family, wanted)
        ]
        if answers and all(answer.none and not answer.undetermined for answer in answers):
            answer = answers[0]
            yield lint.finding(
                f"no new connection to {word} port {port} is accepted: this machine cannot be managed over the network",
                place_span(context, answer.others_by), label="refuses it",
                help=f"accept {word} port {port} from where you manage it, or set `management` to the port in use",
                confidence=Confidence.HIGH if _mentioned(context, port) else Confidence.MEDIUM,
                witness={"text": answer.others_text},
            )  # fmt: skip


def _places(context: LintContext) -> Iterator[Match]:
    """Where the machine is managed from, when the configuration says so."""
    found = [run for word in context.settings.management_from if (run := _network(word)) is not None]
    if found:
        v4 = IntervalSet([run for family, run in found if family is Family.V4])
        v6 = IntervalSet([run for family, run in found if family is Family.V6])
        yield FieldIn(Field.SADDR, AddressSet(v4, v6))


def _network(word: str) -> tuple[Family, Run] | None:
    base, _, length = word.partition("/")
    parsed = parse_address(base)
    if parsed is None:
        return None
    family, value = parsed
    return family, prefix_run(value, int(length or family.bits), family.bits)


def _mentioned(context: LintContext, port: int) -> bool:
    hooks = [hooks_of(table) for table in context.ruleset.tables]
    at = {id(table): each for table, each in zip(context.ruleset.tables, hooks, strict=True)}
    return any(
        isinstance(node, FieldIn)
        and node.field is Field.DPORT
        and isinstance(node.values, IntervalSet)
        and (port, port) in node.values.runs
        for table, chain, rule in context.rules()
        if Hook.INPUT in at[id(table)].get(chain.name, ())
        and (isinstance(rule.verdict, Accept) or required(rule.match, Field.SADDR) is None)
        for node in match_nodes(rule.match)
    )
