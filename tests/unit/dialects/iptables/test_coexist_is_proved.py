"""`coexist` on iptables: chains in every table are hooked up by the script, and the proof follows it."""

from __future__ import annotations

import pytest

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import has_errors
from fwc.project.loader import DiskFiles, standard_policies
from fwc.source import SourceFile

STATEMENTS = (
    "forward tcp 80 from wan to any -> 10.0.0.5:80",
    "redirect tcp 80 from lan to any -> self:3128",
    "snat any from 10.0.0.0/24 to wan -> 198.51.100.4",
    "masquerade from lan to wan",
    "clamp mss to pmtu for tcp from any to wan",
    "mark 0x1 for tcp 80 from lan to any",
    "notrack udp 53 from wan to self",
    "early { deny udp 1 from any to any }",
    "reject tcp 25 from lan to wan",
)


@pytest.mark.parametrize("other", ["docker", "kubernetes", "fail2ban"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_is_proved(statement: str, other: str) -> None:
    zones = "zone wan { iface eth0 }\nzone lan { iface eth1; net 10.0.0.0/24 }\n"
    text = f"syntax 1\nsettings {{ coexist {other} }}\n{zones}{statement}\ndefault input deny\n"
    options = CompileOptions(("iptables",), today="2026-01-01", lint=False)
    outputs, found = compile_policy(SourceFile("policy.fw", text), DiskFiles("policy.fw", standard_policies()), options)
    assert not has_errors(found), found
    assert "apply.sh" in {file.name for file in outputs[0].files}
