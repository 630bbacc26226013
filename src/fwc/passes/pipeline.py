"""The passes between elaboration and the back ends, in their order, with the reasons."""

from __future__ import annotations

from collections.abc import Callable

from fwc.ir.model import Ruleset
from fwc.passes.merge_lookups import merge_lookups
from fwc.passes.share_conditions import share_conditions
from fwc.records import record


@record
class Pass:
    """IR to IR. With `keeps_verdicts` no packet's fate changes, which the property tests check for every pass."""

    name: str
    run: Callable[[Ruleset], Ruleset]
    keeps_verdicts: bool = True


OPTIMIZE: tuple[Pass, ...] = (
    # Long runs of rules become lookups, so that a packet costs the same for ten rules as for ten thousand.
    Pass("merge-lookups", merge_lookups),
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
        ruleset = step.run(ruleset)
    return ruleset
