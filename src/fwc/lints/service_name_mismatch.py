"""A name of a service stands for the port of another one.

## Why is this bad?

`https = 80` opens something else than it says, and whoever reads the rule believes the name. A name server that is
only reachable over tcp does not answer most queries.

## Example

```nft
define https = 80
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 192.0.2.0/24 tcp dport $https drop
        }
}
```

## Use instead

```nft
define https = 443
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 192.0.2.0/24 tcp dport $https drop
        }
}
```

## Exceptions

A service on a port that is no other service's (`ssh = 2222`) is not reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lang import ast
from fwc.lints._context import LintContext
from fwc.lints._policy import policy_file
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_PORTS = {
    "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "dns": 53, "domain": 53, "http": 80, "www": 80, "pop3": 110, "ntp": 123,
    "imap": 143, "snmp": 161, "ldap": 389, "https": 443, "smtps": 465, "syslog": 514, "submission": 587, "ldaps": 636,
    "imaps": 993, "pop3s": 995, "mysql": 3306, "rdp": 3389, "postgresql": 5432, "postgres": 5432, "redis": 6379,
}  # fmt: skip
_NAMES: dict[int, str] = {}
for _name, _port in _PORTS.items():
    _NAMES.setdefault(_port, _name)
_SUFFIX = r"(?i)(?:[_-]?ports?|[_-](?:tcp|udp))$"


@lint("FW849", "service-name-mismatch", Severity.WARNING, formats=("fwc", "nft", "pf"), reads_tree=("fwc", "nft", "pf"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for name, ports, span in _named(context):
        if len(ports) != 1 or ports.isdisjoint(_NAMES):
            continue
        port = next(iter(ports))
        wanted = _PORTS.get(re.sub(_SUFFIX, "", name).lower())
        if wanted is not None and wanted != port:
            yield lint.finding(
                f"{name} stands for port {port}, which is that of {_NAMES[port]}",
                span,
                help=f"write {wanted}, or call it {_NAMES[port]}",
            )


def _named(context: LintContext) -> Iterator[tuple[str, set[int], Span]]:
    if context.kind == "fwc":
        yield from _services(context)
    elif context.kind == "nft":
        yield from _defines(context)
    else:
        yield from _macros(context)


def _defines(context: LintContext) -> Iterator[tuple[str, set[int], Span]]:
    from fwc.dialects.nft import tree as nft

    if isinstance(context.tree, nft.Tree):
        for item in (*context.tree.items, *context.tree.inner_defines):
            if isinstance(item, nft.Define) and isinstance(item.value, nft.Word) and item.value.text.isdigit():
                span = context.tree.span(item.start, item.end)
                if span is not None:
                    yield item.name, {int(item.value.text)}, span


def _macros(context: LintContext) -> Iterator[tuple[str, set[int], Span]]:
    from fwc.dialects.pf.tree import Macro
    from fwc.lints._pf import every_statement

    for statement in every_statement(context):
        if isinstance(statement, Macro) and statement.value.isdigit() and statement.span is not None:
            yield statement.name, {int(statement.value)}, statement.span


def _services(context: LintContext) -> Iterator[tuple[str, set[int], Span]]:
    for statement in policy_file(context).statements:
        if isinstance(statement, ast.Service):
            ports = set()
            for item in statement.traffic.items:
                if isinstance(item, ast.L4) and isinstance(item.port, ast.Ports) and item.port.low == item.port.high:
                    ports.add(item.port.low)
            if len(statement.traffic.items) == len(ports):
                yield statement.name.text, ports, statement.name.span
