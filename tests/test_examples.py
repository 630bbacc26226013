"""Every example does what examples/README.md says: it compiles or is refused, loads, passes its packets, is lint-clean."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from fwc import api
from fwc.api import CompileOptions, LintRequest, TargetOutput, compile_policy, lint, load_policy
from fwc.diagnostics import Diagnostic, Severity
from fwc.elaborate.elaborated import Elaborated
from fwc.elaborate.program import ElaborateOptions
from fwc.lang.format import format_source
from fwc.lints._settings import LintSettings
from fwc.project.kernel.laboratory import missing
from fwc.project.kernel.policy_tests import run_on_kernel
from fwc.project.loader import DiskFiles, read_input, standard_policies
from fwc.source import SourceFile

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
TODAY = "2026-06-01"
LINUX = ("nftables", "iptables")
TARGETS = ("nftables", "iptables", "pf")

REFUSED: dict[tuple[str, str], tuple[str, ...]] = {
    ("bastion", "pf"): (
        "pf fills a table with the source of a tcp connection over its limit only",
        "pf on macOS cannot express log without verdict exactly: the log line is not written",
        "pf on macOS cannot express time",
    ),
    ("dmz", "pf"): ("pf applies maps before other translations; write `map` above them",),
    ("docker-host", "pf"): ("pf compares exact interface names and has no `br-*`",),
    ("isp-edge", "iptables"): ("iptables cannot tell before routing by which interface a packet will leave",),
    ("isp-edge", "pf"): (
        "pf cannot tell by which interface a packet will leave before it leaves",
        "pf compares exact interface names and has no `ae*`",
        "pf limits the rate of tcp connections per source only",
        "pf on macOS cannot express early exactly: packets of known connections are not refused",
        "pf on macOS cannot express length",
        "pf on macOS cannot express log exactly: the NFLOG group is dropped; the line goes to pflog0",
        "pf on macOS cannot express rewrite",
        "pf on macOS cannot express ttl",
    ),
    ("k8s-node", "pf"): ("pf compares exact interface names and has no `cilium*`",),
    ("lowlevel", "pf"): (
        "pf on macOS cannot express early exactly: packets of known connections are not refused",
        "pf on macOS cannot express helper",
        "pf on macOS cannot express log without verdict exactly: the log line is not written",
        "pf on macOS cannot express mac",
        "pf on macOS cannot express mark",
        "pf on macOS cannot express rewrite",
    ),
    ("mail-server", "pf"): (
        "pf counts per single source address only",
        "pf fills a table with the source of a tcp connection over its limit only",
        "what exceeds the limit goes on to later rules, and pf drops it",
    ),
    ("vpn-gateway", "pf"): ("pf on macOS cannot express early exactly: packets of known connections are not refused",),
    ("web-server", "pf"): ("pf limits the rate of tcp connections per source only",),
}
"""What each example is refused for; everything that is not listed compiles."""

WRONG_SYSTEM = {("macos-workstation", "nftables"), ("macos-workstation", "iptables"), ("pre-commit", "pf")}
"""Examples whose interfaces have names of the other system, so that the lints stop the compile."""

FLEET = {"lb1": LINUX, "web1": LINUX, "web2": LINUX, "db1": LINUX, "mac-build": ("pf",)}
"""The machines of the fleet and the targets that run on them."""

Job = tuple[str, str, str]
"""Example, host and target."""


def single() -> list[str]:
    """Examples that are one machine."""
    return sorted(path.parent.name for path in EXAMPLES.glob("*/policy.fw") if path.parent.name != "fleet")


def jobs(targets: tuple[str, ...] = TARGETS) -> list[Job]:
    """Everything that compiles."""
    no = REFUSED.keys() | WRONG_SYSTEM
    found = [(name, "", target) for name in single() for target in targets if (name, target) not in no]
    return found + [("fleet", host, target) for host, own in FLEET.items() for target in own if target in targets]


@cache
def policy(name: str) -> tuple[SourceFile, DiskFiles]:
    path = EXAMPLES / name / "policy.fw"
    return read_input(str(path), ""), DiskFiles(str(path), standard_policies())


@cache
def compiled(name: str, host: str, target: str) -> tuple[TargetOutput | None, tuple[Diagnostic, ...]]:
    """With the proof and the lints, as `fwc compile` does it."""
    outputs, diagnostics = compile_policy(*policy(name), CompileOptions((target,), host, TODAY))
    return (outputs[0] if outputs else None), tuple(diagnostics)


@cache
def elaborated(name: str, host: str, target: str) -> Elaborated:
    found, diagnostics = load_policy(*policy(name), ElaborateOptions(target, host, TODAY))
    assert found is not None, [d.message for d in diagnostics]
    return found


def messages(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    return [d.message for d in diagnostics if d.severity is Severity.ERROR]


def test_every_example_has_its_paragraph() -> None:
    """examples/README.md names every directory, and nothing that is not there."""
    directories = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert set(re.findall(r"^\*\*\[([a-z0-9-]+)\]", (EXAMPLES / "README.md").read_text(), re.M)) == directories


def test_the_readme_says_what_is_refused() -> None:
    """The table of examples/README.md is the table of this file."""
    rows = re.findall(r"^\| ([a-z0-9-]+) \| (.+) \|$", (EXAMPLES / "README.md").read_text(), re.M)
    said = {name: tuple(cell.strip() for cell in cells.split("|")) for name, cells in rows}
    wanted = {name: tuple("refused" if (name, target) in REFUSED else "yes" for target in TARGETS) for name in single()}
    assert {name: said.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("job", jobs(), ids="-".join)
def test_compiles_with_the_proof(job: Job) -> None:
    output, diagnostics = compiled(*job)
    assert output is not None, messages(diagnostics)
    assert all("Read back and proved equal" in f.text for f in output.files if f.name != "apply.sh" and f.text)


@pytest.mark.parametrize("job", sorted(REFUSED), ids="-".join)
def test_refused_with_the_right_message(job: tuple[str, str]) -> None:
    """Nothing is written; each message stands at a statement and shows a way out."""
    output, diagnostics = compiled(job[0], "", job[1])
    assert output is None
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    assert tuple(sorted({d.message for d in errors})) == REFUSED[job]
    assert all(d.code == "FW031" and d.primary is not None and (d.help or d.notes) for d in errors)


@pytest.mark.parametrize(("name", "target"), sorted(WRONG_SYSTEM))
def test_interfaces_of_another_system_stop_a_compile(name: str, target: str) -> None:
    output, diagnostics = compiled(name, "", target)
    assert output is None
    assert {d.code for d in diagnostics if d.severity is Severity.ERROR} == {"FW701"}


@pytest.mark.parametrize("job", jobs(("nftables",)), ids="-".join)
def test_compiling_twice_gives_the_same_bytes(job: Job) -> None:
    name, host, target = job
    again, _ = compile_policy(*policy(name), CompileOptions((target,), host, TODAY))
    assert again == (compiled(name, host, target)[0],)


@pytest.mark.parametrize("job", jobs(), ids="-".join)
def test_packets_in_the_simulator(job: Job) -> None:
    """The test packets of the policy, on the emitted text read back."""
    name, host, target = job
    outcome, diagnostics = api.test_policy(*policy(name), api.TestRequest(target, host, TODAY))
    assert outcome is not None and messages(tuple(diagnostics)) == []
    if name != "fleet" or host == "db1":
        assert outcome.elaborated.tests, "an example carries test packets"


@pytest.mark.kernel
@pytest.mark.parametrize("job", jobs(LINUX), ids="-".join)
def test_packets_on_the_kernel(job: Job) -> None:
    """The output loads in a fresh namespace, and the test packets fare as the policy says (`fwc test --kernel`)."""
    reason = missing()
    if reason:
        if os.environ.get("CI"):
            pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
        pytest.skip(f"no kernel laboratory: {reason}")
    output, _ = compiled(*job)
    found = run_on_kernel(elaborated(*job), output)
    assert [d.message for d in found if d.severity is Severity.ERROR] == []


@pytest.mark.parametrize("name", [*single(), "fleet"])
def test_lint_clean(name: str) -> None:
    """`fwc lint` at its default settings finds nothing in an example."""
    for host in FLEET if name == "fleet" else ("",):
        outcome = lint(*policy(name), LintRequest("fwc", LintSettings(today=TODAY), host))
        assert [(d.code, d.name, d.message, d.primary.span.line if d.primary else 0) for d in outcome.findings] == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.fw")), ids=lambda p: str(p.relative_to(EXAMPLES)))
def test_in_canonical_layout(path: Path) -> None:
    source = SourceFile(path.name, path.read_text())
    assert format_source(source)[0] == source.text
