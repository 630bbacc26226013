"""What no rule speaks of is accepted: the chain filters only what somebody thought of.

## Why is this bad?

With an accept at the end every new service is open until somebody closes it. Benchmarks (CIS, NIST SP 800-41, PCI DSS) ask
for the opposite: deny by default, allow by rule.

## Example

```iptables-save
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 192.0.2.0/24 -j DROP
COMMIT
```

```fwc
zone wan { iface eth0 }
default input allow
deny telnet from wan to self
allow ssh from any to self
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
COMMIT
```

## Exceptions

A FORWARD chain that refuses nothing, a policy with `coexist` (Docker or Kubernetes filters what is forwarded), a chain without
rules of its own (a file for NAT only, a host whose FORWARD only leads to other programs' chains), and a chain that refuses
strangers on one of its interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.program import base_chains
from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.model import Chain
from fwc.ir.verdict import Accept, Drop, Goto, Jump, Reject
from fwc.ir.walk import target_chains
from fwc.lang import ast
from fwc.lints._context import LintContext
from fwc.lints._exposure import accepts_by_default
from fwc.lints._policy import statements
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import ChainType, Hook


@lint("FW501", "default-accept", Severity.WARNING, formats=("iptables-save", "nft", "fwc"), reads_tree=("fwc",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if context.kind == "fwc":
        yield from _of_policy(context, lint)
        return
    seen: set[tuple[int, str]] = set()
    for hook in (Hook.INPUT, Hook.FORWARD):
        for family in context.facts.families:
            chains = [
                (table, chain)
                for table, chain in base_chains(context.ruleset, family).get(("ip", hook, ""), [])
                if chain.base is not None and chain.base.type is ChainType.FILTER and _is_filter(context, table, chain)
            ]
            if any(c.base is not None and not isinstance(c.base.policy, Accept) for _, c in chains):
                continue  # a rule accepts what the policy would drop: FW502
            if hook is Hook.FORWARD and not any(
                isinstance(r.verdict, Drop | Reject) for _, c in chains for r in c.rules
            ):
                continue  # nobody tries to filter here; most hosts do not forward at all
            if not chains or any(key in seen for key in ((t, c.name) for t, c in chains)):
                continue
            if not accepts_by_default(context, family, hook):
                continue
            chain = chains[-1][1]
            seen.update((t, c.name) for t, c in chains)
            span = chain.origin.span
            if span is None:
                continue  # rules without a header: the policy is set elsewhere
            yield lint.finding(
                f"{hook} accepts every connection that no rule speaks of", span, label="accepts the rest",
                help="accept what is needed (replies, loopback, the services), and let the policy drop the rest",
            )  # fmt: skip


def _of_policy(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    """In a policy the default is a statement; without one input and forward are denied."""
    for statement in statements(context):
        if (
            isinstance(statement, ast.Default)
            and statement.hook in ("input", "forward")
            and statement.verdict == "allow"
        ):
            hook = Hook.INPUT if statement.hook == "input" else Hook.FORWARD
            if hook is Hook.FORWARD and context.ruleset.settings.coexist:
                continue  # Docker or Kubernetes filters what is forwarded
            if any(accepts_by_default(context, family, hook) for family in context.facts.families):
                yield lint.finding(
                    f"{hook} accepts every connection that no rule speaks of", statement.span, label="accepts the rest",
                    help="allow what is needed, and leave the default out: it is deny",
                )  # fmt: skip


def _is_filter(context: LintContext, number: int, chain: Chain) -> bool:
    """Does the chain decide anything by itself, or only lead to chains of other programs?"""
    table = context.ruleset.tables[number]
    if table.kind not in ("", "filter"):
        return False
    for rule in chain.rules:
        if isinstance(rule.verdict, Accept | Drop | Reject):
            return True
        if isinstance(rule.verdict, Jump | Goto):
            targets = [table.chain(name) for name in target_chains(rule.verdict)]
            if any(t is not None and t.rules and not context.is_foreign(t) for t in targets):
                return True
    return False
