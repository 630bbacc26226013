"""Draws findings over the wild rulesets, to be read by hand: `python -m tests.corpus.sample_findings --seed 11 --count 100`.

Near copies of one file (the manifest's clusters) count once for each code, so that a file with thousands of findings of one kind
weighs no more than one with a single finding. docs/lint-precision.md has the verdicts of the last reading.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
from collections import defaultdict
from typing import Any

from tests.corpus.test_imports import CORPORA, MANIFEST

BATCH = 60


def wild_files() -> dict[str, str]:
    """File to cluster."""
    with MANIFEST.open() as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {r["file"]: r["cluster"] or r["file"] for r in rows if r["kind"].startswith("wild")}


def findings(files: list[str]) -> list[dict[str, Any]]:
    """What `fwc lint` reports at default settings."""
    out: list[dict[str, Any]] = []
    for start in range(0, len(files), BATCH):
        words = [sys.executable, "-m", "fwc", "lint", "--isolated", "--exit-zero", "--output-format", "json-lines"]
        ran = subprocess.run([*words, *files[start : start + BATCH]], cwd=CORPORA, capture_output=True, text=True)
        assert ran.returncode in (0, 2), ran.stderr
        out.extend(json.loads(line) for line in ran.stdout.splitlines())
    return out


def sample(found: list[dict[str, Any]], clusters: dict[str, str], seed: int, count: int) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for each in found:
        groups[clusters[each["filename"]], each["code"]].append(each)
    chance = random.Random(seed)
    return [chance.choice(groups[key]) for key in chance.sample(sorted(groups), min(count, len(groups)))]


def show(number: int, finding: dict[str, Any]) -> None:
    lines = (CORPORA / finding["filename"]).read_text(errors="replace").split("\n")
    row = finding["location"]["row"]
    print(f"## {number} {finding['code']} {finding['filename']}:{row} | {finding['message']}")
    print(f"    {lines[row - 1][:200]}")
    for other in finding["related"][:3]:
        at = other["location"]["row"]
        print(f"      {at} {other['message']} | {lines[at - 1][:150]}")
    if finding["witness"]:
        print(f"      witness {finding['witness']['text'][:200]}")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--count", type=int, default=100)
    options = words.parse_args()
    clusters = wild_files()
    for number, finding in enumerate(sample(findings(sorted(clusters)), clusters, options.seed, options.count), 1):
        show(number, finding)


if __name__ == "__main__":
    main()
