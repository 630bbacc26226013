"""Long lists of elements are read by their commas: whatever stands in them, the tree is that of the tokens."""

from __future__ import annotations

import random

import pytest

from fwc.diagnostics import Diagnostic
from fwc.dialects.nft import lexer, tree
from fwc.dialects.nft.parse import parse
from fwc.source import SourceFile

_USUAL = (
    "10.0.0.1", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.1 . 80", "10.0.0.1 . tcp . 80-90", "fe80::1",
    "2001:db8::/32 . 0x10", "::", "00:11:22:33:44:55", "1:2", "7", "::ffff:1.2.3.4", "tcp . 22", "10.0.0.1 : accept",
    "10.0.0.2 . 80 : drop", "10.0.0.3 : jump other", "10.0.0.4 : goto other_2",
)  # fmt: skip
_ODD = (
    "", " ", ",", "10.0.0.1 .80", "10.0.0.1. 80", "10.0.0.1 .\n 80", "10.0.0.1\n. 80", "10.0.0.1 10.0.0.2",
    "10.0.0.1 - 10.0.0.9", "a:b:c", "10.0.0.1 timeout 1h", '"eth0"', '10.0.0.1 comment "a } b"', "10.0.0.1 : 80",
    "10.0.0.1 : 10.0.0.2 . 80", "10.0.0.1 :accept", ":", "10.0.0.1 : jump", "10.0.0.1 : jump a.b",
    "10.0.0.1 : accept : drop", "10.0.0.1 : queue", "10.0.0.1 : drop comment x", ": accept", "meta mark", "ct",
    "established", "tcp", "tcp . dport", "$name", "{ 1, 2 }", "10.0.0.1 # note", "10.0.0.1;", "*", "1 | 2", "1 and 2",
    "\t7\r", "\x0c7", "\u0667", "\xb2", "10.0.0.1\\\n", "-1", "10.0.0.1 . ", " . 80", "1/2/3", "!= 7", "@other", "x" * 200,
    "a-b", "elements = {7}",
)  # fmt: skip
_AROUND = (
    "table inet t {{\n\tset s {{\n\t\ttype ipv4_addr\n\t\telements = {{{0}}}\n\t}}\n\tset u {{ elements = {{{1}}}; }}\n}}\n",
    "table inet t {{\n\tset s {{\n\t\telements = {{{0}}}\n\t\t# elements = {{{1}}}\n\t}}\n}}\n",
    'table inet t {{\n\tset s {{\n\t\tcomment "elements = {{{0}}}"\n\t\telements = {{{1}}} flags interval\n\t}}\n}}\n',
    "define elements = {{{0}}}\ndefine more_elements = {{{1}}}\ntable inet t {{ chain c {{ ip saddr $elements accept\n}}\n}}\n",
    "# a\ntable t {{ # b\n\tchain elements = {{{0}}}\n\tset s {{\n\t\telements = {{{1}}} # c\n\t}}\n\tset d {{ # d\n\t}}\n}}\n",
    "table inet t {{ map m {{ type ipv4_addr : verdict; elements = {{{0}}}, {{{1}}} }} }}\nelements = {{{1}}}\n",
    "add element inet t s elements = {{{0}}}\nelements = {{{0}}}\nadd set inet t s {{ elements = {{{1}}}\n",
    "table inet t {{\n\tcounter elements = {{{0}}}\n\tchain c {{\n\t\ttcp dport vmap elements = {{{1}}}\n\t\taccept\n\t}}\n}}\n",
)  # fmt: skip


def _read(text: str) -> tuple[tree.Tree, list[Diagnostic]]:
    source = SourceFile("nftables.conf", text)
    found, findings = parse(source)
    return found, findings


def _list(rng: random.Random, odd: int) -> str:
    items = [rng.choice(_USUAL) for _ in range(rng.choice((0, 1, 30)))] + [rng.choice(_ODD) for _ in range(odd)]
    rng.shuffle(items)
    between = rng.choice((",", ", ", ",\n\t\t\t"))
    return f"{rng.choice(('', ' ', chr(10)))}{between.join(items)}{rng.choice(('', ' ', ',', ',' + chr(10), ', ,'))}"


def _no_lists(text: str) -> tuple[lexer.LongList, ...]:
    return ()


@pytest.mark.parametrize("seed", range(40))
def test_long_lists_are_read_as_tokens_are(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    texts = [
        around.format(_list(rng, rng.choice((0, 0, 1, 2))), _list(rng, rng.choice((0, 0, 1)))) for around in _AROUND
    ]
    found = [_read(text) for text in texts]
    sources = [each.file for each, _ in found]
    tokens = [lexer.Tokens(source) for source in sources if source is not None]
    with monkeypatch.context() as patch:
        patch.setattr(lexer, "long_lists", _no_lists)
        for (quick, findings), source, some in zip(found, sources, tokens, strict=True):
            assert source is not None
            all_of_them = lexer.Tokens(source)
            assert set(zip(some.texts, some.starts, strict=True)) <= set(
                zip(all_of_them.texts, all_of_them.starts, strict=True)
            )
            assert [c[1:] for c in some.comments] == [c[1:] for c in all_of_them.comments]
            plain, wanted = parse(source)
            assert repr(plain) == repr(quick), source.text
            assert wanted == findings, source.text


def test_a_usual_list_is_read_by_its_commas() -> None:
    text = _AROUND[0].format(", ".join(_USUAL), ", ".join(f"{n}" for n in range(100)))
    assert len(list(lexer.long_lists(text))) == 2


@pytest.mark.parametrize("between", ["", " ", "\t", "\n", "\r\n", "\f", "\\\n", " \\\r\n\v"])
def test_offsets_are_those_of_the_text(between: str) -> None:
    words = ["table", "inet", "x", "{", '"a b"', "10.0.0.0/8", "}", "# note\n", "==", "@s", "\\", "9"]
    text = between + between.join(words if between else [f"{word} " for word in words])
    tokens = lexer.Tokens(SourceFile("t", text))
    for number, token in enumerate(tokens.texts):
        assert text[tokens.starts[number] : tokens.end(number)] == token
    for _, comment, start in tokens.comments:
        assert text[start : start + len(comment)] == comment
