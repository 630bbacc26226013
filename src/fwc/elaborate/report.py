"""Short forms for reporting mistakes with a code of this package."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic, Label, error, warning
from fwc.source import Span

Code = tuple[str, str]


def mistake(
    code: Code,
    message: str,
    span: Span | None,
    *,
    label: str = "",
    help: str = "",
    notes: Iterable[str] = (),
    secondary: Iterable[Label] = (),
) -> Diagnostic:
    """An error with a code and its name."""
    return error(code[0], message, span, label=label, help=help, notes=notes, secondary=secondary, name=code[1])


def caution(code: Code, message: str, span: Span | None, *, help: str = "") -> Diagnostic:
    """A warning with a code and its name."""
    return warning(code[0], message, span, help=help, name=code[1])
