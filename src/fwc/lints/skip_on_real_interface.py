"""`set skip` takes a network interface out of the firewall altogether.

## Why is this bad?

pf passes every packet of a skipped interface before it looks at any rule, translations included.

## Example

```pf
set skip on { lo0, en0 }
block all
pass out all
pass quick inet6 proto ipv6-icmp all
```

## Use instead

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
```

## Exceptions

Loopback, tunnels and bridges, and interfaces that the configuration calls trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lints._context import LintContext
from fwc.lints._pf import skipped
from fwc.lints._registry import Lint, lint

_REAL = re.compile(r"(?:en|em|igb|ix|ixl|re|vtnet|xn|bge|bce|fxp|rl|sk|xl|vr|ale|msk|ath|iwn|iwm)\d+")


@lint("FW604", "skip-on-real-interface", Severity.WARNING, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    trusted = {name for each in context.settings.interfaces if each.trusted for name in each.names}
    for name, statement in skipped(context):
        if _REAL.fullmatch(name) and name not in trusted:
            yield lint.finding(
                f"no packet of {name} meets any rule of this file",
                statement.span,
                help=f"skip only lo0, and write a `pass on {name}` where all of it shall pass",
            )
