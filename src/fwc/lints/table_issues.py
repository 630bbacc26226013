"""A table is used without a definition, or defined and never used.

## Why is this bad?

pf makes an undefined table when it is named, empty: a block of it never matches, and `!<t>` always does. A table that
no rule names, and that is not `persist`, is thrown away when the file is loaded.

## Example

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
block in quick from <spammers>
```

## Use instead

```pf
table <spammers> persist
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
block in quick from <spammers>
```

## Exceptions

Files with an `include`; tables that rules of an anchor may name.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import Filter, HostKind, Include, Statement, TableDef
from fwc.lints._context import LintContext
from fwc.lints._pf import every_statement, hosts, is_main, statements
from fwc.lints._registry import Lint, lint
from fwc.source import Span


@lint("FW614", "table-issues", Severity.WARNING, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    defined: dict[str, TableDef] = {}
    used: dict[str, Span] = {}
    for statement in every_statement(context):
        if isinstance(statement, Include):
            return
        if isinstance(statement, TableDef):
            defined.setdefault(statement.name, statement)
        for host in hosts(statement):
            if host.kind is HostKind.TABLE and statement.span is not None:
                used.setdefault(host.name.strip("<>"), statement.span)
        for name in _filled(statement):
            if statement.span is not None:
                used.setdefault(name, statement.span)
    anchors = any(isinstance(s, Filter) and s.action == "anchor" for s in statements(context))
    for name, span in used.items():
        if name not in defined and is_main(context):
            yield lint.finding(
                f"table <{name}> is not defined: it begins empty",
                span,
                help=f"write `table <{name}> persist` above the rules, with its members or `file`",
            )
    for name, table in defined.items():
        if name not in used and not anchors and not {"persist", "const"} & set(table.options):
            yield lint.finding(
                f"no rule names table <{name}>, so pf forgets it",
                table.span,
                help="remove it, use it, or write `persist` when another program asks for it",
            )


def _filled(statement: Statement) -> list[str]:
    """Tables that `overload` fills."""
    if not isinstance(statement, Filter) or statement.state is None:
        return []
    return [option[1].strip("<>") for option in statement.state.options if option[0] == "overload" and len(option) > 1]
