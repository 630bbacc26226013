"""The statements are not in the order that pfctl demands.

## Why is this bad?

Options stand before scrub, scrub before translation, translation before filter rules. pfctl refuses the file, and
nothing of it is loaded.

## Example

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
nat on en0 from 10.0.0.0/24 to any -> (en0)
```

## Use instead

```pf
set skip on lo0
nat on en0 from 10.0.0.0/24 to any -> (en0)
block all
pass out all
pass quick inet6 proto ipv6-icmp all
```

## Exceptions

Files that are not for macOS, and files that set `require-order`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.dialects.pf.tree import Antispoof, Filter, Scrub, SetOption, Statement, Translation
from fwc.lints._context import LintContext
from fwc.lints._pf import is_macos, statements
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_NAMES = {0: "options", 1: "scrub rules", 2: "translations", 3: "filter rules"}


@lint("FW607", "statement-order", Severity.ERROR, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    every = statements(context)
    if not is_macos(context) or any(isinstance(s, SetOption) and s.name == "require-order" for s in every):
        return
    highest = 0
    cause: Span | None = None
    for statement in every:
        stage = _stage(statement)
        if stage is None or statement.span is None:
            continue
        if stage < highest and cause is not None:
            yield lint.finding(
                f"{_NAMES[stage]} stand before {_NAMES[highest]}; pfctl refuses the file",
                statement.span,
                label="too late",
                secondary=[Label(cause, "this stands before it")],
                help="move it up; the order is options, scrub, translation, filter rules",
            )
        elif stage > highest:
            highest, cause = stage, statement.span


def _stage(statement: Statement) -> int | None:
    match statement:
        case SetOption():
            return 0 if statement.name != "skip" else None
        case Scrub():
            return 1
        case Translation():
            return 2
        case Filter() | Antispoof():
            return 3
        case _:
            return None
