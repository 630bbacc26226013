"""A jump is never taken, so the chain is never run from here.

## Why is this bad?

What the chain is for does not happen: earlier rules have decided every packet that the jump would send there, or its
condition holds for none.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:BLACKLIST - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 198.51.0.0/16 -p tcp -m tcp --dport 22 -j BLACKLIST
-A BLACKLIST -s 198.51.100.7/32 -j DROP
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:BLACKLIST - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 198.51.0.0/16 -p tcp -m tcp --dport 22 -j BLACKLIST
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A BLACKLIST -s 198.51.100.7/32 -j DROP
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.walk import target_chains
from fwc.lints._context import LintContext
from fwc.lints._reach import reach
from fwc.lints._reach_words import cause_labels, line_list, witness_of
from fwc.lints._registry import Lint, lint


@lint("FW111", "dead-jump", Severity.WARNING)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).jumps:
        labels, notes = cause_labels(context, dead)
        target = next(target_chains(dead.rule.verdict), "another chain")
        spans = [c.span for c in dead.causes if c.span is not None]
        if dead.never:
            why, help = "no packet meets its condition", "correct the condition, or delete the jump"
        else:
            why = "earlier rules take all of its packets"
            help = f"move the jump above {line_list(spans[:1])}, or delete it" if spans else "delete the jump"
        if dead.affects:
            count = len(dead.affects)
            notes.append(
                f"so {count} rules that it leads to never run" if count > 1 else "so the rule there never runs"
            )
        yield lint.finding(
            f"this jump to {target} is never taken: {why}", dead.span, label="no packet gets here", secondary=labels,
            notes=notes, help=help, affects=(dead.span, *dead.affects), witness=witness_of(context, dead),
        )  # fmt: skip
