"""Rules are loaded into an anchor that nothing calls.

## Why is this bad?

`load anchor` puts rules beside the main ruleset. Without an `anchor` (for filter rules), `nat-anchor` or `rdr-anchor`
of that name no packet ever meets them.

## Example

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
load anchor office from "/etc/pf.anchors/office"
```

## Use instead

```pf
set skip on lo0
block all
pass out all
pass quick inet6 proto ipv6-icmp all
anchor "com.apple/*"
load anchor "com.apple/office" from "/etc/pf.anchors/office"
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.pf.tree import Dummynet, Filter, Include, LoadAnchor, Scrub, Translation
from fwc.lints._context import LintContext
from fwc.lints._pf import every_statement, statements
from fwc.lints._registry import Lint, lint

_ANCHOR = re.compile(r'^[ \t]*(?:(?:nat|rdr|binat|scrub|dummynet)-)?anchor[ \t]+"?([^\s"]+)', re.M)


@lint("FW610", "anchor-kind-missing", Severity.ERROR, formats=("pf",), reads_tree=("pf",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    called: set[str] = set()
    for statement in every_statement(context):
        if isinstance(statement, Include):
            return
        if isinstance(statement, Translation | Scrub):
            called.add(statement.anchor or "")
        elif isinstance(statement, Filter):
            called.add(statement.anchor)
        elif isinstance(statement, Dummynet):
            called.update(statement.text.replace('"', " ").split())
    called.update(_ANCHOR.findall(context.source.text))  # also in lines that cannot be read
    for statement in statements(context):
        if isinstance(statement, LoadAnchor) and not any(_calls(name, statement.anchor) for name in called):
            yield lint.finding(
                f"no rule calls the anchor {statement.anchor}: what is loaded there is never evaluated",
                statement.span,
                help=f'write `anchor "{statement.anchor}"` among the filter rules, '
                "and `nat-anchor`, `rdr-anchor` for translations",
            )


def _calls(pattern: str, anchor: str) -> bool:
    """`com.apple/*` calls what is loaded into `com.apple` and below."""
    if pattern.endswith("/*"):
        head = pattern[:-2]
        return anchor == head or anchor.startswith(head + "/")
    return pattern == anchor or anchor.startswith(pattern + "/")
