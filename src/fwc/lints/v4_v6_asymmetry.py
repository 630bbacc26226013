"""A service is limited to some sources in IPv4 and open to everybody in IPv6.

## Why is this bad?

The limit is what its author meant; over IPv6 it does not exist.

## Example

```nft
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        ct state established,related accept
        icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
        ip saddr 192.0.2.0/24 tcp dport 22 accept
        meta nfproto ipv6 tcp dport 22 accept
    }
}
```

## Use instead

```nft
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        ct state established,related accept
        icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
        ip saddr 192.0.2.0/24 tcp dport 22 accept
        ip6 saddr 2001:db8::/32 tcp dport 22 accept
    }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.match import CtState, Field, FieldIn
from fwc.ir.walk import match_nodes
from fwc.lints._conntrack import TCP, ask, filtered, place_span, protocol, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.source import Span

_SOMEBODY = FieldIn(Field.SADDR, AddressSet(IntervalSet.of(0xC6336407), IntervalSet.of(0x2A000000 << 96 | 7)))
_UNUSUAL = 54321
_MOST_PORTS = 50


@lint("FW416", "v4-v6-asymmetry", Severity.WARNING, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if not all(filtered(context, family, Hook.INPUT) for family in (Family.V4, Family.V6)):
        return
    seen: set[Span] = set()
    for port in _limited_ports(context):
        query = (protocol(TCP), state(CtState.NEW), FieldIn(Field.DPORT, IntervalSet.of(port)))
        old = ask(context, Family.V4, Hook.INPUT, *query, _SOMEBODY)
        new = ask(context, Family.V6, Hook.INPUT, *query, _SOMEBODY)
        if not old.none or not new.all or old.undetermined or new.undetermined:
            continue
        some = ask(context, Family.V4, Hook.INPUT, *query)
        span, limited = place_span(context, new.some_by), place_span(context, some.some_by)
        if span is None or limited is None or span in seen or span == limited:
            continue
        if ask(context, Family.V6, Hook.INPUT, protocol(TCP), state(CtState.NEW),
               FieldIn(Field.DPORT, IntervalSet.of(_UNUSUAL)), _SOMEBODY).some is not None:  # fmt: skip
            return  # IPv6 as a whole is open: FW415, FW501 or FW502 say it
        seen.add(span)
        yield lint.finding(
            f"tcp port {port} is limited to some sources in IPv4 and open to everybody in IPv6", span,
            label="accepts it from anywhere", secondary=[Label(limited, "limits it in IPv4")],
            help="limit the IPv6 sources as well", witness={"text": new.some_text},
        )  # fmt: skip


def _limited_ports(context: LintContext) -> list[int]:
    """Single ports that rules name, sorted; no more than can be asked about in bounded time."""
    ports: set[int] = set()
    for _, _, rule in context.rules():
        for node in match_nodes(rule.match):
            if isinstance(node, FieldIn) and node.field is Field.DPORT and isinstance(node.values, IntervalSet):
                ports.update(low for low, high in node.values.runs if low == high)
    return sorted(ports)[:_MOST_PORTS]
