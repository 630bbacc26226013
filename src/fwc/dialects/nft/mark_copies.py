"""Copying some bits of a mark to the other mark: a chain that clears the bits and sets each one that the source has.

nft before 1.1 copies whole marks only, so `(to & ~mask) ^ (from & mask)` (xt_connmark.c) is said bit by bit, and read back as
the one action that it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fwc.dialects.nft import tree as t
from fwc.ir.match import ALWAYS, Field, MaskedIn
from fwc.ir.model import Chain, Rule
from fwc.ir.verdict import CONTINUE, CopyMark, Jump, SetField
from fwc.ir.walk import target_chains
from fwc.net.intervals import IntervalSet

_WORDS = {Field.MARK: "meta mark", Field.CT_MARK: "ct mark"}


def partial(action: object) -> bool:
    return isinstance(action, CopyMark) and action.mask != 0xFFFFFFFF


def copying_chain(name: str, action: CopyMark) -> t.ChainNode:
    source, target = (t.Selector(_WORDS[field]) for field in _fields(action))
    keep = t.Word(f"0x{~action.mask & 0xFFFFFFFF:08x}")
    rules = [t.RuleNode((t.Assign(target, t.Operation("&", target, keep)),))]
    for bit in _bits(action.mask):
        word = t.Word(f"0x{bit:x}")
        asked = t.Compare(t.Operation("&", source, word), "==", word)
        rules.append(t.RuleNode((asked, t.Assign(target, t.Operation("|", target, word)))))
    return t.ChainNode(name, tuple(rules))


def folded(chains: tuple[Chain, ...]) -> tuple[Chain, ...]:
    """The chains with jumps to such a chain as the action; the chain itself goes where nothing else leads to it."""
    copies = {chain.name: action for chain in chains if (action := _copy(chain)) is not None}
    if not copies:
        return chains
    out = [dataclasses.replace(c, rules=tuple(_with_action(r, copies) for r in c.rules)) for c in chains]
    led = {name for chain in out for rule in chain.rules for name in target_chains(rule.verdict)}
    return tuple(chain for chain in out if chain.name not in copies or chain.name in led)


def _with_action(rule: Rule, copies: dict[str, CopyMark]) -> Rule:
    if not isinstance(rule.verdict, Jump) or rule.verdict.chain not in copies:
        return rule
    return dataclasses.replace(rule, actions=(*rule.actions, copies[rule.verdict.chain]), verdict=CONTINUE)


def _fields(action: CopyMark) -> tuple[Field, Field]:
    """Where the bits come from, and where they go."""
    return (Field.MARK, Field.CT_MARK) if action.direction == "save" else (Field.CT_MARK, Field.MARK)


def _bits(mask: int) -> Sequence[int]:
    return [1 << n for n in range(32) if mask >> n & 1]


def _copy(chain: Chain) -> CopyMark | None:
    """What the chain does when it is one of these."""
    if chain.base is not None or len(chain.rules) < 2 or len(chain.rules[0].actions) != 1:
        return None
    first = chain.rules[0].actions[0]
    if not isinstance(first, SetField) or first.value:
        return None
    direction = {Field.CT_MARK: "save", Field.MARK: "restore"}.get(first.field, "")
    action = CopyMark(direction, first.mask)
    source, target = _fields(action)
    want = [(ALWAYS, (SetField(target, 0, action.mask),))]
    for bit in _bits(action.mask):
        want.append((MaskedIn(source, bit, IntervalSet.of(bit)), (SetField(target, bit, bit),)))  # type: ignore[arg-type]
    found = [(rule.match, rule.actions) for rule in chain.rules]
    plain = all(rule.verdict == CONTINUE for rule in chain.rules)
    return action if direction and partial(action) and plain and found == want else None
