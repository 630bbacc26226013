"""Buckets that several rules of a source share: in a policy every limit has its own."""

from __future__ import annotations

from fwc.convert.policy.steps import Refusal
from fwc.convert.policy.terms import terms_of
from fwc.convert.policy.unsaid import Unsaid
from fwc.ir.match import Per, WithinConnections, WithinRate
from fwc.ir.model import Rule, Ruleset, Table
from fwc.ir.walk import match_nodes, rules
from fwc.net.hooks import Family


def shared_buckets(ruleset: Ruleset) -> list[Refusal]:
    """A refusal at each rule after the first of one family that names a bucket."""
    first: dict[tuple[Family, str], Rule] = {}
    out = []
    for table, _, _, rule in rules(ruleset):
        for node in match_nodes(rule.match):
            if not isinstance(node, WithinRate | WithinConnections) or not node.name or node.per is Per.ALL:
                continue
            owners = [first.setdefault((family, node.name), rule) for family in _families(table, rule)]
            if any(owner is not rule for owner in owners):
                what = f"the bucket {node.name}, which another rule uses too"
                out.append(Refusal(rule, what, "merge the two rules"))
    return out


def _families(table: Table, rule: Rule) -> list[Family]:
    """The families whose packets can meet the rule."""
    seen = {"ip": (Family.V4,), "ip6": (Family.V6,)}.get(table.family, tuple(Family))
    try:
        return [family for family in seen if terms_of(rule.match, frozenset({family}))]
    except Unsaid:
        return list(seen)
