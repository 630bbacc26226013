"""A part of the policy is written in the words of one target.

## Why is this bad?

fwc copies it as it is: no lint, test or assertion sees what it does, and the proof of the output leaves it out.

## Example

```fwc
policy "example" { owner "netops@example.com" }
zone wan { iface eth0 }
allow ssh from any to self
native nft at input-start \"\"\"
tcp dport 8443 counter
\"\"\"
```

## Use instead

```fwc
policy "example" { owner "netops@example.com" }
zone wan { iface eth0 }
allow ssh from any to self
count tcp 8443 from any to self
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.lang import ast
from fwc.lints._context import LintContext
from fwc.lints._policy import nodes
from fwc.lints._registry import Lint, lint


@lint("FW526", "opaque-native", Severity.INFO, Persona.AUDITOR, formats=("fwc",), reads_tree=("fwc",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for node in nodes(context, ast.Native, ast.NativeCond):
        assert isinstance(node, ast.Native | ast.NativeCond)
        yield lint.finding(
            "what this does is not known to fwc: nothing is checked or proved of it", node.span,
            help="say it in the language where that is possible",
        )  # fmt: skip
