"""Malformed and hostile text: a diagnostic in bounded time, never a traceback."""

from __future__ import annotations

import random

import pytest
from tests.unit.watchdog import ends

from fwc.diagnostics import has_errors
from fwc.dialects.pf import dialect
from fwc.dialects.pf.parse import parse
from fwc.source import SourceFile

BROKEN = [
    "{" * 5000,
    "pass from " + "{" * 5000,
    "anchor {\n" * 3000,
    'x = "$x"\n$x\n',
    '"',
    "\0",
    "pass in from {",
    "table <t> {",
    "table <t> { 1.2.3.4/ }",
    "set",
    "no",
    "rdr ->",
    "pass in from ! any",
    "antispoof for {",
    "pass user { 1 >< }",
    "pass probability 0%",
    "pass in proto 999999999999",
    "pass flags /",
    'pass in proto icmp icmp-type "²"',
    'pass in from ""',
]
GOOD = """table <t> { 10.0.0.0/8, !10.1.0.0/16 }
nat on en0 inet from 10.0.0.1 to any -> (en0)
rdr on en0 inet proto tcp from any to any port 80:90 tag X -> 10.0.0.2 port 8000:*
binat on en0 inet from 10.0.0.0/28 to any -> 192.0.2.0/28
anchor "a" on en0 {
\tpass in quick inet proto tcp from <t> to 10.0.0.1 - 10.0.0.9 port { 22, 80 } flags S/SA keep state (max 5) label "x"
}
block return-icmp (13, 1) in log quick on ! en0 from { 10.0.0.1, ! 10.0.0.2 } to (en0) tagged X
"""


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_refused_in_time(text: str) -> None:
    with ends():
        tree, found = dialect.parse(SourceFile("pf.conf", text))
        dialect.lift(tree)
    assert has_errors(found)
    assert all(d.primary is not None for d in found)


def test_mutated_text_never_raises() -> None:
    rng = random.Random(7)
    refused = 0
    for _ in range(1500):
        text = list(GOOD)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(text) + 1)
            if rng.random() < 0.5:
                del text[at : at + rng.randrange(1, 12)]
            else:
                text.insert(
                    at,
                    rng.choice(
                        ["{", "}", '"', "!", "<", ">", "(", "\\\n", "$x", " port ", "\n", "/", "- ", "->", "\0"]
                    ),
                )
        tree, found = parse(SourceFile("pf.conf", "".join(text)), macos=rng.random() < 0.5)
        dialect.lift(tree)
        refused += has_errors(found)
    assert refused > 500
