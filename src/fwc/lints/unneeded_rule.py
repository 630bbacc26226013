"""A rule changes nothing although packets get to it: what follows it decides the same.

## Why is this bad?

Nobody can tell whether the rule is a leftover or whether the later, wider rule is the mistake. A list without such rules is
shorter and says what it means.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 10.1.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
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

## Exceptions

A rule with a log, counter, comment, limit or another trace; the end of a chain without a condition, which spells out its policy;
the accept of established connections, which stands early because it is fast; chains of NAT.

The answer is exact, for every family and every chain that leads to the rule. Of a very large ruleset not every rule is asked
about; that is said.

## Fix safety

The rule is deleted. All that are reported may go together: each was found redundant without those below it. Deleting is unsafe
because the rule may be the one that was meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Label, Persona, Severity
from fwc.lints._context import LintContext
from fwc.lints._reach_words import MOST_LABELS, does, line_list
from fwc.lints._redundancy import redundancy
from fwc.lints._registry import Lint, delete_lines, lint


@lint("FW105", "unneeded-rule", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    found = redundancy(context)
    if not found.complete:
        context.undecided.append("the ruleset is too large to ask of every rule whether what follows it does the same")
    for each in found.rules:
        labels: dict[int, Label] = {}
        policies: list[str] = []
        for place in each.by:
            rule, chain = context.facts.rule(place), context.facts.chain(place)
            if rule is not None and rule.origin.span is not None:
                span = rule.origin.span
                labels.setdefault(span.line, Label(span, f"{does(rule.verdict)} its packets anyway"))
            elif chain is not None:
                policies.append(f"the policy of {chain.name}" if rule is None else f"the default of {chain.name}")
        by = [line_list([label.span for label in labels.values()])] if labels else []
        by += list(dict.fromkeys(policies))[:1]
        verb = "does" if len(labels) + bool(policies) == 1 else "do"
        fixes = []
        if context.kind != "fwc":
            fixes = [delete_lines("delete the rule that changes nothing", [each.span], Applicability.UNSAFE)]
        yield lint.finding(
            f"this rule changes nothing: {' and '.join(by)} {verb} the same with its packets", each.span,
            label="without it no packet fares otherwise", secondary=list(labels.values())[:MOST_LABELS],
            help="delete it, or narrow what follows", fixes=fixes,
        )  # fmt: skip
