"""The prefix of a log runs into the text behind it.

## Why is this bad?

The kernel writes the prefix and then `IN=eth0 ...` without a blank: `droppedIN=eth0` is found by no search for `IN=`.

## Example

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -m limit --limit 10/min -j LOG --log-prefix "dropped"
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
-A INPUT -m limit --limit 10/min -j LOG --log-prefix "dropped: "
COMMIT
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.ir.verdict import Log
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span


@lint("FW803", "log-prefix", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"), needs=(Log,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    spans: dict[Span, str] = {}
    for _, _, _, _, rule, span in authored(context):
        for action in rule.actions:
            if isinstance(action, Log) and action.nflog_group is None and action.prefix[-1:].isalnum():
                spans.setdefault(span, action.prefix)
    if spans:
        first, prefix = next(iter(spans.items()))
        more = f" (and {len(spans) - 1} more)" if len(spans) > 1 else ""
        yield lint.finding(
            f"the log line begins with `{prefix}IN=`{more}", first, help="end the prefix with a blank", affects=spans,
        )  # fmt: skip
