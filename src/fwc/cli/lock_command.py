"""`fwc lock`."""

from __future__ import annotations

from pathlib import Path

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, report
from fwc.diagnostics import has_errors
from fwc.project.loader import DiskFiles, read_input, standard_policies
from fwc.project.lock import LOCK_NAME, format_lock, resolve
from fwc.project.write import PlannedFile, difference, out_of_date, write_all


@click.command("lock")
@click.argument("policy")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when policy.lock is out of date.")
@color_option
def command(policy: str, check: bool, color: str) -> int:
    """Resolve the dns names of POLICY with the system's resolver into policy.lock beside it.

    Compiling reads the lock only, so the same text gives the same output wherever it is compiled.
    """
    source = read_input(policy)
    names, diagnostics = api.dns_names(source, DiskFiles(policy, standard_policies()))
    report(diagnostics, color)
    if has_errors(diagnostics):
        return exits.FINDINGS
    planned = PlannedFile(Path(policy).parent / LOCK_NAME, format_lock(resolve(names)))
    changed = out_of_date([planned])
    if check:
        click.echo(difference(planned), nl=False)
        return exits.FINDINGS if changed else exits.CLEAN
    if changed:
        write_all(changed)
        click.echo(f"{planned.path}: {len(names)} names", err=True)
    return exits.CLEAN
