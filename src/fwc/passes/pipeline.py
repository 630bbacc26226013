"""The passes between elaboration and the back ends, in their order, with the reasons."""

from __future__ import annotations

from collections.abc import Callable

from fwc.ir.model import Ruleset
from fwc.passes.dispatch_interfaces import dispatch_interfaces_by_map, dispatch_interfaces_by_rules
from fwc.passes.map_translations import map_translations
from fwc.passes.map_verdicts import map_verdicts
from fwc.passes.merge_lookups import merge_lookups
from fwc.passes.share_conditions import share_conditions
from fwc.records import Record


class Pass(Record):
    """IR to IR. With `keeps_verdicts` no packet's fate changes, which the property tests check for every pass."""

    name: str
    run: Callable[[Ruleset], Ruleset]
    keeps_verdicts: bool = True
    targets: frozenset[str] = frozenset()
    """The targets that it is for; empty for all that have lookups."""


OPTIMIZE: tuple[Pass, ...] = (
    # Long runs of rules become lookups, so that a packet costs the same for ten rules as for ten thousand.
    Pass("merge-lookups", merge_lookups),
    # Only nftables has verdict maps, and hashes beside sets of ranges; the lookups are whole now, and still side by side.
    Pass("map-verdicts", map_verdicts, targets=frozenset({"nftables"})),
    # Translations are maps in nftables only, whatever stands between them in other chains.
    Pass("map-translations", map_translations, targets=frozenset({"nftables"})),
    # Then each pair of interfaces gets the chain of its rules; lookups made before are whole, and move as one rule.
    Pass("dispatch-interfaces", dispatch_interfaces_by_map, targets=frozenset({"nftables"})),
    Pass("dispatch-interfaces", dispatch_interfaces_by_rules, targets=frozenset({"iptables"})),
    # What is left as a list is shortened where neighbours repeat the zones they come from; after the lookups, which need
    # to see whole rules.
    Pass("share-conditions", share_conditions),
)

WITHOUT_LOOKUPS = frozenset({"pf"})
"""Targets that have no lookup on several fields: they get the plain list."""


def optimize(ruleset: Ruleset, target: str, level: int) -> Ruleset:
    """Run the pipeline for a target; level 0 changes nothing."""
    if level == 0 or target in WITHOUT_LOOKUPS:
        return ruleset
    for step in OPTIMIZE:
        if not step.targets or target in step.targets:
            ruleset = step.run(ruleset)
    return ruleset
