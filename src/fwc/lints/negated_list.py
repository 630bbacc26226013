"""A list of negations matches everything.

## Why is this bad?

pfctl makes one rule of each member: `{ !a, !b }` is 'all but a' or 'all but b', which together is everybody.

## Example

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
pass in proto tcp from { !10.1.0.1, !10.2.0.2 } to any port 22
```

## Use instead

```pf
table <others> { 0/0 !10.1.0.1 !10.2.0.2 }
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
pass in proto tcp from <others> to any port 22
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import Filter, Host, HostKind, Scrub, Translation
from fwc.lints._context import LintContext
from fwc.lints._pf import every_statement
from fwc.lints._registry import Lint, lint
from fwc.source import Span


@lint("FW611", "negated-list", Severity.ERROR, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()
    for statement in every_statement(context):
        if not isinstance(statement, Filter | Translation | Scrub) or statement.span is None:
            continue
        for peer in (statement.source, statement.dest):
            negated = [host for host in peer.hosts if host.negated]
            if len(negated) < 2 or statement.span in seen or not _disjoint(negated):
                continue
            seen.add(statement.span)
            yield lint.finding(
                "a list of negations is everything: each member becomes a rule of its own",
                statement.span,
                help="make a table, `table <others> { 0/0 !FIRST !SECOND }`, and name it here",
            )


def _disjoint(hosts: list[Host]) -> bool:
    """Whether some two of them have nothing in common, so that their complements are everything."""
    nets = [h for h in hosts if h.kind is HostKind.NET]
    return any(
        a.family is not b.family or a.high < b.low or b.high < a.low
        for i, a in enumerate(nets)
        for b in nets[i + 1 : 64]
    )
