"""iptables rulesets that nobody here wrote, where they are there: what is printed loads to the same `iptables-save`, and what the
real tools refuse is said. `-s` prints the figures."""

from __future__ import annotations

import collections
import csv
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fwc.diagnostics import Severity
from fwc.dialects.iptables import dialect
from fwc.dialects.iptables.parse import parse
from fwc.net.hooks import Family
from fwc.source import SourceFile

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
MANIFEST = CORPORA / "MANIFEST.tsv"
NEEDED = ("unshare", "iptables-nft-restore", "iptables-legacy-restore")

LOADED_ANYWAY = {"FW008", "FW009", "FW011", "FW013", "FW018"}
"""Errors with which iptables-restore loads a file, as their messages say: the rule never matches, or not as it looks."""
OLD_SPELLING = "refuses a `!` behind its option"
"""Said as a warning: dumps of old versions have it."""
MACHINE = re.compile(
    r"missing kernel module|Set \S+ doesn't exist|Chain '(?:TARPIT|ULOG)' does not exist|Bad value for \"--[ug]id-owner\""
)
"""What another machine would load: modules of its kernel, its ipsets, its users."""

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.corpus,
    pytest.mark.skipif(not MANIFEST.exists(), reason="../shared/corpora is not there"),
]


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    reason = f"lacks {', '.join(missing)}" if missing else "is not run by root" if os.geteuid() else ""
    if reason and os.environ.get("CI"):
        pytest.fail(f"kernel tests must run in CI, but the machine {reason}")
    if reason:
        pytest.skip(f"the machine {reason}")


def files() -> Iterator[tuple[str, Family, bytes]]:
    with MANIFEST.open() as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["format"] == "iptables":
                family = Family.V6 if row["family"] == "6" else Family.V4
                yield row["file"], family, (CORPORA / row["file"]).read_bytes()


def saved(tool: str, content: bytes) -> tuple[str | None, str]:
    """What `iptables-save` says after loading, None when it is refused; and the complaints."""
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", f"{tool}-restore && {tool}-save"], input=content, capture_output=True, check=False
    )
    lines = done.stdout.decode(errors="replace").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return (text if done.returncode == 0 else None), done.stderr.decode(errors="replace")


def tools(family: Family) -> list[str]:
    base = "ip6tables" if family is Family.V6 else "iptables"
    return [f"{base}-nft", f"{base}-legacy"]


def test_what_is_printed_loads_to_the_same() -> None:
    same: collections.Counter[str] = collections.Counter()
    different = []
    for name, family, content in files():
        tree, _ = parse(SourceFile(name, content.decode(errors="surrogateescape")), family)
        printed = "".join(f.text for f in dialect.print(tree)).encode(errors="surrogateescape")
        for tool in tools(family):
            want, _ = saved(tool, content)
            if want is None:
                continue
            got, complaints = saved(tool, printed)
            variant = tool.split("-")[1]
            if got == want:
                same[variant] += 1
            else:
                different.append(f"{name} {tool}: {complaints[:200]}")
    print(f"same iptables-save: {dict(same)}, different: {len(different)}")
    assert not different, different[:5]
    assert min(same["nft"], same["legacy"]) > 300


def test_what_the_tools_refuse_is_said() -> None:
    figures: collections.Counter[str] = collections.Counter()
    wrong = []
    for name, family, content in files():
        tree, found = parse(SourceFile(name, content.decode(errors="replace")), family)
        found = [*found, *dialect.lift(tree)[1]]
        errors = [d for d in found if d.severity is Severity.ERROR and d.code not in LOADED_ANYWAY]
        said = errors or any(OLD_SPELLING in d.message for d in found)
        loads, complaints = saved(tools(family)[0], content)
        if loads is None and not said and MACHINE.search(complaints):
            figures["refused for what this machine lacks"] += 1
        elif (loads is None) is bool(said):
            figures["loads, no error" if loads is not None else "refused, and said"] += 1
        else:
            wrong.append(
                f"{name}: {'loads' if loads is not None else complaints[:200]}, {[d.message for d in errors[:2]]}"
            )
    print(f"{dict(figures)}, wrong: {len(wrong)}")
    assert not wrong, wrong[:5]
    assert figures["loads, no error"] > 300
    assert figures["refused, and said"] > 50
