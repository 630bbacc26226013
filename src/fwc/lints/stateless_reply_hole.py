"""Incoming packets are accepted because of their source port alone.

## Why is this bad?

Such a rule is meant to let replies in (from a DNS or web server), but whoever sends a packet chooses its source port:
from port 53 or 443 every port of this machine can be reached. Connection tracking knows the real replies.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p udp -m udp --sport 53 -j ACCEPT
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
COMMIT
```

## Exceptions

Rules for certain peers (a /24 or less, a /64 in IPv6), rules that also name a few destination ports (DHCP, NTP, IKE),
and packets that need not begin a connection because the rule asks for a state.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.facts import Answer
from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import AllOf, CtState, Field, FieldIn, MaskedIn, Match, TupleIn
from fwc.ir.model import Rule
from fwc.ir.verdict import Accept
from fwc.ir.walk import match_nodes
from fwc.lints._conntrack import ask, families, place_span, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet

MOST_RULES = 500
"""Rules whose packets are looked up in one ruleset."""

_FEW_PORTS = 64
_MANY_PORTS = 1024
_PEERS4 = 256
_PEERS6 = 1 << 64


@lint("FW210", "stateless-reply-hole", Severity.ERROR, needs=(Field.SPORT, Field.TCP_FLAGS))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    bases = [bases_of(table) for table in context.ruleset.tables]
    looked = 0
    told: set[object] = set()
    for number, table, chain, _, rule, span in context.authored_asking(Field.SPORT, Field.TCP_FLAGS):
        by_port = _by_source_port(rule)
        if not (by_port or _by_ack(rule)) or span in told or looked >= MOST_RULES:
            continue
        hooks = {b.hook for b in bases[number].get(chain.name, ())} & {Hook.INPUT, Hook.FORWARD, Hook.PF_IN}
        looked += 1
        found = next(
            (a for f in families(context, table) for a in _answers(context, f, sorted(hooks), rule, span, number)),
            None,
        )
        if found is None:
            continue
        told.add(span)
        yield lint.finding(
            "whoever sends from this source port gets in: the rule asks for no connection and for no destination port"
            if by_port
            else "whoever sets the ACK flag gets in: the rule asks for no connection and for no port",
            span, help=_help(context), witness={"text": found.some_text},
        )  # fmt: skip


def _answers(
    context: LintContext, family: Family, hooks: list[Hook], rule: Rule, span: object, table: int
) -> Iterator[Answer]:
    """Packets that begin a connection, go to a port below 1024, and are accepted by this very rule."""
    low = FieldIn(Field.DPORT, IntervalSet.range(1, 65535))
    for hook in hooks:
        new: list[Match] = [] if hook is Hook.PF_IN else [state(CtState.NEW)]
        answer = ask(context, family, hook, rule.match, low, *new, table=table)
        if not answer.none and place_span(context, answer.some_by) == span:
            yield answer


def _help(context: LintContext) -> str:
    if context.kind == "pf":
        return "delete the rule: `pass out` keeps state, which lets the replies in"
    return "delete the rule and accept ESTABLISHED,RELATED instead"


def _by_source_port(rule: Rule) -> bool:
    if not isinstance(rule.verdict, Accept):
        return False
    parts = rule.match.parts if isinstance(rule.match, AllOf) else (rule.match,)
    source = False
    for part in parts:
        if not isinstance(part, FieldIn):
            if any(_restricts(node) for node in match_nodes(part)):
                return False
            continue
        values = part.values
        if part.field is Field.SPORT:
            assert isinstance(values, IntervalSet)
            source = 0 < values.size() <= _FEW_PORTS and min(run[0] for run in values.runs) < _MANY_PORTS
        elif part.field is Field.DPORT:
            assert isinstance(values, IntervalSet)
            if values.size() < _MANY_PORTS:
                return False
        elif (isinstance(values, AddressSet) and part.field is Field.SADDR and _few(values)) or (
            isinstance(values, IfaceSet) and part.field is Field.IIF and values.names == {"lo"} and not values.negated
        ):
            return False
    return source


def _by_ack(rule: Rule) -> bool:
    """The old way to let replies in: every TCP packet with the ACK flag, from anybody, to any port."""
    if not isinstance(rule.verdict, Accept) or not isinstance(rule.match, AllOf):
        return False
    flags = False
    for part in rule.match.parts:
        if isinstance(part, MaskedIn) and part.field is Field.TCP_FLAGS:
            flags = bool(part.mask & _ACK) and all(low & _ACK and low == high for low, high in part.values.runs)
        elif not (isinstance(part, FieldIn) and part.field in (Field.PROTOCOL, Field.FAMILY)):
            return False
    return flags


_ACK = 16


def _restricts(node: Match) -> bool:
    """A condition under which the rule may well be no hole: a list of peers, ports in a concatenation, anything not modelled."""
    if isinstance(node, FieldIn):
        return node.field in (Field.DPORT, Field.SPORT, Field.SADDR, Field.CT_STATE)
    return isinstance(node, TupleIn) or type(node).__name__ in ("SetRef", "Opaque", "Owner", "HelperIs", "MaskedIn")


def _few(values: AddressSet) -> bool:
    return values.v4.size() <= _PEERS4 and values.v6.size() <= _PEERS6
