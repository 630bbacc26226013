"""A connection state is asked for before connection tracking has seen the packet.

## Why is this bad?

In the raw table, and in nft chains with a priority below -200, no packet has a state yet: every one counts as
invalid, none as new, established or untracked (measured on Linux 6.18). A rule that drops invalid packets there drops
everything.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -i eth0 -m conntrack --ctstate INVALID -j DROP
COMMIT
```

## Use instead

```iptables-save
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -m conntrack --ctstate INVALID -j DROP
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.graph import bases_of
from fwc.ir.match import CtState, Field, FieldIn, MaskedIn
from fwc.ir.model import Base
from fwc.ir.verdict import Drop, Reject
from fwc.ir.walk import match_nodes
from fwc.lints._conntrack import authored, state_values
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook

CONNTRACK = -200
"""NF_IP_PRI_CONNTRACK (include/uapi/linux/netfilter_ipv4.h)."""

_FIELDS = (Field.CT_STATE, Field.CT_STATUS, Field.CT_ORIG_DPORT, Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR)


@lint("FW206", "ct-before-conntrack", Severity.WARNING, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    early = [
        {name for name, bases in bases_of(table).items() if all(_is_early(base) for base in bases)}
        for table in context.ruleset.tables
    ]
    if not any(early):
        return
    for number, _, chain, _, rule, span in authored(context):
        if chain.name not in early[number] or not any(
            isinstance(node, FieldIn | MaskedIn) and node.field in _FIELDS for node in match_nodes(rule.match)
        ):
            continue
        states = state_values(rule)
        drops = isinstance(rule.verdict, Drop | Reject) and states is not None and CtState.INVALID.value in states
        if drops:
            message = (
                "this rule drops every packet that meets the rest of it: before connection tracking all are invalid"
            )
        else:
            message = "the connection is not known yet: before connection tracking every packet counts as invalid"
        yield lint.finding(
            message, span, label=f"runs in chain {chain.name}, before connection tracking",
            severity=Severity.ERROR if drops else None,
            help="move the rule to a chain behind connection tracking (mangle or filter; nft priority above -200)",
        )  # fmt: skip


def _is_early(base: Base) -> bool:
    return base.hook in (Hook.PREROUTING, Hook.OUTPUT) and base.priority < CONNTRACK
