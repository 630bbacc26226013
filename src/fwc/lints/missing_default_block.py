"""No rule blocks what no rule passes: pf's default is to pass.

## Why is this bad?

The passes read like a list of what is allowed, but everything else is allowed as well. A `block` without a condition
at the top makes them one.

## Example

```pf
set skip on lo0
pass in proto tcp from 192.0.2.0/24 to any port 22
pass out all
```

## Use instead

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
pass in proto tcp from 192.0.2.0/24 to any port 22
```

## Exceptions

Files with a pass of everything, whose purpose is to block some things, and files whose rules stand in anchors.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import Filter, Include, Verbatim
from fwc.lints._context import LintContext
from fwc.lints._pf import is_default_block, is_main, statements
from fwc.lints._registry import Lint, lint


@lint("FW602", "missing-default-block", Severity.WARNING, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    passes = []
    if not is_main(context):
        return
    for statement in statements(context):
        if isinstance(statement, Verbatim | Include) or is_default_block(statement):
            return
        if isinstance(statement, Filter) and _lets_in(statement):
            passes.append(statement)
    if passes and not _all_passed(context):
        yield lint.finding(
            "nothing is blocked that is not passed here: without a matching rule pf passes a packet",
            passes[0].span,
            label="the first of the passes",
            help="write `block all` above the rules",
        )


def _lets_in(rule: Filter) -> bool:
    """A pass of certain packets on their way in."""
    certain = rule.source.hosts or rule.dest.hosts or rule.dest.ports or rule.protocols
    return rule.action == "pass" and rule.direction != "out" and bool(certain)


def _all_passed(context: LintContext) -> bool:
    """A pass of everything says that blocking is not what this file is for."""
    return any(
        isinstance(s, Filter) and s.action == "pass" and s.direction in ("", "in") and not _limited(s)
        for s in statements(context)
    )


def _limited(rule: Filter) -> bool:
    return bool(
        rule.ifaces or rule.source.hosts or rule.dest.hosts or rule.source.ports or rule.dest.ports or rule.protocols
        or rule.tagged or rule.family or rule.users or rule.groups
    )  # fmt: skip
