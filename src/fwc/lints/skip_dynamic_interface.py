"""`set skip` names an interface that comes and goes.

## Why is this bad?

macOS sets the mark on interfaces that exist when the file is loaded. A tunnel that comes up later is filtered, and
one that was there is not.

## Example

```pf
set skip on { lo0, utun3 }
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
pass quick on utun3 all
```

## Exceptions

Files that are not for macOS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lints._context import LintContext
from fwc.lints._pf import is_macos, skipped
from fwc.lints._registry import Lint, lint

_DYNAMIC = re.compile(r"(?:utun|bridge|ppp|tun|tap|ipsec|gif|vmenet|vlan)\d+")


@lint("FW606", "skip-dynamic-interface", Severity.WARNING, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if not is_macos(context):
        return
    for name, statement in skipped(context):
        if _DYNAMIC.fullmatch(name):
            yield lint.finding(
                f"{name} is only skipped when it exists while this file is loaded",
                statement.span,
                help=f"write `pass quick on {name} all` at the top of the filter rules",
            )
