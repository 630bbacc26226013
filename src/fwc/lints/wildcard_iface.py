"""A wildcard for interfaces is written as in the other language, where it stands for itself.

## Why is this bad?

iptables writes `eth+`, nftables `"eth*"`. The other sign is an ordinary character of the name, and no interface is named so: the
rule loads and never matches.

## Example

```nft
table inet web
delete table inet web
table inet web {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    iifname "wg+" accept
    tcp dport 22 accept
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
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    iifname "wg*" accept
    tcp dport 22 accept
  }
}
```

## Fix safety

Unsafe: the rule matches packets then.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Applicability, Diagnostic, Edit, Fix, Severity
from fwc.ir.match import Field
from fwc.lints._conditions import interfaces
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span


@lint("FW706", "wildcard-iface", Severity.ERROR, formats=("iptables-save", "nft"), needs=(Field.IIF, Field.OIF))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    wrong, right = ("*", "+") if context.kind == "iptables-save" else ("+", "*")
    seen: set[tuple[Span, str]] = set()
    for _, _, rule in context.by_interface():
        span = rule.origin.span
        if span is None:
            continue
        for _, values in interfaces(rule):
            for name in sorted(values.names):
                if not name.endswith(wrong) or len(name) < 2 or (span, name) in seen:
                    continue
                seen.add((span, name))
                at = span.text.find(name)
                where = Span(span.file, span.start + at, span.start + at + len(name)) if at >= 0 else span
                good = name[:-1] + right
                fixes = [Fix(Applicability.UNSAFE, f"write `{good}`", (Edit(where, good),))] if at >= 0 else []
                yield lint.finding(
                    f"`{wrong}` is no wildcard here: no interface is named {name}", where, label="never matches",
                    help=f"write `{good}`", affects=(span,), fixes=fixes,
                )  # fmt: skip
