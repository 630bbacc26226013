"""The examples of the lints' pages, and linting texts with the settings that a page or case brings along."""

from __future__ import annotations

import re
from pathlib import Path

from fwc import api
from fwc.diagnostics import Persona
from fwc.errors import UsageError
from fwc.lints._registry import Lint
from fwc.lints._settings import LintSettings
from fwc.project.config import load_config
from fwc.project.loader import DiskFiles, standard_policies
from fwc.records import Record
from fwc.source import SourceFile

TODAY = "2026-06-01"
NAMES = {"fwc": "policy.fw", "iptables-save": "rules.v4", "nft": "ruleset.nft", "pf": "pf.conf"}
_FENCE = re.compile(r"^```([\w-]+)([^\n]*)\n(.*?)^```", re.M | re.S)


class Example(Record):
    """A fenced block; `companion` is the text of a block marked so, `config` that of a `yaml` block of the section."""

    kind: str
    text: str
    companion: str = ""
    config: str = ""


def section(documentation: str, title: str) -> str:
    """The text below `## title`, up to the next heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", documentation, re.M | re.S)
    return found[1] if found else ""


def examples(documentation: str, title: str) -> list[Example]:
    out: list[Example] = []
    config = ""
    for kind, info, text in _FENCE.findall(section(documentation, title)):
        if kind == "yaml":
            config = text
        elif kind in NAMES and info.strip() == "companion":
            last = out.pop()
            out.append(Example(last.kind, last.text, text, last.config))
        elif kind in NAMES:
            out.append(Example(kind, text, "", config))
    return out


def lint_example(lint: Lint, example: Example, directory: Path) -> api.LintOutcome:
    """Everything that the lint's own persona sees in the example."""
    settings = LintSettings()
    if example.config:
        path = directory / "fwc.yaml"
        path.write_text(example.config)
        settings = load_config(path)
    companion = SourceFile("rules.v6", example.companion) if example.companion else None
    return run(SourceFile(NAMES[example.kind], example.text), example.kind, settings, lint.persona, companion)


def run(
    source: SourceFile,
    kind: str,
    settings: LintSettings,
    persona: Persona,
    companion: SourceFile | None = None,
    select: tuple[str, ...] = (),
) -> api.LintOutcome:
    import dataclasses

    settings = dataclasses.replace(settings, persona=persona, today=TODAY, select=select)
    request = api.LintRequest(kind, settings, companion=companion)
    try:
        return api.lint(source, DiskFiles(source.path, standard_policies()), request)
    except UsageError as problem:
        raise AssertionError(f"{source.path}: {problem}") from problem
