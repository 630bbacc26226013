"""The loopback interface is filtered, and not all of its packets pass.

## Why is this bad?

Programs of this machine talk to each other over lo0. A `block` without an interface stops them: name resolution,
databases, the desktop.

## Example

```pf
block all
pass out all
pass quick inet6 proto ipv6-icmp all
pass in proto tcp to any port 22
```

## Use instead

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
pass in proto tcp to any port 22
```

## Exceptions

Files that name lo0 in a rule of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import Filter, Include
from fwc.ir.match import Field, FieldIn, all_of
from fwc.lints._context import LintContext
from fwc.lints._pf import is_default_block, is_main, skipped, statements
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet


@lint("FW603", "lo0-not-skipped", Severity.ERROR, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    ground = next((s for s in statements(context) if is_default_block(s)), None)
    if (
        not isinstance(ground, Filter)
        or ground.ifaces
        or ground.direction == "out"
        or ground.protocols
        or ground.family
    ):
        return
    if not is_main(context):
        return
    if any(name in ("lo", "lo0") for name, _ in skipped(context)) or _of_others(context):
        return
    loopback = all_of(FieldIn(Field.IIF, IfaceSet.of(["lo0"])), FieldIn(Field.PROTOCOL, IntervalSet.of(6)))
    answer = context.facts.accepts(Family.V4, Hook.PF_IN, loopback)
    if answer.all or answer.undetermined:
        return
    if any(iface.name.startswith("lo") for s in statements(context) if isinstance(s, Filter) for iface in s.ifaces):
        return
    yield lint.finding(
        "this blocks packets on lo0, with which the programs of this machine talk to each other",
        ground.span,
        help="write `set skip on lo0` at the top",
        witness={"text": answer.others_text} if answer.others_text else None,
    )


def _of_others(context: LintContext) -> bool:
    """Whether rules that are not in this file may pass lo0."""
    return any(isinstance(s, Include) for s in statements(context))
