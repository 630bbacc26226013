"""`fwc cost`."""

from __future__ import annotations

import datetime

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, kind_of, quiet_options, report, stdin_option
from fwc.diagnostics import has_errors
from fwc.errors import UsageError
from fwc.project.loader import DiskFiles, read_input, standard_policies


@click.command("cost")
@click.argument("file")
@click.option("-t", "--target", default="", metavar="TARGET", help="Target that a policy is compiled for.")
@click.option("--host", default="", metavar="NAME", help="Which machine of a fleet file.")
@click.option("--format-in", type=click.Choice(["auto", *api.KINDS]), default="auto", help="Syntax of the input.")
@click.option("-O", "--optimize", type=click.IntRange(0, 1), default=1, show_default=True, help="0: the plain list.")
@click.option("--ipset", is_flag=True, help="iptables: with ipsets.")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--today", default="", metavar="DATE", help="The day `expires` is checked against; default: today.")
@stdin_option
@quiet_options
@color_option
def command(
    file: str, target: str, host: str, format_in: str, optimize: int, ipset: bool, output_format: str, today: str,
    stdin_filename: str, quiet: bool, verbose: bool, color: str,
) -> int:  # fmt: skip
    """How many rules and lookups a packet meets at each hook of FILE, and about how many nanoseconds that takes.

    FILE is a policy, costed as what it compiles to, or an existing ruleset. The nanoseconds are those of one measured machine,
    without connection tracking: compare them with each other.
    """
    source = read_input(file, stdin_filename)
    name = api.target_name(target) if target else ""
    if name is None:
        raise UsageError(f"unknown target {target!r}")
    request = api.ReadRequest(kind_of(source, format_in), name, host, today or datetime.date.today().isoformat())
    priced, hooks, diagnostics = api.cost(source, DiskFiles(file, standard_policies()), request, optimize, ipset)
    report(diagnostics, color, quiet)
    if has_errors(diagnostics):
        return exits.FINDINGS
    from fwc.render.cost_forms import cost_json, cost_text

    click.echo((cost_json if output_format == "json" else cost_text)(priced, hooks), nl=False)
    return exits.CLEAN
