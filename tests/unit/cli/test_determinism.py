"""The same input gives the same bytes in another process with another hash seed: every example, every target."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*/policy.fw"))

SCRIPT = """
import sys
from tests.unit.cli.run_fwc import fwc
from tests.unit.cli.test_determinism import EXAMPLES, host_of
for path in EXAMPLES:
    host = host_of(path)
    for target in ("nft", "iptables", "pf"):
        for more in ((), ("-O", "0")):
            words = ["compile", path, "-t", target, "--today", "2026-06-01", "--no-verify", "--no-lint", *host, *more]
            for family in ("v4", "v6") if target == "iptables" else (None,):
                ran = fwc(*words, *(("--family", family) if family else ()))
                print(path.parent.name, target, ran.code, ran.out, ran.err)
    for words in (["graph"], ["lint", "--isolated", "--today", "2026-06-01", "--output-format", "json"]):
        ran = fwc(*words, path, *host)
        print(path.parent.name, words[0], ran.code, ran.out, ran.err)
    ran = fwc("query", path, "who can reach self tcp 22", "--today", "2026-06-01", *host)
    print(path.parent.name, "query", ran.code, ran.out, ran.err)
print(fwc("diff", EXAMPLES[0], EXAMPLES[-1], "--today", "2026-06-01").out)
"""


def host_of(path: Path) -> tuple[str, ...]:
    """`--host` with the first machine of a fleet file."""
    for line in path.read_text().splitlines():
        if line.startswith("host ") and "{" in line:
            return ("--host", line.split()[1])
    return ()


def test_two_hash_seeds_give_the_same_bytes() -> None:
    def start(seed: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        return subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, env=environment, cwd=ROOT)

    assert EXAMPLES
    first, second = start("1"), start("4242")
    one, two = first.communicate()[0], second.communicate()[0]
    assert first.returncode == second.returncode == 0
    assert len(one) > 10_000 and b"internal error" not in one
    if one != two:
        lines = zip(one.decode().splitlines(), two.decode().splitlines(), strict=False)
        pytest.fail("\n".join(f"{a}\n{b}" for a, b in [x for x in lines if x[0] != x[1]][:5]))
