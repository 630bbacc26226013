"""The statement belongs to the pf of another system.

## Why is this bad?

`match`, `nat-to` and `rdr-to` came with OpenBSD 4.7; macOS has the grammar before it and refuses the whole file.

## Example

```pf
set skip on lo0
block all
match out on en0 from 10.0.0.0/24 nat-to (en0)
pass out all
pass quick inet6 proto ipv6-icmp all
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

Files that are not for macOS.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import Filter, Statement, Verbatim
from fwc.lints._context import LintContext
from fwc.lints._pf import every_statement, is_macos
from fwc.lints._registry import Lint, lint


@lint("FW608", "dialect-mismatch", Severity.ERROR, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if not is_macos(context):
        return
    for statement in every_statement(context):
        word = _foreign_word(statement)
        if word:
            yield lint.finding(
                f"macOS' pf does not know `{word}`: pfctl refuses the file",
                statement.span,
                help=_INSTEAD.get(word, "write it in the grammar of OpenBSD 4.3, which macOS has"),
            )


_INSTEAD = {
    "match": "write a `nat`, `rdr` or `scrub` rule, or `pass` and `block`",
    "nat-to": "write `nat on INTERFACE from SOURCE to any -> (INTERFACE)`",
    "rdr-to": "write `rdr on INTERFACE proto tcp from any to any port PORT -> ADDRESS`",
}


def _foreign_word(statement: Statement) -> str:
    if isinstance(statement, Filter):
        for text in statement.extra:
            return text.split()[0]
        return "match" if statement.action == "match" else ""
    if isinstance(statement, Verbatim):
        return statement.text.split()[0] if statement.text else ""
    return ""
