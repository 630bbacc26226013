"""Two denials of "all but A" and "all but B" together deny everything.

## Why is this bad?

Two allowed sources were meant; but each rule denies the other's source, since no packet comes from both. Everything after them is
dead, often with the author locked out.

## Example

```iptables-save
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT ! -s 192.0.2.0/24 -j DROP
-A INPUT ! -s 198.51.100.0/24 -j DROP
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
-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach import reach
from fwc.lints._reach_words import MOST_LABELS, witness_of
from fwc.lints._registry import Lint, lint


@lint("FW122", "negation-pair-drops-all", Severity.ERROR)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for pair in reach(context).pairs:
        first, second = pair.first.span, pair.second.span
        assert first is not None and second is not None
        affects = [span for rule in pair.rules for span in (rule.span, *rule.affects)]
        labels = [Label(first, "denies what this rule would let through")]
        labels += [Label(rule.span, "never runs") for rule in pair.rules[:MOST_LABELS]]
        yield lint.finding(
            f"lines {first.line} and {second.line} together deny every packet that both are asked about: no packet is "
            "outside both conditions",
            second, label="denies what the other rule lets through", secondary=labels, affects=affects,
            witness=witness_of(context, pair.rules[0]),
            help="allow each source with a rule of its own and deny the rest, or put both into one set and negate that",
        )  # fmt: skip
