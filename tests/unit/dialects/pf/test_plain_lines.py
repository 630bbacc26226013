"""Lines of words and numbers are read at once: the tokens are those that are found one by one."""

from __future__ import annotations

import random
import re

import pytest

from fwc.dialects.pf import lexer
from fwc.source import SourceFile

_PIECES = (
    "pass", "block", "from", "10.0.0.1", "22", "007", "5a", "-5", "->", "a-", "->b", "a->b", "no-df", "x:y", ":", "_", "1-2",
    "\n", "\n", "\n", " ", " ", " ", "  ", "\t", "\\\n", "\\ ", '"a b"', "'q\nz'", '"', "$m", "m = 5\n", 'm = "a b"\n', "m = x",
    "a\\b", "# c\n", "<t>", "{", "}", ",", "/", "/24", "=", ">", "!", "\r", "\u00e9", "\u0667", "\ufeff",
    "pass in from 10.0.0.1 to 1\n",
)  # fmt: skip


def _tokens(text: str) -> tuple[object, ...]:
    found = lexer.tokenize(SourceFile("pf.conf", text))
    return found.kinds, found.values, found.starts, found.ends, found.comments


@pytest.mark.parametrize("seed", range(20))
def test_plain_lines_are_read_as_others(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    texts = [
        "".join(rng.choice(_PIECES) + rng.choice(("", "", " ")) for _ in range(rng.randrange(1, 20)))
        for _ in range(200)
    ]
    texts += [f"pass {'a' * 9000}\n", f"{'a ' * 5000}b\n", "", "pass", "pass\n"]
    quick = [_tokens(text) for text in texts]
    monkeypatch.setattr(lexer, "_PLAIN_LINE", re.compile(r"(?!)"))
    assert quick == [_tokens(text) for text in texts]
