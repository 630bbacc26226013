"""The settings of one `fwc lint`: the configuration file, what `--config KEY=VALUE` lays over it, and the other options."""

from __future__ import annotations

import dataclasses
import datetime
import os
from enum import Enum
from typing import Any

from fwc import api
from fwc.diagnostics import Confidence, Persona, Severity
from fwc.errors import UsageError
from fwc.lints._settings import LintSettings
from fwc.project.config import find_config, load_config


def settings_of(options: dict[str, Any]) -> LintSettings:
    """Options beat configuration files, those beat the defaults. Raises UsageError."""
    files = [word for word in options["config"] if "=" not in word or os.path.exists(word)]
    values = [word for word in options["config"] if word not in files]
    if len(files) > 1:
        raise UsageError("--config names more than one file")
    path = None
    if not options["isolated"]:
        from pathlib import Path

        path = Path(files[0]) if files else find_config(Path())
    settings = load_config(path, tuple(values))
    changes: dict[str, Any] = {
        key: words_of(options[key]) for key in ("select", "ignore", "extend_select") if options[key]
    }
    if options["per_file_ignores"]:
        more = tuple(_per_file(word) for word in options["per_file_ignores"])
        changes["per_file_ignores"] = (*settings.per_file_ignores, *more)
    for key, read in (
        ("persona", Persona), ("fail_level", Severity), ("profile", str),
        ("min_severity", Severity), ("min_confidence", Confidence),
    ):  # fmt: skip
        if options[key]:
            changes[key] = read(options[key])
    if options["foreign"] == "lint":
        changes["foreign_chains"] = ()
    if options["target"]:
        name = api.target_name(options["target"])
        if name is None:
            raise UsageError(f"unknown target {options['target']!r}")
        changes["target"] = name
    changes["ignore_suppressions"] = options["no_ignores"]
    changes["today"] = options["today"] or datetime.date.today().isoformat()
    return dataclasses.replace(settings, **changes)


def words_of(values: tuple[str, ...]) -> tuple[str, ...]:
    """`FW1,FW202` and repeated options alike."""
    return tuple(word.strip() for each in values for word in each.split(",") if word.strip())


def _per_file(word: str) -> tuple[str, tuple[str, ...]]:
    glob, colon, codes = word.rpartition(":")
    if not colon or not glob or not words_of((codes,)):
        raise UsageError(f"--per-file-ignores wants GLOB:CODES, as 'legacy/*.v4:FW8', not {word!r}")
    return glob, words_of((codes,))


def settings_text(settings: LintSettings) -> str:
    """What `--show-settings` prints: every setting, as JSON."""
    import json

    return json.dumps(_plain(dataclasses.asdict(settings)), indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key.replace("_", "-"): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
