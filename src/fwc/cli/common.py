"""What the commands share: options, colour, printing diagnostics."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from fwc.diagnostics import Diagnostic, Severity
from fwc.errors import UsageError
from fwc.render.text import COLOUR, PLAIN, Style, render_full, summary
from fwc.source import SourceFile

Command = TypeVar("Command", bound=Callable[..., Any])


def color_option(function: Command) -> Command:
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Colour in diagnostics; NO_COLOR is honoured.",
    )(function)


def quiet_options(function: Command) -> Command:
    function = click.option("-v", "--verbose", is_flag=True, help="Say more.")(function)
    return click.option("-q", "--quiet", is_flag=True, help="Only errors.")(function)


def stdin_option(function: Command) -> Command:
    return click.option(
        "--stdin-filename", default="", metavar="NAME", help="Name of the input in messages when it is `-`."
    )(function)


def style_for(color: str, stream: Any = None) -> Style:
    """Escapes for `stream` (standard error when not given)."""
    if color == "always":
        return COLOUR
    if color == "never" or os.environ.get("NO_COLOR"):
        return PLAIN
    return COLOUR if (stream or sys.stderr).isatty() else PLAIN


def kind_of(source: SourceFile, format_in: str) -> str:
    """The kind of an input, recognised from its content unless the user says it. Raises UsageError."""
    from fwc.api import recognise_kind

    kind = format_in if format_in != "auto" else recognise_kind(source)
    if kind is None:
        raise UsageError(f"{source.path}: cannot tell what kind of ruleset this is; say it with --format-in")
    return kind


def report(diagnostics: Sequence[Diagnostic], color: str, quiet: bool = False) -> None:
    """Print diagnostics in their order on standard error; `quiet` keeps only the errors."""
    shown = [d for d in diagnostics if not quiet or d.severity is Severity.ERROR]
    shown.sort(key=Diagnostic.sort_key)
    if shown:
        click.echo(render_full(shown, style_for(color)), err=True, nl=False)
        click.echo(summary(shown), err=True)
