"""A rule never takes a packet: an earlier rule, with another verdict, takes all of them.

## Why is this bad?

The author believes that something is blocked (or allowed) that is not. A denial behind an accept of the same packets
is a hole; an accept behind a denial is a service that nobody reaches. The analysis is exact: jumps, RETURN,
negations, sets and connection states count, conditions that depend on more than the packet (rates, lists filled at
run time) never hide another rule, and a rule is only reported when no way into its chain reaches it.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 10.1.2.3/32 -p tcp -m tcp --dport 22 -j DROP
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
-A INPUT -s 10.1.2.3/32 -p tcp -m tcp --dport 22 -j DROP
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Fix safety

Deleting the rule changes no packet, but the intention behind it is lost: the fix is unsafe. Usually it should be
moved up.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Severity
from fwc.ir.verdict import Continue
from fwc.lints._context import LintContext
from fwc.lints._reach import DeadRule, reach, verdict_class
from fwc.lints._reach_words import cause_labels, does, line_list, witness_of
from fwc.lints._registry import Lint, delete_lines, lint


@lint("FW101", "unreachable-rule", Severity.ERROR)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).unreachable:
        labels, notes = cause_labels(context, dead)
        severity = Severity.WARNING if verdict_class(dead.rule) in ("continue", "return") else Severity.ERROR
        message, help = _words(dead)
        yield lint.finding(
            message, dead.span, label="no packet gets here", secondary=labels, notes=notes, help=help, severity=severity,
            affects=(dead.span, *dead.affects), witness=witness_of(context, dead),
            fixes=[delete_lines("delete the rule that never matches", [dead.span], Applicability.UNSAFE)],
        )  # fmt: skip


def _words(dead: DeadRule) -> tuple[str, str]:
    if dead.never:
        return (
            f"no packet that gets into chain {dead.place.chain} meets the condition of this rule",
            "compare the condition with those of the jumps that lead here, and delete the rule or correct one of them",
        )
    spans = [c.span for c in dead.causes if c.span is not None]
    above = f"above {line_list(spans[:1])}" if spans else "before what hides it"
    kind = verdict_class(dead.rule)
    cause = does(dead.causes[0].rule.verdict) if dead.causes[0].rule is not None else "takes"
    if kind == "deny":
        return (
            f"this block never blocks: an earlier rule {cause} all of its packets",
            f"move the rule {above}, or delete it",
        )
    if kind == "accept":
        return (
            f"this allow never allows: an earlier rule {cause} all of its packets",
            f"move the rule {above}, or delete it",
        )
    what = (
        "this rule without a verdict never runs" if isinstance(dead.rule.verdict, Continue) else "this rule never runs"
    )
    return f"{what}: an earlier rule {cause} all of its packets", f"move the rule {above}, or delete it"
