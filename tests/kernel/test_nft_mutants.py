"""Rulesets with one mistake: whatever nft loads, the importer reads without an error; most of what nft refuses is said."""

from __future__ import annotations

import random
import re
from contextlib import closing

import pytest
from tests.unit.dialects.nft.rulesets import everything

from fwc.api import import_ruleset
from fwc.diagnostics import has_errors
from fwc.dialects.base import LowerOptions
from fwc.dialects.nft import dialect
from fwc.project.kernel.namespaces import Namespace
from fwc.source import SourceFile

pytestmark = pytest.mark.kernel

MUTANTS = 600
_WORDS = """accept drop counter log limit rate 5/second ip ip6 tcp udp saddr daddr sport dport 22 443 10.0.0.1 10.0.0.0/8
2001:db8::1 { } , . : ! != == @banned "eth0" iifname oifname meta mark 0x10 ct state new established invalid masquerade
snat dnat to jump goto
return vmap map set add update reject with comment "x" policy priority hook type filter input flags timeout 1h"""
WORDS = _WORDS.split()


def _texts() -> list[str]:
    out = []
    for ruleset in everything().values():
        tree, _ = dialect.lower(ruleset, LowerOptions())
        assert tree is not None
        out.append(dialect.print(tree)[0].text)
    return out


def _mutant(chance: random.Random, text: str) -> str:
    """The text with one token taken out, doubled, replaced, or changed with another."""
    tokens = list(re.finditer(r'"[^"\n]*"|[\w.:/@$-]+|[^\s\w]', text.split("\n", 3)[3]))
    start = len(text) - len(text.split("\n", 3)[3])
    one, other = sorted(chance.sample(tokens, 2), key=lambda token: token.start())
    (a, b), (c, d) = ((start + t.start(), start + t.end()) for t in (one, other))
    match chance.randrange(4):
        case 0:
            return text[:a] + text[b:]
        case 1:
            return f"{text[:b]} {one[0]}{text[b:]}"
        case 2:
            return text[:a] + chance.choice(WORDS) + text[b:]
        case _:
            return text[:a] + other[0] + text[b:c] + one[0] + text[d:]


def test_refused_alike() -> None:
    chance = random.Random(20)
    texts = [text for text in _texts() if text.count("\n") > 6]
    refused = said = 0
    with closing(Namespace()) as machine:
        for _ in range(MUTANTS):
            text = _mutant(chance, chance.choice(texts))
            loaded = machine.run(["nft", "-c", "-f", "-"], text)
            wrong = has_errors(import_ruleset(SourceFile("x.nft", text), "nft")[2])
            assert not wrong or loaded.returncode, text
            refused += loaded.returncode != 0
            said += wrong
    print(f"{refused} of {MUTANTS} mutants are refused by nft, {said} by the importer")
    assert refused > MUTANTS // 2
    assert said > 0.75 * refused
