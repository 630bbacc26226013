"""How deep the chains of a table lead to each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from fwc.dialects.iptables.parts import Inexpressible
from fwc.dialects.iptables.tree import RuleLine
from fwc.ir.graph import depths_in

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
    graph = {name: dict.fromkeys(_called(rules, chains)) for name, rules in chains.items()}
    depth = depths_in(graph, {name: int(name not in builtin) for name in chains})
    at = next((name for name in chains if depth[name] == NESTED), None)
    if at is None:
        return None
    return chains[at][0] if chains[at] else RuleLine(at, ())


def _called(rules: Sequence[RuleLine], chains: Collection[str]) -> Iterator[str]:
    for rule in rules:
        words = rule.words
        for at in range(len(words) - 2, -1, -1):
            if words[at] in ("-j", "-g"):
                if words[at + 1] in chains:
                    yield words[at + 1]
                break
