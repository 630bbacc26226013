"""A statement holds at certain hours only, by the machine's own clock.

## Why is this bad?

The kernel compares the host's local time: after a change of its time zone, at a wrong clock, or for connections that were opened
before, the rule does something else than the policy says. Established connections stay open.

## Example

```fwc
policy "example" { owner "netops@example.com" }
zone wan { iface eth0 }
allow ssh from any to self
allow tcp 8443 from any to self if time 08:00-18:00
```

## Use instead

```fwc
policy "example" { owner "netops@example.com" }
zone wan { iface eth0 }
allow ssh from any to self
allow tcp 8443 from any to self
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.lang import ast
from fwc.lints._context import LintContext
from fwc.lints._policy import nodes
from fwc.lints._registry import Lint, lint


@lint("FW525", "time-rule", Severity.INFO, Persona.AUDITOR, formats=("fwc",), reads_tree=("fwc",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for condition in nodes(context, ast.TimeCond):
        assert isinstance(condition, ast.TimeCond)
        yield lint.finding(
            "this holds by the clock of the machine, for new connections only", condition.span,
            help="make sure that clock and time zone are kept right, or let the service decide",
        )  # fmt: skip
