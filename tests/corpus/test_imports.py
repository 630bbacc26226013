"""Rulesets that nobody here wrote, where they are there: every file is imported without a crash. `-s` prints the figures."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fwc.api import import_ruleset
from fwc.diagnostics import has_errors
from fwc.ir.match import Opaque
from fwc.ir.verdict import OpaqueAction, OpaqueVerdict
from fwc.ir.walk import match_nodes, rules
from fwc.source import SourceFile

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
MANIFEST = CORPORA / "MANIFEST.tsv"
KIND = {"iptables": "iptables-save", "nft": "nft", "pf": "pf"}
MODELLED = {"iptables": 0.997, "nft": 0.98, "pf": 0.989}
"""The least share of lifted rules without an opaque part, over the files that load here (pf: over all files)."""

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not MANIFEST.exists(), reason="../shared/corpora is not there"),
]


@pytest.mark.parametrize("kind", sorted(KIND))
def test_every_file_is_imported(kind: str) -> None:
    with MANIFEST.open() as lines:
        rows = [r for r in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if r["format"] == kind]
    files = total = exact = 0
    for row in rows:
        text = (CORPORA / row["file"]).read_text(errors="replace")
        form = "nft-json" if text.lstrip()[:1] == "{" and kind == "nft" else KIND[kind]
        _, ruleset, found = import_ruleset(SourceFile(row["file"], text), form)
        files += 1
        if kind != "pf" and "pass" not in (row["legacy"], row["nft"]):
            continue
        assert kind != "nft" or not has_errors(found), (row["file"], found)
        for _, _, _, rule in rules(ruleset):
            total += 1
            parts = (*match_nodes(rule.match), *rule.actions, rule.verdict)
            exact += not any(isinstance(p, Opaque | OpaqueAction | OpaqueVerdict) and p.dialect for p in parts)
    print(f"{kind}: {files} files, {total} rules, {exact / total:.2%} fully modelled")
    assert files > 100
    assert exact / total >= MODELLED[kind]
