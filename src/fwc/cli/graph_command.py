"""`fwc graph`."""

from __future__ import annotations

import datetime

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, kind_of, quiet_options, report, stdin_option
from fwc.diagnostics import has_errors
from fwc.errors import UsageError
from fwc.project.loader import DiskFiles, read_input, standard_policies


@click.command("graph")
@click.argument("file")
@click.option("-t", "--target", default="", metavar="TARGET", help="Target that a policy is drawn for.")
@click.option("--host", default="", metavar="NAME", help="Which machine of a fleet file.")
@click.option("--format-in", type=click.Choice(["auto", *api.KINDS]), default="auto", help="Syntax of the input.")
@click.option("--family", type=click.Choice(["v4", "v6"]), help="Of an iptables-save file that does not show it.")
@click.option(
    "--output-format", type=click.Choice(["text", "dot", "mermaid", "svg"]), default="text", show_default=True
)
@click.option("--today", default="", metavar="DATE", help="The day `expires` is checked against; default: today.")
@stdin_option
@quiet_options
@color_option
def command(
    file: str, target: str, host: str, format_in: str, family: str | None, output_format: str, today: str,
    stdin_filename: str, quiet: bool, verbose: bool, color: str,
) -> int:  # fmt: skip
    """The chains of FILE by hook, their jumps and rule counts; chains that no packet gets into are marked."""
    name = api.target_name(target) if target else ""
    if name is None:
        raise UsageError(f"unknown target {target!r}")
    source = read_input(file, stdin_filename)
    request = api.ReadRequest(
        kind_of(source, format_in), name, host, today or datetime.date.today().isoformat(), family or ""
    )
    ruleset, found = api.read_for_graph(source, DiskFiles(file, standard_policies()), request)
    report(found, color, quiet)
    if ruleset is None:
        return exits.FINDINGS
    from fwc.render.graph_forms import graph_dot, graph_mermaid, graph_of, graph_text
    from fwc.render.graph_svg import graph_svg

    form = {"text": graph_text, "dot": graph_dot, "mermaid": graph_mermaid, "svg": graph_svg}[output_format]
    click.echo(form(graph_of(ruleset)), nl=False)
    return exits.FINDINGS if has_errors(found) else exits.CLEAN
