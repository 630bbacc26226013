"""The programs and first-match lists of one ruleset for one family, each made once for all who ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fwc.analysis.firstmatch import MAX_STEPS, Region, first_match
from fwc.analysis.program import Program, ProgramTooLarge, Source, filled_sets, fixed_sets, unfold
from fwc.ir.model import Chain, Ruleset
from fwc.space.boxes import Translator, same_name
from fwc.space.fields import Box, Dimensions
from fwc.space.index import Index, index_of

Chains = Sequence[tuple[int, Chain]]
"""Base chains that a packet meets one after the other, each with the position of its table."""


class Programs:
    """Nothing is worked out before it is asked for; then it is kept, so the ruleset must not change. `steps` are spent on
    a first-match list at most."""

    def __init__(
        self,
        ruleset: Ruleset,
        dimensions: Dimensions,
        set_name: Callable[[str], str] = same_name,
        steps: int = MAX_STEPS,
    ) -> None:
        self._steps = steps
        self.ruleset = ruleset
        self.dimensions = dimensions
        self.source = Source(ruleset, translators(ruleset, dimensions, set_name), dimensions.family)
        self._programs: dict[tuple[_Key, bool], Program] = {}
        self._regions: dict[_Key, list[Region] | None] = {}
        self._indices: list[Index] = []

    def program(self, chains: Chains, *, answered: bool = False) -> Program:
        """As `unfold`. Where no condition answers anew each time, `answered` makes no difference and both are one program.

        Raises ProgramTooLarge.
        """
        key = _key(chains)
        found = self._programs.get((key, answered))
        if found is None:
            found = self._programs[key, answered] = unfold(self.source, chains, answered=answered)
            if not self.dimensions.unstable:
                self._programs[key, not answered] = found
        return found

    def regions(self, chains: Chains) -> list[Region]:
        """As `first_match` of the program. Raises ProgramTooLarge."""
        key = _key(chains)
        if key not in self._regions:
            try:
                self._regions[key] = first_match(self.program(chains), self._steps)
            except ProgramTooLarge:
                self._regions[key] = None
        found = self._regions[key]
        if found is None:
            raise ProgramTooLarge
        return found

    def index(self, boxes: list[Box]) -> Index:
        """An index over the boxes: the rules of a hook and what the hook does are mostly the same ones."""
        for known in self._indices:
            if known.boxes == boxes:
                return known
        made = index_of(self.dimensions, boxes)
        self._indices.append(made)
        return made

    def forget(self) -> None:
        """Free what was worked out, but for the boxes of conditions."""
        self._programs.clear()
        self._regions.clear()
        self._indices.clear()


_Key = tuple[tuple[int, int], ...]


def _key(chains: Chains) -> _Key:
    return tuple([(table, id(chain)) for table, chain in chains])  # chains of the ruleset, which lives as long


def translators(
    ruleset: Ruleset, dimensions: Dimensions, set_name: Callable[[str], str] = same_name
) -> dict[int, Translator]:
    """One translator for each table; tables share one where no set has a content of its own."""
    filled = filled_sets(ruleset)
    shared = Translator(dimensions, {}, filled, set_name)
    return {
        at: Translator(dimensions, fixed, filled, set_name) if (fixed := fixed_sets(table)) else shared
        for at, table in enumerate(ruleset.tables)
    } or {0: shared}
