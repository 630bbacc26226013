"""A rule stands twice in one chain: same condition, same verdict.

## Why is this bad?

The second one never sees a packet. Whoever deletes the first to change something deletes nothing.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
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
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
```

## Exceptions

Two equal rules with a rate limit are not duplicates: what is over the first limit meets the second.

## Fix safety

The second rule is deleted. Safe when it has no log, counter, comment or other trace; else unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach import reach
from fwc.lints._reach_words import is_bare
from fwc.lints._registry import Lint, delete_lines, lint


@lint("FW106", "duplicate-rule", Severity.WARNING)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).duplicate:
        first = dead.causes[0].span
        line = f"line {first.line}" if first is not None else "an implicit rule"
        how = Applicability.SAFE if is_bare(context, dead) else Applicability.UNSAFE
        yield lint.finding(
            f"this rule is the same as {line} and never sees a packet", dead.span, label="no packet gets here",
            secondary=[Label(first, "the same rule")] if first is not None else [], help="delete one of the two",
            affects=(dead.span, *dead.affects), fixes=[delete_lines("delete the second one", [dead.span], how)],
        )  # fmt: skip
