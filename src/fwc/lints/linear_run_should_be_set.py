"""Many rules in a row differ in one value only: a set does the same in one lookup.

## Why is this bad?

Every packet is compared with one rule after the other: 10,000 such rules cost each packet about 350 microseconds with
iptables-nft, a set next to nothing.

## Example

```yaml
thresholds: {linear-run: 4}
```

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.1/32 -j DROP
-A PREROUTING -s 192.0.2.3/32 -j DROP
-A PREROUTING -s 192.0.2.5/32 -j DROP
-A PREROUTING -s 192.0.2.7/32 -j DROP
COMMIT
```

## Use instead

```yaml
thresholds: {linear-run: 4}
```

```iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m set --match-set blocked src -j DROP
COMMIT
create blocked hash:net family inet
add blocked 192.0.2.1
add blocked 192.0.2.3
```

## Exceptions

The length from which a run is reported is `linear-run` of the configuration (100). Policies are not reported:
compiling them makes the sets.
"""

from __future__ import annotations

from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.ir.match import Field, FieldIn, Match
from fwc.ir.model import Chain, Rule
from fwc.lints._conditions import conjuncts
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint, lint
from fwc.source import Span

_WITH = {
    "iptables-save": "an ipset (`-m set --match-set NAME src`), or `-m multiport` for up to 15 ports",
    "nft": "one rule with a set, as `{name} {{ ... }}`",
    "pf": "a table for addresses, a list for ports",
}
_SETTABLE = frozenset(
    {Field.SADDR, Field.DADDR, Field.SPORT, Field.DPORT, Field.IIF, Field.OIF, Field.SMAC, Field.MARK}
)


@lint("FW820", "linear-run-should-be-set", Severity.INFO, formats=("iptables-save", "nft", "pf"))
def check(context: LintContext, lint: Lint) -> Iterator[Diagnostic]:
    seen: set[Span] = set()
    for table in context.ruleset.tables:
        for chain in table.chains:
            if context.is_foreign(chain):
                continue
            for field, spans in _runs(chain):
                if len(spans) < max(2, context.settings.linear_run) or spans[0] in seen:
                    continue
                seen.add(spans[0])
                yield lint.finding(
                    f"{len(spans)} rules in a row differ in nothing but {field.value}",
                    spans[0],
                    label="the first",
                    secondary=[Label(spans[-1], "the last")],
                    help=f"use {_WITH[context.kind].format(name=field.value)}",
                    affects=spans,
                )


def _runs(chain: Chain) -> Iterator[tuple[Field, list[Span]]]:
    """Longest runs of rules that agree in all but one field, with the spans of their lines."""
    at = 0
    rules = chain.rules
    while at < len(rules):
        best: tuple[Field, int] | None = None
        for position, part in enumerate(conjuncts(rules[at].match)):
            if isinstance(part, FieldIn) and part.field in _SETTABLE:
                end = _end(rules, at, position, part.field)
                if best is None or end > best[1]:
                    best = part.field, end
        if best is None or best[1] - at < 2:
            at += 1
            continue
        spans = list(dict.fromkeys(r.origin.span for r in rules[at : best[1]] if r.origin.span is not None))
        if spans:
            yield best[0], sorted(spans, key=lambda s: (s.file.path, s.start))
        at = best[1]


def _end(rules: tuple[Rule, ...], first: int, position: int, field: Field) -> int:
    """The index behind the run that begins at `first` and differs in the conjunct at `position`."""
    wanted = _skeleton(rules[first], position, field)
    at = first + 1
    while at < len(rules) and _skeleton(rules[at], position, field) == wanted:
        at += 1
    return at


def _skeleton(rule: Rule, position: int, field: Field) -> tuple[tuple[Match, ...], object, object] | None:
    parts = conjuncts(rule.match)
    if position >= len(parts):
        return None
    part = parts[position]
    if not isinstance(part, FieldIn) or part.field is not field:
        return None
    return (*parts[:position], *parts[position + 1 :]), rule.actions, rule.verdict
