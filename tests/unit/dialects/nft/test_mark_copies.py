"""A copy of some bits of a mark as a chain: it does what the action does, and is read back as it."""

from __future__ import annotations

import random

import pytest

from fwc.dialects.base import LowerOptions
from fwc.dialects.nft.mark_copies import copying_chain
from fwc.dialects.nft.printer import rule_text
from fwc.dialects.registry import load_dialect
from fwc.ir.match import ALWAYS
from fwc.ir.model import Base, Chain, Rule, Ruleset, Settings, Table
from fwc.ir.verdict import ACCEPT, CONTINUE, DROP, CopyMark
from fwc.net.hooks import ChainType, Family, Hook
from fwc.net.packet import Packet
from fwc.sim.netfilter import Simulator
from fwc.source import SourceFile

BASE = Base(Hook.FORWARD, ChainType.FILTER, -150, ACCEPT)
ACTIONS = [
    CopyMark(way, mask) for way in ("save", "restore") for mask in (1, 5, 0x1F0, 1 << 31, 0xFFFFFFFE, 0xFFFF0000)
]


def lifted(text: str) -> Ruleset:
    nft = load_dialect("nftables")
    tree, found = nft.parse(SourceFile("x.nft", text))
    ruleset, more = nft.lift(tree)
    assert not [*found, *more]
    return ruleset


def ruleset(action: CopyMark, verdict: object = CONTINUE) -> Ruleset:
    rule = Rule(ALWAYS, (action,), verdict)  # type: ignore[arg-type]
    return Ruleset((Table("t", chains=(Chain("forward", (rule,), BASE),)),), settings=Settings(target="nftables"))


@pytest.mark.parametrize("action", ACTIONS, ids=str)
def test_bit_by_bit_is_the_whole(action: CopyMark) -> None:
    """The chain as text, with an idle rule more, which keeps it from being read as the action."""
    rules = "\n".join(rule_text(r) for r in copying_chain("copy", action).rules)
    head = "chain forward { type filter hook forward priority mangle; jump copy\n }"
    chain = lifted(f"table inet t {{\n{head}\nchain copy {{\n{rules}\nmeta mark set meta mark & 0xffffffff\n}}\n}}\n")
    assert len(chain.tables[0].chains) == 2
    old, new = Simulator(ruleset(action)), Simulator(chain)
    draw = random.Random(action.mask)
    for _ in range(50):
        packet = Packet(Family.V4, 6, 1, 2, 3, 4, mark=draw.getrandbits(32), ct_mark=draw.getrandbits(32))
        want, got = (each.simulate(packet, Hook.FORWARD, trace=False).packet for each in (old, new))
        assert (want.mark, want.ct_mark) == (got.mark, got.ct_mark)


@pytest.mark.parametrize("action", ACTIONS, ids=str)
def test_it_is_read_back_as_the_action(action: CopyMark) -> None:
    nft = load_dialect("nftables")
    tree, found = nft.lower(ruleset(action), LowerOptions())
    assert not found
    (table,) = lifted(nft.print(tree)[0].text).tables
    assert [(c.name, [(r.match, r.actions, r.verdict) for r in c.rules]) for c in table.chains] == [
        ("forward", [(ALWAYS, (action,), CONTINUE)])
    ]


def test_a_verdict_in_the_same_rule_is_refused() -> None:
    _, found = load_dialect("nftables").lower(ruleset(CopyMark("save", 1), DROP), LowerOptions())
    assert [d.code for d in found] == ["FW031"]


def test_a_chain_that_also_sets_a_bit_is_no_copy() -> None:
    text = (
        "table inet t {\n chain forward { type filter hook forward priority mangle; jump copy\n }\n"
        " chain copy {\n  ct mark set ct mark & 0xfffffffe\n  meta mark & 0x1 == 0x1 ct mark set ct mark | 0x3\n }\n}\n"
    )
    assert [c.name for c in lifted(text).tables[0].chains] == ["forward", "copy"]
