"""The one type in which every part of fwc reports what it found, and the fixes it proposes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from enum import Enum, StrEnum
from typing import Any

from fwc.records import Record
from fwc.source import Span


class Severity(StrEnum):
    """How bad it is; `rank` orders them, larger is worse."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


class Confidence(StrEnum):
    """How sure the finding is: the regular persona sees only `high`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Applicability(StrEnum):
    """`safe`: proved to change no packet and no side effect; `unsafe`: may change either; `display`: text to show only."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY = "display-only"


class Persona(Enum):
    """Who asked for the finding."""

    REGULAR = "regular"
    PEDANTIC = "pedantic"
    AUDITOR = "auditor"


class Label(Record):
    """A span and what there is to say about it (may be empty for the primary span)."""

    span: Span
    message: str = ""


class Edit(Record):
    """Replace the text of `span` by `replacement`."""

    span: Span
    replacement: str


class Fix(Record):
    applicability: Applicability
    message: str
    edits: tuple[Edit, ...] = ()


class Diagnostic(Record):
    """One finding.

    `code` is stable ("FW103"), `name` its kebab-case name. `message` is one sentence of fact. `primary` is the text at
    fault (None only where there is no text: an empty file list, an internal error), `secondary` are the causes, `notes`
    are further facts, `help` says what to write instead. `affects` lists the spans of every rule the finding speaks of.
    `witness` is a concrete packet in plain data, ready for JSON.
    """

    code: str
    severity: Severity
    message: str
    primary: Label | None = None
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    name: str = ""
    confidence: Confidence = Confidence.HIGH
    category: str = ""
    fixes: tuple[Fix, ...] = ()
    affects: tuple[Span, ...] = ()
    witness: dict[str, Any] | None = field(default=None, compare=False)

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Path, row, column, code: the order of every output format."""
        if self.primary is None:
            return ("", 0, 0, self.code, self.message)
        line, column = self.primary.span.file.position(self.primary.span.start)
        return (self.primary.span.file.path, line, column, self.code, self.message)


def error(
    code: str,
    message: str,
    span: Span | None,
    *,
    label: str = "",
    help: str = "",
    notes: Iterable[str] = (),
    secondary: Iterable[Label] = (),
    name: str = "",
) -> Diagnostic:
    """An error at `span`; the shorthand of the front ends and back ends."""
    return Diagnostic(
        code, Severity.ERROR, message, Label(span, label) if span else None, tuple(secondary), tuple(notes), help, name
    )


def warning(
    code: str,
    message: str,
    span: Span | None,
    *,
    label: str = "",
    help: str = "",
    notes: Iterable[str] = (),
    secondary: Iterable[Label] = (),
    name: str = "",
) -> Diagnostic:
    """A warning at `span`."""
    return Diagnostic(
        code,
        Severity.WARNING,
        message,
        Label(span, label) if span else None,
        tuple(secondary),
        tuple(notes),
        help,
        name,
    )


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)
