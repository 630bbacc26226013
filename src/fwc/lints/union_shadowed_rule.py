"""A rule never takes a packet: several rules together take all of them.

## Why is this bad?

None of the covering rules hides this one alone, so comparing rules two by two (what other tools do) finds nothing,
and reading does not help either. The rule still does nothing: a denial is a hole, an accept a service that nobody
reaches. The covering rules named are a minimal set: without any one of them a packet would get here.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 10.1.0.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 10.1.1.0/24 -p tcp -m tcp --dport 20:25 -j ACCEPT
-A INPUT -s 10.1.0.0/23 -p tcp -m tcp --dport 22 -j DROP
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
-A INPUT -s 10.1.0.0/23 -p tcp -m tcp --dport 22 -j DROP
-A INPUT -s 10.1.1.0/24 -p tcp -m tcp --dport 20:25 -j ACCEPT
COMMIT
```

## Fix safety

Deleting the rule changes no packet; as the intention behind it may be lost the fix is unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach import DeadRule, reach, verdict_class
from fwc.lints._reach_words import cause_labels, line_list, witness_of
from fwc.lints._registry import Lint, delete_lines, lint

_NEVER = {"deny": "this block never blocks", "accept": "this allow never allows"}


@lint("FW103", "union-shadowed-rule", Severity.ERROR)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for dead in reach(context).union:
        labels, notes = cause_labels(context, dead)
        spans = [c.span for c in dead.causes if c.span is not None]
        same = _same(context, dead)
        never = "this rule does nothing" if same else _NEVER.get(verdict_class(dead.rule), "this rule never runs")
        what = "do the same with all of its packets" if same else "take all of its packets"
        first = f"above {line_list(spans[:1])}" if spans else "before what hides it"
        harmless = same or verdict_class(dead.rule) in ("continue", "return")
        yield lint.finding(
            f"{never}: {len(dead.causes)} rules together {what}", dead.span,
            label="no packet gets here", secondary=labels, notes=notes,
            help="delete it" if same else f"move the rule {first}, or delete it",
            severity=Severity.WARNING if harmless else Severity.ERROR,
            affects=(dead.span, *dead.affects), witness=witness_of(context, dead),
            fixes=[delete_lines("delete the rule that never matches", [dead.span], Applicability.UNSAFE)],
        )  # fmt: skip


def _same(context: LintContext, dead: DeadRule) -> bool:
    kind = verdict_class(dead.rule)
    if kind not in ("accept", "deny", "return"):
        return False
    for cause in dead.causes:
        chain = context.facts.chain(cause.place)
        policy = chain.base.policy if chain is not None and chain.base is not None else None
        if verdict_class(cause.rule, policy) != kind:
            return False
    return True
