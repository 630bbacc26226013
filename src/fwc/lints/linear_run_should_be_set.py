"""Many rules in a row differ in one value only: a set does the same in one lookup.

## Why is this bad?

Every packet is compared with one rule after the other: 10,000 such rules cost each packet about 350 microseconds with
iptables-nft, a set next to nothing.

## Example

```yaml
thresholds: {linear-run: 4}
```

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.1/32 -j DROP
-A PREROUTING -s 192.0.2.3/32 -j DROP
-A PREROUTING -s 192.0.2.5/32 -j DROP
-A PREROUTING -s 192.0.2.7/32 -j DROP
COMMIT
```

## Use instead

```yaml
thresholds: {linear-run: 4}
```

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m set --match-set blocked src -j DROP
COMMIT
create blocked hash:net family inet
add blocked 192.0.2.1
add blocked 192.0.2.3
```

## Exceptions

The length from which a run is reported is `linear-run` of the configuration (100). Policies are not reported:
compiling them makes the sets.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._alike import runs
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_WITH = {
    "iptables-save": "an ipset (`-m set --match-set NAME src`), or `-m multiport` for up to 15 ports",
    "nft": "one rule with a set, as `{name} {{ ... }}`",
    "pf": "a table for addresses, a list for ports",
}


@lint("FW820", "linear-run-should-be-set", Severity.INFO, formats=("iptables-save", "nft", "pf"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()
    for table in context.ruleset.tables:
        for chain in table.chains:
            if context.is_foreign(chain):
                continue
            for run in runs(chain):
                field, spans = run.field, run.spans
                if len(spans) < max(2, context.settings.linear_run) or spans[0] in seen:
                    continue
                seen.add(spans[0])
                yield lint.finding(
                    f"{len(spans)} rules in a row differ in nothing but {field.value}",
                    spans[0],
                    label="the first",
                    secondary=[Label(spans[-1], "the last")],
                    help=f"use {_WITH[context.kind].format(name=field.value)}",
                    affects=spans,
                )
