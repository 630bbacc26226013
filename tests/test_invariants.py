"""The invariants of ARCHITECTURE.md that no other test holds: proof, three-valued matching, provenance, determinism."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys

import pytest
from tests.test_examples import EXAMPLES, LINUX, ROOT, TODAY, Job, elaborated, jobs

from fwc.analysis.facts import Facts
from fwc.api import import_ruleset
from fwc.dialects.base import LowerOptions, OutputFile
from fwc.dialects.registry import load_dialect
from fwc.errors import InternalError
from fwc.ir.model import Role, Ruleset
from fwc.ir.verdict import Continue
from fwc.ir.walk import rules
from fwc.passes.pipeline import optimize
from fwc.roundtrip import prove
from fwc.source import SourceFile


def lowered(job: Job) -> tuple[OutputFile, ...]:
    dialect = load_dialect(job[2])
    tree, found = dialect.lower(optimize(elaborated(*job).ruleset, job[2], 1), LowerOptions())
    assert tree is not None, [d.message for d in found]
    return tuple(dialect.print(tree))


MUTATIONS = {
    "nftables": (r"(?<= )accept$", "drop"),
    "iptables": (r"(?<=-j )ACCEPT$", "DROP"),
    "pf": (r"^pass (?=in|out)", "block drop "),
}
"""A verdict of each target and its opposite."""


@pytest.mark.parametrize("target", sorted(MUTATIONS))
def test_a_changed_verdict_is_never_written(target: str) -> None:
    """Invariant 5: the proof refuses the output with any one accept turned into a drop, and says which packet shows it."""
    job = ("home-router", "", target)
    files = lowered(job)
    prove(target, files, elaborated(*job).ruleset)
    pattern, opposite = MUTATIONS[target]
    changed = 0
    for number, file in enumerate(files):
        for found in re.finditer(pattern, file.text, re.M):
            text = file.text[: found.start()] + opposite + file.text[found.end() :]
            mutant = (*files[:number], dataclasses.replace(file, text=text), *files[number + 1 :])
            with pytest.raises(InternalError, match="does not mean what the policy means"):
                prove(target, mutant, elaborated(*job).ruleset)
            changed += 1
    assert changed >= 8


RECENT = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT{condition} -p tcp --dport 22 -j DROP
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
"""


@pytest.mark.parametrize(
    ("condition", "dead"), [("", 1), (" -m recent --update --seconds 60", 0), (" -s 10.0.0.0/8", 0)]
)
def test_what_is_not_modelled_hides_nothing(condition: str, dead: int) -> None:
    """Invariant 6: an opaque condition may match and need not, so the rule after it is alive."""
    source = SourceFile("rules.v4", RECENT.replace("{condition}", condition))
    _, ruleset, diagnostics = import_ruleset(source, "iptables-save")
    assert diagnostics == []
    assert len(Facts(ruleset).dead()) == dead


IMPLICIT = {
    Role.LOOPBACK,
    Role.ESTABLISHED,
    Role.INVALID_DROP,
    Role.ICMPV6_ND,
    Role.DHCP_CLIENT,
    Role.RPFILTER,
    Role.ANTISPOOF,
}


def without_origin(ruleset: Ruleset) -> list[str]:
    return [
        f"{table.name} {chain.name} {rule}"
        for table, chain, _, rule in rules(ruleset)
        if not rule.origin.spans and rule.role not in IMPLICIT and not isinstance(rule.verdict, Continue)
    ]


@pytest.mark.parametrize("job", jobs(), ids="-".join)
def test_every_rule_knows_its_line(job: Job) -> None:
    """Invariant 7: whatever is not an implicit rule has the span of the statement that caused it, before and after the passes."""
    policy = elaborated(*job)
    assert without_origin(policy.ruleset) == []
    assert without_origin(optimize(policy.ruleset, job[2], 1)) == []


@pytest.mark.parametrize("job", [j for j in jobs(LINUX) if j[0] in ("dmz", "bastion", "fleet")], ids="-".join)
def test_the_same_bytes_whatever_the_hash_seed(job: Job, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Invariant 8, across processes."""
    name, host, target = job
    texts = []
    for seed in ("1", "2"):
        out = tmp_path_factory.mktemp("out")
        command = [sys.executable, "-m", "fwc", "compile", f"examples/{name}/policy.fw", "--target", target]
        command += ["--out-dir", str(out), "--today", TODAY, *(("--host", host) if host else ())]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            command, cwd=EXAMPLES.parent, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        texts.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert texts[0] == texts[1] and texts[0]
