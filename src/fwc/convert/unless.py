"""`! --uid-owner` and `! --helper`, which hold for packets without a socket or a helper too, where nft's `!=` does not; and
conditions kept as text, which neither nft nor iptables can negate.

A chain leaves by the condition itself, and does what the rule does for every other packet.
"""

from __future__ import annotations

import dataclasses
from types import UnionType

from fwc.convert.chains import Away, Call, protocol_of
from fwc.ir.match import ALWAYS, HelperIs, Not, Opaque, Owner, all_of
from fwc.ir.model import Rule
from fwc.ir.verdict import Accept, Continue, Drop, Jump
from fwc.ir.walk import conjuncts


def unless(rule: Rule) -> Call | None:
    """For nftables: the other conditions lead into a chain, where each negated one leads away and the rest does as the rule."""
    return _unless(rule, Owner | HelperIs | Opaque)


def unless_text(rule: Rule) -> Call | None:
    """For iptables, which negates users and helpers by itself."""
    return _unless(rule, Opaque)


def _unless(rule: Rule, kinds: type | UnionType) -> Call | None:
    """The protocol stays with what is done where that may depend on it, as a translation of ports does."""
    parts = conjuncts(rule.match)
    negated = [part.match for part in parts if isinstance(part, Not) and isinstance(part.match, kinds)]
    if not negated:
        return None
    others = (p for p in parts if not (isinstance(p, Not) and isinstance(p.match, kinds)))
    plain = isinstance(rule.verdict, Accept | Drop | Continue | Jump) and not rule.actions

    def inside(away: Away) -> tuple[Rule, ...]:
        leaving = (Rule(each, (), away, origin=rule.origin) for each in negated)
        return (*leaving, dataclasses.replace(rule, match=ALWAYS if plain else protocol_of(parts)))

    return Call(all_of(*others), inside, "unless")
