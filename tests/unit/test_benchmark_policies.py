"""The benchmark's generator writes policies that mean the same and compile."""

from __future__ import annotations

from pathlib import Path

from benchmarks.policies import allow_list, random_policy, write_ferm, write_fwc
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy
from fwc.source import SourceFile


def test_rules_are_different_and_repeatable() -> None:
    policy = random_policy(300)
    assert policy == random_policy(300)
    single = [(r.service, s, r.destination) for r in policy.rules for s in r.sources]
    assert len(set(single)) == len(single)
    assert len(set(policy.objects.values())) == len(policy.objects)
    assert len(set(allow_list(500))) == 500


def test_the_policy_compiles_for_every_target_and_is_proved(tmp_path: Path) -> None:
    policy = random_policy(40)
    path = tmp_path / "policy.fw"
    write_fwc(policy, path)
    source = SourceFile(str(path), path.read_text())
    outputs, diagnostics = compile_policy(source, NoFiles(), CompileOptions(("nftables", "iptables")))
    assert not diagnostics
    assert [o.target for o in outputs] == ["nftables", "iptables"]


def test_ferm_gets_one_rule_for_each(tmp_path: Path) -> None:
    path = tmp_path / "policy.ferm"
    write_ferm(random_policy(40), path)
    assert sum(line.startswith("interface eth0") for line in path.read_text().splitlines()) == 40
