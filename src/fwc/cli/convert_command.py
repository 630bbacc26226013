"""`fwc convert`."""

from __future__ import annotations

from pathlib import Path

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, kind_of, quiet_options, report, stdin_option
from fwc.cli.progress import working
from fwc.diagnostics import has_errors
from fwc.errors import UsageError
from fwc.project.loader import read_input
from fwc.project.write import PlannedFile, out_of_date, output_directory, write_all


@click.command("convert")
@click.argument("file")
@click.option("--to", "to", required=True, metavar="TARGET", help="nftables, iptables, pf or fw (a policy).")
@click.option("-o", "--output", metavar="FILE", help="Write the one output to FILE.")
@click.option("--out-dir", metavar="DIR", help="Write the target's usual file names into DIR.")
@click.option("--family", type=click.Choice(["v4", "v6"]), help="Of an iptables-save file that does not show it.")
@click.option("--format-in", type=click.Choice(["auto", *api.KINDS]), default="auto", help="Syntax of the input.")
@stdin_option
@quiet_options
@color_option
def command(
    file: str, to: str, output: str | None, out_dir: str | None, family: str | None, format_in: str,
    stdin_filename: str, quiet: bool, verbose: bool, color: str,
) -> int:  # fmt: skip
    """Translate the ruleset FILE; nothing is written unless the result is proved equal to it."""
    target = "fwc" if to in ("fw", "fwc") else api.target_name(to)
    if target is None:
        raise UsageError(f"cannot convert to {to!r}: the forms are nftables, iptables, pf and fw")
    if output and out_dir:
        raise UsageError("give --output or --out-dir, not both")
    if out_dir:
        output_directory(out_dir)
    source = read_input(file, stdin_filename)
    kind = kind_of(source, format_in)
    if kind == "fwc":
        form = "fwc fmt" if target == "fwc" else f"fwc compile --target {target}"
        raise UsageError(f"{source.path} is a policy: use `{form}`")
    with working(f"converting {source.path}", quiet):
        converted, diagnostics = api.convert(source, api.ReadRequest(kind, family=family or ""), target)
    report(diagnostics, color, quiet)
    if converted is None or has_errors(diagnostics):
        return exits.FINDINGS
    planned = _plan(converted, output, out_dir)
    if not planned:
        click.echo(converted.files[0].text, nl=False)
        return exits.CLEAN
    changed = out_of_date(planned)
    write_all(changed, Path(out_dir) if out_dir else None)
    if verbose:
        for each in planned:
            click.echo(f"{each.path}: {'written' if each in changed else 'unchanged'}", err=True)
    return exits.CLEAN


def _plan(converted: api.TargetOutput, output: str | None, out_dir: str | None) -> list[PlannedFile]:
    """The files to write; none when the one file goes to standard output."""
    if out_dir:
        return [PlannedFile(Path(out_dir) / f.name, f.text, f.executable) for f in converted.files]
    if len(converted.files) != 1:
        names = ", ".join(f.name for f in converted.files)
        raise UsageError(f"the result is several files ({names}): give --out-dir")
    only = converted.files[0]
    return [PlannedFile(Path(output), only.text, only.executable)] if output else []
