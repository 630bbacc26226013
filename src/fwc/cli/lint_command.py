"""`fwc lint`."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, quiet_options, stdin_option, style_for
from fwc.diagnostics import Applicability, Diagnostic, Persona, Severity
from fwc.errors import UsageError
from fwc.lints._settings import LintSettings
from fwc.project.config import find_config, load_config
from fwc.project.loader import STANDARD_INPUT, DiskFiles, read_input, standard_policies
from fwc.project.write import PlannedFile, write_all

FORMATS = ("full", "concise", "json", "json-lines", "sarif", "github", "gitlab", "checkstyle", "junit")
SUFFIXES = (".fw", ".nft", ".rules", ".v4", ".v6", ".save", ".pf", ".conf")
"""What a directory is searched for; a `.conf` only counts when its content is a ruleset."""


@click.command("lint")
@click.argument("paths", nargs=-1)
@click.option("--select", multiple=True, metavar="CODES", help="Only these codes, names or prefixes (FW1, ALL).")
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these.")
@click.option("--extend-select", multiple=True, metavar="CODES", help="These as well.")
@click.option("--persona", type=click.Choice([p.value for p in Persona]), help="Who asks: decides what is shown.")
@click.option("--profile", metavar="NAME", help="host, router, docker-host, k8s-node or mac.")
@click.option("-t", "--target", metavar="TARGET", help="Target that a policy is linted for.")
@click.option("--host", default="", metavar="NAME", help="Which machine of a fleet file.")
@click.option(
    "--format-in",
    type=click.Choice(["auto", "fwc", "iptables-save", "nft", "nft-json", "pf"]),
    default="auto",
    help="Syntax of the input.",
)
@click.option("--family", type=click.Choice(["v4", "v6"]), help="Of an iptables-save file that does not show it.")
@click.option("--with", "companion", metavar="FILE", help="The other family's iptables-save file, linted together.")
@click.option("--output-format", type=click.Choice(FORMATS), default="full", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write the findings to FILE.")
@click.option("--fail-level", type=click.Choice([str(s) for s in Severity]), help="Least severity that exits 1.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 even with findings.")
@click.option("--fix", is_flag=True, help="Apply fixes that provably change no packet.")
@click.option("--unsafe-fixes", is_flag=True, help="Apply the others too.")
@click.option("--diff", "show_diff", is_flag=True, help="Show the fixes instead of applying them.")
@click.option("--baseline", metavar="FILE", help="Hide the findings listed in FILE.")
@click.option("--generate-baseline", metavar="FILE", help="Write the present findings to FILE and exit 0.")
@click.option("--no-ignores", is_flag=True, help="Report suppressed findings too.")
@click.option("--statistics", is_flag=True, help="Count findings per code.")
@click.option("--today", default="", metavar="DATE", help="The day that ends of exceptions are checked against.")
@click.option("--config", metavar="FILE", help="This configuration file.")
@click.option("--isolated", is_flag=True, help="No configuration file.")
@stdin_option
@quiet_options
@color_option
def command(paths: tuple[str, ...], **options: Any) -> int:
    """Find faults in policies, iptables-save files, nftables rulesets and pf.conf files.

    PATH is a file, a directory to search, or `-`; without one the present directory is searched.
    """
    settings = _settings(options)
    inputs = _inputs(paths or (".",))
    outcome = api.LintOutcome()
    unread: list[str] = []
    for path, required in inputs:
        try:
            _lint_one(path, required, settings, options, outcome)
        except UsageError as error:  # one file that cannot be read hides nothing about the others
            if len(inputs) == 1:
                raise
            unread.append(str(error))
    if unread and options["generate_baseline"]:
        raise UsageError(unread[0])
    if options["generate_baseline"]:
        from fwc.render.baseline import format_baseline

        write_all([PlannedFile(Path(options["generate_baseline"]), format_baseline(outcome.findings))])
        click.echo(f"{options['generate_baseline']}: {len(outcome.findings)} findings", err=True)
        return exits.CLEAN
    hidden = gone = 0
    if options["baseline"]:
        from fwc.render.baseline import read_baseline, without_baseline

        known = read_baseline(Path(options["baseline"]))
        outcome.findings, hidden, gone = without_baseline(outcome.findings, known)
    _print(outcome, options, settings, hidden, gone)
    if unread:
        for message in unread:
            click.echo(f"fwc: error: {message}", err=True)
        return exits.USAGE
    worst = max((d.severity.rank for d in outcome.findings), default=-1)
    return exits.FINDINGS if worst >= settings.fail_level.rank and not options["exit_zero"] else exits.CLEAN


def _lint_one(
    path: str, required: bool, settings: LintSettings, options: dict[str, Any], outcome: api.LintOutcome
) -> None:
    source = read_input(path, options["stdin_filename"])
    kind = options["format_in"] if options["format_in"] != "auto" else api.recognise_kind(source)
    if kind is None:
        if required:
            raise UsageError(f"{path}: cannot tell what kind of ruleset this is; say it with --format-in")
        return
    request = api.LintRequest(
        kind,
        settings,
        options["host"],
        options["family"] or "",
        read_input(options["companion"]) if options["companion"] else None,
    )
    files = DiskFiles(path, standard_policies())
    if options["fix"] or options["unsafe_fixes"]:
        result, text, fixed = api.fix(source, files, request, options["unsafe_fixes"])
        if text != source.text:
            _write_or_show(path, source.text, text, options["show_diff"])
            outcome.fixed += fixed
    else:
        result = api.lint(source, files, request)
    outcome.findings.extend(result.findings)
    outcome.suppressed.extend(result.suppressed)
    outcome.notes.extend(result.notes)
    outcome.paths.append(source.path)


def _write_or_show(path: str, old: str, new: str, show: bool) -> None:
    if show or path == STANDARD_INPUT:
        import difflib

        lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), path, path)
        click.echo("".join(lines), nl=False)
    else:
        write_all([PlannedFile(Path(path), new)])


def _settings(options: dict[str, Any]) -> LintSettings:
    if options["isolated"]:
        settings = LintSettings()
    else:
        config = Path(options["config"]) if options["config"] else find_config(Path())
        settings = load_config(config)
    changes: dict[str, Any] = {
        key: tuple(w.strip() for words in options[key] for w in words.split(",") if w.strip())
        for key in ("select", "ignore", "extend_select")
        if options[key]
    }
    if options["persona"]:
        changes["persona"] = Persona(options["persona"])
    if options["fail_level"]:
        changes["fail_level"] = Severity(options["fail_level"])
    if options["profile"]:
        changes["profile"] = options["profile"]
    if options["target"]:
        name = api.target_name(options["target"])
        if name is None:
            raise UsageError(f"unknown target {options['target']!r}")
        changes["target"] = name
    changes["ignore_suppressions"] = options["no_ignores"]
    changes["today"] = options["today"] or datetime.date.today().isoformat()
    return dataclasses.replace(settings, **changes)


def _inputs(paths: Sequence[str]) -> list[tuple[str, bool]]:
    """(path, named by the user) for every file; directories are searched, hidden ones left out."""
    out: list[tuple[str, bool]] = []
    for path in paths:
        if path == STANDARD_INPUT or not Path(path).is_dir():
            out.append((path, True))
            continue
        for found in sorted(Path(path).rglob("*")):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.suffix in SUFFIXES and not hidden and found.is_file():
                out.append((str(found), False))
    return out


def _print(outcome: api.LintOutcome, options: dict[str, Any], settings: LintSettings, hidden: int, gone: int) -> None:
    text = _rendered(outcome, options)
    if options["output"]:
        write_all([PlannedFile(Path(options["output"]), text)])
    else:
        click.echo(text, nl=False)
    for note in outcome.notes:
        click.echo(f"fwc: {note}", err=True)
    if options["statistics"]:
        for (code, name), count in sorted(Counter((d.code, d.name) for d in outcome.findings).items()):
            click.echo(f"{count:6}  {code}  {name}", err=True)
    if options["output_format"] in ("full", "concise") and not options["quiet"]:
        click.echo(_summary(outcome, hidden, gone), err=True)


def _rendered(outcome: api.LintOutcome, options: dict[str, Any]) -> str:
    findings = outcome.findings
    chosen = options["output_format"]
    if chosen in ("full", "concise"):
        from fwc.render.text import render_concise, render_full

        style = style_for(options["color"], sys.stdout)
        shown = [d for d in findings if not options["quiet"] or d.severity is Severity.ERROR]
        return (render_full if chosen == "full" else render_concise)(shown, style)
    if chosen in ("json", "json-lines"):
        from fwc.render.json_form import render_json, render_json_lines

        return (render_json if chosen == "json" else render_json_lines)(findings)
    if chosen == "sarif":
        from fwc.render.sarif import render_sarif

        return render_sarif(findings, outcome.suppressed)
    if chosen == "github":
        from fwc.render.github import render_github

        return render_github(findings)
    if chosen == "gitlab":
        from fwc.render.gitlab import render_gitlab

        return render_gitlab(findings)
    from fwc.render.xml_forms import render_checkstyle, render_junit

    return render_checkstyle(findings) if chosen == "checkstyle" else render_junit(findings, outcome.paths)


def _summary(outcome: api.LintOutcome, hidden: int, gone: int) -> str:
    from fwc.render.text import summary

    findings: list[Diagnostic] = outcome.findings
    aside = [f"{len(outcome.suppressed)} suppressed"] if outcome.suppressed else []
    aside += [f"{hidden} in the baseline"] if hidden else []
    aside += [f"{gone} baseline entries no longer occur"] if gone else []
    aside += [f"{outcome.fixed} fixed"] if outcome.fixed else []
    text = summary(findings) or "No findings."
    if aside:
        text = f"{text[:-1]} ({', '.join(aside)})."
    safe = sum(any(f.applicability is Applicability.SAFE for f in d.fixes) for d in findings)
    unsafe = sum(any(f.applicability is Applicability.UNSAFE for f in d.fixes) for d in findings)
    if safe or unsafe:
        text += f" {safe} fixable with `--fix`, {unsafe} more with `--unsafe-fixes`."
    return text
