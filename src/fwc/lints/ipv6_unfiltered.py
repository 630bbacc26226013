"""IPv4 is denied by default and IPv6 is not filtered at all.

## Why is this bad?

Most systems have IPv6 addresses whether anybody asked for them or not. A firewall for IPv4 alone leaves every service open there.

## Example

```nft
flush ruleset
table ip filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        ct state established,related accept
        tcp dport 22 accept
    }
}
```

## Use instead

```nft
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif "lo" accept
        ct state established,related accept
        icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
        tcp dport 22 accept
    }
}
```

## Exceptions

An iptables-save file of one family: the other is in another file (`--with`). An nftables file that does not flush the ruleset may
not be all there is; only the pedantic persona sees it there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Confidence, Diagnostic, Severity
from fwc.ir.match import CtState, Field, FieldIn
from fwc.lints._conntrack import TCP, ask, filtered, protocol, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import Family, Hook
from fwc.net.intervals import IntervalSet

_UNUSUAL = FieldIn(Field.DPORT, IntervalSet.of(54321))
_FLUSH = re.compile(r"^\s*flush\s+ruleset", re.M)


@lint("FW415", "ipv6-unfiltered", Severity.ERROR, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    if context.kind == "iptables-save" and {t.family for t in context.ruleset.tables} != {"ip", "ip6"}:
        return
    chains = filtered(context, Family.V4, Hook.INPUT)
    if not chains:
        return
    query = (protocol(TCP), state(CtState.NEW), _UNUSUAL)
    old = ask(context, Family.V4, Hook.INPUT, *query)
    new = ask(context, Family.V6, Hook.INPUT, *query)
    if not old.none or old.undetermined or not new.all or new.undetermined:
        return
    chain = next((c for _, c in chains if c.rules), chains[0][1])
    whole = context.kind == "iptables-save" or _FLUSH.search(context.source.text) is not None
    yield lint.finding(
        "IPv4 is denied by default, IPv6 is not filtered: every service is open over IPv6", chain.origin.span,
        label="sees IPv4 only", help="put the rules into a `table inet`, or add the same for IPv6",
        confidence=Confidence.HIGH if whole else Confidence.MEDIUM, witness={"text": new.some_text},
    )  # fmt: skip
