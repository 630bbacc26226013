"""No packet gets into a chain: no base chain leads to it.

## Why is this bad?

Its rules look like protection and do nothing: the jump was forgotten, deleted, or misspelt.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:BLACKLIST - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A BLACKLIST -s 198.51.100.7/32 -j DROP
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:BLACKLIST - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -j BLACKLIST
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A BLACKLIST -s 198.51.100.7/32 -j DROP
COMMIT
```

## Exceptions

Chains of other programs (Docker, fail2ban, ...), an empty chain, chains of a file in which no base chain has a rule
(it is a part of a ruleset), and an nft chain whose comment says `hook`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.graph import calls, reachable
from fwc.ir.model import Chain, Table
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint


@lint(
    "FW109",
    "unreferenced-chain",
    Severity.WARNING,
    formats=("iptables-save", "nft", "fwc"),
    needs=("called chain",),
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for table in context.ruleset.tables:
        if not any(chain.base is not None and chain.rules for chain in table.chains):
            continue
        entered = reachable(table)
        lost = [c for c in table.chains if c.name not in entered]
        if lost:
            yield from _of_table(context, lint, table, lost)


def _of_table(context: LintContext, lint: Lint, table: Table, lost: list[Chain]) -> Iterator[Diagnostic]:
    graph = calls(table)
    called = {name for chain in lost for name in graph[chain.name] if name != chain.name}
    for chain in lost:
        span = chain.origin.span
        if chain.name in called or span is None or not chain.rules or context.is_foreign(chain):
            continue
        if "hook" in chain.comment.lower():
            continue
        below = sorted(_below(graph, chain.name))
        notes = [f"chains that only it leads to: {', '.join(below)}"] if below else []
        rules = [rule.origin.span for rule in chain.rules if rule.origin.span is not None]
        count = f"its {len(rules)} rules never run" if len(rules) != 1 else "its rule never runs"
        yield lint.finding(
            f"nothing leads to chain {chain.name}: {count}", span, label="no jump or goto from a base chain", notes=notes,
            help=f"jump to {chain.name} where it is meant to run, or delete it", affects=(span, *rules),
        )  # fmt: skip


def _below(graph: Mapping[str, Mapping[str, object]], start: str) -> set[str]:
    seen: set[str] = set()
    stack = [start]
    while stack:
        for name in graph.get(stack.pop(), ()):
            if name not in seen and name != start:
                seen.add(name)
                stack.append(name)
    return seen
