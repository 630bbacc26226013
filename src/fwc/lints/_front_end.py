"""Codes that reading an input reports by itself, before any lint runs: each has a page, a name and a place in the tables.

A page begins with a line `# CODE name severity formats...`; what follows is written as the docstring of a lint is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fwc.diagnostics import Diagnostic, Persona, Severity
from fwc.lints._context import LintContext
from fwc.lints._registry import Lint

_PAGE = re.compile(r"^# (?=FW\d)", re.M)


def _reported_elsewhere(context: LintContext) -> Iterator[Diagnostic]:
    """Nothing: the parser, the lifting or the elaboration reported it already."""
    return iter(())


def front_end_lints() -> Iterator[Lint]:
    """An entry for every code of the pages."""
    from fwc.lints._pages_language import PAGES as LANGUAGE
    from fwc.lints._pages_matches import PAGES as MATCHES
    from fwc.lints._pages_names import PAGES as NAMES
    from fwc.lints._pages_statements import PAGES as STATEMENTS
    from fwc.lints._pages_targets import PAGES as TARGETS

    for text in (MATCHES, TARGETS, LANGUAGE, NAMES, STATEMENTS):
        for page in _PAGE.split(text)[1:]:
            head, body = page.split("\n", 1)
            code, name, severity, *formats = head.split()
            summary = body.strip().split("\n", 1)[0]
            yield Lint(
                code, name, Severity(severity), Persona.REGULAR, tuple(formats), summary, body.strip() + "\n",
                _reported_elsewhere,
            )  # fmt: skip
