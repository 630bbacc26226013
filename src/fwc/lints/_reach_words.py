"""What the lints of dead rules say: causes, witnesses, lines."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.diagnostics import Label
from fwc.ir.model import Chain
from fwc.ir.verdict import (
    Accept,
    Dnat,
    Drop,
    Goto,
    Jump,
    Masquerade,
    Netmap,
    Redirect,
    Reject,
    Return,
    Snat,
    Verdict,
)
from fwc.lints._context import LintContext
from fwc.lints._reach import Cause, DeadRule, facts_of
from fwc.source import Span

MOST_LABELS = 8
"""Causes shown with their text; further ones are counted."""


def does(verdict: Verdict | None) -> str:
    """What a rule does with packets, third person."""
    match verdict:
        case Accept():
            return "accepts"
        case Drop():
            return "drops"
        case Reject():
            return "rejects"
        case Return():
            return "returns"
        case Snat() | Masquerade() | Dnat() | Redirect() | Netmap():
            return "translates"
        case Jump(chain) | Goto(chain):
            return f"sends to {chain}"
        case _:
            return "takes"


def cause_labels(context: LintContext, dead: DeadRule) -> tuple[list[Label], list[str]]:
    """Labels on the rules that take the packets, and notes on causes without text."""
    labels: list[Label] = []
    notes: list[str] = []
    share = "all of it" if len(dead.causes) == 1 else "a part of it"
    spoken = [c for c in dead.causes if c.span is not None]
    for cause in spoken[:MOST_LABELS]:
        assert cause.span is not None
        verdict = cause.rule.verdict if cause.rule is not None else None
        place = "" if cause.place.chain == dead.place.chain else f" (in chain {cause.place.chain})"
        labels.append(Label(cause.span, f"{does(verdict)} {share}{place}"))
    if len(spoken) > MOST_LABELS:
        notes.append(f"{len(spoken) - MOST_LABELS} more rules take the rest")
    for cause in dead.causes:
        if cause.span is None:
            notes.append(f"{_implicit(context, cause)} {share}")
    return labels, notes


def _implicit(context: LintContext, cause: Cause) -> str:
    if cause.rule is None:
        chain: Chain | None = facts_of(context).chain(cause.place)
        verdict = chain.base.policy if chain is not None and chain.base is not None else None
        return f"the policy of chain {cause.place.chain} {does(verdict)}"
    return f"the implicit {cause.rule.role} rule {does(cause.rule.verdict)}"


def witness_of(context: LintContext, dead: DeadRule) -> dict[str, object] | None:
    """A packet that the rule's condition holds for, with the line that decides it."""
    example = facts_of(context).example(dead.place)
    if example is None:
        return None
    _, text, place = example
    rule = facts_of(context).rule(place) if place is not None else None
    span = rule.origin.span if rule is not None else None
    if rule is None or span is None or place == dead.place:
        return {"text": text}
    return {"text": f"{text}; line {span.line} {does(rule.verdict)} it", "line": span.line}


def line_list(spans: Sequence[Span]) -> str:
    """`line 4`, `lines 4 and 7`, `lines 4, 7 and 3 more`."""
    lines = sorted({span.line for span in spans})
    if len(lines) == 1:
        return f"line {lines[0]}"
    if len(lines) <= 4:
        return f"lines {', '.join(map(str, lines[:-1]))} and {lines[-1]}"
    return f"lines {', '.join(map(str, lines[:3]))} and {len(lines) - 3} more"


def is_bare(context: LintContext, dead: DeadRule) -> bool:
    """Whether the rule leaves no trace but its verdict: no log, counter, comment, label, and it stands alone on its line. Then
    deleting it changes nothing at all."""
    rule, span = dead.rule, dead.span
    if rule.actions or rule.comment or rule.label or dead.affects or context.kind not in ("iptables-save", "nft"):
        return False
    file = span.file
    first, _ = file.position(span.start)
    last, _ = file.position(max(span.start, span.end - 1))
    return first == last and file.line_text(first).strip() == span.text.strip()
