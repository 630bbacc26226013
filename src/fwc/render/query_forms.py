"""The answer of `fwc query` as text and JSON."""

from __future__ import annotations

import json
from typing import Any

from fwc.query.answer import Answer, Row
from fwc.query.question import Asked
from fwc.render.packet_form import packet_form

SHOWN = 8


def query_text(answer: Answer) -> str:
    """What is accepted (and for `can` what is not), each with the rule that decides; the verdict first."""
    out = [_headline(answer)]
    for row in answer.rows:
        fate = f": {row.fate}" if answer.question.asked is Asked.CAN or row.fate != "accept" else ""
        out.append(f"IPv{row.family.value} {row.hook}{fate}")
        out.extend(f"    {line}" for line in row.packets[:SHOWN])
        hidden = len(row.packets) - min(SHOWN, len(row.packets)) + row.more
        if hidden:
            out.append(f"    and {hidden} more")
        out.append(f"  by  {row.line}")
    out.extend(f"not decided: {place}: the ruleset is too large or too entangled" for place in answer.undecided)
    out.extend(f"note: {note}" for note in answer.notes)
    return "\n".join(out) + "\n"


def _headline(answer: Answer) -> str:
    question = answer.question
    if question.asked is Asked.CAN:
        return f"{answer.verdict}: {question.source} -> {question.destination} {question.traffic or 'any'}"
    if not answer.rows:
        about = question.destination if question.asked is Asked.WHO else question.source
        if answer.undecided:
            return (
                f"undecided: who can reach {about}"
                if question.asked is Asked.WHO
                else f"undecided: what {about} can reach"
            )
        traffic = f" {question.traffic}" if question.traffic else ""
        return (
            f"nobody can reach {about}{traffic}"
            if question.asked is Asked.WHO
            else f"{about} can reach nothing{traffic}"
        )
    if question.asked is Asked.WHO:
        return f"who can reach {question.destination}{' ' + question.traffic if question.traffic else ''}:"
    return f"what {question.source} can reach{' by ' + question.traffic if question.traffic else ''}:"


def query_json(answer: Answer) -> str:
    question = answer.question
    value = {
        "question": {
            "form": question.asked.value,
            "from": question.source,
            "to": question.destination,
            "traffic": question.traffic or "any",
        },
        "verdict": answer.verdict.value,
        "complete": not answer.undecided,
        "undecided": list(answer.undecided),
        "notes": list(answer.notes),
        "rows": [_row_form(row) for row in answer.rows],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _row_form(row: Row) -> dict[str, Any]:
    return {
        "family": f"v{row.family.value}",
        "hook": row.hook,
        "accepted": row.accepted,
        "fate": row.fate,
        "packets": list(row.packets),
        "more_packets": row.more,
        "exact": row.exact,
        "line": {"filename": row.line.filename, "row": row.line.row, "text": row.line.text},
        "witness": packet_form(row.witness) | {"text": row.witness_text},
    }
