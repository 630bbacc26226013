"""iptables output loads with both variants of iptables-restore, and reads back from the kernel as what was written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.dialects.iptables.build import base, daddr, dport, iif, oif, proto, ruleset, saddr

from fwc.dialects.base import LowerOptions
from fwc.dialects.iptables import dialect
from fwc.ir.match import AnyOf, CtState, Field, FieldIn, Per, SetRef, TimeWindow, WithinRate, all_of, negate, state_in
from fwc.ir.model import Chain, NamedSet, Rule, Ruleset, Settings
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, AddToSet, ClampMss, Dnat, Log, NatTarget, PortChoice, Reject
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.intervals import IntervalSet

pytestmark = pytest.mark.kernel

NEEDED = ("unshare", "iptables-nft-restore", "iptables-legacy-restore", "ipset")
HOSTILE = 'a"b\\c $(x) `y` ; # !'


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    reason = f"lacks {', '.join(missing)}" if missing else "is not run by root" if os.geteuid() else ""
    if reason and os.environ.get("CI"):
        pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
    if reason:
        pytest.skip(f"the machine {reason}")


def sample(settings: Settings | None = None) -> Ruleset:
    """A rule of every shape that lowering makes."""
    target = NatTarget(Family.V4, 0x0A000005, 0x0A000005, (9000, 9010))
    many = saddr(*(f"10.{i}.0.0/16" for i in range(0, 80, 2)))
    rules = (
        Rule(state_in(CtState.RELATED, CtState.ESTABLISHED), (), ACCEPT),
        Rule(all_of(many, iif("eth0", "wg*"), proto(6), dport(*range(1, 80, 2))), (), ACCEPT, "large"),
        Rule(AnyOf((saddr("10.0.0.1"), daddr("10.0.0.2"))), (Log("twice"),), CONTINUE),
        Rule(negate(iif("eth0", "eth1")), (Log("x: ", rate=WithinRate(3, 60, 5)),), Reject()),
        Rule(all_of(proto(6), WithinRate(10, 60, 20, per=Per.SOURCE, name="ssh")), (), ACCEPT),
        Rule(FieldIn(Field.FRAGMENT, IntervalSet.of(0)), (), ACCEPT, comment=HOSTILE),
        Rule(TimeWindow(0, 86400, frozenset({5, 6})), (), DROP),
        Rule(SetRef("banned", (Field.SADDR,)), (), DROP),
        Rule(proto(17), (AddToSet("banned", (Field.SADDR,), 60),), DROP),
    )
    offset = Rule(all_of(proto(6), dport((8000, 8010))), (), Dnat((target,), PortChoice.OFFSET))
    return ruleset(
        Chain("input", rules, base()),
        Chain("early", (Rule(saddr("10.0.0.9"), (), DROP),), base(Hook.PREROUTING, -300, policy=ACCEPT)),
        Chain("clamp", (Rule(oif("ppp0"), (ClampMss(),)),), base(Hook.FORWARD, -150, policy=ACCEPT)),
        Chain("nat", (offset,), base(Hook.PREROUTING, -100, ChainType.NAT, ACCEPT)),
        sets=(NamedSet("banned", (Field.SADDR,), kind="addresses", runtime=True),),
        settings=settings,
    )


def write(directory: Path, of: Ruleset) -> None:
    tree, found = dialect.lower(of, LowerOptions())
    assert tree is not None, found
    for file in dialect.print(tree):
        (directory / file.name).write_text(file.text)


def run(directory: Path, script: str) -> str:
    done = subprocess.run(
        ["unshare", "-n", "sh", "-e", "-c", script], cwd=directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("variant", ["nft", "legacy"])
def test_loads_and_is_kept(variant: str, tmp_path: Path) -> None:
    write(tmp_path, sample())
    script = "ipset restore < ipset.conf; "
    for command, version in (("iptables", 4), ("ip6tables", 6)):
        script += f"{command}-{variant}-restore < rules.v{version}; "
    saved = run(tmp_path, script + f"iptables-{variant}-save")
    wrote = {line for line in (tmp_path / "rules.v4").read_text().splitlines() if line.startswith("-A")}
    kept = [line for line in saved.splitlines() if line.startswith("-A")]
    assert len(kept) == len([w for w in (tmp_path / "rules.v4").read_text().splitlines() if w.startswith("-A")])
    plain = {
        line
        for line in wrote
        if not any(w in line for w in ("statistic", "SYN", "TCPMSS", "u32", "--ct", "comment", "time"))
    }
    assert plain <= set(kept)
    assert any('--comment "a\\"b\\\\c $(x) `y` ; # !"' in line for line in kept)


def test_apply_script_may_run_twice(tmp_path: Path) -> None:
    write(tmp_path, sample(Settings(coexist=frozenset({"docker"}))))
    foreign = "iptables -N DOCKER; iptables -A FORWARD -o docker0 -j DOCKER; "
    saved = run(tmp_path, foreign + "sh apply.sh; sh apply.sh; iptables-save")
    assert saved.count("-A INPUT -j fwc-input") == 1
    assert "-A FORWARD -o docker0 -j DOCKER" in saved
