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
from fwc.records import Record

MOST_ELEMENTS_OF_A_RULE = 4096
"""A rule whose lists multiply to more elements stays as it is: its own sets are lookups already."""

_FAMILIES = tuple(Family)


class Shape(Record):
    """What the elements of one lookup have in common. `Pieces` makes one object for each, compared as an object."""

    family: Family
    interfaces: tuple[tuple[Field, Values], ...]
    fields: tuple[Field, ...]

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Piece(Record):
    """One rule's share of a lookup."""

    shape: Shape
    cells: tuple[Cell, ...]


class _Condition:
    """A condition as lookups see it: for each family its runs, and whether they are every address of it. Rules with conditions
    of the same `kind` have the same form; -1 is for what lookups do not hold."""

    __slots__ = ("field", "kind", "part", "runs", "values", "whole")

    def __init__(self, part: Match, kinds: dict[object, int]) -> None:
        self.part = part  # its identity is a key
        self.kind = -1
        self.field: Field | None = None
        self.runs: list[tuple[Run, ...]] = []
        self.whole: list[bool] = []
        if (
            type(part) is not FieldIn
            or not is_plain(part)
            or (part.field is Field.PROTOCOL and not have_ports(part.values))
        ):
            return
        self.field = part.field
        self.values: Values = part.values
        if part.field in INTERFACES:
            look: object = part.values
        else:
            self.runs = [_runs(part.values, family) for family in _FAMILIES]
            self.whole = [
                isinstance(part.values, AddressSet) and part.values.family(family).size() == 1 << family.bits
                for family in _FAMILIES
            ]
            look = (*map(bool, self.runs), *self.whole)
        self.kind = kinds.setdefault((part.field, look), len(kinds))


class _Form(Record):
    """Rules with conditions of the same kinds: where the fields of the lookup stand among their conditions, and the families in
    which they have packets, each with its shape; None where an address is no condition (the language writes none)."""

    order: tuple[int, ...]
    shapes: tuple[tuple[int, Shape | None], ...]


class Pieces:
    """The pieces of rules. Rules share most of their conditions: what one means for a lookup is worked out once."""

    def __init__(self) -> None:
        self._conditions: dict[int, _Condition] = {}
        self._kinds: dict[object, int] = {}
        self._forms: dict[tuple[int, ...], _Form | None] = {}
        self._shapes: dict[object, Shape] = {}

    def of(self, match: Match) -> tuple[Piece, ...]:
        """One piece per conjunction; empty when the rule has conditions that no lookup holds."""
        if type(match) is not AllOf:
            return self._of_any(match)
        known = self._conditions
        conditions = [known.get(id(part)) or self._condition(part) for part in match.parts]
        key = tuple([condition.kind for condition in conditions])
        if key not in self._forms:
            self._forms[key] = self._form(conditions)
        form = self._forms[key]
        return self._of_any(match) if form is None else _of_plain(form, conditions)

    def _condition(self, part: Match) -> _Condition:
        found = self._conditions[id(part)] = _Condition(part, self._kinds)
        return found

    def _form(self, conditions: Sequence[_Condition]) -> _Form | None:
        """None for what is not plain in the sense of `plain_fields`."""
        fields = {condition.field: at for at, condition in enumerate(conditions)}
        if None in fields or len(fields) != len(conditions):
            return None
        if Field.PROTOCOL not in fields and (Field.DPORT in fields or Field.SPORT in fields):
            return None
        keys = tuple([field for field in KEYS if field in fields])
        if len(keys) < 2:
            return _Form((), ())
        interfaces = [(field, conditions[fields[field]].values) for field in INTERFACES if field in fields]
        order = tuple([fields[key] for key in keys])
        shapes: list[tuple[int, Shape | None]] = []
        for number, family in enumerate(_FAMILIES):
            if all(conditions[at].runs[number] for at in order):
                whole = any(conditions[at].whole[number] for at in order)
                shapes.append((number, None if whole else self._shape(family, interfaces, keys)))
        return _Form(order, tuple(shapes))

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


def _of_plain(form: _Form, conditions: Sequence[_Condition]) -> tuple[Piece, ...]:
    out: list[Piece] = []
    total = 0
    for number, shape in form.shapes:
        columns = [conditions[at].runs[number] for at in form.order]
        total += prod(map(len, columns))
        if total > MOST_ELEMENTS_OF_A_RULE or shape is None:
            return ()
        out.append(Piece(shape, tuple(product(*columns))))
    return tuple(out)


def _runs(values: Values, family: Family) -> tuple[Run, ...]:
    if isinstance(values, AddressSet):
        return values.family(family).runs
    assert isinstance(values, IntervalSet)
    return values.runs
