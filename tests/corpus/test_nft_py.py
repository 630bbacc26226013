"""netfilter's own one-rule tests (tests/py of nftables), where they are there: what nft loads is read, what it refuses said."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fwc.api import import_ruleset
from fwc.diagnostics import has_errors
from fwc.source import SourceFile

DIRECTORY = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "nft" / "py"
LEAST = {"ok": 0.98, "fail": 0.55}
"""The share of the lines of each kind that are judged as nft does. Refused lines that are read all the same need what only the
kernel or another release knows: values of raw payload, data types of concatenations, registers."""

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not DIRECTORY.exists(), reason="../shared/corpora is not there"),
]


def rulesets(path: Path) -> Iterator[tuple[str, str]]:
    """(what nft does, a ruleset with the line in its only chain), for the first table of the file."""
    chains: dict[str, str] = {}
    sets: dict[str, str] = {}
    family = chain = ""
    for line in path.read_text(errors="replace").splitlines():
        words = line.strip().split(";")
        mark, rest = line[:1], words[0][1:]
        if mark == ":":
            chains[rest] = ";".join(words[1:])
        elif mark == "*" and not family:
            family, chain = rest, words[2].split(",")[0]
        elif mark == "!" and words[-1] == "ok":
            name, _, kind = rest.partition(" ")
            kind = kind if kind.startswith("type") else f"type {kind}"
            kind = re.sub(" (flags|timeout) ", r"; \\1 ", kind)
            sets[name] = f"set {name} {{ {'; '.join([kind, *words[1:-1]])}; }}"
        elif (
            mark not in ("#", "-", "?", "%", "@", "!", "") and len(words) > 1 and words[1] in ("ok", "fail") and family
        ):
            body = "\n".join(sets.values())
            yield words[1], f"table {family} t {{\n{body}\nchain c {{\n{chains[chain]};\n{words[0]}\n}}\n}}\n"


def test_share_of_lines() -> None:
    judged: collections.Counter[tuple[str, bool]] = collections.Counter()
    for path in sorted(DIRECTORY.glob("*.t")):
        for expected, text in rulesets(path):
            _, _, found = import_ruleset(SourceFile(path.name, text), "nft")
            judged[expected, has_errors(found) is (expected == "fail")] += 1
    for kind, least in LEAST.items():
        right, wrong = judged[kind, True], judged[kind, False]
        print(f"nft/py: {right} of {right + wrong} lines that are {kind} are judged so ({right / (right + wrong):.1%})")
        assert right + wrong > 200
        assert right / (right + wrong) >= least
