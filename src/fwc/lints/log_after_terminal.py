"""A log rule stands behind rules that decide all its packets: it never logs.

## Why is this bad?

Whoever watches the log sees silence and believes that nothing happens.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -j DROP
-A INPUT -s 192.0.2.0/24 -p tcp -m limit --limit 5/min -j LOG --log-prefix "blocked: "
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
-A INPUT -s 192.0.2.0/24 -m limit --limit 5/min -j LOG --log-prefix "blocked: "
-A INPUT -s 192.0.2.0/24 -j DROP
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach import reach
from fwc.lints._reach_words import cause_labels, line_list
from fwc.lints._registry import Lint, lint


@lint("FW801", "log-after-terminal", Severity.ERROR)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).logs:
        labels, notes = cause_labels(context, dead)
        yield lint.finding(
            "this never logs: earlier rules decide all of its packets",
            dead.span,
            label="no packet gets here",
            secondary=labels,
            notes=notes,
            help=f"move it above {line_list([c.span for c in dead.causes if c.span])}",
            affects=(dead.span, *dead.affects),
        )
