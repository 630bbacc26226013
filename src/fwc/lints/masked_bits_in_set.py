"""A set of single flags is compared for equality: a packet with two of them is not in it.

## Why is this bad?

`tcp flags { syn, ack }` matches a packet whose flags are exactly SYN or exactly ACK, never the SYN,ACK of every
handshake. Two rules, or a mask, say what was meant; the set does not.

## Example

```nft
table inet guard
delete table inet guard
table inet guard {
        chain early {
                type filter hook prerouting priority raw; policy accept;
                tcp flags { syn, ack } accept
                tcp dport 23 drop
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
                tcp flags syn,ack accept
                tcp dport 23 drop
        }
}
```

## Exceptions

Sets in which a combination of flags stands as well: whoever wrote it knows that the values are exact.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.dialects.nft import tree as nft
from fwc.lints._context import LintContext
from fwc.lints._nft import rules
from fwc.lints._registry import Lint, lint

_BIT_FIELDS = frozenset({"tcp flags", "ct status", "ct label"})


@lint("FW032", "masked-bits-in-set", Severity.ERROR, formats=("nft",), reads_tree=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    tree = context.tree
    if not isinstance(tree, nft.Tree):
        return
    for rule in rules(tree):
        for statement in rule.statements:
            if not isinstance(statement, nft.Compare) or not isinstance(statement.left, nft.Selector):
                continue
            right = statement.right
            if statement.left.text not in _BIT_FIELDS or not isinstance(right, nft.SetOf) or len(right.elements) < 2:
                continue
            words = [e.key.text for e in right.elements if isinstance(e.key, nft.Word) and e.key.text.isalpha()]
            if len(words) == len(right.elements):
                yield lint.finding(
                    f"`{statement.left.text}` is compared for equality with each member: a packet with two of these bits "
                    "is not in the set",
                    tree.span(rule.start, rule.end),
                    help=f"write `{statement.left.text} {','.join(words)}` without braces for any of the bits",
                )
