"""The wheel works outside the checkout, with its grammar and policies inside."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.packaging


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [str(c) for c in command], cwd=cwd, text=True, capture_output=True, check=False, env=environment
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that holds nothing but the wheel and what it depends on."""
    directory = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "build", "--outdir", directory / "dist", ROOT, cwd=directory)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    venv.create(directory / "env", with_pip=True)
    python = directory / "env" / "bin" / "python"
    (wheel,) = (directory / "dist").glob("*.whl")
    done = run(python, "-m", "pip", "install", "-q", wheel, cwd=directory)
    assert done.returncode == 0, done.stderr
    return directory / "env" / "bin"


@pytest.mark.parametrize("target", ["nftables", "iptables", "pf"])
def test_an_example_compiles_outside_the_checkout(installed: Path, tmp_path: Path, target: str) -> None:
    """The same bytes as from the checkout, from another directory, without src/ and grammar/."""
    policy = tmp_path / "policy.fw"
    policy.write_text((ROOT / "examples" / "web-server" / "policy.fw").read_text())
    if target == "pf":
        policy.write_text("syntax 1\nzone wan { iface en0 }\nallow ssh from wan to self\ndefault output allow\n")
    done = run(
        installed / "fwc", "compile", policy, "--target", target, "--out-dir", tmp_path, "--no-lint", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    inside = run(
        sys.executable, "-m", "fwc", "compile", policy, "--target", target, "--out-dir", tmp_path, "--check", "--no-lint",
        cwd=ROOT,
    )  # fmt: skip
    assert inside.returncode == 0, inside.stdout + inside.stderr


def test_shipped_policies_are_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.fw"
    policy.write_text('syntax 1\ninclude "std:bogons"\nzone wan { iface eth0 }\nallow ssh from wan to self\n')
    done = run(installed / "fwc", "compile", policy, "--target", "nftables", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "table inet fwc" in done.stdout
