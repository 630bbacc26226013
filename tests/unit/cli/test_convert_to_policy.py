"""`fwc convert --to fw` on the command line."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.run_fwc import POLICY, SAVE, fwc


def test_writes_policy_fw(tmp_path: Path) -> None:
    dump = tmp_path / "rules.v4"
    dump.write_text(SAVE)
    ran = fwc("convert", dump, "--to", "fw", "--out-dir", tmp_path)
    assert (ran.code, ran.out) == (0, "")
    policy = tmp_path / "policy.fw"
    assert "allow ssh from any to self" in policy.read_text()
    assert fwc("fmt", "--check", policy).code == 0
    assert fwc("compile", policy, "-t", "iptables", "--out-dir", tmp_path, "--no-lint").code == 0
    assert fwc("convert", dump, "--to", "fw").out == policy.read_text()


def test_refuses_with_every_reason_and_writes_nothing(tmp_path: Path) -> None:
    dump = tmp_path / "rules.v4"
    dump.write_text(SAVE.replace("-j ACCEPT\n", "-j TARPIT\n-A INPUT -j QUEUE\n"))
    ran = fwc("convert", dump, "--to", "fw", "-o", tmp_path / "policy.fw")
    assert ran.code == 1
    assert ran.err.count("rules.v4:5:1") == 1 and ran.err.count("rules.v4:6:1") == 1
    assert not (tmp_path / "policy.fw").exists()


def test_pf_converts_where_everything_that_passes_keeps_a_state(tmp_path: Path) -> None:
    pf = tmp_path / "pf.conf"
    pf.write_text("set skip on lo0\nblock all\npass out flags any\npass in proto tcp to port 22\n")
    ran = fwc("convert", pf, "--to", "fw", "--out-dir", tmp_path)
    assert (ran.code, ran.out) == (0, "")
    text = (tmp_path / "policy.fw").read_text()
    assert "its two legs and states, in netfilter's hooks; proved equal to that" in text
    assert fwc("compile", tmp_path / "policy.fw", "-t", "nftables", "--no-lint").code == 0
    pf.write_text("block in all\npass out all keep state\n")
    ran = fwc("convert", pf, "--to", "fw")
    assert ran.code == 1 and "what no rule names passes out without a state" in ran.err


def test_policies_are_told_so(tmp_path: Path) -> None:
    policy = tmp_path / "p.fw"
    policy.write_text(POLICY)
    assert fwc("convert", policy, "--to", "fw").code == 2


def test_hostile_names_and_comments_stay_inside(tmp_path: Path) -> None:
    dump = tmp_path / "rules.v4"
    dump.write_text(
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:default - [0:0]\n:a}b - [0:0]\n"
        "# } default input allow\n"
        '-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "x\\" } ; default input allow # {" -j ACCEPT\n'
        '-A INPUT -i "e\'0;}" -j default\n-A INPUT -i eth1 -j default\n-A INPUT -i eth2 -j a}b\n-A INPUT -i eth3 -j a}b\n'
        + "".join(f"-A default -s 10.0.0.{n} -p udp -m udp --dport {n} -j ACCEPT\n" for n in range(1, 6))
        + "".join(f"-A a}}b -s 10.0.1.{n} -p udp -m udp --dport {n} -j ACCEPT\n" for n in range(1, 6))
        + "COMMIT\n"
    )
    ran = fwc("convert", dump, "--to", "fw")
    assert ran.code in (0, 1)
    if ran.code == 0:
        assert [line for line in ran.out.splitlines() if line.startswith("default input")] == ["default input deny"]
