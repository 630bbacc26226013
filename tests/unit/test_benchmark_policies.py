"""The benchmark's generator writes policies that mean the same and compile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.policies import allow_list, random_policy, write_ferm, write_fwc
from benchmarks.rulesets import FORMATS, SHAPES
from tests.properties.memory_files import NoFiles
from tests.unit.cli.run_fwc import fwc

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


@pytest.mark.parametrize("shape", SHAPES)
def test_rulesets_hide_the_same_rules_in_every_format(shape: str, tmp_path: Path) -> None:
    dead = {}
    for kind, (name, write) in FORMATS.items():
        if (shape, kind) == ("200 nested", "pf"):
            continue  # pf nests 64 anchors at most
        path = tmp_path / name
        path.write_text(write(SHAPES[shape](400)))
        ran = fwc("lint", "--isolated", "--exit-zero", "--output-format", "json", str(path))
        found = [each["code"] for each in json.loads(ran.out)]
        assert not [code for code in found if code.startswith("FW0")]
        dead[kind] = sum(code in ("FW101", "FW102", "FW103", "FW106") for code in found)
    assert dead["iptables-save"] == dead["nft"] == dead["fwc"] == {"acl": 4, "heavy overlap": 14}.get(shape, 0)
    assert dead.get("pf", 0) <= dead["nft"]  # a `pass` of tcp takes the first packet of a connection only
