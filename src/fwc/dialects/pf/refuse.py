"""Refusals of the pf back end: what macOS' pf cannot say, at the statement that asks for it, with the way out."""

from __future__ import annotations

from fwc.diagnostics import Diagnostic, error
from fwc.dialects.base import Lossy
from fwc.dialects.pf.capabilities import BY_FEATURE
from fwc.ir.model import Rule
from fwc.source import Origin, Span


class Report:
    """Collects refusals, and losses that the user allowed; each statement and feature is told once."""

    __slots__ = ("diagnostics", "losses", "lossy", "seen")

    def __init__(self, lossy: Lossy) -> None:
        self.lossy = lossy
        self.diagnostics: list[Diagnostic] = []
        self.losses: list[str] = []
        self.seen: set[tuple[str, Span | None]] = set()

    def refuse(self, where: Rule | Origin, feature: str, message: str = "", help: str = "") -> None:
        origin = where.origin if isinstance(where, Rule) else where
        if (feature, origin.span) in self.seen:
            return
        self.seen.add((feature, origin.span))
        row = BY_FEATURE[feature]
        text = message or f"pf on macOS cannot express {feature}"
        way = help or row.note
        notes = ("keep the statement for other targets with `when not target pf { ... }`",)
        self.diagnostics.append(
            error("FW031", text, origin.span, label=feature, help=way, notes=notes, name="lossy-compile")
        )

    def note(self, text: str) -> None:
        """A line for the header about something that the policy cannot mean differently here."""
        line = f"note: {text}"
        if line not in self.losses:
            self.losses.append(line)

    def lose(self, where: Rule | Origin, feature: str, what: str, *, widens: bool) -> bool:
        """True when the user allowed this loss; it is then listed in the header. False: it was refused."""
        needed = Lossy.WIDE if widens else Lossy.NARROW
        allowed = self.lossy is Lossy.WIDE or self.lossy is needed
        origin = where.origin if isinstance(where, Rule) else where
        if not allowed:
            flag = "--lossy=wide" if widens else "--lossy"
            row = BY_FEATURE[feature]
            self.refuse(
                where,
                feature,
                f"pf on macOS cannot express {feature} exactly: {what}",
                f"{row.note}; or accept the loss with {flag}",
            )
            return False
        place = f"{origin.span}: " if origin.span else ""
        line = f"lossy: {place}{feature}: {what}"
        if line not in self.losses:
            self.losses.append(line)
        return True
