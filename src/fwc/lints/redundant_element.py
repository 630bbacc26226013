"""An element of a set is contained in another element.

## Why is this bad?

It does nothing. Whoever removes it to take the permission away changes nothing, because the wider element still holds it.

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
    tcp dport 22 accept
    ip saddr { 10.0.0.0/8, 10.1.2.3 } tcp dport 443 accept
  }
}
```

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m multiport --dports 5060,16384:16484,16400 -j ACCEPT
COMMIT
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
    ip saddr 10.0.0.0/8 tcp dport 443 accept
  }
}
```

```iptables-save
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m multiport --dports 5060,16384:16484 -j ACCEPT
COMMIT
```

## Exceptions

Named interval sets without `auto-merge`, where nft refuses overlapping elements (FW023). Two elements that overlap in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Persona, Severity
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._elements import literal_sets, overlaps
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_PORTS = re.compile(r"--(?:dports|sports|ports)\s+([0-9:,]+)")


@lint(
    "FW119", "redundant-element", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"), reads_tree=("nft",)
)
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for place, first, inner, outer in _of_ports(context) if context.kind == "iptables-save" else _of_sets(context):
        yield lint.finding(
            f"{inner} stands twice" if inner == outer else f"{inner} is contained in {outer}", place,
            secondary=[Label(first, "holds it already")] if first != place else [], help="remove it",
        )  # fmt: skip


def _of_sets(context: LintContext) -> Iterator[tuple[Span, Span, str, str]]:
    for found in literal_sets(context.tree):
        for each in overlaps(found):
            if not each.contained or each.inner.data != each.outer.data or (found.refused and not each.equal):
                continue
            place = found.place(each.inner, 1 if each.inner.text == each.outer.text else 0)
            yield place, found.place(each.outer, 0), each.inner.text, each.outer.text


def _of_ports(context: LintContext) -> Iterator[tuple[Span, Span, str, str]]:
    seen: set[Span] = set()
    for _, _, _, _, _, span in authored(context):
        found = _PORTS.search(span.text) if "multiport" in span.text and span not in seen else None
        if found is None:
            continue
        seen.add(span)
        at = span.start + found.start(1)
        items: list[tuple[int, int, str, Span]] = []
        for word in found[1].split(","):
            low, _, high = word.partition(":")
            if low.isdigit():
                items.append(
                    (int(low), int(high) if high.isdigit() else int(low), word, Span(span.file, at, at + len(word)))
                )
            at += len(word) + 1
        for number, (low, high, word, place) in enumerate(items):
            for other, (first, last, outer, where) in enumerate(items):
                wider = first <= low and high <= last and ((first, last) != (low, high) or other < number)
                if other != number and wider:
                    yield place, where, word, outer
                    break
