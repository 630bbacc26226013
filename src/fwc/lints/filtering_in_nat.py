"""A nat chain drops or rejects packets; it sees only the first packet of each connection.

## Why is this bad?

A nat chain is asked once for each connection, and only when the kernel has something to translate. A filter there misses the
packets of existing connections, and is skipped altogether where no NAT rule exists.

## Example

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
table ip nat {
    chain prerouting {
        type nat hook prerouting priority -100; policy accept;
        ip saddr 198.51.100.0/24 drop
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
        ip saddr 198.51.100.0/24 drop
        tcp dport 22 accept
    }
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Severity
from fwc.ir.graph import bases_of
from fwc.ir.verdict import Accept, Drop, Reject
from fwc.lints._conntrack import authored
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import ChainType

_HELP = "filter in a chain of type filter (iptables: the filter table, or raw for early drops)"


@lint("FW304", "filtering-in-nat", Severity.WARNING, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    bases = [bases_of(table) for table in context.ruleset.tables]
    for number, _, chain, _, rule, span in authored(context):
        types = {base.type for base in bases[number].get(chain.name, ())}
        if types == {ChainType.NAT} and isinstance(rule.verdict, Drop | Reject):
            yield lint.finding(
                "this rule filters in a nat chain, which sees only the first packet of a connection", span,
                label="refuses packets", help=_HELP,
            )  # fmt: skip
    for _, chain in context.base_chains():
        base = chain.base
        if base is not None and base.type is ChainType.NAT and not isinstance(base.policy, Accept):
            yield lint.finding(
                "the policy of this nat chain drops, but only the first packet of a connection comes here",
                chain.origin.span, label="policy drop", help=_HELP,
            )  # fmt: skip
