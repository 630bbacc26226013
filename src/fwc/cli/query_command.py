"""`fwc query`."""

from __future__ import annotations

import datetime

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, kind_of, quiet_options, report, stdin_option
from fwc.diagnostics import has_errors
from fwc.errors import UsageError
from fwc.project.loader import DiskFiles, read_input, standard_policies


@click.command("query")
@click.argument("file")
@click.argument("question")
@click.option("-t", "--target", default="", metavar="TARGET", help="Target that a policy is asked about.")
@click.option("--host", default="", metavar="NAME", help="Which machine of a fleet file.")
@click.option("--format-in", type=click.Choice(["auto", *api.KINDS]), default="auto", help="Syntax of the input.")
@click.option("--family", type=click.Choice(["v4", "v6"]), help="Of an iptables-save file that does not show it.")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--today", default="", metavar="DATE", help="The day `expires` is checked against; default: today.")
@stdin_option
@quiet_options
@color_option
def command(
    file: str, question: str, target: str, host: str, format_in: str, family: str | None, output_format: str, today: str,
    stdin_filename: str, quiet: bool, verbose: bool, color: str,
) -> int:  # fmt: skip
    """Which new connections FILE lets through.

    QUESTION is `who can reach B`, `what can A reach` or `can A reach B`, with traffic after it: `who can reach self tcp 22`. In a
    policy A and B are zones, hosts, groups or addresses and traffic is as in a rule; in a ruleset they are `self`, addresses,
    networks or interfaces, and traffic is `tcp 22,80`, `udp 53`, `icmp`, `ping` or a protocol.
    """
    name = api.target_name(target) if target else ""
    if name is None:
        raise UsageError(f"unknown target {target!r}")
    source = read_input(file, stdin_filename)
    request = api.ReadRequest(
        kind_of(source, format_in), name, host, today or datetime.date.today().isoformat(), family or ""
    )
    result, found = api.query(source, DiskFiles(file, standard_policies()), request, question)
    report(found, color, quiet)
    if has_errors(found) or result is None:
        return exits.FINDINGS
    from fwc.render.query_forms import query_json, query_text

    click.echo((query_json if output_format == "json" else query_text)(result), nl=False)
    return exits.CLEAN
