"""pf.conf files that nobody here wrote, where they are there: what they convert to loads, and most that can be read do convert.

`-s` prints the figures.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fwc.api import ReadRequest, convert
from fwc.dialects.base import OutputFile
from fwc.diagnostics import Severity
from fwc.project.kernel.laboratory import Laboratory
from fwc.source import SourceFile

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "corpora" / "pf"
pytestmark = [
    pytest.mark.kernel,
    pytest.mark.corpus,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the collection of rulesets is not beside the checkout"),
]
COMMANDS = {
    "nftables.conf": ("nft", "-c", "-f", "-"),
    "rules.v4": ("iptables-restore", "--test"),
    "rules.v6": ("ip6tables-restore", "--test"),
}
"""How the files of a target are tried; those of iptables that need ipsets are not."""


def sources() -> list[SourceFile]:
    return [SourceFile(p.name, p.read_text(encoding="utf-8", errors="replace")) for p in sorted(FOLDER.glob("*.pf"))]


def problem(lab: Laboratory, files: tuple[OutputFile, ...]) -> str:
    if any(file.name == "ipset.conf" for file in files):
        return ""
    for file in files:
        done = lab.run(*COMMANDS[file.name], stdin=file.text, check=False)
        if done.returncode:
            return f"{file.name}: {done.stderr}"
    return ""


@pytest.mark.parametrize(("target", "least"), [("nftables", 135), ("iptables", 125)])
def test_what_is_converted_loads(lab: Laboratory, target: str, least: int) -> None:
    readable = converted = 0
    for source in sources():
        output, found = convert(source, ReadRequest("pf"), target)
        errors = [d for d in found if d.severity is Severity.ERROR]
        if output is None:
            assert errors and all(d.primary is not None for d in errors), source.path
            readable += all(d.code == "FW031" for d in errors)
            continue
        readable += 1
        converted += 1
        assert not problem(lab, output.files), source.path
    print(f"{readable} of {len(sources())} files are read, {converted} converted to {target}")
    assert converted >= least
