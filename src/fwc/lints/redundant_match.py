"""A condition holds for every packet.

## Why is this bad?

`-s 0.0.0.0/0` and `-p all` say what is so without them; readers look for a limit where none is.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 0.0.0.0/0 -p udp -m udp --dport 51820 -j ACCEPT
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
-A INPUT -p udp -m udp --dport 51820 -j ACCEPT
COMMIT
```

## Fix safety

Safe: the condition is taken out, and the rulesets are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Edit, Fix, Persona, Severity
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_EVERYTHING = re.compile(r"(?<!! )(?:(?<= )-[sd] (?:0\.0\.0\.0/0(?:\.0\.0\.0)?|::/0)|(?<= )-p all|(?<= )-[io] \+) ")


@lint("FW847", "redundant-match", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()
    for _, _, _, _, _, span in authored(context):
        if span in seen:
            continue
        seen.add(span)
        for found in _EVERYTHING.finditer(span.text):
            where = Span(span.file, span.start + found.start(), span.start + found.end())
            shown = Span(span.file, where.start, where.end - 1)
            yield lint.finding(
                f"`{shown.text}` holds for every packet", shown, help="leave it out", affects=(span,),
                fixes=[Fix(Applicability.SAFE, "leave it out", (Edit(where, ""),))],
            )  # fmt: skip
