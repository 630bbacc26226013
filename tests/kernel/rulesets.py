"""A policy for every loader: compiled by fwc and loaded by the real tool into a laboratory."""

from __future__ import annotations

from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy
from fwc.diagnostics import has_errors
from fwc.project.kernel.laboratory import Laboratory
from fwc.source import SourceFile

LOADERS = ("nft", "iptables-nft", "iptables-legacy")
HEAD = """syntax 1
zone wan { iface eth0; address 198.51.100.1, 2001:db8:100::1 }
zone lan { iface eth1; net 10.0.0.0/24, 2001:db8:1::/64; address 10.0.0.1, 2001:db8:1::1 }
zone vpn { iface wg0; net 10.8.0.0/24, 2001:db8:8::/64; address 10.8.0.1, 2001:db8:8::1 }
"""
"""The zones of the laboratory in conftest.py."""


def load_policy(lab: Laboratory, loader: str, body: str, keep: bool = False) -> None:
    """Compile HEAD and `body` for the loader and load the result; `keep` leaves connections and other rulesets as they are."""
    target = "nftables" if loader == "nft" else "iptables"
    source = SourceFile("kernel-test.fw", HEAD + body)
    outputs, diagnostics = compile_policy(source, NoFiles(), CompileOptions((target,), verify=False, lint=False))
    assert not has_errors(diagnostics), [d.message for d in diagnostics]
    files = {file.name: file.text for file in outputs[0].files}
    if loader == "nft":
        rulesets = [("nft", files["nftables.conf"])]
    else:
        variant = loader.removeprefix("iptables-")
        rulesets = [("ipset", files["ipset.conf"])] if "ipset.conf" in files else []
        rulesets += [(f"iptables-{variant}", files["rules.v4"]), (f"ip6tables-{variant}", files["rules.v6"])]
    if not keep:
        lab.load(*rulesets)
        return
    for kind, text in rulesets:
        lab.add(kind, text)
