"""A rule names a group of interfaces, which macOS' pf does not have.

## Why is this bad?

OpenBSD and FreeBSD know groups (`lo`, `egress`, `wlan`). The pf of macOS compares the whole name of the interface, so
the rule never matches, and `set skip on lo` skips nothing.

## Example

```pf
set skip on lo
block all
pass out all
pass quick on lo0 all
pass quick inet6 proto ipv6-icmp all
pass in on en0 proto tcp to any port 22
```

## Use instead

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
pass in on en0 proto tcp to any port 22
```

## Exceptions

Files that are not for macOS: it is known from `profile: mac`, the target, or names such as `en0` and `com.apple`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import Filter, Scrub, Translation
from fwc.lints._context import LintContext
from fwc.lints._pf import every_statement, is_macos, skipped
from fwc.lints._registry import Lint, lint


@lint("FW605", "interface-group-on-macos", Severity.ERROR, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if not is_macos(context):
        return
    named = [(name, statement.span) for name, statement in skipped(context)]
    for statement in every_statement(context):
        if isinstance(statement, Filter | Translation | Scrub):
            named.extend((iface.name, statement.span) for iface in statement.ifaces)
    for name, span in dict.fromkeys(named):
        if span is not None and name.isalpha():
            yield lint.finding(
                f"macOS has no interface groups: `{name}` matches no interface",
                span,
                label="never matches",
                help="write `lo0`" if name == "lo" else "name the interfaces, as `{ en0, en1 }`",
            )
