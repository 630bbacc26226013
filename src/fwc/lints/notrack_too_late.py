"""`notrack` runs behind connection tracking and has no effect.

## Why is this bad?

The packet was tracked when it passed priority -200 of prerouting or output; it stays so (measured on Linux 6.18).
What is meant to spare the connection table does not, and rules for untracked packets never match.

## Example

```nft
table inet filter
delete table inet filter
table inet filter {
  chain prerouting {
    type filter hook prerouting priority filter; policy accept;
    udp dport 53 notrack
  }
}
```

## Use instead

```nft
table inet filter
delete table inet filter
table inet filter {
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    udp dport 53 notrack
  }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.graph import bases_of
from fwc.ir.model import Base
from fwc.ir.verdict import NoTrack
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook

_CONNTRACK = -200


@lint("FW207", "notrack-too-late", Severity.ERROR, formats=("nft",), needs=(NoTrack,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    bases = [bases_of(table) for table in context.ruleset.tables]
    for number, table, chain, _, rule, span in authored(context):
        if not any(isinstance(action, NoTrack) for action in rule.actions) or table.family in ("bridge", "netdev"):
            continue
        callers = bases[number].get(chain.name, ())
        if callers and not any(_in_time(base) for base in callers):
            base = callers[0]
            yield lint.finding(
                "this notrack has no effect: connection tracking has already seen the packet", span,
                label=f"runs in hook {base.hook} at priority {base.priority}",
                help="move it to a chain at prerouting or output with `priority raw`",
            )  # fmt: skip


def _in_time(base: Base) -> bool:
    return base.hook is Hook.INGRESS or (base.hook in (Hook.PREROUTING, Hook.OUTPUT) and base.priority < _CONNTRACK)
