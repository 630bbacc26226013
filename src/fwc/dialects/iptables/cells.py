"""Combinations of plain values as words of rules, each value's words made once."""

from __future__ import annotations

from fwc.dialects.iptables.dispatch import LEAF, Cell, Node
from fwc.dialects.iptables.matches import address_part
from fwc.dialects.iptables.parts import Part, Place
from fwc.dialects.iptables.transport import transport_alternatives
from fwc.ir.match import Field, TupleIn, Values
from fwc.ir.walk import different_values
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet, Run
from fwc.passes.conjunctions import Conjunction
from fwc.records import record

_ADDRESSES = (Field.SADDR, Field.DADDR)
_TRANSPORT = (Field.PROTOCOL, Field.SPORT, Field.DPORT)


@record
class Lookup:
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
    family = families.pop()
    runs: list[dict[int, Run]] = []
    for column in columns:
        known = {key: run for key, values in column.items() if (run := _run(values, family)) is not None}
        if len(known) != len(column):
            return None
        runs.append(known)
    cells = [
        tuple([known[id(values)] for known, values in zip(runs, element, strict=True)]) for element in match.elements
    ]
    return Lookup(match.fields, tuple(cells))


def _run(values: Values, family: Family) -> Run | None:
    numbers = values.family(family) if isinstance(values, AddressSet) else values
    return numbers.runs[0] if isinstance(numbers, IntervalSet) and len(numbers.runs) == 1 else None


class CellWords:
    """Rules of cells and conditions of branches. Remembers the words of each value."""

    def __init__(self, fields: tuple[Field, ...], place: Place) -> None:
        self._fields = fields
        self._place = place
        self._addresses: dict[tuple[Field, Run], Part] = {}
        self._transport: dict[Cell, tuple[tuple[Part, ...], ...]] = {}
        self._split = next((at for at, f in enumerate(fields) if f not in _ADDRESSES), len(fields))

    def rules(self, cell: Cell) -> list[tuple[Part, ...]]:
        """The conditions of the rules that a cell becomes: one, or one for each protocol."""
        fields, at = self._fields, self._split
        head = tuple([self._address(fields[n], cell[n]) for n in range(at)])
        return [(*head, *parts) for parts in self._alternatives(cell[at:])]

    def branch(self, field: Field, run: Run, node: Node) -> tuple[Part, ...]:
        """The condition of a branch: the prefix, or the range of ports with the protocol that all of its cells have."""
        if field in _ADDRESSES:
            return (self._address(field, run),)
        while not node.cells:
            node = node.branches[0].node
        protocol = node.cells[0][self._fields.index(Field.PROTOCOL)]
        values: dict[Field, Values] = {
            Field.PROTOCOL: IntervalSet.trusted((protocol,)),
            field: IntervalSet.trusted((run,)),
        }
        alternatives = _product(values, self._place)
        return alternatives[0]

    def _address(self, field: Field, run: Run) -> Part:
        found = self._addresses.get((field, run))
        if found is None:
            found = self._addresses[field, run] = address_part(field, run, self._place.family, False)
        return found

    def _alternatives(self, runs: Cell) -> tuple[tuple[Part, ...], ...]:
        found = self._transport.get(runs)
        if found is None:
            pairs = zip(self._fields[self._split :], runs, strict=True)
            values: dict[Field, Values] = {field: IntervalSet.trusted((run,)) for field, run in pairs}
            found = self._transport[runs] = _product(values, self._place)
        return found


def _product(values: dict[Field, Values], place: Place) -> tuple[tuple[Part, ...], ...]:
    out: list[tuple[Part, ...]] = [()]
    for alternatives in transport_alternatives(values, [], place) if values else ():
        out = [(*left, *alternative) for left in out for alternative in alternatives]
    return tuple(out)
