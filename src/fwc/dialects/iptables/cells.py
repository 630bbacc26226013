"""Combinations of plain values as words of rules, each value's words made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fwc.dialects.iptables.dispatch import LEAF, Branch, Cell
from fwc.dialects.iptables.matches import address_part
from fwc.dialects.iptables.parts import PROTOCOL, Part, Place, in_order
from fwc.dialects.iptables.transport import fit_one_rule, transport_alternatives
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
    """The elements of a tuple, each with one run of values in every field, addresses first. Of the cells in `lists` the
    destination ports are only some of their run; one rule can name them."""

    fields: tuple[Field, ...]
    cells: Sequence[Cell]
    lists: Mapping[Cell, IntervalSet]

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
    if cells is None:
        return None
    order = sorted(range(len(match.fields)), key=lambda at: match.fields[at] not in _ADDRESSES)
    if order != list(range(len(order))):
        cells = tuple([tuple([cell[at] for at in order]) for cell in cells])
    return _with_port_lists(tuple([match.fields[at] for at in order]), cells)


def _with_port_lists(fields: tuple[Field, ...], cells: Sequence[Cell]) -> Lookup:
    """Cells that differ in their destination port alone, and of which a rule can name all ports, as one: a third of the rules of
    most policies. More ports than that are left for the tree to tell apart."""
    if Field.DPORT not in fields:
        return Lookup(fields, cells, {})
    at = fields.index(Field.DPORT)
    groups: dict[Cell, list[Run]] = {}
    for cell in cells:
        groups.setdefault(cell[:at] + cell[at + 1 :], []).append(cell[at])
    if len(groups) == len(cells):
        return Lookup(fields, cells, {})
    out: list[Cell] = []
    lists: dict[Cell, IntervalSet] = {}
    for rest, runs in groups.items():
        ports = IntervalSet(runs)
        together = [(ports.runs[0][0], ports.runs[-1][1])] if fit_one_rule(ports) else runs
        for run in together:
            cell = (*rest[:at], run, *rest[at:])
            out.append(cell)
            if len(together) < len(ports.runs):
                lists[cell] = ports
    return Lookup(fields, out, lists)


class CellWords:
    """The words of the rules of a lookup's cells, which end in `target`, and of branches. Remembers those of each value."""

    def __init__(self, lookup: Lookup, place: Place, target: Words) -> None:
        fields = lookup.fields
        self._fields = fields
        self._lists = lookup.lists
        self._place = place
        self._target = target
        self._split = next((at for at, f in enumerate(fields) if f not in _ADDRESSES), len(fields))
        self._addresses = [_Addresses(field, place.family) for field in fields[: self._split]]
        self._rest: dict[tuple[Cell, tuple[Run, ...]], list[tuple[tuple[Part, ...], Words]]] = {}

    def rules(self, cell: Cell) -> list[Words]:
        """The rules that a cell becomes: one, or one for each protocol."""
        listed = self._lists.get(cell)
        key = cell[self._split :], () if listed is None else listed.runs
        found = self._rest.get(key)
        if found is None:
            found = self._rest[key] = self._behind_addresses(key[0], listed)
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

    def _behind_addresses(self, runs: Cell, listed: IntervalSet | None) -> list[tuple[tuple[Part, ...], Words]]:
        """The conditions on the protocol and its ports, and their words with the target behind."""
        pairs = zip(self._fields[self._split :], runs, strict=True)
        values: dict[Field, Values] = {field: IntervalSet.trusted((run,)) for field, run in pairs}
        if listed is not None:
            values[Field.DPORT] = listed
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
