"""An interface is compared where the packet has none yet, or none any more.

## Why is this bad?

A packet on its way in has no egress interface before routing, and one that this machine sends has no ingress
interface. iptables refuses the option in its builtin chains; nft, and iptables in a chain of the user, load the rule,
and it never matches.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -o eth0 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -j DROP
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import Field, FieldIn
from fwc.ir.walk import conjuncts
from fwc.lints._context import LintContext
from fwc.lints._hooks import hooks_of
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.net.interfaces import IfaceSet

_NO_EGRESS = frozenset({Hook.INGRESS, Hook.PREROUTING, Hook.INPUT})
_NO_INGRESS = frozenset({Hook.OUTPUT})


@lint("FW004", "wrong-hook-interface", Severity.ERROR, formats=("iptables-save", "nft"), needs=(Field.IIF, Field.OIF))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    """What reading an iptables-save file refuses in builtin chains is not repeated: these load, and never match."""
    for table in context.ruleset.tables:
        hooks = hooks_of(table)
        for chain in table.chains:
            called = hooks.get(chain.name, frozenset())
            absent = Field.OIF if called <= _NO_EGRESS else Field.IIF if called <= _NO_INGRESS else None
            if not called or absent is None or context.is_foreign(chain) or (chain.base and context.kind != "nft"):
                continue
            for rule in chain.rules:
                if rule.origin.span is not None and any(
                    isinstance(p, FieldIn)
                    and p.field is absent
                    and isinstance(p.values, IfaceSet)
                    and not p.values.negated
                    for p in conjuncts(rule.match)
                ):
                    way = "leaves by" if absent is Field.OIF else "arrived on"
                    where = " and ".join(sorted(h.value for h in called))
                    yield lint.finding(
                        f"in {where} it is not known which interface a packet {way}: this never matches",
                        rule.origin.span,
                        label="never matches",
                        help="compare the other interface, or do it in forward or postrouting",
                    )
