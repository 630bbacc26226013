"""Whole processes and what they cost: CPU seconds and memory; and tables of that."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{sysconfig.get_path('purelib')}"}
FWC = [sys.executable, "-m", "fwc"]


@dataclass
class Run:
    """CPU seconds and peak memory in MB."""

    cpu: float
    memory: float


def run(words: Sequence[str]) -> Run | None:
    """One process; None when it fails."""
    with open(os.devnull, "wb") as sink:
        process = subprocess.Popen(words, stdout=sink, stderr=sink, env=ENVIRONMENT, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return None if process.returncode not in (0, 1) else Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def best(commands: dict[str, Sequence[str]], times: int) -> dict[str, Run]:
    """The least CPU of each command, run in turn so that a disturbance hits all of them."""
    out: dict[str, Run] = {}
    for _ in range(times):
        for name, words in commands.items():
            done = run(words)
            if done is not None and (name not in out or done.cpu < out[name].cpu):
                out[name] = done
    return out


def repeats(size: int, times: int) -> int:
    """How often a command runs for input of `size` rules: once where that takes long."""
    return times if size <= 10_000 else 1


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    align = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, align, *rows]) + "\n"


def exponent(small: float, large: float, times: float) -> str:
    """How the cost grows when the input grows `times` times: 1 is linear."""
    return f"{log(large / small) / log(times):.2f}" if small > 0 < large else "-"
