"""`--jobs`: the same answers from several processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.unit.cli.run_fwc import POLICY, SAVE, fwc

from fwc.cli.jobs import results
from fwc.errors import UsageError


def twice(number: int) -> int:
    if number < 0:
        raise UsageError(f"{number} is negative")
    return 2 * number


def ended(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_the_order_of_the_tasks(jobs: int) -> None:
    assert list(results(twice, range(20), jobs)) == list(range(0, 40, 2))
    with pytest.raises(UsageError, match="-1 is negative"):
        list(results(twice, [1, -1, 2], jobs))


def test_a_killed_process_is_said() -> None:
    with pytest.raises(UsageError, match="try --jobs 1"):
        list(results(ended, [1, 2], 2))


def test_lint_finds_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.v4").write_text(SAVE)
    (tmp_path / "b.fw").write_text(POLICY + "allow ssh from lan to self\n")
    (tmp_path / "c.v4").write_text("*filter\n-A nowhere -j ACCEPT\nCOMMIT\n")
    paths = [str(tmp_path / name) for name in ("c.v4", "a.v4", "missing.v4", "b.fw")]
    alone, together = fwc("lint", *paths), fwc("lint", "--jobs", "2", *paths)
    assert alone == together
    assert alone.code == 2 and "the same rule" in alone.out and "missing.v4" in alone.err


@pytest.mark.parametrize(
    "text", [POLICY, POLICY + "allow ssh from lan to nobody\n", POLICY + "deny ssh from lan to self\n"]
)
def test_compile_writes_the_same(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.fw").write_text(text)
    done = []
    for jobs in ("1", "4"):
        out = tmp_path / jobs
        out.mkdir()
        ran = fwc(
            "compile", str(tmp_path / "policy.fw"), "-t", "nftables,iptables", "--out-dir", str(out), "--jobs", jobs
        )
        done.append((ran, {path.name: path.read_text() for path in out.iterdir()}))
    assert done[0] == done[1]
