"""Rulesets that nobody here wrote as policies, where they are there: proved equal, or refused with a place."""

from __future__ import annotations

import collections
import csv
from pathlib import Path

import pytest

from fwc.api import ReadRequest, convert
from fwc.diagnostics import Severity
from fwc.source import SourceFile

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
MANIFEST = CORPORA / "MANIFEST.tsv"
CONVERTED = {"iptables": 0.78, "nft": 0.69}
"""The least share of the files that load here. Refused are above all bridge and netdev tables, marks copied between packet and
connection, targets that no other program has, and buckets that several rules share."""

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not MANIFEST.exists(), reason="../shared/corpora is not there"),
]


@pytest.mark.parametrize("form", sorted(CONVERTED))
def test_share_of_policies(form: str) -> None:
    with MANIFEST.open() as lines:
        rows = [r for r in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if r["format"] == form]
    reasons: collections.Counter[str] = collections.Counter()
    files = done = 0
    for row in rows:
        if row["nft"] != "pass":
            continue
        files += 1
        source = SourceFile(row["file"], (CORPORA / row["file"]).read_text(errors="replace"))
        family = "v6" if row["family"] == "6" else "v4"
        request = ReadRequest("iptables-save", family=family) if form == "iptables" else ReadRequest("nft")
        output, found = convert(source, request, "fwc")
        errors = [d for d in found if d.severity is Severity.ERROR]
        if output is not None:
            done += 1
            assert not errors
            continue
        assert errors and all(d.primary is not None for d in errors), row["file"]
        reasons.update({d.message[:100] for d in errors})
    print(f"{form}: {done} of {files} files are policies ({done / files:.1%})")
    for reason, times in reasons.most_common(25):
        print(f"  {times}x {reason}")
    assert files > 250
    assert done / files >= CONVERTED[form]
