"""The address of an interface is frozen when the file is loaded.

## Why is this bad?

`en0` without parentheses stands for the address that it has while pfctl runs. After the next lease the rule speaks of
somebody else's address; `(en0)` follows.

## Example

```pf
set skip on lo0
nat on ppp0 from 10.0.0.0/24 to any -> ppp0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
```

## Use instead

```pf
set skip on lo0
nat on ppp0 from 10.0.0.0/24 to any -> (ppp0)
block all
pass out all
pass quick inet6 proto ipv6-icmp all
```

## Exceptions

Interfaces that may well have a fixed address, unless the configuration calls them `dynamic`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import HostKind
from fwc.lints._context import LintContext
from fwc.lints._pf import every_statement, hosts, is_macos
from fwc.lints._registry import Lint, lint

_DYNAMIC = re.compile(r"(?:ppp|pppoe|tun|utun|ng)\d+")
"""Interfaces that are made when a connection comes up, with another address each time."""

_MACOS = re.compile(r"en\d+")


@lint("FW612", "unparenthesised-dynamic-interface", Severity.WARNING, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    dynamic = {name for each in context.settings.interfaces if each.dynamic for name in each.names}
    static = {name for each in context.settings.interfaces if not each.dynamic for name in each.names}
    macos = is_macos(context)
    for statement in every_statement(context):
        for host in hosts(statement):
            name = host.name.split(":")[0]
            if host.kind is not HostKind.NAME or name in static or statement.span is None:
                continue
            if name in dynamic or _DYNAMIC.fullmatch(name) or (macos and _MACOS.fullmatch(name)):
                yield lint.finding(
                    f"the address of {name} is looked up once, when the file is loaded",
                    statement.span,
                    help=f"write `({host.name})`, which follows the interface",
                )
