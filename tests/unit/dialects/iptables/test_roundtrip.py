"""What is printed reads back as it was, in words and in meaning."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dialects.iptables.build import base, net, ruleset

from fwc.dialects.base import LowerOptions
from fwc.dialects.iptables import dialect
from fwc.dialects.iptables.lexer import join_words, split_words
from fwc.dialects.iptables.printer import quote
from fwc.ir.match import AnyOf, CtState, Field, FieldIn, Match, TupleIn, all_of, negate, state_in
from fwc.ir.model import Chain, Rule, Ruleset
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, RETURN, Goto, Jump, Log, Reject, Verdict, VerdictMap
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.net.packet import Packet
from fwc.sim.netfilter import Simulator
from fwc.source import SourceFile

CORPORA = Path(__file__).resolve().parents[5] / "shared" / "corpora" / "iptables"

WORDS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\n\r\0"), max_size=12)


@given(st.lists(WORDS, max_size=4))
def test_quoting_survives_the_lexer(words: list[str]) -> None:
    line = "-A INPUT " + " ".join(quote(w) for w in words)
    assert "\n" not in line
    assert split_words(line) == ("-A", "INPUT", *words)
    assert split_words(join_words(tuple(words))) == tuple(words)


def test_a_word_cannot_hold_a_line_break() -> None:
    with pytest.raises(ValueError, match="line break"):
        quote("a\n-A INPUT -j ACCEPT")


IFACES = ["eth0", "eth1", "ppp0", "ppp1", "lo"]
NETS = [f"10.0.0.{i}" for i in range(0, 16, 3)] + ["10.0.0.0/29", "2001:db8::/126", "2001:db8::9"]


def _sets(one: st.SearchStrategy[Match]) -> st.SearchStrategy[Match]:
    return st.one_of(one, one.map(negate))


def _leaf() -> st.SearchStrategy[Match]:
    ports = st.lists(st.integers(1, 40), min_size=1, max_size=20).map(lambda x: IntervalSet.of(*x))
    nets = st.lists(st.sampled_from(NETS), min_size=1, max_size=7).map(lambda x: net(*x))
    faces = st.lists(st.sampled_from([*IFACES, "ppp*"]), min_size=1, max_size=3).map(IfaceSet.of)
    protocols = st.lists(st.sampled_from([6, 17, 47]), min_size=1, max_size=3).map(lambda x: IntervalSet.of(*x))
    return st.one_of(
        _sets(st.builds(FieldIn, st.sampled_from([Field.SADDR, Field.DADDR]), nets)),
        _sets(st.builds(FieldIn, st.just(Field.IIF), faces)),
        _sets(st.builds(FieldIn, st.sampled_from([Field.SPORT, Field.DPORT]), ports)),
        st.builds(FieldIn, st.just(Field.PROTOCOL), protocols),
        st.sampled_from(list(CtState)).map(lambda s: state_in(s)),
        st.builds(
            lambda a, b: TupleIn((Field.SADDR, Field.DPORT), tuple(zip(a, b, strict=False))),
            st.lists(nets, min_size=1, max_size=3),
            st.lists(ports, min_size=1, max_size=3),
        ),
    )


MATCH = st.one_of(
    st.lists(_leaf(), max_size=4).map(lambda x: all_of(*x)),
    st.lists(_leaf(), min_size=2, max_size=3).map(lambda x: AnyOf(tuple(x))),
)
VERDICT: st.SearchStrategy[Verdict] = st.sampled_from(
    [ACCEPT, DROP, Reject(), CONTINUE, Jump("a"), Jump("b"), RETURN, Goto("b")]
)
INNER: st.SearchStrategy[Verdict] = st.one_of(
    st.sampled_from([ACCEPT, DROP, RETURN]),
    st.just(VerdictMap((Field.DPORT,), (((IntervalSet.range(1, 9),), ACCEPT), ((IntervalSet.range(10, 19),), DROP)))),
)


def _rules(verdict: st.SearchStrategy[Verdict]) -> st.SearchStrategy[tuple[Rule, ...]]:
    actions = st.sampled_from([(), (Log("seen: "),)])

    def build(match: Match, does: tuple[Log, ...], then: Verdict) -> Rule:
        return Rule(match, () if isinstance(then, VerdictMap) else does, then)

    return st.lists(st.builds(build, MATCH, actions, verdict), max_size=4).map(tuple)


def _packets(seed: int) -> list[tuple[Packet, Hook]]:
    rng = random.Random(seed)
    out = []
    for _ in range(40):
        family = rng.choice(list(Family))
        low = 10 << 24 if family is Family.V4 else 0x20010DB8 << 96
        protocol = rng.choice([6, 17, 47])
        out.append(
            (
                Packet(
                    family,
                    protocol,
                    low + rng.randrange(18),
                    low + rng.randrange(18),
                    rng.randrange(1, 42),
                    rng.randrange(1, 42),
                    iif=rng.choice(IFACES),
                    state=rng.choice([s.name.lower() for s in CtState]),
                ),
                Hook.INPUT,
            )
        )
    return out


def _again(of: Ruleset) -> tuple[Ruleset, list[str]]:
    tree, found = dialect.lower(of, LowerOptions())
    assert tree is not None, [d.message for d in found]
    files = dialect.print(tree)
    back, problems = dialect.parse_all([SourceFile(f.name, f.text) for f in files])
    lifted, more = dialect.lift(back)
    assert not [*problems, *more], [d.message for d in [*problems, *more]]
    return lifted, [f.text for f in files]


EXCLUDED = "exclusion"


@settings(max_examples=60, deadline=None)
@given(_rules(VERDICT), _rules(INNER), _rules(INNER), st.booleans(), st.integers(0, 1 << 30))
def test_lowered_text_means_the_same(
    rules: tuple[Rule, ...], first: tuple[Rule, ...], second: tuple[Rule, ...], drop: bool, seed: int
) -> None:
    of = ruleset(Chain("input", rules, base(policy=DROP if drop else ACCEPT)), Chain("a", first), Chain("b", second))
    tree, found = dialect.lower(of, LowerOptions())
    if tree is None:
        assert all(
            EXCLUDED in (d.primary.message if d.primary else d.message) or "exclusions" in d.message for d in found
        )
        return
    lifted, _ = _again(of)
    left, right = Simulator(of), Simulator(lifted)
    for packet, hook in _packets(seed):
        one, two = left.simulate(packet, hook), right.simulate(packet, hook)
        assert (one.verdict, one.reject, one.logs) == (two.verdict, two.reject, two.logs), packet


@pytest.mark.corpus
@pytest.mark.skipif(not CORPORA.is_dir(), reason="the collection of rulesets is not beside the checkout")
def test_corpus_reads_and_prints_back() -> None:
    count = 0
    for path in sorted(CORPORA.glob("*.save")):
        if path.stat().st_size > 300_000:
            continue
        text = path.read_text(errors="replace")
        tree, _ = dialect.parse(SourceFile(path.name, text))
        dialect.lift(tree)
        for output, save in zip(dialect.print(tree), tree.files, strict=False):
            again, found = dialect.parse(SourceFile(f"rules.v{save.family.value if save.family else 4}", output.text))
            assert not [d for d in found if "COMMIT" in d.message]
            if len(again.files) == 1:
                assert [[r.words for r in t.rules] for t in again.files[0].tables] == [
                    [r.words for r in t.rules] for t in save.tables
                ], path.name
        count += 1
    assert count > 300
