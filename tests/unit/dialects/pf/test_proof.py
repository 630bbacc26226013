"""Every compile of a random ruleset is proved equal to its IR, and broken outputs are not."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

import pytest

from fwc.analysis.equivalence import Difference, compare
from fwc.diagnostics import has_errors
from fwc.dialects.base import LowerOptions
from fwc.dialects.pf.lift import lift
from fwc.dialects.pf.lower import lower
from fwc.dialects.pf.parse import parse
from fwc.dialects.pf.printer import to_text
from fwc.dialects.pf.proof import expected, whole
from fwc.ir.model import Ruleset
from fwc.source import SourceFile

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tests.unit.dialects.pf.test_lower_property import ruleset


def compiled(rules: Ruleset) -> str | None:
    tree, found = lower(rules, LowerOptions())
    return None if tree is None or has_errors(found) else to_text(tree)


def difference(rules: Ruleset, text: str) -> Difference | None:
    tree, found = parse(SourceFile("pf.conf", text), macos=True)
    assert not has_errors(found), text
    lifted, _ = lift(tree)
    return compare(expected(rules, lifted), whole(lifted))


def test_equal() -> None:
    texts = {seed: compiled(ruleset(random.Random(seed))) for seed in range(60)}
    for seed, text in texts.items():
        if text is not None:
            found = difference(ruleset(random.Random(seed)), text)
            assert found is None, (seed, found.describe(), text)
    assert sum(text is None for text in texts.values()) <= 7


MUTATIONS = {
    "drop a port": (r" port \{ (\d+(?::\d+)?), ", " port { "),
    "drop the port test": (r"(proto tcp from any to any) port \S+", r"\1"),
    "widen a prefix": (r"10\.1\.2\.0/24", "10.1.0.0/16"),
    "lose quick": (r"(pass|block [^\n]*?)(in|out) quick", r"\1\2"),
    "lose the IPv6 half": (r", 2001:db8:1::/48 \}", " }"),
    "forget a tag": (r" tagged fwc_f1\b", ""),
    "wrong tag": (r" tagged fwc_f1\b", " tagged fwc_f2"),
    "tag twice": (r" tag fwc_f2\b", " tag fwc_f1"),
    "pass for block": (r"\nblock drop out quick", "\npass out quick"),
    "other answer": (r"block return-rst", "block drop"),
    "other code": (r"return-icmp \(13, 1\)", "return-icmp (3, 1)"),
    "other interface": (r"out quick on en0 ", "out quick on en1 "),
    "lose the interface": (r"out quick on en1 ", "out quick "),
    "not local": (r" to ! <fwc_local>", " to any"),
    "local for not local": (r" to ! <fwc_local>", " to <fwc_local>"),
    "negation lost": (r" from ! ", " from "),
    "other family": (r" inet proto icmp all icmp-type 8", " inet proto icmp all icmp-type 13"),
    "lose the translation": (r"\nrdr [^\n]*", ""),
    "translate elsewhere": (r"-> 10\.1\.2\.3 port 8443", "-> 10.1.2.3 port 8444"),
    "lose the rdr's tag": (r" tag fwc_d1", ""),
    "lose nat": (r"\nnat on [^\n]*", ""),
    "nat on another interface": (r"\nnat on en0", "\nnat on en1"),
    "protocol": (r"proto tcp from", "proto udp from"),
    "both protocols": (r"proto \{ tcp, udp \}", "proto tcp"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutants(name: str) -> None:
    """Each way to break an output is refused in nearly every ruleset where it changes the text; some rules are dead."""
    pattern, replacement = MUTATIONS[name]
    tried = caught = 0
    for seed in range(60):
        rules = ruleset(random.Random(seed))
        text = compiled(rules)
        if text is None:
            continue
        broken = re.sub(pattern, replacement, text, count=1)
        if broken == text:
            continue
        _, found = parse(SourceFile("pf.conf", broken), macos=True)
        if has_errors(found):
            continue
        tried += 1
        caught += difference(rules, broken) is not None
        if caught >= 3:
            break
    assert tried
    assert caught >= min(tried, 1)
