"""Packets that a NAT rule is to translate are exempted from connection tracking.

## Why is this bad?

NAT acts on connections. An untracked packet never gets to a nat chain: the rule does nothing for it.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -i eth1 -p udp -m udp --dport 53 -j CT --notrack
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth1 -p udp -m udp --dport 53 -j DNAT --to-destination 192.0.2.53
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth1 -p udp -m udp --dport 53 -j DNAT --to-destination 192.0.2.53
COMMIT
```

## Exceptions

A translation of which only a part is exempted.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.program import base_chains
from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.graph import bases_of
from fwc.ir.model import Rule, Table
from fwc.ir.verdict import Dnat, NoTrack, Redirect
from fwc.lints._conntrack import authored, families
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.source import Span
from fwc.space.fields import Box

_BEFORE_TRACKING = -200  # NF_IP_PRI_CONNTRACK of linux/netfilter_ipv4.h


@lint("FW321", "notrack-nat", Severity.ERROR, formats=("iptables-save", "nft", "fwc"), needs=(NoTrack,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    exempt = {family: list(_exempt(context, family)) for family in context.facts.families}
    if not any(exempt.values()):
        return
    found: dict[Span, list[Span]] = {}
    for number, table, chain, _, rule, span in authored(context):
        if not isinstance(rule.verdict, Dnat | Redirect):
            continue
        if {base.hook for base in bases_of(table).get(chain.name, ())} == {Hook.PREROUTING}:
            by = _exempted(context, exempt, number, table, rule)
            if by is not None:
                found.setdefault(by, []).append(span)
    for by, spans in found.items():
        many = f" ({len(spans)} rules)" if len(spans) > 1 else ""
        yield lint.finding(
            f"this translation never happens: its packets are exempted from connection tracking before{many}", spans[0],
            secondary=[Label(by, "exempts them")], help="take the exemption away, or narrow it", affects=spans,
        )  # fmt: skip


def _exempted(
    context: LintContext, exempt: dict[Family, list[tuple[Box, Span]]], number: int, table: Table, rule: Rule
) -> Span | None:
    """The rule that exempts all packets of a translation, in every family that it has packets of."""
    by: Span | None = None
    for family in families(context, table):
        contains = context.facts.dimensions(family).contains
        for box in context.facts.boxes(family, rule.match, number):
            by = next((where for hole, where in exempt[family] if contains(hole, box)), None)
            if by is None:
                return None
    return by


def _exempt(context: LintContext, family: Family) -> Iterator[tuple[Box, Span]]:
    """Packets that a first-hand rule of a prerouting chain exempts for certain, before tracking."""
    for table, chain in base_chains(context.ruleset, family).get(("ip", Hook.PREROUTING, ""), []):
        if chain.base is None or chain.base.priority >= _BEFORE_TRACKING:
            continue
        for rule in chain.rules:
            if not any(isinstance(action, NoTrack) for action in rule.actions):
                break  # it might take packets away before
            dimensions = context.facts.dimensions(family)
            for box in context.facts.boxes(family, rule.match, table):
                if rule.origin.span is not None and dimensions.stable(box):
                    yield box, rule.origin.span
