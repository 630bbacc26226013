"""The shipped baselines compile for every target with the proof on, and are lint-clean, when used as their first comment says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

POLICIES = {
    "router": """syntax 1
include "std:bogons"
include "std:baseline-router"
zone wan { iface ppp0; mtu 1492 }
zone lan { iface br-lan; net 192.168.10.0/24, 2001:db8:10::/64 }
host admin = 192.168.10.2, 2001:db8:10::2
use baseline-router(wan, lan, admin)
assert never any from wan except lan to lan
assert never ssh from any except admin to self
assert never any from 10.0.0.0/8 in wan to self
""",
    "server": """syntax 1
include "std:baseline-server"
group admins = 203.0.113.10, 2001:db8:aa::/48
use baseline-server(admins)
allow https from any to self as web
assert never ssh from any except admins to self
assert never postgres from any to self
""",
    "server-strict": """syntax 1
include "std:baseline-server"
group admins = 203.0.113.10, 2001:db8:aa::/48
use baseline-server-strict(admins)
assert never smtp from self to any except self
""",
    "workstation": """syntax 1
include "std:baseline-workstation"
use baseline-workstation()
assert never tcp from any except self to self
assert never telnet from self to any except self
""",
}


@pytest.mark.parametrize("target", ["nftables", "iptables", "pf"])
@pytest.mark.parametrize("name", sorted(POLICIES))
def test_baseline(name: str, target: str, tmp_path: Path) -> None:
    (tmp_path / "policy.fw").write_text(POLICIES[name], encoding="utf-8")
    family = ["--family", "v6"] if target == "iptables" else []
    run = subprocess.run(
        [sys.executable, "-m", "fwc", "compile", "policy.fw", "--target", target, *family],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        check=False,
    )
    assert run.returncode == 0, run.stderr + run.stdout
    assert "ssh" in run.stdout or "22" in run.stdout or name == "workstation"


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_lint_clean(name: str, tmp_path: Path) -> None:
    (tmp_path / "policy.fw").write_text(POLICIES[name], encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "fwc", "lint", "policy.fw", "--output-format", "concise"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        check=False,
    )
    assert run.returncode == 0, run.stderr + run.stdout
