"""`fwc test`."""

from __future__ import annotations

import datetime

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, quiet_options, report, stdin_option
from fwc.cli.progress import working
from fwc.diagnostics import has_errors
from fwc.errors import UsageError
from fwc.project.loader import DiskFiles, read_input, standard_policies


@click.command("test")
@click.argument("policy")
@click.option("-t", "--target", default="", metavar="TARGET", help="Test the text emitted for TARGET, read back.")
@click.option("--host", default="", metavar="NAME", help="Which machine of a fleet file.")
@click.option("--kernel", is_flag=True, help="Send the packets for real, in a throw-away network namespace (root).")
@click.option("--today", default="", metavar="DATE", help="The day `expires` is checked against; default: today.")
@stdin_option
@quiet_options
@color_option
def command(
    policy: str,
    target: str,
    host: str,
    kernel: bool,
    today: str,
    stdin_filename: str,
    quiet: bool,
    verbose: bool,
    color: str,
) -> int:
    """Run the `test` packets and `assert` lines of POLICY; exit 1 when one does not hold."""
    name = api.target_name(target) if target else ""
    if name is None:
        raise UsageError(f"unknown target {target!r}")
    if kernel and name == "pf":
        raise UsageError("--kernel runs Linux's kernel; pf output cannot be tested that way")
    source = read_input(policy, stdin_filename)
    files = DiskFiles(policy, standard_policies())
    request = api.TestRequest(name, host, today or datetime.date.today().isoformat(), not quiet)
    with working(f"testing {source.path}", quiet):
        outcome, diagnostics = api.test_policy(source, files, request)
    if kernel and outcome is not None:
        from fwc.project.kernel.policy_tests import run_on_kernel

        diagnostics = [*diagnostics, *run_on_kernel(outcome.elaborated, outcome.outputs)]
    report(diagnostics, color, quiet)
    if outcome is not None and not quiet:
        *lines, coverage = outcome.lines
        for line in lines if verbose else ():
            click.echo(line)
        click.echo(coverage)
        click.echo(outcome.summary)
    return exits.FINDINGS if has_errors(diagnostics) else exits.CLEAN
