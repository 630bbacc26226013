"""`fwc diff`."""

from __future__ import annotations

import datetime

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, kind_of, quiet_options, report, stdin_option
from fwc.cli.progress import working
from fwc.diagnostics import Diagnostic, has_errors
from fwc.errors import UsageError
from fwc.project.loader import STANDARD_INPUT, DiskFiles, read_input, standard_policies


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("-t", "--target", default="", metavar="TARGET", help="Target that policies are compared for.")
@click.option("--host", default="", metavar="NAME", help="Which machine of a fleet file.")
@click.option("--format-in", type=click.Choice(["auto", *api.KINDS]), default="auto", help="Syntax of both inputs.")
@click.option("--family", type=click.Choice(["v4", "v6"]), help="Of an iptables-save file that does not show it.")
@click.option("--output-format", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--fail-on", type=click.Choice(["widen", "any"]), default="any", show_default=True,
              help="Exit 1 only when packets are newly accepted, or when anything differs.")  # fmt: skip
@click.option("--max-regions", type=click.IntRange(1), default=20, show_default=True, help="Regions to show.")
@click.option("--today", default="", metavar="DATE", help="The day `expires` is checked against; default: today.")
@stdin_option
@quiet_options
@color_option
def command(
    old: str, new: str, target: str, host: str, format_in: str, family: str | None, output_format: str, fail_on: str,
    max_regions: int, today: str, stdin_filename: str, quiet: bool, verbose: bool, color: str,
) -> int:  # fmt: skip
    """Compare OLD and NEW by meaning: two policies, two rulesets, or one of each.

    Prints the packets that they treat differently, per hook and family, with a packet and the lines that decide.
    """
    if old == new == STANDARD_INPUT:
        raise UsageError("only one of the two can be standard input")
    name = api.target_name(target) if target else ""
    if name is None:
        raise UsageError(f"unknown target {target!r}")
    sides: list[api.Side | None] = []
    found: list[Diagnostic] = []
    sources = [read_input(path, stdin_filename) for path in (old, new)]
    kinds = [kind_of(source, format_in) for source in sources]
    # a policy means what it means on the machine of the ruleset that it is compared with (`lo` or `lo0`)
    name = name or next((api.DIALECT_OF[kind] for kind in kinds if kind != "fwc"), "")
    day = today or datetime.date.today().isoformat()
    for path, source, kind in zip((old, new), sources, kinds, strict=True):
        request = api.ReadRequest(kind, name, host, day, family or "")
        side, diagnostics = api.read_side(source, DiskFiles(path, standard_policies()), request)
        sides.append(side)
        found.extend(diagnostics)
    found = list(dict.fromkeys(found))
    report(found, color, quiet)
    if has_errors(found) or sides[0] is None or sides[1] is None:
        return exits.FINDINGS
    with working("comparing", quiet):
        result, notes = api.diff(sides[0], sides[1])
    from fwc.render.diff_forms import diff_json, diff_markdown, diff_text

    form = {"text": diff_text, "json": diff_json, "markdown": diff_markdown}[output_format]
    click.echo(form(result, max_regions, notes), nl=False)
    failed = result.widens if fail_on == "widen" else result.differs
    return exits.FINDINGS if failed else exits.CLEAN
