"""What counts who asks it (rates, connections, turns) and stands before a narrower condition: `limit rate 3/minute tcp dport 22`.

iptables and nft ask the conditions of a rule in their order, so such a bucket is emptied by packets of other ports too. The
targets write what counts last; here it leads into a chain that asks the rest.
"""

from __future__ import annotations

import dataclasses

from fwc.convert.chains import Away, Call, followed, narrowed
from fwc.ir.match import EveryNth, Match, WithinConnections, WithinRate, all_of
from fwc.ir.model import Rule
from fwc.ir.walk import bare, conjuncts


def asked_first(rule: Rule) -> Call | None:
    """The conditions up to the first that counts, and the others in a chain; None where nothing narrower follows it."""
    parts = conjuncts(rule.match)
    at = next((at for at, part in enumerate(parts) if counts(part)), len(parts))
    while at < len(parts) and counts(parts[at]):
        at += 1
    if all(counts(part) for part in parts[at:]):
        return None

    def inside(away: Away) -> tuple[Rule, ...]:
        return followed((dataclasses.replace(rule, match=narrowed(parts[:at], parts[at:])),), away)

    return Call(all_of(*parts[:at]), inside, "then")


def counts(part: Match) -> bool:
    """Whether asking the condition changes what it answers next."""
    return isinstance(bare(part), WithinRate | WithinConnections | EveryNth)
