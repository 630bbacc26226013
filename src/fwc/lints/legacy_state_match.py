"""A rule uses the match `state`, which `conntrack` has replaced.

## Why is this bad?

`-m state` is kept for old files only; the kernel turns it into conntrack, and newer systems list it otherwise than the file says.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Use instead

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
```

## Fix safety

Both matches look at the same state, so the fix is safe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Edit, Fix, Persona, Severity
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_STATE = re.compile(r"-m state (! )?--state(?= )")


@lint("FW213", "legacy-state-match", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for _, _, _, _, _, span in authored(context):
        found = _STATE.search(span.text)
        if found is None:
            continue
        where = Span(span.file, span.start + found.start(), span.start + found.end())
        text = f"-m conntrack {found[1] or ''}--ctstate"
        yield lint.finding(
            "the match `state` is outdated", where, help=f"write `{text}`", affects=(span,),
            fixes=[Fix(Applicability.SAFE, f"write `{text}`", (Edit(where, text),))],
        )  # fmt: skip
