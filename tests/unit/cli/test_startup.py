"""What a command imports: start-up is most of the time of a short command, and an import in the wrong place is all it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fwc.lints._registry import LISTED

SOURCE = Path(__file__).parents[3] / "src"

HELP = {"fwc", "fwc.__main__", "fwc.cli", "fwc.cli.exits", "fwc.cli.main", "fwc.errors"}
"""All that `fwc --help` may load of fwc."""

LINT_PACKAGES = {
    "analysis", "api", "cli", "diagnostics", "dialects", "elaborate", "errors", "ir", "lang", "lints", "net", "project",
    "records", "render", "sim", "source", "space",
}  # fmt: skip
"""What `fwc lint` of a policy may load of fwc: no pass, no proof of outputs, no comparison."""

LINT_NOT = {
    "fwc.dialects.nft.tree", "fwc.dialects.pf.tree", "fwc.elaborate.nat_forward", "fwc.elaborate.packet_changes",
    "fwc.elaborate.packet_tests", "fwc.lints._journey_search", "fwc.lints._pf", "fwc.analysis.equivalence",
    "fwc.lints._assertions", "fwc.lints._change", "fwc.lints._clamps", "fwc.lints._aliases", "fwc.lang.hints",
    "fwc.lang.syntax_errors", "fwc.project.write", "fwc.elaborate.set_files", "fwc.elaborate.templates",
    "fwc.dialects.iptables.emit", "fwc.dialects.iptables.lower", "fwc.dialects.nft.lower", "fwc.dialects.nft.parse",
    "fwc.dialects.pf.lower", "fwc.dialects.pf.parse", "fwc.lang.grammars", "fwc.project.baseline", "fwc.render.sarif",
    "fwc.sim.netfilter",
}  # fmt: skip

HEAVY = {
    "asyncio", "difflib", "hashlib", "jinja2", "lark", "multiprocessing", "networkx", "numpy", "pygls", "random", "rich", "ssl",
    "tomllib", "unicodedata", "yaml",
}  # fmt: skip
"""Nothing of this for a help text or a policy without findings."""

POLICY = """syntax 1
zone wan { iface eth0 }
zone lan { iface eth1 }
allow tcp 22 from lan to self
allow tcp 80, 443 from lan to wan
default input deny
default forward deny
"""


PROGRAM = """
import sys
before = set(sys.modules)
from fwc.cli.main import run
run(sys.argv[1:])
print("modules:", *sorted(set(sys.modules) - before), file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that `fwc ARGUMENTS` imports beyond those of an empty program (`-X importtime` leaves out those that are
    imported by name)."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    words = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=True)
    found = set(done.stderr.split("modules:", 1)[1].split())
    assert "fwc.cli.main" in found
    return found


def test_help_loads_no_command() -> None:
    found = loaded("--help")
    assert {m for m in found if m.split(".")[0] == "fwc"} <= HELP
    assert not {m.split(".")[0] for m in found} & (HEAVY | {"dataclasses", "pathlib", "json"})


@pytest.fixture(scope="module")
def lint(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    policy = tmp_path_factory.mktemp("start") / "policy.fw"
    policy.write_text(POLICY)
    return loaded("lint", "--isolated", str(policy))


def test_lint_loads_what_it_uses(lint: set[str]) -> None:
    packages = {m.split(".")[1] for m in lint if m.startswith("fwc.")}
    assert packages - {"__main__"} <= LINT_PACKAGES
    assert not lint & LINT_NOT


def test_lint_of_a_policy_loads_nothing_heavy(lint: set[str]) -> None:
    assert not {m.split(".")[0] for m in lint} & (HEAVY | {"glob", "json", "pathlib", "socket", "urllib"})


def test_lint_loads_only_lints_that_read_policies(lint: set[str]) -> None:
    others = {f"fwc.lints.{each.module}" for each in LISTED.values() if each.module and "fwc" not in each.formats}
    assert len(others) > 50
    assert not lint & others
    assert "fwc.lints.unreachable_rule" in lint


def test_lint_loads_no_lint_about_what_the_policy_has_not(lint: set[str]) -> None:
    absent = {"Log", "Snat", "WithinRate", "NoTrack", "assertion", "inventory", "called chain"}
    others = {f"fwc.lints.{each.module}" for each in LISTED.values() if each.needs and absent.issuperset(each.needs)}
    assert len(others) > 10
    assert not lint & others
