"""pf.conf files that nobody here wrote, where they are there: what they convert to loads, and most that can be read do convert.

`-s` prints the figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fwc.api import ReadRequest, convert
from fwc.diagnostics import Severity
from fwc.project.kernel.laboratory import Laboratory
from fwc.source import SourceFile

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "corpora" / "pf"
pytestmark = [
    pytest.mark.kernel,
    pytest.mark.corpus,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the collection of rulesets is not beside the checkout"),
]
KINDS = {
    "ipset.conf": "ipset",
    "nftables.conf": "nft",
    "rules.v4": "iptables-nft",
    "rules.v6": "ip6tables-nft",
}
"""How the files of a target are loaded, in the order in which they are."""


def sources() -> list[SourceFile]:
    return [SourceFile(p.name, p.read_text(encoding="utf-8", errors="replace")) for p in sorted(FOLDER.glob("*.pf"))]


@pytest.mark.parametrize(("target", "least"), [("nftables", 157), ("iptables", 151)])
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
        texts = {file.name: file.text for file in output.files}
        lab.load(*((kind, texts[name]) for name, kind in KINDS.items() if name in texts))
    print(f"{readable} of {len(sources())} files are read, {converted} converted to {target}")
    assert converted >= least
