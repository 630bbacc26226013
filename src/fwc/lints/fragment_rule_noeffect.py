"""A rule asks for fragments where connection tracking has put them together already.

## Why is this bad?

With connection tracking the kernel reassembles before the first table (`nf_defrag_ipv4` at priority -400): no fragment gets to
the rule. It looks like protection and counts nothing.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -f -j DROP
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

A ruleset without connection tracking and NAT, and nftables chains before priority -400.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import Field, FieldIn, HelperIs, MaskedIn, Match, Opaque
from fwc.ir.walk import conjuncts, match_nodes, rules
from fwc.lints._conditions import required
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import ChainType, Hook
from fwc.net.intervals import IntervalSet

_DEFRAG = -400  # NF_IP_PRI_CONNTRACK_DEFRAG of linux/netfilter_ipv4.h
_TRACKED = frozenset({
    Field.CT_STATE, Field.CT_STATUS, Field.CT_MARK, Field.CT_ORIG_DPORT, Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR,
})  # fmt: skip


@lint(
    "FW412",
    "fragment-rule-noeffect",
    Severity.INFO,
    Persona.PEDANTIC,
    formats=("iptables-save", "nft"),
    needs=(Field.FRAGMENT, Opaque),
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = [each for each in authored(context) if _wants_fragments(each[4].match)]
    if not found or not _tracks(context):
        return
    for _, table, chain, _, _, span in found:
        bases = bases_of(table).get(chain.name, ())
        if bases and all(b.priority > _DEFRAG and b.hook is not Hook.INGRESS for b in bases):
            yield lint.finding(
                "no fragment gets here: connection tracking has reassembled the packet before", span,
                label="never matches", help="delete the rule",
            )  # fmt: skip


def _wants_fragments(match: Match) -> bool:
    """Whether the rule holds for fragments only: all of them, or the second and later ones (iptables `-f`)."""
    if required(match, Field.FRAGMENT) == IntervalSet.of(1):
        return True
    return any(isinstance(part, Opaque) and part.kind == "fragment-offset" for part in conjuncts(match))


def _tracks(context: LintContext) -> bool:
    """Whether the ruleset itself needs connection tracking, which brings reassembly with it."""
    if any(c.base is not None and c.base.type is ChainType.NAT and c.rules for _, c in context.base_chains()):
        return True
    return any(
        (isinstance(node, FieldIn | MaskedIn) and node.field in _TRACKED) or isinstance(node, HelperIs)
        for _, _, _, rule in rules(context.ruleset)
        for node in match_nodes(rule.match)
    )
