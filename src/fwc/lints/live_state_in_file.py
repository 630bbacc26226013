"""The file holds counters, which differ in every dump.

## Why is this bad?

Under version control each dump is a change of every line, and the change of a rule is not seen among them. `iptables-save`
without `-c` writes none for rules.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
[12:3456] -A INPUT -i lo -j ACCEPT
[99:12345] -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
[3:180] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Fix safety

Safe: the counters are taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Edit, Fix, Persona, Severity
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_COUNTERS = re.compile(r"^\[\d+:\d+\] (?=-A )", re.M)


@lint("FW912", "live-state-in-file", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    source = context.source
    spans = [Span(source, m.start(), m.end()) for m in _COUNTERS.finditer(source.text)]
    if any(span.text != "[0:0] " for span in spans):
        edits = tuple(Edit(span, "") for span in spans)
        yield lint.finding(
            f"{len(spans)} rules stand with their counters", Span(source, spans[0].start, spans[0].end - 1),
            help="save without `-c`", fixes=[Fix(Applicability.SAFE, "take the counters away", edits)],
        )  # fmt: skip
