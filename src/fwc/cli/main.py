"""The command group: loads a command's module only when it runs, and turns every exception into an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from typing import NoReturn

import click

from fwc import __version__
from fwc.cli import exits
from fwc.errors import InternalError, UsageError

COMMANDS = {
    "compile": "Compile a policy to nftables, iptables or pf.",
    "convert": "Translate an existing ruleset to another form, proved equal.",
    "cost": "What a packet costs: rules, lookups and nanoseconds per hook.",
    "diff": "Packets that two policies or rulesets treat differently.",
    "explain": "The documentation of a lint.",
    "fmt": "Rewrite policies in the canonical layout.",
    "graph": "Chains and jumps as text, DOT, Mermaid or SVG.",
    "lint": "Find faults in policies and existing rulesets.",
    "lock": "Resolve the dns names of a policy into policy.lock.",
    "query": "Sets of packets: who can reach what.",
    "rules": "The table of all lints.",
    "targets": "What each target can express.",
    "test": "Run the test packets and assertions of a policy.",
    "trace": "The way of one packet through the hooks, rule by rule.",
}
"""Name and one-line help of every command; the module is `fwc.cli.NAME_command`."""


class LazyGroup(click.Group):
    """Lists commands from the table and imports one only to run it: `fwc --help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"fwc.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fwc", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Print a traceback on an internal error.")
def cli(debug: bool) -> None:
    """One policy, three firewalls: lint, compile, test and explain firewall rulesets."""


def main() -> None:
    """Run the command line; never returns."""
    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """Exit without freeing every object one by one: the system takes the memory back at once. Nothing waits for the end of
    the interpreter: files are closed where they were written, no module registers anything at exit."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # its reader is gone: there is nobody left to tell
            stream.flush()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run and return the exit code. No exception leaves this function."""
    try:
        code = cli.main(arguments, prog_name="fwc", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else exits.CLEAN
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except click.ClickException as problem:
        problem.show()
        return exits.USAGE
    except UsageError as problem:
        click.echo(f"fwc: error: {problem}", err=True)
        return exits.USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("fwc: interrupted", err=True)
        return exits.INTERRUPTED
    except BrokenPipeError:
        # The reader is gone (`fwc ... | head`); what it wanted was delivered, and Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.CLEAN
    except OSError as problem:
        click.echo(
            f"fwc: error: {problem.filename or 'output'}: {(problem.strerror or str(problem)).lower()}", err=True
        )
        return exits.USAGE
    except Exception as problem:  # the last line of defence: a bug in fwc must not look like a verdict on the policy
        return _internal(problem, "--debug" in arguments)


def _internal(problem: Exception, debug: bool) -> int:
    kind = "" if isinstance(problem, InternalError) else f"{type(problem).__name__}: "
    click.echo(f"fwc: internal error: {kind}{problem}", err=True)
    click.echo("This is a bug in fwc, not in your file; nothing was written.", err=True)
    click.echo("Please report it with the input and the output of `fwc --debug ...`.", err=True)
    if debug:
        import traceback

        traceback.print_exception(problem)
    return exits.INTERNAL
