"""The examples compiled, and the output converted to a policy: proved equal, or refused for a reason that is known here."""

from __future__ import annotations

import pytest
from tests.test_examples import EXAMPLES, TODAY

from fwc.api import CompileOptions, ReadRequest, compile_policy, convert
from fwc.diagnostics import Severity
from fwc.lang.format import format_source
from fwc.project.loader import DiskFiles, read_input, standard_policies
from fwc.source import SourceFile

REFUSED = {
    ("bastion", "iptables"): "is not proved equal",  # a limit chain that two callers of one rule share
    ("dmz", "iptables"): "`netmap",
    ("dmz", "nftables"): "`netmap",
    ("isp-edge", "nftables"): "a question of the routing table",
    ("laptop", "nftables"): "is not proved equal",
    ("mail-server", "iptables"): "is not proved equal",
    ("mail-server", "nftables"): "is not proved equal",
}
NAMES = sorted(p.parent.name for p in EXAMPLES.glob("*/policy.fw") if p.parent.name != "fleet")


def compiled(name: str, target: str) -> tuple[str, str] | None:
    path = str(EXAMPLES / name / "policy.fw")
    options = CompileOptions((target,), today=TODAY, lint=False)
    outputs, _ = compile_policy(read_input(path), DiskFiles(path, standard_policies()), options)
    if not outputs:
        return None
    files = {f.name: f.text for f in outputs[0].files}
    if target == "nftables":
        return files["nftables.conf"], "nft"
    return files["rules.v4"] + files["rules.v6"], "iptables-save"


@pytest.mark.parametrize("target", ["nftables", "iptables"])
@pytest.mark.parametrize("name", NAMES)
def test_there_and_back(name: str, target: str) -> None:
    found = compiled(name, target)
    if found is None:
        assert (name, target) == ("isp-edge", "iptables")  # what examples/README.md says
        return
    text, kind = found
    output, diagnostics = convert(SourceFile("rules", text), ReadRequest(kind), "fwc")
    if output is None:
        errors = [d.message for d in diagnostics if d.severity is Severity.ERROR]
        assert any(REFUSED.get((name, target), "no refusal is known") in message for message in errors), errors
        return
    assert (name, target) not in REFUSED
    policy = output.files[0].text
    assert format_source(SourceFile("policy.fw", policy)) == (policy, [])
