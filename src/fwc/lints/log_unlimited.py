"""New packets from anywhere are logged without a limit of their rate.

## Why is this bad?

Whoever sends packets writes to the log: a flood fills the disk, and what mattered is lost among a million lines.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -j LOG --log-prefix "refused: "
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
-A INPUT -m limit --limit 10/min --limit-burst 20 -j LOG --log-prefix "refused: "
COMMIT
```

## Exceptions

Rules that name the source address, that log established or invalid packets only, loopback and trusted interfaces,
NFLOG (which has limits of its own), and chains that are only called within a limit are not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import (
    Chance,
    CtState,
    EveryNth,
    Field,
    FieldIn,
    HelperIs,
    Match,
    Opaque,
    Owner,
    Recent,
    SetRef,
    TimeWindow,
    TupleIn,
    WithinConnections,
    WithinRate,
)
from fwc.ir.model import Role, Rule, Table
from fwc.ir.verdict import Log
from fwc.ir.walk import CALLS, match_nodes, only_compares, target_chains
from fwc.lints._conditions import required
from fwc.lints._context import LintContext
from fwc.lints._hooks import hooks_of
from fwc.lints._registry import Lint, lint
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.source import Span

_SPECIAL = frozenset({Field.SMAC, Field.PKTTYPE, Field.TCP_FLAGS, Field.ICMP})
_LIMITS = (
    WithinRate, WithinConnections, Chance, EveryNth, Recent, TimeWindow, Owner, HelperIs, Opaque, SetRef,
)  # fmt: skip


@lint("FW802", "log-unlimited", Severity.WARNING, formats=("fwc", "iptables-save", "nft"), needs=(Log,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    dead = {d.place for d in context.facts.dead()}
    seen: set[Span] = set()
    for number, table in enumerate(context.ruleset.tables):
        hooks = hooks_of(table)
        open_chains = _openly_called(context, table)
        for chain in table.chains:
            if not hooks.get(chain.name, frozenset()) & {Hook.INPUT, Hook.FORWARD, Hook.PREROUTING}:
                continue
            if chain.name not in open_chains or context.is_foreign(chain):
                continue
            for index, rule in enumerate(chain.rules):
                if _limits_before(rule):
                    break
                span = rule.origin.span if rule.actions else None
                if span is None or span in seen or (number, chain.name, index) in dead or not _logs(rule):
                    continue
                if _from_anywhere(context, rule.match):
                    seen.add(span)
                    yield lint.finding(
                        "whoever sends packets here writes to the log without a limit",
                        span,
                        help=_HELP[context.kind],
                    )


_HELP = {
    "fwc": 'write a rate behind the log, as `log "refused" rate 10/minute burst 20`',
    "iptables-save": "add `-m limit --limit 10/min --limit-burst 20` to the rule",
    "nft": "write `limit rate 10/minute burst 20 packets` before `log`, in a rule that only logs",
}


def _logs(rule: Rule) -> bool:
    return rule.role in (Role.USER, Role.IMPORTED, Role.DEFAULT) and any(
        isinstance(a, Log) and a.rate is None and a.nflog_group is None for a in rule.actions
    )


def _limits_before(rule: Rule) -> bool:
    """A limit on a verdict earlier in the chain may be what keeps the log short."""
    return (
        not only_compares(rule.match)
        and any(isinstance(n, WithinRate) for n in match_nodes(rule.match))
        and not _logs(rule)
        and not any(isinstance(a, Log) for a in rule.actions)
    )


def _from_anywhere(context: LintContext, match: Match) -> bool:
    """Whether the condition holds for new packets of sources that it does not choose."""
    for node in match_nodes(match):
        if isinstance(node, _LIMITS):
            return False
        if isinstance(node, TupleIn) and Field.SADDR in node.fields:
            return False
        if isinstance(node, FieldIn) and (node.field in _SPECIAL or _not_new(node)):
            return False
    source = required(match, Field.SADDR)
    if isinstance(source, AddressSet) and not _most(source):
        return False
    iface = required(match, Field.IIF)
    return not (isinstance(iface, IfaceSet) and not iface.negated and _trusted(context, iface))


def _not_new(node: FieldIn) -> bool:
    values = node.values
    return node.field is Field.CT_STATE and isinstance(values, IntervalSet) and CtState.NEW.value not in values


def _most(source: AddressSet) -> bool:
    """A complement of a few networks is everybody."""
    return any(
        sum(high - low + 1 for low, high in source.family(family).runs) >= 1 << (family.bits - 1) for family in Family
    )


def _trusted(context: LintContext, iface: IfaceSet) -> bool:
    trusted = {n for each in context.settings.interfaces if each.trusted for n in each.names} | {"lo", "lo0"}
    return bool(iface.names) and iface.names <= trusted


def _openly_called(context: LintContext, table: Table) -> set[str]:
    """Chains that a base chain leads to by rules that are themselves open to everybody."""
    out = {chain.name for chain in table.chains if chain.base is not None}
    calls: dict[str, list[str]] = {}
    for chain in table.chains:
        for rule in chain.rules:
            if isinstance(rule.verdict, CALLS) and _from_anywhere(context, rule.match):
                calls.setdefault(chain.name, []).extend(target_chains(rule.verdict))
    todo = list(out)
    while todo:
        for name in calls.get(todo.pop(), ()):
            if name not in out:
                out.add(name)
                todo.append(name)
    return out
