"""Rules in a row that differ in nothing but one field."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.ir.match import Field, FieldIn, Match
from fwc.ir.model import Chain, Rule
from fwc.ir.walk import conjuncts
from fwc.records import Record
from fwc.source import Span

_SETTABLE = frozenset(
    {Field.SADDR, Field.DADDR, Field.SPORT, Field.DPORT, Field.IIF, Field.OIF, Field.SMAC, Field.MARK}
)


class Run(Record):
    """`rules` agree in all but the values of `field`; `spans` are those of their lines, in file order."""

    field: Field
    rules: tuple[Rule, ...]
    spans: list[Span]


def runs(chain: Chain) -> Iterator[Run]:
    """Longest runs of rules that agree in all but one field."""
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
            spans.sort(key=lambda s: (s.file.path, s.start))
            yield Run(best[0], rules[at : best[1]], spans)
        at = best[1]


def _end(rules: tuple[Rule, ...], first: int, position: int, field: Field) -> int:
    """The index behind the run that begins at `first` and differs in the conjunct at `position`."""
    rule = rules[first]
    parts = conjuncts(rule.match)
    at = first + 1
    while at < len(rules) and _differs_only(rule, parts, rules[at], position, field):
        at += 1
    return at


def _differs_only(rule: Rule, parts: tuple[Match, ...], other: Rule, position: int, field: Field) -> bool:
    """Whether the rules differ in nothing but the values of `field` in the conjunct at `position`."""
    others = conjuncts(other.match)
    if len(others) != len(parts):
        return False
    part = others[position]
    if not isinstance(part, FieldIn) or part.field is not field:
        return False
    if parts[:position] != others[:position] or parts[position + 1 :] != others[position + 1 :]:
        return False
    return rule.actions == other.actions and rule.verdict == other.verdict
