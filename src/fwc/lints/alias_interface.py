"""A rule names an address alias such as `eth0:1`, which is no interface.

## Why is this bad?

`eth0:1` is a label of an address. Packets arrive on `eth0`; the firewall never sees the label, so the rule never
matches.

## Example

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0:1 -p udp -m udp --dport 137 -j DROP
COMMIT
```

## Use instead

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.7/32 -i eth0 -p udp -m udp --dport 137 -j DROP
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.lints._conditions import interfaces
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.interfaces import IfaceSet
from fwc.source import Span


@lint("FW703", "alias-interface", Severity.ERROR, formats=("fwc", "iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[tuple[Span, str]] = set()
    places: list[tuple[Span | None, IfaceSet]]
    if context.kind == "fwc":
        places = [(zone.origin.span, zone.ifaces) for zone in context.ruleset.zones]
    else:
        places = [
            (context.span_of(rule, chain), values)
            for _, chain, rule in context.by_interface()
            for _, values in interfaces(rule)
        ]
    for span, values in places:
        for name in sorted(values.names):
            base, colon, _ = name.partition(":")
            if span is None or not colon or not base or (span, name) in seen:
                continue
            seen.add((span, name))
            yield lint.finding(
                f"{name} is the label of an address, not an interface: no packet arrives on or leaves by it",
                span,
                label="never matches",
                help=f"write {base}, and the alias' address as the destination",
            )
