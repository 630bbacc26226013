"""A rule accepts packets that a later base chain of the same hook drops.

## Why is this bad?

In nftables `accept` ends only its own base chain; every base chain of the hook sees the packet, in the order of
priorities, and any of them may drop it (measured, in one table and in two). The accept has no effect.

## Example

```nft
table inet web
delete table inet web
table inet web {
  chain early {
    type filter hook input priority filter - 10; policy accept;
    tcp dport 443 accept
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
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
    tcp dport 22 accept
    tcp dport 443 accept
  }
}
```

## Exceptions

A later chain that denies only a part of the accepted packets: lists of blocked addresses are made like that.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.analysis.program import Place, base_chains
from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.match import Always, CtState, Match, all_of
from fwc.ir.model import Chain, Rule
from fwc.ir.verdict import Accept
from fwc.lints._conntrack import families, outside, state
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.net.hooks import ChainType, Family, Hook
from fwc.source import Span

_HOOKS = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)
MOST_RULES = 500
"""Accepts that are looked up in one ruleset."""


@lint("FW116", "accept-not-final", Severity.WARNING, formats=("nft",))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    told: set[Span] = set()
    for family in context.facts.families:
        for (layer, hook, _), chains in base_chains(context.ruleset, family).items():
            plain = [(n, c) for n, c in chains if c.base is not None and c.base.type is not ChainType.NAT]
            if layer != "ip" or hook not in _HOOKS or len(plain) < 2:
                continue
            for at, (table, chain) in enumerate(plain[:-1]):
                if context.is_foreign(chain):
                    continue
                yield from _of_chain(context, lint, family, hook, table, chain, plain[at + 1 :], told)


def _of_chain(
    context: LintContext,
    lint: Lint,
    family: Family,
    hook: Hook,
    table: int,
    chain: Chain,
    later: list[tuple[int, Chain]],
    told: set[Span],
) -> Iterator[Diagnostic]:
    for index, rule in enumerate(chain.rules[:MOST_RULES]):
        span = rule.origin.span
        if span is None or span in told or not isinstance(rule.verdict, Accept) or isinstance(rule.match, Always):
            continue
        if family not in families(context, context.ruleset.tables[table]):
            continue
        if context.facts.witness(Place(table, chain.name, index)) is None:
            continue
        for number, other in later:
            found = _dropped(context, family, rule, table, number, other, hook)
            if found is None:
                continue
            told.add(span)
            text, by = found
            labels = [Label(by, "drops them")] if by is not None else []
            yield lint.finding(
                f"this accept is not final: chain {other.name} runs later at the same hook and drops all these packets", span,
                label=f"ends only chain {chain.name}", secondary=labels, witness={"text": text},
                help=f"accept them in chain {other.name} as well, or put both rules into one chain",
            )  # fmt: skip
            break


def _dropped(
    context: LintContext, family: Family, rule: Rule, table: int, number: int, other: Chain, hook: Hook
) -> tuple[str, Span | None] | None:
    """A packet that begins a connection, accepted by the rule and denied by the later chain, when all such packets are."""
    parts: list[Match] = [rule.match, outside(hook), state(CtState.NEW)]
    boxes = context.facts.boxes(family, all_of(*parts), table)
    if not boxes:
        return None
    answer = context.facts.chain_accepts(family, number, other, boxes)
    if not answer.none or answer.undetermined or answer.others_by is None:
        return None
    by = context.facts.rule(answer.others_by)
    return answer.others_text, by.origin.span if by is not None else other.origin.span
