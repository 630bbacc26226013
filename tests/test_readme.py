"""README.md says what is so: its first commands exist, its policy is the example, its messages are what fwc prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from fwc.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.M | re.S)


def block(kind: str) -> str:
    return next(text for found, text in BLOCKS if found == kind)


def fwc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "fwc", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_first_two_command_lines() -> None:
    """The first sets up and prints a compiled example, the second runs the tests; `.ci/run` takes them from here."""
    kind, text = BLOCKS[0]
    assert kind == "console"
    lines = text.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/fwc compile "
    )
    assert lines[1] == ".venv/bin/python -m pytest -q -n auto --dist worksteal"
    done = fwc(*lines[0].split(".venv/bin/fwc ")[1].split(), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "table inet fwc" in done.stdout


def test_the_policy_is_the_example() -> None:
    assert block("fwc") == (ROOT / "examples/web-server/policy.fw").read_text()


def test_the_error_is_what_fwc_prints(tmp_path: Path) -> None:
    """The file that the message speaks of, made from the message itself."""
    shown = block("text")
    line = int(re.search(r":(\d+):\d+$", shown, re.M)[1])  # type: ignore[index]
    source = re.search(rf"^{line} \| (.+)$", shown, re.M)[1]  # type: ignore[index]
    before = ["syntax 1", *[""] * (line - 3), "zone lan { iface eth1 }"]
    (tmp_path / "policy.fw").write_text("\n".join([*before, source]) + "\n")
    done = fwc("compile", "policy.fw", "--target", "nftables", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == shown


def test_every_command_is_in_the_table_and_exists() -> None:
    named = set(re.findall(r"`fwc ([a-z]+)", TEXT))
    assert named == set(COMMANDS)
    for name in COMMANDS:
        assert (ROOT / "src/fwc/cli" / f"{name}_command.py").exists(), name
