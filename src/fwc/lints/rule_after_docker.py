"""A denial in FORWARD stands behind Docker's chains, which have accepted its packets already.

## Why is this bad?

Docker puts its jumps at the top of FORWARD each time it starts. What stands behind them sees only what Docker did not
accept: containers are reachable in spite of the rule. Docker leaves the chain DOCKER-USER, which comes first, to the
administrator.

## Example

```iptables-save
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -s 198.51.100.0/24 -o docker0 -j DROP
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER-USER -s 198.51.100.0/24 -o docker0 -j DROP
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.match import Field
from fwc.ir.model import Rule
from fwc.ir.verdict import Drop, Goto, Jump, Reject
from fwc.ir.walk import target_chains
from fwc.lints._conditions import names_field, required
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.net.interfaces import IfaceSet


@lint("FW906", "rule-after-docker", Severity.ERROR, formats=("iptables-save", "nft"), needs=(Jump, Goto))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, chain in context.base_chains(Hook.FORWARD):
        jump: Rule | None = None
        for rule in chain.rules:
            called = set(target_chains(rule.verdict))
            if called & {"DOCKER", "DOCKER-FORWARD"}:
                jump = jump or rule
            elif jump is not None and isinstance(rule.verdict, Drop | Reject) and _meant_for_containers(rule):
                yield lint.finding(
                    "Docker's chains accept packets to containers before this denial sees them",
                    rule.origin.span,
                    label="comes too late",
                    secondary=[Label(jump.origin.span, "containers are accepted from here")]
                    if jump.origin.span
                    else (),
                    help="put it into DOCKER-USER, which Docker leaves to you and asks first",
                )


def _meant_for_containers(rule: Rule) -> bool:
    """A denial of some sources or ports on the way to a bridge of Docker."""
    out = required(rule.match, Field.OIF)
    if not isinstance(out, IfaceSet) or out.negated:
        return False
    bridges = all(n.startswith(("docker", "br-")) for n in out.names | out.prefixes)
    into = required(rule.match, Field.IIF)
    if isinstance(into, IfaceSet) and any(n.startswith(("docker", "br-")) for n in into.names | into.prefixes):
        return False
    return bridges and any(names_field(rule.match, f) for f in (Field.SADDR, Field.DADDR, Field.DPORT))
