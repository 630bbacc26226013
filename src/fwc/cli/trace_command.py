"""`fwc trace`."""

from __future__ import annotations

import datetime

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, report
from fwc.diagnostics import has_errors
from fwc.errors import UsageError
from fwc.project.loader import DiskFiles, read_input, standard_policies


@click.command("trace")
@click.argument("file")
@click.argument("packet")
@click.option("-t", "--target", default="", metavar="TARGET", help="Target that a policy is traced for.")
@click.option("--host", default="", metavar="NAME", help="Which machine of a fleet file.")
@click.option("--format-in", type=click.Choice(["auto", "fwc", "iptables-save", "nft", "nft-json", "pf"]), default="auto",
              help="Syntax of the input.")  # fmt: skip
@color_option
def command(file: str, packet: str, target: str, host: str, format_in: str, color: str) -> int:
    """The way of PACKET through FILE: every rule tried and why it did or did not match, translations, and who decided.

    PACKET is written as `tcp 198.51.100.7:4000 -> 203.0.113.5:443 in eth0`; in a policy `in` and `out` also take zones.
    """
    source = read_input(file)
    kind = format_in if format_in != "auto" else api.recognise_kind(source)
    if kind is None:
        raise UsageError(f"{file}: cannot tell what kind of ruleset this is; say it with --format-in")
    name = api.target_name(target) if target else ""
    if name is None:
        raise UsageError(f"unknown target {target!r}")
    today = datetime.date.today().isoformat()
    files = DiskFiles(file, standard_policies())
    lines, diagnostics = api.trace_packet(source, files, kind, packet, name, host, today)
    report(diagnostics, color)
    for line in lines:
        click.echo(line)
    return exits.FINDINGS if has_errors(diagnostics) else exits.CLEAN
