"""docs/cli.md names every command and every option that `--help` names."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import click
import pytest

from fwc.cli.main import COMMANDS, cli

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
WRITTEN = [name for name in COMMANDS if importlib.util.find_spec(f"fwc.cli.{name}_command")]


def command(name: str) -> click.Command:
    found: click.Command = importlib.import_module(f"fwc.cli.{name}_command").command
    return found


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_is_documented(name: str) -> None:
    assert f"`fwc {name}" in PAGE or f"## fwc {name}" in PAGE


@pytest.mark.parametrize("name", WRITTEN)
def test_every_option_is_documented(name: str) -> None:
    """Options that all commands share stand at the top of the page."""
    missing = [o for p in command(name).params for o in p.opts if o.startswith("--") and f"{o}" not in PAGE]
    assert not missing


@pytest.mark.parametrize("name", WRITTEN)
def test_the_choices_of_an_option_are_documented(name: str) -> None:
    for parameter in command(name).params:
        if isinstance(parameter.type, click.Choice) and parameter.name == "output_format":
            shown = [PAGE.replace("\\|", "|").count("|".join(map(str, parameter.type.choices)))]
            assert any(shown) or len(parameter.type.choices) < 3, parameter.type.choices


@pytest.mark.parametrize("name", WRITTEN)
def test_help_says_what_each_option_is_for(name: str) -> None:
    assert command(name).help
    plain = [p for p in command(name).params if isinstance(p, click.Option) and not p.help]
    assert {p.name for p in plain} <= {"output_format"}


def test_the_options_of_fwc_itself_are_documented() -> None:
    for parameter in cli.params:
        assert any(option in PAGE for option in parameter.opts)
