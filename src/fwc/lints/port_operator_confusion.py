"""`><` leaves out both of the ports that it names.

## Why is this bad?

`port 6000 >< 6010` matches 6001 to 6009. Whoever writes round or well-known numbers usually means them to be included, as
`port 6000:6010` does.

## Example

```pf
set skip on lo0
block all
pass out all
pass in proto tcp to port 6000 >< 6010
```

## Use instead

```pf
set skip on lo0
block all
pass out all
pass in proto tcp to port 6000:6010
```

## Exceptions

Bounds of which one is just outside of a round number (`5999 >< 6011`).
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.dialects.pf.tree import Filter, Translation
from fwc.lints._context import LintContext
from fwc.lints._pf import every_statement
from fwc.lints._registry import Lint, lint


@lint("FW616", "port-operator-confusion", Severity.WARNING, Persona.PEDANTIC, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for statement in every_statement(context):
        if not isinstance(statement, Filter | Translation) or statement.span is None:
            continue
        for test in (*statement.source.ports, *statement.dest.ports):
            if test.op == "><" and test.low % 10 == 0 and test.high % 10 == 0:
                yield lint.finding(
                    f"{test.low} >< {test.high} is {test.low + 1} to {test.high - 1}", statement.span,
                    help=f"write {test.low}:{test.high} to include both, or {test.low + 1}:{test.high - 1}",
                )  # fmt: skip
