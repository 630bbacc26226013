"""A set in braces has one element.

## Why is this bad?

nft makes a set in the kernel for it and looks the value up there, where a comparison does.

## Example

```nft
table inet web
delete table inet web
table inet web {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { mld-listener-query, nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    tcp dport { 22 } accept
  }
}
```

## Use instead

```nft
table inet web
delete table inet web
table inet web {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { mld-listener-query, nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    tcp dport 22 accept
  }
}
```

## Exceptions

Flags, for which a set asks for equality and the bare value for one bit; verdict maps; an element that a variable holds.

## Fix safety

Safe: the braces are taken away, and the rulesets are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Edit, Fix, Persona, Severity
from fwc.dialects.nft import tree as nft
from fwc.lints._context import LintContext
from fwc.lints._nft import rules
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_BRACES = re.compile(r"\{\s*([^\s{},$@]+)\s*\}")
_BITS = re.compile(r"flags|status|label|frag-off")


@lint("FW848", "single-element-set", Severity.INFO, Persona.PEDANTIC, formats=("nft",), reads_tree=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if (
        not isinstance(context.tree, nft.Tree)
        or context.tree.file is None
        or context.source.text.lstrip().startswith("{")
    ):
        return
    for rule in rules(context.tree):
        for statement, (start, end) in zip(rule.statements, rule.spans, strict=False):
            if not isinstance(statement, nft.Compare) or not _is_single(statement):
                continue
            text = context.tree.file.text[start:end]
            found = _BRACES.search(text)
            if found is None or _BITS.search(text) or "." in text[: found.start()]:
                continue
            where = Span(context.tree.file, start + found.start(), start + found.end())
            yield lint.finding(
                f"the set has one element, {found[1]}", where, help=f"write `{found[1]}`",
                fixes=[Fix(Applicability.SAFE, f"write `{found[1]}`", (Edit(where, found[1]),))],
            )  # fmt: skip


def _is_single(statement: nft.Compare) -> bool:
    right = statement.right
    return isinstance(right, nft.SetOf) and len(right.elements) == 1 and isinstance(right.elements[0].key, nft.Word)
