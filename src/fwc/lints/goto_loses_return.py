"""After `goto` a packet does not come back, so the rules that follow the goto never see it.

## Why is this bad?

When the target chain ends without a verdict the packet goes on where the *calling* chain was called from, or to the
policy (measured: `goto u` before `accept`, policy drop: the connection is dropped). With `jump` the following rules
would have decided.

## Example

```nft
table inet filter
delete table inet filter
table inet filter {
  chain web {
    ip saddr 192.0.2.7 drop
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    tcp dport 443 goto web
    tcp dport { 22, 443 } accept
  }
}
```

## Use instead

```nft
table inet filter
delete table inet filter
table inet filter {
  chain web {
    ip saddr 192.0.2.7 drop
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    tcp dport 443 jump web
    tcp dport { 22, 443 } accept
  }
}
```

## Exceptions

A target chain that decides every packet, one that returns by an explicit rule, and packets that would meet the same
verdict after a jump.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from fwc.analysis.equivalence import Difference
from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.model import Chain, Rule, Table
from fwc.ir.verdict import Accept, Drop, Goto, Jump, Reject, Return
from fwc.lints._change import MOST_QUESTIONS, ProgramTooLarge, difference, is_small, with_rule
from fwc.lints._conntrack import authored, place_span
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint


@lint("FW113", "goto-loses-return", Severity.WARNING, formats=("iptables-save", "nft"), needs=(Goto,))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    gotos = [item for item in authored(context) if isinstance(item[4].verdict, Goto)]
    if not gotos or not is_small(context.ruleset):
        return
    for _, table, chain, index, rule, span in gotos[:MOST_QUESTIONS]:
        if index + 1 == len(chain.rules) or not _may_end(table, rule, context):
            continue
        try:
            found = _as_jump(context, rule)
        except ProgramTooLarge:
            return  # the next question would look at the same ruleset
        if found is None:
            continue
        assert isinstance(rule.verdict, Goto)
        by = place_span(context, found.right_place)
        labels = [Label(by, "would decide it after a jump")] if by is not None and by != span else []
        now, then = _word(found.left.verdict), _word(found.right.verdict)
        yield lint.finding(
            f"packets that chain {rule.verdict.chain} leaves undecided do not come back here: they are {now} instead of {then}",
            span, label="goto, not jump", secondary=labels, witness={"text": found.text},
            help=f"use jump, or end chain {rule.verdict.chain} with a verdict",
        )  # fmt: skip


def _may_end(table: Table, rule: Rule, context: LintContext) -> bool:
    assert isinstance(rule.verdict, Goto)
    target: Chain | None = table.chain(rule.verdict.chain)
    if target is None or context.is_foreign(target):
        return False
    return not any(isinstance(each.verdict, Return) for each in target.rules)


def _as_jump(context: LintContext, rule: Rule) -> Difference | None:
    """A packet that would be accepted instead of denied, or the other way round, if the goto were a jump."""
    assert isinstance(rule.verdict, Goto)
    jump = dataclasses.replace(rule, verdict=Jump(rule.verdict.chain))
    found = difference(
        context, context.ruleset, with_rule(context.ruleset, rule, lambda _: (jump,)), refusals_alike=True
    )
    if found is not None and found.undecided:
        raise ProgramTooLarge
    if found is None or found.left_place.index >= 0:
        return None
    verdicts = found.left.verdict, found.right.verdict
    if not all(isinstance(v, Accept | Drop | Reject) for v in verdicts) or _word(verdicts[0]) == _word(verdicts[1]):
        return None  # also where only a log or another side effect would be missed: that is what goto is often for
    return found


def _word(verdict: object) -> str:
    return "accepted" if isinstance(verdict, Accept) else "denied"
