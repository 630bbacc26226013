"""A rule says in its comment that it was to end on a day that has passed.

## Why is this bad?

Temporary openings outlive their reason. The comment is what somebody promised.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 8443 -m comment --comment "migration, expires=2024-06-30" -j ACCEPT
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

A comment without a date (TODO, FIXME, temporary) is shown to the pedantic persona only.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from fwc.diagnostics import Confidence, Diagnostic, Severity
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint

_DATED = re.compile(r"\b(?:expires?|expiry|until|remove (?:on|after|by))\b[\s:=]{0,3}(\d{4}-\d\d-\d\d)\b", re.I)
_VAGUE = re.compile(r"\b(?:TODO|FIXME|XXX|TEMP|TEMPORARY)\b", re.I)


@lint("FW516", "temporary-or-expired", Severity.WARNING, formats=("iptables-save", "nft", "pf"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    today = context.settings.today or datetime.date.today().isoformat()
    for _, _, _, _, rule, span in authored(context):
        text = rule.comment or rule.label
        if not text or "fwc:" in text:
            continue
        dated = _DATED.search(text)
        if dated is not None and dated[1] < today:
            yield lint.finding(
                f"this rule was to end on {dated[1]}", span, label="still there",
                help="remove the rule, or write down the new date and why",
            )  # fmt: skip
        elif dated is None and _VAGUE.search(text):
            yield lint.finding(
                "the comment calls this rule unfinished or temporary", span, severity=Severity.INFO,
                help="settle it, or write `expires=YYYY-MM-DD` into the comment", confidence=Confidence.MEDIUM,
            )  # fmt: skip
