"""The hooks of .pre-commit-hooks.yaml, run by the real pre-commit on a repository made here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/pre-commit"
pytestmark = pytest.mark.packaging


def run(*command: str | Path, cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GIT_", "PRE_COMMIT"))}
    environment |= {"PRE_COMMIT_HOME": str(home), "GIT_CONFIG_GLOBAL": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@example.com"}
    return subprocess.run(
        [str(c) for c in command], cwd=cwd, text=True, capture_output=True, check=False, env=environment
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pre-commit")


@pytest.fixture(scope="module")
def hooks(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository with the present state of this checkout, which need not be committed, and its revision."""
    copy = tmp_path_factory.mktemp("fwc")
    for name in ("src", "grammar", "policies"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, copy / name)
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "fwc")):
        done = run("git", *command, cwd=copy, home=home)
        assert done.returncode == 0, done.stderr
    return copy, run("git", "rev-parse", "HEAD", cwd=copy, home=home).stdout.strip()


@pytest.fixture
def project(hooks: tuple[Path, str], home: Path, tmp_path: Path) -> Path:
    """The example's repository, with its hooks taken from here."""
    place, revision = hooks
    shutil.copy(EXAMPLE / "policy.fw", tmp_path / "policy.fw")
    config = (EXAMPLE / ".pre-commit-config.yaml").read_text()
    lines = [
        f"  - repo: {place}" if "repo: https" in line else f"    rev: {revision}" if "rev:" in line else line
        for line in config.splitlines()
    ]
    (tmp_path / ".pre-commit-config.yaml").write_text("\n".join(lines) + "\n")
    shutil.copytree(EXAMPLE / "generated", tmp_path / "generated")
    run("git", "init", "-q", cwd=tmp_path, home=home)
    return tmp_path


def pre_commit(project: Path, home: Path) -> subprocess.CompletedProcess[str]:
    run("git", "add", "-A", cwd=project, home=home)
    return run(sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never", cwd=project, home=home)


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    words = {}
    for line in done.stdout.splitlines():
        name, dots, outcome = line.partition("....")
        if dots:
            words[name] = outcome.strip(".")
    return words


def test_the_example_passes(project: Path, home: Path) -> None:
    done = pre_commit(project, home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcomes(done) == {"fwc fmt": "Passed", "fwc lint": "Passed", "fwc compile --check": "Passed"}


def test_each_hook_stops_what_it_is_for(project: Path, home: Path) -> None:
    """A policy out of layout is rewritten, an imported ruleset with a fault and a stale output are refused."""
    policy = project / "policy.fw"
    tidy = policy.read_text()
    policy.write_text(tidy.replace("allow ping from any to self", "allow   ping from any    to self"))
    (project / "rules.v4").write_text(
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 192.0.2.0/24 -j DROP\n-A PREROUTING -s 192.0.2.7/32 -j ACCEPT\nCOMMIT\n"
    )
    output = project / "generated" / "nftables.conf"
    output.write_text(output.read_text().replace("accept", "drop", 1))
    done = pre_commit(project, home)
    assert done.returncode != 0
    assert outcomes(done) == {"fwc fmt": "Failed", "fwc lint": "Failed", "fwc compile --check": "Failed"}
    assert "FW101" in done.stdout and "out of date" in done.stdout
    assert policy.read_text() == tidy
