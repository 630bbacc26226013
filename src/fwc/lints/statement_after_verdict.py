"""A statement stands behind the verdict of its rule.

## Why is this bad?

The verdict ends the rule, so the statement could never run; nft refuses the whole file.

## Example

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 192.0.2.0/24 drop counter
        }
}
```

## Use instead

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                ip saddr 192.0.2.0/24 counter drop
        }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.nft import tree as nft
from fwc.lints._context import LintContext
from fwc.lints._nft import rules
from fwc.lints._registry import Lint, lint


@lint("FW022", "statement-after-verdict", Severity.ERROR, formats=("nft",), reads_tree=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    tree = context.tree
    if not isinstance(tree, nft.Tree):
        return
    for rule in rules(tree):
        for index, statement in enumerate(rule.statements[:-1]):
            if _ends(statement) and index + 1 < len(rule.spans):
                start, end = rule.spans[index + 1][0], rule.spans[-1][1]
                yield lint.finding(
                    "nothing may stand behind the verdict of a rule",
                    tree.span(start, end),
                    label="never reached; nft refuses the file",
                    help="write it before the verdict",
                )
                break


def _ends(statement: nft.Statement) -> bool:
    """What nft calls terminal (stmt_evaluate in its evaluate.c); a verdict map is not."""
    if isinstance(statement, nft.Final):
        return statement.word != "continue"
    if isinstance(statement, nft.Foreign):
        return statement.kind == "queue"
    return isinstance(statement, nft.RejectWith | nft.Nat)
