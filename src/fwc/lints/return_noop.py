"""A RETURN stands where packets return anyway.

## Why is this bad?

It costs a comparison and says nothing. In a base chain RETURN means "what the policy says", which only the reader who knows the
policy understands.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:services - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -j services
-A services -p tcp -m tcp --dport 22 -j ACCEPT
-A services -j RETURN
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:services - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -j services
-A services -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Exceptions

A RETURN with a log, counter, comment or limit. Chains of NAT, where RETURN is the usual word for "not
translated", and base chains that accept by default, where it is the usual word for "nothing to do here".

## Fix safety

A RETURN at the end of its chain is deleted; no packet notices. One further up in a base chain has no fix: which verdict was meant
is for the author to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Persona, Severity
from fwc.ir.match import WithinConnections, WithinRate
from fwc.ir.verdict import Drop, Return
from fwc.ir.walk import match_nodes
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, delete_lines, lint
from fwc.net.hooks import ChainType


@lint("FW114", "return-noop", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"), needs=(Return,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, _, chain, index, rule, span in authored(context):
        if not isinstance(rule.verdict, Return) or rule.actions or rule.comment:
            continue
        if any(isinstance(node, WithinRate | WithinConnections) for node in match_nodes(rule.match)):
            continue
        base = chain.base
        if base is not None and base.type is ChainType.NAT:
            continue
        if index == len(chain.rules) - 1:
            yield lint.finding(
                "this RETURN does nothing: the chain ends here anyway", span, help="delete it",
                fixes=[delete_lines("delete the RETURN", [span], Applicability.SAFE)],
            )  # fmt: skip
        elif base is not None and isinstance(base.policy, Drop):
            word = "DROP" if context.kind == "iptables-save" else "drop"
            yield lint.finding(
                f"RETURN in a base chain leaves the packet to the policy, which is {word}", span,
                help=f"write the verdict that is meant: {word}",
            )  # fmt: skip
