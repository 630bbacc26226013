"""`fwc targets`."""

from __future__ import annotations

import json

import click

from fwc.cli import exits
from fwc.dialects.registry import TARGETS, load_dialect, target_name
from fwc.errors import UsageError


@click.command("targets")
@click.argument("target", required=False)
@click.option("--output-format", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
def command(target: str | None, output_format: str) -> int:
    """What each target can express: the table that the compiler itself goes by."""
    name = target_name(target) if target else None
    if target and name is None:
        raise UsageError(f"unknown target {target!r}; the targets are {', '.join(TARGETS)}")
    tables = {t: load_dialect(t).capabilities for t in ([name] if name else TARGETS)}
    if output_format == "json":
        rows = [
            {"target": t, "feature": c.feature, "support": str(c.support), "note": c.note}
            for t, table in tables.items()
            for c in table
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return exits.CLEAN
    for heading, table in tables.items():
        width = max(len(c.feature) for c in table)
        if output_format == "markdown":
            click.echo(f"## {heading}\n\n| feature | support | how, or what to do instead |\n|---|---|---|")
        else:
            click.echo(heading)
        for c in table:
            if output_format == "markdown":
                click.echo(f"| {c.feature} | {c.support} | {c.note.replace('|', '&#124;')} |")
            else:
                click.echo(f"  {c.feature:{width}}  {c.support:7}  {c.note}")
        click.echo()
    return exits.CLEAN
