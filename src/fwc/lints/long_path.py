"""Some packets meet very many rules before their fate is decided.

## Why is this bad?

A list is tested rule by rule: a packet that meets 10,000 rules of iptables-nft takes 200 microseconds, one lookup in a set
takes a quarter of one. Packets of known connections should be accepted by one of the first rules.

## Example

```yaml
thresholds: {long-path: 3}
```

```nft
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ip saddr 192.0.2.1 tcp dport 22 accept
        ip saddr 192.0.2.9 tcp dport 443 accept
        ip saddr 192.0.2.33 udp dport 53 accept
        ip saddr 192.0.2.77 tcp dport 8080 accept
    }
}
```

## Use instead

```yaml
thresholds: {long-path: 3}
```

```nft
table inet filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ip saddr . meta l4proto . th dport { 192.0.2.1 . tcp . 22, 192.0.2.9 . tcp . 443, 192.0.2.33 . udp . 53 } accept
    }
}
```

## Exceptions

The number from which a path of a new packet is reported is `long-path` of the configuration (500), a tenth of it for packets of
known connections. `fwc cost` prints the figures of every hook. Policies are not reported: compiling them makes the sets.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint

_TARGETS = {"iptables-save": "iptables", "nft": "nftables"}


@lint("FW821", "long-path", Severity.INFO, Persona.PEDANTIC, formats=("iptables-save", "nft"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    from fwc.analysis.cost import costs

    most = max(1, context.settings.long_path)
    if sum(1 for _ in context.rules()) <= most // 10:
        return
    for each in costs(context.ruleset, _TARGETS[context.kind]):
        chain = next((c for _, c in context.base_chains(each.hook)), None)
        span = chain.origin.span if chain is not None else None
        if chain is None or span is None or context.is_foreign(chain):
            continue
        for cost, limit, who in (
            (each.worst, most, "new packet"),
            (each.established, most // 10, "packet of a known connection"),
        ):
            if limit and cost.rules > limit:
                about = f", about {cost.nanoseconds:,.0f} ns" if cost.nanoseconds is not None else ""
                yield lint.finding(
                    f"a {who} of IPv{each.family.value} {each.hook.value} may meet {cost.rules} rules{about}",
                    span,
                    help="use sets or verdict maps, and accept known connections first",
                )
                break
