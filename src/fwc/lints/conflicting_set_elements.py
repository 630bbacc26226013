"""Elements of a named interval set, or of a verdict map, overlap: nft refuses the file.

## Why is this bad?

nft loads the whole file or nothing. "conflicting intervals specified" or "File exists" at boot means no rules at all.
Anonymous sets (`{ 10.0.0.0/8, 10.1.0.0/16 }` in a rule) are merged silently; named ones only with `auto-merge`.

## Example

```nft
table inet web
delete table inet web
table inet web {
  set trusted {
    type ipv4_addr
    flags interval
    elements = { 10.0.0.0/8, 10.1.0.0/16 }
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { mld-listener-query, nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    tcp dport 22 accept
    ip saddr @trusted tcp dport 443 accept
  }
}
```

## Use instead

```nft
table inet web
delete table inet web
table inet web {
  set trusted {
    type ipv4_addr
    flags interval
    elements = { 10.0.0.0/8 }
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { mld-listener-query, nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    tcp dport 22 accept
    ip saddr @trusted tcp dport 443 accept
  }
}
```

## Exceptions

The same element twice: nft takes that, unless a map gives it two different values. Elements whose value a variable holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.lints._context import LintContext
from fwc.lints._elements import Overlap, literal_sets, overlaps
from fwc.lints._registry import Lint, lint


@lint("FW023", "conflicting-set-elements", Severity.ERROR, formats=("nft",), reads_tree=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    for found in literal_sets(context.tree):
        for each in overlaps(found) if found.refused or found.is_map else ():
            if not _is_refused(each, interval=found.refused):
                continue
            what = f"{'map' if found.is_map else 'set'} {found.name}" if found.name else "this map"
            place = found.place(each.inner, 1 if each.inner.text == each.outer.text else 0)
            first = found.place(each.outer, 0)
            yield lint.finding(
                f"{each.inner.text} overlaps {each.outer.text} in {what}: nft refuses the file"
                if not each.equal
                else f"{what} gives {each.inner.text} two different values: nft refuses the file",
                place, secondary=[Label(first, "the other one")] if first != place else [],
                help="remove one of them" + ("" if found.is_map or not found.name else ", or write `auto-merge` in the set"),
            )  # fmt: skip


def _is_refused(each: Overlap, *, interval: bool) -> bool:
    if each.equal:
        return each.inner.data != each.outer.data
    return interval
