"""`fwc rules`."""

from __future__ import annotations

import json

import click

from fwc.cli import exits
from fwc.lints._registry import load_lints


@click.command("rules")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(output_format: str) -> int:
    """The table of all lints."""
    lints = load_lints().values()
    if output_format == "json":
        rows = [
            {
                "code": each.code,
                "name": each.name,
                "severity": str(each.severity),
                "persona": each.persona.value,
                "category": each.category,
                "formats": list(each.formats),
                "summary": each.summary,
                "url": each.url,
            }
            for each in lints
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return exits.CLEAN
    width = max((len(each.name) for each in lints), default=0)
    for each in lints:
        click.echo(f"{each.code}  {each.name:{width}}  {each.severity:7}  {each.persona.value:8}  {each.summary}")
    return exits.CLEAN
