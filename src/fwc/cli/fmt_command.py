"""`fwc fmt`."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from fwc.cli import exits
from fwc.cli.common import color_option, report, stdin_option
from fwc.diagnostics import Diagnostic, has_errors
from fwc.lang.format import format_source
from fwc.project.loader import STANDARD_INPUT, read_input
from fwc.project.write import PlannedFile, write_all


@click.command("fmt")
@click.argument("paths", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Write nothing; show what would change.")
@stdin_option
@color_option
def command(paths: tuple[str, ...], check: bool, show_diff: bool, stdin_filename: str, color: str) -> int:
    """Rewrite policies in the canonical layout; comments are kept and the meaning never changes.

    PATH is a policy, a directory to search for *.fw files, or `-` to read standard input and print the result.
    """
    found: list[Diagnostic] = []
    planned: list[PlannedFile] = []
    changed: list[str] = []
    for path in _policies(paths):
        source = read_input(path, stdin_filename)
        text, diagnostics = format_source(source)
        found.extend(diagnostics)
        if has_errors(diagnostics):
            continue
        if path == STANDARD_INPUT and not (check or show_diff):
            click.echo(text, nl=False)
        elif text != source.text:
            changed.append(source.path)
            planned.append(PlannedFile(Path(path), text))
        if show_diff:
            click.echo(_difference(source.path, source.text, text), nl=False)
    report(found, color)
    if check or show_diff:
        for name in changed if check else ():
            click.echo(f"would reformat {name}", err=True)
        return exits.FINDINGS if changed or has_errors(found) else exits.CLEAN
    write_all([file for file in planned if str(file.path) != STANDARD_INPUT])
    return exits.FINDINGS if has_errors(found) else exits.CLEAN


def _policies(paths: tuple[str, ...]) -> list[str]:
    out: list[str] = []
    for path in paths:
        if path != STANDARD_INPUT and Path(path).is_dir():
            out.extend(str(p) for p in sorted(Path(path).rglob("*.fw")))
        else:
            out.append(path)
    return out


def _difference(name: str, old: str, new: str) -> str:
    return "".join(difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), name, name))
