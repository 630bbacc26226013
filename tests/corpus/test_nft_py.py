"""netfilter's own one-rule tests (tests/py of nftables), where they are there: what nft loads is read, what it refuses said."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.properties.memory_files import NoFiles

from fwc import api
from fwc.diagnostics import Severity, has_errors
from fwc.lints._settings import LintSettings
from fwc.source import SourceFile

DIRECTORY = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "nft" / "py"
LEAST = {"ok": 0.98, "fail": 0.76}
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
            kind = re.sub(" (flags|timeout) ", r"; \1 ", kind)
            sets[name] = f"set {name} {{ {'; '.join([kind, *words[1:-1]])}; }}"
        elif (
            mark not in ("#", "-", "?", "%", "@", "!", "") and len(words) > 1 and words[1] in ("ok", "fail") and family
        ):
            body = "\n".join(sets.values())
            yield words[1], f"table {family} t {{\n{body}\nchain c {{\n{chains[chain]};\n{words[0]}\n}}\n}}\n"


def _is_wrong(text: str, linted: bool) -> bool:
    """Whether the importer, or where it is asked for `fwc lint` too, says that the text is no valid ruleset. (A rule that never
    matches is a fault for the linter; nft loads some of them.)"""
    source = SourceFile("x.nft", text)
    if not linted:
        return has_errors(api.import_ruleset(source, "nft")[2])
    outcome = api.lint(source, NoFiles(), api.LintRequest("nft", LintSettings()))
    return any(d.code.startswith("FW0") and d.severity is Severity.ERROR for d in outcome.findings)


def test_share_of_lines() -> None:
    judged: collections.Counter[tuple[str, bool]] = collections.Counter()
    for path in sorted(DIRECTORY.glob("*.t")):
        for expected, text in rulesets(path):
            judged[expected, _is_wrong(text, expected == "fail") is (expected == "fail")] += 1
    for kind, least in LEAST.items():
        right, wrong = judged[kind, True], judged[kind, False]
        print(f"nft/py: {right} of {right + wrong} lines that are {kind} are judged so ({right / (right + wrong):.1%})")
        assert right + wrong > 200
        assert right / (right + wrong) >= least
