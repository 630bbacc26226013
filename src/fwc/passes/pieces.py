"""Rules as elements of lookups: what each contributes, and which of them may share a lookup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

from fwc.ir.match import AllOf, Field, FieldIn, Match, Values
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet, Run
from fwc.passes.cells import Cell
from fwc.passes.conjunctions import TooManyConjunctions, expand
from fwc.passes.plain import INTERFACES, KEYS, PLAIN, have_ports, is_plain
from fwc.records import record

MOST_ELEMENTS_OF_A_RULE = 4096
"""A rule whose lists multiply to more elements stays as it is: its own sets are lookups already."""

_FAMILIES = tuple(Family)


@record
class Shape:
    """What the elements of one lookup have in common. `Pieces` makes one object for each, compared as an object."""

    family: Family
    interfaces: tuple[tuple[Field, Values], ...]
    fields: tuple[Field, ...]

    __eq__ = object.__eq__
    __hash__ = object.__hash__


@record
class Piece:
    """One rule's share of a lookup."""

    shape: Shape
    cells: tuple[Cell, ...]


class _Condition:
    """A plain comparison as lookups see it: for each family its runs and whether they are every address of it."""

    __slots__ = ("field", "runs", "values", "whole")

    def __init__(self, field: Field, values: Values) -> None:
        self.field = field
        self.values = values
        self.runs = [_runs(values, family) if field in KEYS else () for family in _FAMILIES]
        self.whole = [
            isinstance(values, AddressSet) and values.family(family).size() == 1 << family.bits for family in _FAMILIES
        ]


class Pieces:
    """The pieces of rules. Rules share most of their conditions: what one means for a lookup is worked out once."""

    def __init__(self) -> None:
        self._conditions: dict[int, tuple[Match, _Condition | None]] = {}  # with the match, whose identity is the key
        self._shapes: dict[object, Shape] = {}
        self._found: dict[object, Shape] = {}

    def of(self, match: Match) -> tuple[Piece, ...]:
        """One piece per conjunction; empty when the rule has conditions that no lookup holds."""
        fields = self._plain(match)
        return self._of_any(match) if fields is None else self._of_plain(fields)

    def _plain(self, match: Match) -> dict[Field, _Condition] | None:
        """As `plain_fields`."""
        if type(match) is not AllOf:
            return None
        fields: dict[Field, _Condition] = {}
        for part in match.parts:
            known = self._conditions.get(id(part))
            if known is None:
                plain = type(part) is FieldIn and is_plain(part)
                known = part, _Condition(part.field, part.values) if plain else None  # type: ignore[union-attr]
                self._conditions[id(part)] = known
            condition = known[1]
            if condition is None or condition.field in fields:
                return None
            fields[condition.field] = condition
        protocol = fields.get(Field.PROTOCOL)
        if protocol is None:
            return None if Field.DPORT in fields or Field.SPORT in fields else fields
        return fields if have_ports(protocol.values) else None

    def _of_plain(self, fields: Mapping[Field, _Condition]) -> tuple[Piece, ...]:
        keys = tuple([field for field in KEYS if field in fields])
        if len(keys) < 2:
            return ()
        columns = [fields[key] for key in keys]
        out: list[Piece] = []
        total = 0
        for number, family in enumerate(_FAMILIES):
            runs = [column.runs[number] for column in columns]
            size = prod(map(len, runs))
            if not size:
                continue  # addresses of the other family
            total += size
            if total > MOST_ELEMENTS_OF_A_RULE or any(column.whole[number] for column in columns):
                return ()  # an address that is no condition; the language writes none
            interfaces = [fields[field] for field in INTERFACES if field in fields]
            key = (family, keys, *map(id, interfaces))
            shape = self._found.get(key)
            if shape is None:
                shape = self._found[key] = self._shape(family, [(c.field, c.values) for c in interfaces], keys)
            out.append(Piece(shape, tuple(product(*runs))))
        return tuple(out)

    def _of_any(self, match: Match) -> tuple[Piece, ...]:
        out: list[Piece] = []
        total = 0
        for family in _FAMILIES:
            try:
                parts = expand(match, family)
            except TooManyConjunctions:
                return ()
            for part in parts:
                if part.excluded or part.masked or part.sets or part.tuples or part.opaque:
                    return ()
                piece = self._piece(part.fields, family)
                if piece is None:
                    return ()
                total += len(piece.cells)
                if total > MOST_ELEMENTS_OF_A_RULE:
                    return ()
                out.append(piece)
        return tuple(out)

    def _piece(self, fields: Mapping[Field, Values], family: Family) -> Piece | None:
        if any(field not in PLAIN and field is not Field.FAMILY for field in fields):
            return None
        keys = tuple([field for field in KEYS if field in fields])
        if len(keys) < 2:
            return None
        runs = [_runs(fields[key], family) for key in keys]
        if not 0 < prod(map(len, runs)) <= MOST_ELEMENTS_OF_A_RULE:
            return None
        interfaces = [(field, fields[field]) for field in INTERFACES if field in fields]
        return Piece(self._shape(family, interfaces, keys), tuple(product(*runs)))

    def _shape(self, family: Family, interfaces: Sequence[tuple[Field, Values]], keys: tuple[Field, ...]) -> Shape:
        key = (family, tuple(interfaces), keys)
        found = self._shapes.get(key)
        if found is None:
            found = self._shapes[key] = Shape(*key)
        return found


def _runs(values: Values, family: Family) -> tuple[Run, ...]:
    if isinstance(values, AddressSet):
        return values.family(family).runs
    assert isinstance(values, IntervalSet)
    return values.runs
