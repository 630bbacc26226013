"""How deep the chains of a table lead to each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from fwc.dialects.iptables.parts import Inexpressible
from fwc.dialects.iptables.tree import RuleLine

NESTED = 16
"""Chains in each other, the built-in one among them, that the kernel's nf_tables takes (NFT_JUMP_STACK_SIZE): iptables-restore of
today loads nothing deeper. iptables-legacy does."""


def too_deep() -> Inexpressible:
    text = f"chains lead to each other more than {NESTED} deep, which is all that the kernel's nf_tables takes"
    return Inexpressible("chain", text, "call fewer chains from each other")


def first_too_deep(chains: Mapping[str, Sequence[RuleLine]], builtin: Collection[str]) -> RuleLine | None:
    """A rule inside more than NESTED chains; None when there is none. What is not called from here and not `builtin` is called by
    a chain that is."""
    if len(chains) < NESTED:
        return None
    called = {name: _called(rules, chains) for name, rules in chains.items()}
    below: dict[str, int] = {}
    for name in chains:
        if name not in below:
            _measure(name, called, below)
    at = max(chains, key=lambda name: below[name] + (name not in builtin))
    inside = at not in builtin
    if below[at] + inside <= NESTED:
        return None
    for _ in range(NESTED - inside):
        at = max(called[at], key=below.__getitem__)
    return chains[at][0] if chains[at] else RuleLine(at, ())


def _called(rules: Sequence[RuleLine], chains: Mapping[str, Sequence[RuleLine]]) -> list[str]:
    found: dict[str, None] = {}
    for rule in rules:
        words = rule.words
        for at in range(len(words) - 2, -1, -1):
            if words[at] in ("-j", "-g"):
                if words[at + 1] in chains:
                    found[words[at + 1]] = None
                break
    return list(found)


def _measure(start: str, called: Mapping[str, Sequence[str]], below: dict[str, int]) -> None:
    """Fill `below` with the chains of the longest way from each chain that `start` leads to. No chain leads to itself."""
    way = [start]
    while way:
        at = way[-1]
        waiting = [name for name in called[at] if name not in below]
        if waiting:
            way.append(waiting[0])
        else:
            below[at] = 1 + max([below[name] for name in called[at]], default=0)
            way.pop()
