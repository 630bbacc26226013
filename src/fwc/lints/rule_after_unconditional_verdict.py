"""Rules stand after a rule of the same chain that decides every packet: none of them ever runs.

## Why is this bad?

`iptables-restore` and `nft -f` load such a chain without a word. Rules appended after the closing DROP (by hand, or by a program
that adds to the end) look as if they opened or closed something and never see a packet.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -j DROP
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
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
-A INPUT -j DROP
COMMIT
```

## Fix safety

Deleting the rules changes no packet; as the intention behind them is lost the fix is unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach import reach, verdict_class
from fwc.lints._reach_words import MOST_LABELS, does, witness_of
from fwc.lints._registry import Lint, delete_lines, lint


@lint("FW104", "rule-after-unconditional-verdict", Severity.ERROR)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for tail in reach(context).tails:
        cause, rules = tail.cause, tail.rules
        assert cause.rule is not None and cause.span is not None
        spans = [rule.span for rule in rules]
        affects = [span for rule in rules for span in (rule.span, *rule.affects)]
        count = "this rule never runs" if len(rules) == 1 else f"{len(rules)} rules never run"
        line = cause.span.line
        labels = [Label(cause.span, f"{does(cause.rule.verdict)} every packet that gets here")]
        labels += [Label(span, "never runs") for span in spans[1:MOST_LABELS]]
        same = all(verdict_class(rule.rule) == verdict_class(cause.rule) for rule in rules)
        yield lint.finding(
            f"{count}: line {line} {does(cause.rule.verdict)} every packet before", spans[0], label="never runs",
            secondary=labels, help=f"move line {line} to the end of the chain, or delete what follows it",
            severity=Severity.WARNING if same else Severity.ERROR,
            affects=affects, witness=witness_of(context, rules[0]),
            fixes=[delete_lines("delete the rules that never run", spans, Applicability.UNSAFE)],
        )  # fmt: skip
