"""Rules are commented out.

## Why is this bad?

Nobody knows whether they are to come back. The history of the file keeps what was there.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
#-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT
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

## Exceptions

Reported once for a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_RULES = {
    "iptables-save": re.compile(r"^[ \t]*#+[ \t]*(?:iptables[ \t]+)?-[AI] [\w-]+ .*-[jg] [\w-]+.*$", re.M),
    "nft": re.compile(
        r"^[ \t]*#+[ \t]*(?:tcp|udp|ip6?|iif|iifname|oif|oifname|ct|meta) [^#\n]*\b(?:accept|drop|reject|masquerade)[ ;]*$",
        re.M,
    ),
    "pf": re.compile(
        r"^[ \t]*#+[ \t]*(?:pass|block)(?: +(?:in|out|drop|return|quick|log|on|proto|from|all)\b)+.*$", re.M
    ),
}


@lint("FW852", "commented-out-rule", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft", "pf"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    source = context.source
    spans = [Span(source, m.start(), m.end()) for m in _RULES[context.kind].finditer(source.text)]
    if spans:
        more = f", and {len(spans) - 1} more" if len(spans) > 1 else ""
        yield lint.finding(
            f"a rule is commented out{more}", spans[0], help="delete it, or bring it back", affects=spans
        )
