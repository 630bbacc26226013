"""A statement expires within two weeks.

## Why is this bad?

On the day after, compiling the policy fails (or leaves the statement out, with `on-expired omit`). That is the purpose; it should
not surprise anybody.

## Example

```fwc
zone wan { iface eth0 }
allow ssh from any to self
allow tcp 8443 from any to self { expires 2026-06-10 }
```

## Use instead

```fwc
zone wan { iface eth0 }
allow ssh from any to self
allow tcp 8443 from any to self { expires 2027-06-10 }
```
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lang import ast
from fwc.lints._context import LintContext
from fwc.lints._policy import nodes
from fwc.lints._registry import Lint, lint

DAYS = 14


@lint("FW523", "expires-soon", Severity.INFO, formats=("fwc",), reads_tree=("fwc",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if "expires" not in context.source.text:
        return  # most policies: nothing to look for in their tree
    today = datetime.date.fromisoformat(context.settings.today or datetime.date.today().isoformat())
    for option in nodes(context, ast.ExpiresOption):
        assert isinstance(option, ast.ExpiresOption)
        try:
            left = (datetime.date.fromisoformat(option.date.text) - today).days
        except ValueError:
            continue  # no date: said by the elaboration
        if 0 <= left <= DAYS:
            when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days"
            yield lint.finding(f"this expires {when}", option.span, help="give it a later date, or remove it then")
