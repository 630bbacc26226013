"""Buckets that several rules of a source share: in a policy every limit has its own."""

from __future__ import annotations

from fwc.convert.policy.steps import Refusal
from fwc.ir.match import Per, WithinConnections, WithinRate
from fwc.ir.model import Rule, Ruleset
from fwc.ir.walk import match_nodes, rules


def shared_buckets(ruleset: Ruleset) -> list[Refusal]:
    """A refusal at each rule after the first of one family that names a bucket."""
    first: dict[tuple[str, str], Rule] = {}
    out = []
    for table, _, _, rule in rules(ruleset):
        for node in match_nodes(rule.match):
            if not isinstance(node, WithinRate | WithinConnections) or not node.name or node.per is Per.ALL:
                continue
            owner = first.setdefault((table.family, node.name), rule)
            if owner is not rule:
                what = f"the bucket {node.name}, which another rule uses too"
                out.append(Refusal(rule, what, "merge the two rules"))
    return out
