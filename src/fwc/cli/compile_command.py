"""`fwc compile`."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import click

from fwc import api
from fwc.cli import exits
from fwc.cli.common import color_option, quiet_options, report, stdin_option
from fwc.cli.jobs import jobs_option, results
from fwc.cli.progress import working
from fwc.diagnostics import Diagnostic, has_errors
from fwc.dialects.base import Lossy, OutputFile
from fwc.dialects.registry import TARGETS, target_name
from fwc.errors import UsageError
from fwc.lints._settings import LintSettings
from fwc.project.config import find_config, load_config
from fwc.project.loader import DiskFiles, read_input, standard_policies
from fwc.project.write import PlannedFile, difference, out_of_date, output_directory, write_all
from fwc.records import Record
from fwc.source import SourceFile


@click.command("compile")
@click.argument("policy")
@click.option("-t", "--target", "targets", multiple=True, metavar="TARGET", help="nftables, iptables, pf or all.")
@click.option("-o", "--output", metavar="FILE", help="Write the one output to FILE.")
@click.option("--out-dir", metavar="DIR", help="Write the target's usual file names into DIR.")
@click.option("--family", type=click.Choice(["v4", "v6"]), help="Which of iptables' two files to print.")
@click.option("--host", default="", metavar="NAME", help="Which machine of a fleet file.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when an output differs from the file on disk.")
@click.option("--diff", "show_diff", is_flag=True, help="Write nothing; show how the outputs differ from disk.")
@click.option("--no-verify", is_flag=True, help="Skip the proof that the output means what the policy means.")
@click.option("--no-lint", is_flag=True, help="Skip the lints.")
@click.option(
    "--lossy", is_flag=False, flag_value="narrow", default="none", type=click.Choice(["none", "narrow", "wide"]),
    help="Permit losses that cannot widen (or, with =wide, any), each listed in the header.",
)  # fmt: skip
@click.option("--today", default="", metavar="DATE", help="The day `expires` is checked against; default: today.")
@click.option("--ipset", is_flag=True, help="iptables: use ipsets also where they are not needed.")
@click.option("-O", "--optimize", type=click.IntRange(0, 1), default=1, show_default=True, help="0: the plain list.")
@jobs_option
@stdin_option
@quiet_options
@color_option
def command(
    policy: str, targets: tuple[str, ...], output: str | None, out_dir: str | None, family: str | None, host: str,
    check: bool, show_diff: bool, no_verify: bool, no_lint: bool, lossy: str, today: str, ipset: bool, optimize: int,
    jobs: int, stdin_filename: str, quiet: bool, verbose: bool, color: str,
) -> int:  # fmt: skip
    """Compile POLICY, print it or write it; nothing is written unless everything compiled and was proved."""
    names = _targets(targets)
    if output and out_dir:
        raise UsageError("give --output or --out-dir, not both")
    if (check or show_diff) and not (output or out_dir):
        raise UsageError("--check and --diff compare with files: give --output or --out-dir")
    source = read_input(policy, stdin_filename)
    settings = LintSettings() if no_lint else load_config(find_config(Path()))
    options = api.CompileOptions(
        names, host, _day(today), Lossy(lossy), ipset, optimize, not no_verify, not no_lint, settings
    )  # fmt: skip
    with working(f"compiling {source.path}", quiet):
        outputs, diagnostics = _compile(source, DiskFiles(policy, standard_policies()), options, jobs)
    report(diagnostics, color, quiet)
    if has_errors(diagnostics):
        return exits.FINDINGS
    planned = _plan(outputs, output, out_dir, family)
    if planned is None:
        return exits.CLEAN
    changed = out_of_date(planned)
    if show_diff:
        click.echo("".join(difference(file) for file in changed), nl=False)
    if check:
        for file in changed:
            click.echo(f"out of date: {file.path}", err=True)
    if check or show_diff:
        return exits.FINDINGS if changed else exits.CLEAN
    write_all(changed, Path(out_dir) if out_dir else None)
    if verbose:
        for file in planned:
            click.echo(f"{file.path}: {'written' if file in changed else 'unchanged'}", err=True)
    return exits.CLEAN


class _Task(Record):
    """One target compiled, or linted for (`lint`)."""

    source: SourceFile
    files: DiskFiles
    options: api.CompileOptions
    lint: bool


def _compile(
    source: SourceFile, files: DiskFiles, options: api.CompileOptions, jobs: int
) -> tuple[tuple[api.TargetOutput, ...], list[Diagnostic]]:
    """As `compile_policy` does it; with more than one job all targets and their lints at the same time."""
    if jobs == 1:
        return api.compile_policy(source, files, options)
    tasks = []
    each_target: list[tuple[str, ...]] = [(target,) for target in options.targets]
    for targets in each_target or [()]:
        tasks.append(_Task(source, files, dataclasses.replace(options, targets=targets, lint=False), False))
        if options.lint:
            tasks.append(_Task(source, files, dataclasses.replace(options, targets=targets), True))
    outputs: list[api.TargetOutput] = []
    diagnostics: dict[tuple[object, ...], Diagnostic] = {}  # of several processes: equal ones have sources of their own
    broken = False
    for task, (done, found) in zip(tasks, results(_do, tasks, jobs), strict=True):
        outputs += done
        if not task.lint:
            broken = has_errors(found)
        if not (task.lint and broken):  # a policy that does not compile is not linted
            for each in found:
                diagnostics.setdefault(each.sort_key(), each)
    if has_errors(diagnostics.values()):
        outputs = []
    return tuple(outputs), list(diagnostics.values())


def _do(task: _Task) -> tuple[tuple[api.TargetOutput, ...], list[Diagnostic]]:
    if task.lint:
        return (), api.policy_findings(task.source, task.files, task.options)
    return api.compile_policy(task.source, task.files, task.options)


def _targets(words: tuple[str, ...]) -> tuple[str, ...]:
    out: list[str] = []
    for word in (w.strip() for words_ in words for w in words_.split(",")):
        if word == "all":
            out.extend(TARGETS)
            continue
        name = target_name(word)
        if name is None:
            raise UsageError(f"unknown target {word!r}; the targets are {', '.join(TARGETS)} and all")
        out.append(name)
    return tuple(dict.fromkeys(out))


def _day(text: str) -> str:
    if not text:
        return datetime.date.today().isoformat()
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"--today wants a date as 2026-12-31, not {text!r}") from None


def _plan(
    outputs: tuple[api.TargetOutput, ...], output: str | None, out_dir: str | None, family: str | None
) -> list[PlannedFile] | None:
    """The files to write, or None after printing the one output."""
    if out_dir:
        directory = output_directory(out_dir)
        return [PlannedFile(directory / f.name, f.text, f.executable) for o in outputs for f in o.files]
    if len(outputs) != 1:
        raise UsageError("several targets are several files: give --out-dir")
    file = _single(outputs[0], family)
    if output:
        return [PlannedFile(Path(output), file.text, file.executable)]
    click.echo(file.text, nl=False)
    return None


def _single(output: api.TargetOutput, family: str | None) -> OutputFile:
    if output.target != "iptables":
        return output.files[0]
    by_name = {file.name: file for file in output.files}
    if family is None:
        raise UsageError("iptables has one file per family: give --family v4 or v6, or --out-dir")
    extra = sorted(set(by_name) - {"rules.v4", "rules.v6"})
    if extra:
        raise UsageError(f"this policy also needs {', '.join(extra)}: give --out-dir")
    return by_name[f"rules.{family}"]
