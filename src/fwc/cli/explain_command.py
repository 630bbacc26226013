"""`fwc explain`."""

from __future__ import annotations

import difflib

import click

from fwc.cli import exits
from fwc.errors import UsageError
from fwc.lints._registry import Lint, find_lint, load_lints


@click.command("explain")
@click.argument("code")
def command(code: str) -> int:
    """The documentation of the lint CODE (FW101, or its name)."""
    lint = find_lint(code)
    if lint is None:
        known = [word for each in load_lints().values() for word in (each.code, each.name)]
        close = difflib.get_close_matches(code, known, 1)
        raise UsageError(f"no lint {code!r}" + (f"; did you mean {close[0]}?" if close else "; `fwc rules` lists them"))
    click.echo(page(lint), nl=False)
    return exits.CLEAN


def page(lint: Lint) -> str:
    """The lint's page in Markdown, the same as in docs/lints/."""
    formats = ", ".join(lint.formats)
    head = f"# {lint.code} {lint.name}\n\n"
    facts = f"*{lint.severity}, category {lint.category}, shown to {lint.persona.value}; reads {formats}*\n\n"
    return head + facts + lint.documentation.strip() + "\n"
