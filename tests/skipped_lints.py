"""A wrong `needs` silences a lint and nobody notices; hence no test leaves a lint out without asking it."""

from __future__ import annotations

from collections.abc import Callable

from fwc.lints._context import LintContext
from fwc.lints._registry import Listed, load_lint


def silent(is_about: Callable[[Listed, LintContext], bool]) -> Callable[[Listed, LintContext], bool]:
    """`is_about`, which runs what it leaves out and fails when this finds something."""

    def asked(lint: Listed, context: LintContext) -> bool:
        wanted = is_about(lint, context)
        found = [] if wanted else list(load_lint(lint.code).check(context))
        assert not found, f"{lint.code} needs {', '.join(lint.needs)} and finds without: {found[0].message}"
        return wanted

    return asked
