"""A rule opens more than a thousand ports to everybody.

## Why is this bad?

Nobody knows what listens on so many ports. A wide range is either a slip (`1:65535`) or a default that should be narrowed in the
program that needs it (the threshold is `wide-ports` in the configuration).

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 1024:65535 -j ACCEPT
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
-A INPUT -p tcp -m tcp --dport 50000:50200 -j ACCEPT
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.match import Field
from fwc.lints._context import LintContext
from fwc.lints._exposure import open_rules, values
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Hook
from fwc.source import Span
from fwc.space.fields import Box, Dimensions


@lint("FW504", "wide-port-range", Severity.WARNING, formats=("iptables-save", "nft", "fwc"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()

    def wanted(dimensions: Dimensions, box: Box) -> bool:
        ports = values(dimensions, box, Field.DPORT)
        return ports is not None and any(b - a >= context.settings.wide_ports for a, b in ports.runs)

    for each in open_rules(context, wanted, Hook.INPUT):
        ports = values(context.facts.dimensions(each.family), each.box, Field.DPORT)
        wide = next(((a, b) for a, b in ports.runs if b - a >= context.settings.wide_ports), None) if ports else None
        if wide is not None and each.span not in seen:
            seen.add(each.span)
            yield lint.finding(
                f"ports {wide[0]} to {wide[1]} are open to everybody", each.span, label=f"{wide[1] - wide[0] + 1} ports",
                help="narrow the range, or limit the sources", witness={"text": each.text},
            )  # fmt: skip
