"""`expires` and `disabled`: which statements are left out (language D17)."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.diagnostics import Diagnostic
from fwc.elaborate.codes import EXPIRED
from fwc.elaborate.report import mistake
from fwc.lang import ast


class Expiry:
    """Compares dates with `today` and keeps header lines about what was decided."""

    def __init__(self, today: str, on_expired: str) -> None:
        self.today = today
        self.on_expired = on_expired
        self.compared = False
        self.omitted: list[str] = []

    def notes(self) -> tuple[str, ...]:
        """For the header of the output, so that a build can be repeated."""
        first = (f"expiry dates compared with {self.today}",) if self.compared else ()
        return first + tuple(self.omitted)

    def keeps(self, statement: ast.Statement, out: list[Diagnostic]) -> bool:
        """Whether the statement is compiled. An expired one is an error unless the settings say otherwise, and only an
        allow that refuses nothing and records nothing may be omitted: dropping anything else could open something."""
        options = options_of(statement)
        for option in options:
            if isinstance(option, ast.DisabledOption):
                return False
        for option in options:
            if isinstance(option, ast.ExpiresOption):
                return self._keeps(statement, option, options, out)
        return True

    def _keeps(
        self, statement: ast.Statement, option: ast.ExpiresOption, options: Sequence[ast.Option], out: list[Diagnostic]
    ) -> bool:
        if not self.today:
            help = "give the date to compile for: --today 2026-01-31"
            out.append(mistake(EXPIRED, "this expires, and today's date is not known", option.span, help=help))
            return True
        self.compared = True
        date = option.date.text
        if date >= self.today or self.on_expired == "keep":
            return True
        if self.on_expired == "omit":
            if _droppable(statement, options):
                self.omitted.append(f"omitted, expired {date}: {statement.span}")
                return False
            message = f"this expired on {date}, and leaving it out could let more through"
            help = "remove it, or give it a later date; `on-expired omit` drops plain allows only"
            out.append(mistake(EXPIRED, message, option.span, help=help))
            return True
        help = "remove the statement, give it a later date, or set `on-expired omit`"
        out.append(mistake(EXPIRED, f"this expired on {date}; today is {self.today}", option.span, help=help))
        return True


def options_of(statement: ast.Statement) -> tuple[ast.Option, ...]:
    """The options of a rule, NAT statement, packet change or default."""
    if isinstance(statement, ast.Default):
        return statement.options
    clauses = getattr(statement, "clauses", None)
    return clauses.options if isinstance(clauses, ast.Clauses) else ()


def _droppable(statement: ast.Statement, options: Sequence[ast.Option]) -> bool:
    """`limit` and `max` refuse what exceeds them, `add` feeds other rules: without them more could pass."""
    if not isinstance(statement, ast.Rule) or statement.action != "allow":
        return False
    return not any(isinstance(o, (ast.LimitOption, ast.MaxOption, ast.AddOption)) for o in options)
