"""Combinations of plain values as words of rules, each value's words made once."""

from __future__ import annotations

from fwc.dialects.iptables.dispatch import LEAF, Branch, Cell
from fwc.dialects.iptables.matches import address_part
from fwc.dialects.iptables.parts import PROTOCOL, Part, Place, in_order
from fwc.dialects.iptables.transport import transport_alternatives
from fwc.dialects.iptables.tree import Words
from fwc.ir.match import Field, TupleIn, Values
from fwc.ir.walk import different_values
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet, Run
from fwc.passes.cells import cells_of
from fwc.passes.conjunctions import Conjunction
from fwc.records import Record

_ADDRESSES = (Field.SADDR, Field.DADDR)
_TRANSPORT = (Field.PROTOCOL, Field.SPORT, Field.DPORT)


class Lookup(Record):
    """The elements of a tuple of which every field is one run of values."""

    fields: tuple[Field, ...]
    cells: tuple[Cell, ...]

    def protocols(self) -> IntervalSet:
        at = self.fields.index(Field.PROTOCOL)
        return IntervalSet({cell[at] for cell in self.cells})


def plain_lookup(found: Conjunction) -> Lookup | None:
    """The one long tuple of a conjunction that has nothing else but header fields and interfaces; None for all others."""
    if len(found.tuples) != 1 or found.masked or found.sets or found.opaque or found.tuples[0].negated:
        return None
    match = found.tuples[0].match
    if not isinstance(match, TupleIn) or len(match.elements) <= LEAF:
        return None
    if any(field not in _ADDRESSES and field not in _TRANSPORT for field in match.fields):
        return None
    has_ports = Field.SPORT in match.fields or Field.DPORT in match.fields
    if (has_ports and Field.PROTOCOL not in match.fields) or any(field in match.fields for field in found.fields):
        return None
    columns = different_values(match.elements)
    families = {f for c in columns for v in c.values() if isinstance(v, AddressSet) for f in v.families()}
    if len(families) != 1:
        return None
    cells = cells_of(match, families.pop())
    return None if cells is None else Lookup(match.fields, cells)


class CellWords:
    """The words of the rules of cells, which end in `target`, and of branches. Remembers those of each value."""

    def __init__(self, fields: tuple[Field, ...], place: Place, target: Words) -> None:
        self._fields = fields
        self._place = place
        self._target = target
        self._split = next((at for at, f in enumerate(fields) if f not in _ADDRESSES), len(fields))
        self._addresses = [_Addresses(field, place.family) for field in fields[: self._split]]
        self._rest: dict[Cell, list[tuple[tuple[Part, ...], Words]]] = {}

    def rules(self, cell: Cell) -> list[Words]:
        """The rules that a cell becomes: one, or one for each protocol."""
        found = self._rest.get(cell[self._split :])
        if found is None:
            found = self._rest[cell[self._split :]] = self._behind_addresses(cell[self._split :])
        head: Words = ()
        before = -1
        for known, run in zip(self._addresses, cell, strict=False):
            place, words = known[run]
            if not before < place < PROTOCOL:
                parts = [each[run] for each, run in zip(self._addresses, cell, strict=False)]
                return [in_order((*parts, *rest)) + self._target for rest, _ in found]
            before = place
            head += words
        return [head + words for _, words in found]

    def branch(self, branch: Branch, target: Words) -> Words:
        """The rule of a branch: the prefix, or the range of ports with the protocol that all of its cells have."""
        field, run, node = branch.field, branch.run, branch.node
        if field in _ADDRESSES:
            return self._addresses[self._fields.index(field)][run][1] + target
        while not node.cells:
            node = node.branches[0].node
        protocol = node.cells[0][self._fields.index(Field.PROTOCOL)]
        values: dict[Field, Values] = {
            Field.PROTOCOL: IntervalSet.trusted((protocol,)),
            field: IntervalSet.trusted((run,)),
        }
        alternatives = _product(values, self._place)
        return in_order(alternatives[0]) + target

    def _behind_addresses(self, runs: Cell) -> list[tuple[tuple[Part, ...], Words]]:
        """The conditions on the protocol and its ports, and their words with the target behind."""
        pairs = zip(self._fields[self._split :], runs, strict=True)
        values: dict[Field, Values] = {field: IntervalSet.trusted((run,)) for field, run in pairs}
        return [(parts, in_order(parts) + self._target) for parts in _product(values, self._place)]


class _Addresses(dict[Run, Part]):
    """The condition of each address or network of one field, made when it is asked for."""

    def __init__(self, field: Field, family: Family) -> None:
        super().__init__()
        self._field = field
        self._family = family

    def __missing__(self, run: Run) -> Part:
        found = self[run] = address_part(self._field, run, self._family, False)
        return found


def _product(values: dict[Field, Values], place: Place) -> tuple[tuple[Part, ...], ...]:
    out: list[tuple[Part, ...]] = [()]
    for alternatives in transport_alternatives(values, [], place) if values else ():
        out = [(*left, *alternative) for left in out for alternative in alternatives]
    return tuple(out)
