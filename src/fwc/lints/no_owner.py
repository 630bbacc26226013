"""Statements that let traffic in have no owner.

## Why is this bad?

Nobody can say whether the opening is still needed. PCI DSS 1.2 asks for a reason and a responsible person for each.

## Example

```fwc
zone wan { iface eth0 }
allow ssh from any to self
```

## Use instead

```fwc
zone wan { iface eth0 }
allow ssh from any to self { owner "netops@example.com" }
```

## Exceptions

A policy whose `policy` statement names an owner for all of it. Reported once for a file.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.lang import ast
from fwc.lints._context import LintContext
from fwc.lints._policy import nodes, options, statements
from fwc.lints._registry import Lint, lint


@lint("FW524", "no-owner", Severity.INFO, Persona.AUDITOR, formats=("fwc",), reads_tree=("fwc",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for info in nodes(context, ast.PolicyInfo):
        if any(isinstance(each, ast.TextOption) and each.kind == "owner" for each in getattr(info, "options", ())):
            return
    spans = [
        statement.span
        for statement in statements(context)
        if isinstance(statement, ast.Rule) and statement.action == "allow" and not _is_owned(statement)
    ]
    if spans:
        count = f"{len(spans)} statements that allow" if len(spans) > 1 else "this statement allows"
        yield lint.finding(
            f"{count} something and {'have' if len(spans) > 1 else 'has'} no owner", spans[0], affects=spans,
            help='write `owner "who@example.com"` into the braces behind it, or into `policy "name" { ... }` for all',
        )  # fmt: skip


def _is_owned(statement: ast.Statement) -> bool:
    return any(isinstance(each, ast.TextOption) and each.kind == "owner" for each in options(statement))
