"""`fwc lint`."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, quiet_options, stdin_option, style_for
from fwc.cli.jobs import jobs_option, results
from fwc.cli.lint_settings import settings_of, settings_text
from fwc.cli.progress import working
from fwc.diagnostics import Applicability, Confidence, Diagnostic, Persona, Severity
from fwc.errors import UsageError
from fwc.lints._settings import LintSettings
from fwc.project.loader import STANDARD_INPUT, DiskFiles, read_input, standard_policies

FORMATS = (
    "full",
    "concise",
    "grouped",
    "json",
    "json-lines",
    "sarif",
    "github",
    "gitlab",
    "azure",
    "checkstyle",
    "junit",
    "rdjson",
)
SUFFIXES = (".fw", ".nft", ".rules", ".v4", ".v6", ".save", ".pf", ".conf")
"""What a directory is searched for; a `.conf` only counts when its content is a ruleset."""


_LEVELS = click.Choice([str(s) for s in Severity])


@click.command("lint")
@click.argument("paths", nargs=-1)
@click.option("--select", multiple=True, metavar="CODES", help="Only these codes, names or prefixes (FW1, ALL).")
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these.")
@click.option("--extend-select", multiple=True, metavar="CODES", help="These as well.")
@click.option("--per-file-ignores", multiple=True, metavar="GLOB:CODES", help="Not these in files of this name.")
@click.option("--min-severity", type=_LEVELS, help="Show nothing less severe.")
@click.option("--min-confidence", type=click.Choice([str(c) for c in Confidence]), help="Show nothing less certain.")
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
@click.option("--max-diagnostics", type=click.IntRange(0), default=0, metavar="N", help="Show N at most; 0 is all.")
@click.option("--fail-level", type=_LEVELS, help="Least severity that exits 1.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 even with findings.")
@click.option("--fix", is_flag=True, help="Apply fixes that provably change no packet.")
@click.option("--unsafe-fixes", is_flag=True, help="Apply the others too.")
@click.option("--fix-only", is_flag=True, help="Apply fixes and say nothing of what is left.")
@click.option("--diff", "show_diff", is_flag=True, help="Show the fixes instead of applying them.")
@click.option("--show-fixes", is_flag=True, help="List what was fixed.")
@click.option("--exit-non-zero-on-fix", is_flag=True, help="Exit 1 when something was fixed.")
@click.option("--add-ignore", metavar="REASON", help="Write a suppression with this reason for every finding.")
@click.option("--baseline", metavar="FILE", help="Hide the findings listed in FILE.")
@click.option("--generate-baseline", metavar="FILE", help="Write the present findings to FILE and exit 0.")
@click.option("--no-ignores", "--ignore-suppressions", is_flag=True, help="Report suppressed findings too.")
@click.option("--statistics", is_flag=True, help="Count findings per code.")
@click.option("--today", default="", metavar="DATE", help="The day that ends of exceptions are checked against.")
@click.option("--foreign", type=click.Choice(["opaque", "lint"]), help="Chains of other programs: silent, or as any.")
@click.option("--show-files", is_flag=True, help="List the files that would be read, and stop.")
@click.option("--show-settings", is_flag=True, help="Print the settings, and stop.")
@click.option("--config", multiple=True, metavar="FILE|KEY=VALUE", help="This configuration file; one key of it.")
@click.option("--isolated", is_flag=True, help="No configuration file.")
@jobs_option
@stdin_option
@quiet_options
@color_option
def command(paths: tuple[str, ...], **options: Any) -> int:
    """Find faults in policies, iptables-save files, nftables rulesets and pf.conf files.

    PATH is a file, a directory to search, or `-`; without one the present directory is searched.
    """
    settings = settings_of(options)
    if options["show_settings"]:
        click.echo(settings_text(settings), nl=False)
        return exits.CLEAN
    inputs = _inputs(paths or (".",))
    if options["show_files"]:
        click.echo("".join(f"{path}\n" for path, required in inputs if required or _is_ruleset(path)), nl=False)
        return exits.CLEAN
    outcomes: list[api.LintOutcome] = []
    unread: list[str] = []
    tasks = [(path, required, settings, options) for path, required in inputs]
    # what is rewritten may be shared by policies, and standard input cannot be read elsewhere
    jobs = 1 if _fixing(options) or any(path == STANDARD_INPUT for path, _ in inputs) else options["jobs"]
    with working(f"linting {len(tasks)} inputs", options["quiet"] or options["jobs"] == 1):
        for result in results(_lint_one, tasks, jobs):
            if isinstance(result, api.LintOutcome):
                outcomes.append(result)
            elif result is not None:  # one file that cannot be read hides nothing about the others
                unread.append(result)
    outcome = api.LintOutcome.joined(outcomes)
    if unread and len(inputs) == 1:
        raise UsageError(unread[0])
    if unread and (options["generate_baseline"] or options["add_ignore"] is not None):
        raise UsageError(unread[0])
    if options["add_ignore"] is not None:
        return _add_ignores(outcome, options["add_ignore"])
    if options["generate_baseline"]:
        from fwc.render.baseline import format_baseline

        _write(options["generate_baseline"], format_baseline(outcome.findings))
        click.echo(f"{options['generate_baseline']}: {len(outcome.findings)} findings", err=True)
        return exits.CLEAN
    hidden = gone = 0
    if options["baseline"]:
        from pathlib import Path

        from fwc.render.baseline import read_baseline, without_baseline

        known = read_baseline(Path(options["baseline"]))
        findings, hidden, gone = without_baseline(outcome.findings, known)
        outcome = dataclasses.replace(outcome, findings=findings)
    _print(outcome, options, settings, hidden, gone)
    if unread:
        for message in unread:
            click.echo(f"fwc: error: {message}", err=True)
        return exits.USAGE
    if options["exit_zero"]:
        return exits.CLEAN
    if outcome.fixed and options["exit_non_zero_on_fix"]:
        return exits.FINDINGS
    worst = max((d.severity.rank for d in outcome.findings), default=-1)
    fails = worst >= settings.fail_level.rank and not options["fix_only"]
    return exits.FINDINGS if fails else exits.CLEAN


def _is_ruleset(path: str) -> bool:
    return api.recognise_kind(read_input(path, "")) is not None


def _fixing(options: dict[str, Any]) -> bool:
    return any(options[key] for key in ("fix", "unsafe_fixes", "fix_only", "show_diff"))


def _lint_one(task: tuple[str, bool, LintSettings, dict[str, Any]]) -> api.LintOutcome | str | None:
    """The outcome of one file, or why it cannot be read; None when it was found in a directory and is no ruleset."""
    try:
        return _linted(*task)
    except UsageError as error:
        return str(error)


def _linted(path: str, required: bool, settings: LintSettings, options: dict[str, Any]) -> api.LintOutcome | None:
    source = read_input(path, options["stdin_filename"])
    kind = options["format_in"] if options["format_in"] != "auto" else api.recognise_kind(source)
    if kind is None:
        if required:
            raise UsageError(f"{path}: cannot tell what kind of ruleset this is; say it with --format-in")
        return None
    request = api.LintRequest(
        kind,
        settings,
        options["host"],
        options["family"] or "",
        read_input(options["companion"]) if options["companion"] else None,
    )
    files = DiskFiles(path, standard_policies())
    if not _fixing(options):
        with working(f"linting {source.path}", options["quiet"] or options["jobs"] > 1):
            return api.lint(source, files, request)
    result, text, fixed = api.fix(source, files, request, options["unsafe_fixes"])
    if text == source.text:
        return dataclasses.replace(result, applied=())
    _write_or_show(path, source.text, text, options["show_diff"])
    return dataclasses.replace(result, fixed=fixed)


def _write_or_show(path: str, old: str, new: str, show: bool) -> None:
    if show or path == STANDARD_INPUT:
        import difflib

        lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), path, path)
        click.echo("".join(lines), nl=False)
    else:
        _write(path, new)


def _write(path: str, text: str) -> None:
    from pathlib import Path  # of no use to a lint that only prints

    from fwc.project.write import PlannedFile, write_all

    write_all([PlannedFile(Path(path), text)])


def _add_ignores(outcome: api.LintOutcome, reason: str) -> int:
    """Writes `# fwc: ignore[CODE] -- reason` above the lines with findings; says what it could not silence so."""
    from fwc.project.write import PlannedFile, write_all
    from fwc.render.add_ignore import with_ignores

    if not reason.strip() or "\n" in reason:
        raise UsageError("--add-ignore wants the reason, in one line")
    sources = {id(d.primary.span.file): d.primary.span.file for d in outcome.findings if d.primary}
    planned: list[PlannedFile] = []
    count = 0
    for source in sources.values():
        text, silenced = with_ignores(source, outcome.findings, reason.strip())
        if silenced and os.path.isfile(source.path):
            from pathlib import Path

            planned.append(PlannedFile(Path(source.path), text))
            count += silenced
    write_all(planned)
    left = len(outcome.findings) - count
    more = f", {left} cannot be silenced by a comment" if left else ""
    click.echo(f"{count} findings silenced in {len(planned)} file{'s' if len(planned) != 1 else ''}{more}", err=True)
    return exits.FINDINGS if left else exits.CLEAN


def _inputs(paths: Sequence[str]) -> list[tuple[str, bool]]:
    """(path, named by the user) for every file; directories are searched, hidden ones left out."""
    out: list[tuple[str, bool]] = []
    for path in paths:
        if path == STANDARD_INPUT or not os.path.isdir(path):
            out.append((path, True))
            continue
        from pathlib import Path

        for found in sorted(Path(path).rglob("*")):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.suffix in SUFFIXES and not hidden and found.is_file():
                out.append((str(found), False))
    return out


def _print(outcome: api.LintOutcome, options: dict[str, Any], settings: LintSettings, hidden: int, gone: int) -> None:
    shown = [] if options["fix_only"] else outcome.findings
    if options["show_fixes"]:
        for (path, code, name), count in sorted(Counter(outcome.applied).items()):
            click.echo(f"fixed {path}: {count} x {code} {name}", err=True)
    most = options["max_diagnostics"]
    left_out = len(shown) - most if 0 < most < len(shown) else 0
    text = _rendered(shown[: len(shown) - left_out], outcome, options)
    if options["output"]:
        _write(options["output"], text)
    else:
        click.echo(text, nl=False)
    if left_out:
        click.echo(f"fwc: {left_out} more findings are not shown (--max-diagnostics {most})", err=True)
    for note in outcome.notes:
        click.echo(f"fwc: {note}", err=True)
    if options["statistics"]:
        for (code, name), count in sorted(Counter((d.code, d.name) for d in outcome.findings).items()):
            click.echo(f"{count:6}  {code}  {name}", err=True)
    if options["output_format"] in ("full", "concise", "grouped") and not options["quiet"]:
        click.echo(_summary(outcome, hidden, gone), err=True)


def _rendered(findings: list[Diagnostic], outcome: api.LintOutcome, options: dict[str, Any]) -> str:
    chosen = options["output_format"]
    if chosen in ("full", "concise", "grouped"):
        style = style_for(options["color"], sys.stdout)
        shown = [d for d in findings if not options["quiet"] or d.severity is Severity.ERROR]
        if chosen == "grouped":
            from fwc.render.grouped import render_grouped

            return render_grouped(shown, style)
        from fwc.render.text import render_concise, render_full

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
    if chosen == "azure":
        from fwc.render.azure import render_azure

        return render_azure(findings)
    if chosen == "rdjson":
        from fwc.render.rdjson import render_rdjson

        return render_rdjson(findings)
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
