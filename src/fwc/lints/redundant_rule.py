"""A rule never takes a packet: an earlier rule with the same verdict takes all of them.

## Why is this bad?

The rule does nothing, and whoever reads it believes that it does: when the earlier rule is narrowed one day, nobody expects that
this one comes alive, and deleting it to close a service closes nothing.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 10.1.2.3/32 -p tcp -m tcp --dport 22 -j ACCEPT
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
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Fix safety

The rule is deleted. Safe when it has no log, counter, comment or other trace; else unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach import reach
from fwc.lints._reach_words import cause_labels, is_bare, line_list, witness_of
from fwc.lints._registry import Lint, delete_lines, lint


@lint("FW102", "redundant-rule", Severity.WARNING)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).redundant:
        labels, notes = cause_labels(context, dead)
        spans = [c.span for c in dead.causes if c.span is not None]
        by = line_list(spans) if spans else "an implicit rule"
        how = Applicability.SAFE if is_bare(context, dead) else Applicability.UNSAFE
        yield lint.finding(
            f"this rule does nothing: {by} already does the same with all of its packets", dead.span,
            label="no packet gets here", secondary=labels, notes=notes, help="delete it, or narrow the rule that covers it",
            affects=(dead.span, *dead.affects), witness=witness_of(context, dead),
            fixes=[delete_lines("delete the rule that does nothing", [dead.span], how)],
        )  # fmt: skip
