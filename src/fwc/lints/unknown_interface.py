"""An interface is not in the inventory.

## Why is this bad?

The configuration lists the interfaces of the machine. A name that it does not have is usually a typing error, and the
rule never matches.

## Example

```yaml
interfaces:
  wan: {names: [eth0]}
  lan: {names: [eth1, wg0]}
```

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eht0 -p udp -m udp --dport 137 -j DROP
COMMIT
```

## Use instead

```yaml
interfaces:
  wan: {names: [eth0]}
  lan: {names: [eth1, wg0]}
```

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p udp -m udp --dport 137 -j DROP
COMMIT
```

## Exceptions

Without `interfaces` in the configuration nothing is reported. The loopback interface is always known.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from fwc.diagnostics import Diagnostic, Severity
from fwc.lints._conditions import interfaces
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span


@lint("FW702", "unknown-interface", Severity.WARNING, needs=("inventory",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    known = [name.replace("+", "*") for each in context.settings.interfaces for name in each.names]
    if not known:
        return
    used: dict[str, dict[Span, None]] = {}
    for _, chain, rule in context.by_interface():
        span = context.span_of(rule, chain)
        for _, values in interfaces(rule):
            for name in values.names:
                if span is not None and name not in ("lo", "lo0"):
                    used.setdefault(name, {})[span] = None
    for name in sorted(used):
        if any(fnmatchcase(name, pattern) for pattern in known):
            continue
        from difflib import get_close_matches

        close = get_close_matches(name, known, 1, 0.7)
        spans = list(used[name])
        yield lint.finding(
            f"the inventory has no interface {name}",
            spans[0],
            label="never matches" if close else "",
            help=f"did you mean {close[0]}?"
            if close
            else "correct the name, or add it to `interfaces` of the configuration",
            severity=Severity.ERROR if close else None,
            affects=spans,
        )
