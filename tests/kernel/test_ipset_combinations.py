"""A lookup of combinations as one ipset decides every packet as the chains do without `--ipset`."""

from __future__ import annotations

import random
import subprocess

import pytest
from tests.properties.memory_files import NoFiles

from fwc.api import CompileOptions, compile_policy
from fwc.net.hooks import Family
from fwc.project.kernel.frames import TCP, UDP, Probe
from fwc.project.kernel.laboratory import Laboratory
from fwc.source import SourceFile

pytestmark = pytest.mark.kernel

FORMS = {
    "hash:ip,port": (4, "203.0.113.{n}", "10.0.0.20"),
    "hash:net,port": (4, "203.0.{n}.0/24", "10.0.0.20"),
    "hash:ip,port,ip": (4, "203.0.113.{n}", "10.0.0.{n}"),
    "hash:ip,port,net": (4, "203.0.113.{n}", "10.0.0.{block}/30"),
    "hash:net,port,net": (4, "203.0.{n}.0/24", "10.0.0.{block}/30"),
    "hash:ip,port,ip inet6": (6, "2001:db8:77::{n}", "2001:db8:1::{n}"),
    "hash:net,port,net inet6": (6, "2001:db8:{n}::/48", "2001:db8:1::{block}/126"),
}


def policy(version: int, source: str, target: str) -> str:
    rules = []
    for n in range(4, 44):
        digits = "x" if version == 6 else "d"
        ends = [e.format(n=f"{n:{digits}}", block=f"{n // 4 * 4:{digits}}") for e in (source, target)]
        ports = f"{8000 + n}-{8002 + n}" if n % 7 == 0 else f"{8000 + n}"
        rules.append(f"allow {'udp' if n % 5 == 0 else 'tcp'} {ports} from {ends[0]} in wan to {ends[1]} in lan")
    head = ["syntax 1", f"settings {{ family v{version} }}", "zone wan { iface eth0 }", "zone lan { iface eth1 }"]
    return "\n".join([*head, *rules, "default forward deny", "default input deny", ""])


def probes(version: int, seed: int) -> list[Probe]:
    draw = random.Random(seed)
    out = []
    for number in range(400):
        n = draw.randrange(3, 46)
        m = n if draw.random() < 0.6 else draw.randrange(3, 46)
        third = draw.choice((113, n))
        if version == 4:
            source, target = 0xCB000000 | third << 8 | n, 0x0A000000 | draw.choice((20, m))
        else:
            source = 0x20010DB8 << 96 | draw.choice((0x77, n)) << 80 | n
            target = 0x20010DB8 << 96 | 1 << 80 | m
        port = 8000 + n + draw.choice((0, 0, 0, 1, 2, 9))
        family = Family.V4 if version == 4 else Family.V6
        out.append(Probe("eth0", family, source, target, draw.choice((TCP, TCP, UDP)), 20000 + number, port))
    return out


def supported(kind: str) -> bool:
    """Some kernels are built without the rarer types."""
    return not subprocess.run(
        ["unshare", "-n", "ipset", "create", "x", kind], capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize("variant", ["nft", "legacy"])
@pytest.mark.parametrize("form", FORMS)
def test_as_the_chains_decide(lab: Laboratory, form: str, variant: str) -> None:
    version, source, target = FORMS[form]
    if not supported(form.split()[0]):
        pytest.skip(f"this kernel has no ipset of type {form.split()[0]}")
    tool = f"{'iptables' if version == 4 else 'ip6tables'}-{variant}"
    text = SourceFile("p.fw", policy(version, source, target))
    fates = []
    for ipset in (False, True):
        outputs, found = compile_policy(text, NoFiles(), CompileOptions(("iptables",), ipset=ipset, lint=False))
        assert not found
        files = {f.name: f.text for f in outputs[0].files}
        assert ("ipset.conf" in files) is ipset
        sets = [("ipset", files["ipset.conf"])] if ipset else []
        assert not ipset or f" {form.split()[0]} " in files["ipset.conf"]
        lab.load(*sets, (tool, files[f"rules.v{version}"]))
        fates.append([fate.verdict for fate in lab.send(probes(version, 5))])
    assert fates[0] == fates[1]
    assert 20 < fates[0].count("accept") < 380
