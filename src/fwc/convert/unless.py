"""`! --uid-owner` and `! --helper`, which hold for packets without a socket or a helper too, where nft's `!=` does not.

A chain leaves by the condition itself, and does what the rule does for every other packet.
"""

from __future__ import annotations

import dataclasses

from fwc.convert.chains import Away, Call, protocol_of
from fwc.ir.match import ALWAYS, HelperIs, Match, Not, Owner, all_of
from fwc.ir.model import Rule
from fwc.ir.verdict import Accept, Continue, Drop, Jump
from fwc.ir.walk import conjuncts


def unless(rule: Rule) -> Call | None:
    """The other conditions lead into a chain, where each negated one leads away and what is left does as the rule. The
    protocol stays with what is done where that may depend on it, as a translation of ports does."""
    parts = conjuncts(rule.match)
    negated = [part.match for part in parts if isinstance(part, Not) and _negated(part)]
    if not negated:
        return None
    plain = isinstance(rule.verdict, Accept | Drop | Continue | Jump) and not rule.actions

    def inside(away: Away) -> tuple[Rule, ...]:
        leaving = (Rule(each, (), away, origin=rule.origin) for each in negated)
        return (*leaving, dataclasses.replace(rule, match=ALWAYS if plain else protocol_of(parts)))

    return Call(all_of(*(part for part in parts if not _negated(part))), inside, "unless")


def _negated(part: Match) -> bool:
    return isinstance(part, Not) and isinstance(part.match, Owner | HelperIs)
