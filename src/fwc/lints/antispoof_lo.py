"""`antispoof` also blocks what the machine sends to its own address.

## Why is this bad?

`antispoof for en0` blocks packets with an address of en0's network on every other interface. A program that talks to the
machine's own address goes over the loopback: those packets have such a source, and are blocked. pf.conf(5): "one should pass
these explicitly".

## Example

```pf
block in all
pass in on lo0
pass in on en0 proto tcp to port 22
pass out all
antispoof for en0
```

## Use instead

```pf
set skip on lo0
block in all
antispoof for en0
pass out all
pass in proto tcp to port 22
```

## Exceptions

`pass quick on lo0` before it, a pass that comes later and overrules it, and files that include others or
are parts of a ruleset.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import Antispoof, Filter, Include
from fwc.lints._context import LintContext
from fwc.lints._pf import skipped, statements
from fwc.lints._registry import Lint, lint


@lint("FW617", "antispoof-lo", Severity.WARNING, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    every = statements(context)
    if any(isinstance(s, Include) for s in every) or any(name.startswith("lo") for name, _ in skipped(context)):
        return
    if not any(isinstance(s, Filter) and s.action == "block" for s in every):
        return  # a part of a ruleset, or one that passes by default
    for number, statement in enumerate(every):
        if isinstance(statement, Filter) and statement.quick and _passes_lo(statement):
            return
        if not isinstance(statement, Antispoof) or statement.span is None:
            continue
        if not statement.quick and any(isinstance(s, Filter) and _passes_lo(s) for s in every[number + 1 :]):
            continue  # a later pass overrules it
        if any(not host.name.startswith("lo") for host in statement.ifaces):
            yield lint.finding(
                "this also blocks what the machine sends to its own address over lo0", statement.span,
                help="write `set skip on lo0` at the top, or `pass quick on lo0` above it",
            )  # fmt: skip
            return


def _passes_lo(statement: Filter) -> bool:
    """Whether the rule may pass packets that come in on lo0."""
    if statement.action != "pass" or statement.direction == "out":
        return False
    return not statement.ifaces or any(iface.name.startswith("lo") for iface in statement.ifaces)
