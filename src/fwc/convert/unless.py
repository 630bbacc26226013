"""`! --uid-owner` and `! --helper`, which hold for packets without a socket or a helper too, where nft's `!=` does not.

A chain leaves by the condition itself, and does what the rule does for every other packet.
"""

from __future__ import annotations

from fwc.convert.chains import Away, Call
from fwc.ir.match import ALWAYS, HelperIs, Match, Not, Owner, all_of
from fwc.ir.model import Rule
from fwc.ir.walk import conjuncts


def unless(rule: Rule) -> Call | None:
    """The other conditions lead into a chain, where each negated one leads away and what is left does as the rule."""
    negated = [part.match for part in conjuncts(rule.match) if _negated(part)]  # type: ignore[union-attr]
    if not negated:
        return None

    def inside(away: Away) -> tuple[Rule, ...]:
        leaving = (Rule(each, (), away, origin=rule.origin) for each in negated)
        return (*leaving, Rule(ALWAYS, rule.actions, rule.verdict, rule.label, rule.comment, rule.role, rule.origin))

    return Call(all_of(*(part for part in conjuncts(rule.match) if not _negated(part))), inside, "unless")


def _negated(part: Match) -> bool:
    return isinstance(part, Not) and isinstance(part.match, Owner | HelperIs)
