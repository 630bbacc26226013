"""The three questions: `who can reach B`, `what can A reach`, `can A reach B`, each with traffic after it."""

from __future__ import annotations

from enum import StrEnum

from fwc.errors import UsageError
from fwc.records import Record

FORMS = "who can reach self tcp 22 | what can 10.0.0.0/8 reach | can lan reach dmz tcp 80,443"


class Asked(StrEnum):
    WHO = "who"
    WHAT = "what"
    CAN = "can"


class Question(Record):
    """`source` and `destination` are `any` where the question leaves them open; `traffic` is empty for all."""

    asked: Asked
    source: str
    destination: str
    traffic: str


def parse_question(text: str) -> Question:
    """The parts of a question. Raises UsageError.

    An endpoint is one word, or several joined by commas; the words after the last endpoint are the traffic.
    """
    if any(not c.isprintable() or c in ';{}"#' for c in text) or len(text) > 2000:
        raise UsageError(f"a question is one line as: {FORMS}")
    words = _comma_joined(text.replace("?", " ").split())
    match words:
        case ["who", "can", "reach", destination, *traffic]:
            return Question(Asked.WHO, "any", destination, _traffic(traffic))
        case ["what", "can", source, "reach", *traffic]:
            return Question(Asked.WHAT, source, "any", _traffic(traffic))
        case ["can", source, "reach", destination, *traffic]:
            return Question(Asked.CAN, source, destination, _traffic(traffic))
        case _:
            raise UsageError(f"not a question that fwc knows: ask as {FORMS}")


def _comma_joined(words: list[str]) -> list[str]:
    """`80, 443` and `80 ,443` as the one word `80,443`."""
    out: list[str] = []
    for word in words:
        if out and (word.startswith(",") or out[-1].endswith(",")):
            out[-1] += word
        else:
            out.append(word)
    return out


def _traffic(words: list[str]) -> str:
    return " ".join(words[1:] if words[:1] in (["on"], ["with"], ["by"]) else words)
