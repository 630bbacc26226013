"""What `fwc compile` writes, and that it writes all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.run_fwc import POLICY, fwc

USUAL = {"nftables": {"nftables.conf"}, "iptables": {"rules.v4", "rules.v6"}, "pf": {"pf.conf"}}
ONLY_LINUX = POLICY + "allow tcp 8080 from lan to self if mark 0x1\n"  # pf has no packet marks


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.fw"
    path.write_text(POLICY)
    return path


@pytest.mark.parametrize("target", list(USUAL))
def test_out_dir_gets_the_usual_names(target: str, policy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert fwc("compile", policy, "-t", target, "--out-dir", out).code == 0
    assert {p.name for p in out.iterdir()} >= USUAL[target]
    for name in USUAL[target]:
        assert (out / name).stat().st_mode & 0o077 == 0


def test_all_targets_at_once_and_check(policy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert fwc("compile", policy, "-t", "all", "--out-dir", out, "--check").code == 1
    assert list(out.iterdir()) == []
    assert fwc("compile", policy, "-t", "all", "--out-dir", out).code == 0
    assert fwc("compile", policy, "-t", "all", "--out-dir", out, "--check").code == 0
    rules = out / "rules.v4"
    old = rules.read_text()
    rules.write_text(old.replace("443", "444"))
    ran = fwc("compile", policy, "-t", "all", "--out-dir", out, "--check")
    assert ran.code == 1 and "rules.v4" in ran.err and "nftables.conf" not in ran.err
    shown = fwc("compile", policy, "-t", "all", "--out-dir", out, "--diff", "--check")
    assert shown.code == 1 and "444" in shown.out and f"+++ {rules}" in shown.out
    assert "444" in rules.read_text()
    assert fwc("compile", policy, "-t", "all", "--out-dir", out).code == 0
    assert rules.read_text() == old


def test_one_refused_target_writes_none(tmp_path: Path) -> None:
    """The old files of every target stay as they are."""
    path = tmp_path / "policy.fw"
    path.write_text(ONLY_LINUX)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("nftables.conf", "rules.v4", "rules.v6", "pf.conf"):
        (out / name).write_text("old\n")
    ran = fwc("compile", path, "-t", "all", "--out-dir", out)
    assert ran.code == 1 and "pf" in ran.err
    assert {p.name: p.read_text() for p in out.iterdir()} == dict.fromkeys(
        ("nftables.conf", "rules.v4", "rules.v6", "pf.conf"), "old\n"
    )
    assert fwc("compile", path, "-t", "nft,iptables", "--out-dir", out).code == 0
    assert (out / "pf.conf").read_text() == "old\n"
    assert (out / "nftables.conf").read_text() != "old\n"


def test_output_file_is_what_is_printed(policy: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.nft"
    assert fwc("compile", policy, "-t", "nft", "-o", target).code == 0
    assert target.read_text() == fwc("compile", policy, "-t", "nft").out


def test_an_unwritable_place_is_2_and_leaves_nothing(policy: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    ran = fwc("compile", policy, "-t", "nft", "-o", taken)
    assert ran.code == 2 and ran.err.startswith("fwc: error: ")
    assert fwc("compile", policy, "-t", "nft", "-o", tmp_path / "no" / "such" / "x").code == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["policy.fw", "taken"]


def test_errors_write_nothing(policy: Path, tmp_path: Path) -> None:
    policy.write_text(POLICY + "allow ssh from nowhere to self\n")
    target = tmp_path / "x.nft"
    ran = fwc("compile", policy, "-t", "nft", "-o", target)
    assert ran.code == 1 and ran.out == "" and not target.exists()


def test_a_missing_output_directory_is_made_where_its_parent_stands(policy: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert fwc("compile", policy, "-t", "nft", "--out-dir", new, "--check").code == 1
    assert not new.exists()
    assert fwc("compile", policy, "-t", "nft", "--out-dir", new).code == 0
    assert (new / "nftables.conf").is_file()
    assert fwc("compile", policy, "-t", "nft", "--out-dir", tmp_path / "a" / "b").code == 2
    assert not (tmp_path / "a").exists()
