"""Which rules of a list must keep their order: those with different effects that share a packet."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.ir.match import Field, FieldIn, Match, Values
from fwc.ir.model import Rule
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.passes.plain import plain_fields
from fwc.space.boxes import Translator
from fwc.space.fields import Box, Dimensions
from fwc.space.index import bits_of, index_of, mask_of


class Conflicts:
    """Which groups an earlier rule of another effect is in that shares a packet with a rule."""

    def __init__(self, run: Sequence[Rule], effects: Sequence[int]) -> None:
        self._effects = effects
        self._position = [-1] * len(run)
        self._groups = 0
        plain = [plain_fields(rule.match) for rule in run]
        self._sides = [_Side(family, run, plain, effects) for family in Family]

    def put(self, number: int, group: int) -> None:
        """The rule stands in this group now."""
        self._position[number] = group
        self._groups = max(self._groups, group + 1)
        for side in self._sides:
            side.put(number, group)

    def last_group(self, number: int) -> int:
        """The last group that the rule must not be moved before, -1 when there is none."""
        last = -1
        for side in self._sides:
            mask = side.others(number, self._effects[number])
            if mask.bit_count() <= _FEW:
                last = max([last, *(self._position[side.owners[bit]] for bit in bits_of(mask))])
            else:
                last = max(last, side.last(mask, self._groups))
        return last


_FEW = 64
"""So many conflicting rules are looked at one by one; more of them group by group from the last."""


class _Side:
    """The rules of a run as boxes of one family. `owners` maps a box to its rule."""

    def __init__(
        self, family: Family, run: Sequence[Rule], plain: Sequence[dict[Field, Values] | None], effects: Sequence[int]
    ) -> None:
        boxer = _Boxer(family)
        self.owners: list[int] = []
        self._first = [0]
        flat: list[Box] = []
        for number, rule in enumerate(run):
            own = boxer.boxes(rule.match, plain[number])
            flat.extend(own)
            self.owners.extend([number] * len(own))
            self._first.append(len(flat))
        bits: dict[int, list[int]] = {}
        for bit, owner in enumerate(self.owners):
            bits.setdefault(effects[owner], []).append(bit)
        self._index = index_of(boxer.dimensions, flat)
        self._others = {effect: self._index.every ^ mask_of(own) for effect, own in bits.items()}
        self._groups: dict[int, int] = {}

    def others(self, number: int, effect: int) -> int:
        """The earlier boxes of other effects that share a packet with the rule."""
        first, end = self._first[number], self._first[number + 1]
        found = 0
        for box in self._index.boxes[first:end]:
            found |= self._index.overlap(box, self._others[effect])
        return found & ((1 << first) - 1) if found else 0

    def put(self, number: int, group: int) -> None:
        first, end = self._first[number], self._first[number + 1]
        if first != end:
            self._groups[group] = self._groups.get(group, 0) | (1 << end) - (1 << first)

    def last(self, mask: int, groups: int) -> int:
        """The last group with a box of `mask`, which holds some."""
        return next(group for group in range(groups - 1, -1, -1) if mask & self._groups.get(group, 0))


class _Boxer:
    """Conditions as boxes of one family. Most conditions are a few fields, whose constraints are made once per value."""

    def __init__(self, family: Family) -> None:
        self.dimensions = Dimensions(family)
        self._family = family
        self._translate = Translator(self.dimensions)
        self._known: dict[tuple[Field, int], tuple[Values, tuple[Box, ...]]] = {}

    def boxes(self, match: Match, plain: dict[Field, Values] | None) -> tuple[Box, ...]:
        if plain is None:
            return self._translate.boxes(match)
        constraints: list[int] = []
        for field, values in plain.items():
            known = self._known.get((field, id(values)))
            if known is None:
                known = self._known[field, id(values)] = (values, self._field(field, values))
            if not known[1]:
                return ()
            constraints.extend(known[1][0])
        constraints.sort()
        return (tuple(constraints),)

    def _field(self, field: Field, values: Values) -> tuple[Box, ...]:
        if isinstance(values, IfaceSet):
            return self._translate.boxes(FieldIn(field, values))
        numbers = values.family(self._family) if isinstance(values, AddressSet) else values
        return self.dimensions.box(self._translate.dimension(field), numbers)
