"""Long runs of rules with the same effect become lookups of several fields at once.

A run is a stretch of rules that decide a packet by plain header fields. Within it a rule may move up to an earlier rule of
the same effect when no rule of another effect between them shares a packet with it; what can stand together this way is a
group. The members of a group with the same interfaces and the same fields become the elements of one `TupleIn`, which
nftables answers with one hash or interval lookup and iptables with a tree of chains.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product

from fwc.ir.match import Field, FieldIn, Match, TupleIn, Values, all_of, family_is
from fwc.ir.model import Chain, Role, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Action, Drop, Goto, Log, Reject, Verdict
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet, Run
from fwc.passes.conflicts import Conflicts
from fwc.passes.conjunctions import TooManyConjunctions, expand
from fwc.passes.plain import INTERFACES, KEYS, PLAIN, plain_fields
from fwc.records import record
from fwc.source import Origin
from fwc.space.fields import Dimensions, Kind
from fwc.space.index import Index, bits_of

BREAK_EVEN = 16
"""Rules in a group from which a lookup costs a packet less than the list (measured: 12 to 65, see docs/performance.md); below
it the list is easier to read."""

MOST_ELEMENTS_OF_A_RULE = 4096
"""A rule whose lists multiply to more elements stays as it is: its own sets are lookups already."""

Effect = tuple[tuple[Action, ...], Verdict]
Cell = tuple[Run, ...]
"""One run of values per field of the lookup."""


@record
class Shape:
    """What the elements of one lookup have in common. `_shape` makes one object for each, compared as an object."""

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


def merge_lookups(ruleset: Ruleset) -> Ruleset:
    """The ruleset with every long enough run merged; all else unchanged."""
    return dataclasses.replace(ruleset, tables=tuple(_table(t) for t in ruleset.tables))


def _table(table: Table) -> Table:
    return dataclasses.replace(table, chains=tuple(_chain(c) for c in table.chains))


def _chain(chain: Chain) -> Chain:
    if len(chain.rules) < BREAK_EVEN:
        return chain
    out: list[Rule] = []
    run: list[Rule] = []
    for rule in chain.rules:
        if _can_move(rule):
            run.append(rule)
        else:
            out.extend(_merge_run(run))
            run = []
            out.append(rule)
    out.extend(_merge_run(run))
    return chain if len(out) == len(chain.rules) else dataclasses.replace(chain, rules=tuple(out))


def _can_move(rule: Rule) -> bool:
    """Its effect is the same whenever and however often it is asked: a verdict, perhaps with an unlimited log line."""
    return isinstance(rule.verdict, (Accept, Drop, Reject, Goto)) and all(
        isinstance(action, Log) and action.rate is None for action in rule.actions
    )


def _merge_run(run: Sequence[Rule]) -> Iterator[Rule]:
    if len(run) < BREAK_EVEN:
        yield from run
        return
    for group in _groups(run):
        yield from _merge_group(group)


# ----- which rules can stand together -----------------------------------------


def _groups(run: Sequence[Rule]) -> list[list[Rule]]:
    """The run's rules in groups of one effect; evaluating the groups in order decides every packet as the run does."""
    effects = _effects(run)
    if max(effects) == 0:
        return [list(run)]
    conflicts = Conflicts(run, effects)
    groups: list[list[Rule]] = []
    effect_of: list[int] = []
    for number, rule in enumerate(run):
        after = conflicts.last_group(number)
        effect = effects[number]
        place = next((p for p in range(after + 1, len(groups)) if effect_of[p] == effect), None)
        if place is None:
            place = len(groups)
            groups.append([])
            effect_of.append(effect)
        groups[place].append(rule)
        conflicts.put(number, place)
    return groups


def _effects(run: Sequence[Rule]) -> list[int]:
    """For each rule the number of its effect."""
    numbers: dict[Effect, int] = {}
    return [numbers.setdefault((rule.actions, rule.verdict), len(numbers)) for rule in run]


# ----- from rules to elements --------------------------------------------------


def _merge_group(rules: Sequence[Rule]) -> Iterator[Rule]:
    """The lookups of a group, then the rules that stay; all have one effect, so their order is free."""
    if len(rules) < BREAK_EVEN:
        yield from rules
        return
    pieces = [_pieces(rule) for rule in rules]
    shapes = _worthwhile(pieces)
    members: dict[Shape, list[tuple[Rule, Piece]]] = {}
    kept: list[Rule] = []
    for rule, own in zip(rules, pieces, strict=True):
        if own and all(piece.shape in shapes for piece in own):
            for piece in own:
                members.setdefault(piece.shape, []).append((rule, piece))
        else:
            kept.append(rule)
    for shape, entries in members.items():
        lookup = _lookup(shape, entries)
        if lookup is None:
            kept.extend({id(rule): rule for rule, _ in entries}.values())
        else:
            yield lookup
    yield from kept


def _worthwhile(pieces: Sequence[tuple[Piece, ...]]) -> set[Shape]:
    """Shapes with enough rules; a rule with a piece in a shape that falls out takes its other pieces out too."""
    alive = [own for own in pieces if own]
    while True:
        count: dict[Shape, int] = {}
        for own in alive:
            for piece in own:
                count[piece.shape] = count.get(piece.shape, 0) + 1
        good = {shape for shape, rules in count.items() if rules >= BREAK_EVEN}
        left = [own for own in alive if all(piece.shape in good for piece in own)]
        if len(left) == len(alive):
            return good
        alive = left


def _pieces(rule: Rule) -> tuple[Piece, ...]:
    """The rule as elements of lookups, one piece per conjunction; empty when it has conditions that no lookup holds."""
    plain = plain_fields(rule.match)
    if plain is not None:
        return _plain_pieces(plain)
    out: list[Piece] = []
    total = 0
    for family in Family:
        try:
            parts = expand(rule.match, family)
        except TooManyConjunctions:
            return ()
        for part in parts:
            if part.excluded or part.masked or part.sets or part.tuples or part.opaque:
                return ()
            piece = _piece(part.fields, family)
            if piece is None:
                return ()
            total += len(piece.cells)
            if total > MOST_ELEMENTS_OF_A_RULE:
                return ()
            out.append(piece)
    return tuple(out)


def _plain_pieces(fields: dict[Field, Values]) -> tuple[Piece, ...]:
    out: list[Piece] = []
    for family in Family:
        addresses = [values for values in fields.values() if type(values) is AddressSet]
        if not all(values.family(family) for values in addresses):
            continue
        if any(values.family(family).size() == 1 << family.bits for values in addresses):
            return ()  # an address that is no condition; the language writes none
        piece = _piece(fields, family)
        if piece is None or (out and len(piece.cells) + len(out[0].cells) > MOST_ELEMENTS_OF_A_RULE):
            return ()
        out.append(piece)
    return tuple(out)


def _piece(fields: dict[Field, Values], family: Family) -> Piece | None:
    if any(field not in PLAIN and field is not Field.FAMILY for field in fields):
        return None
    keys = tuple([field for field in KEYS if field in fields])
    if len(keys) < 2:
        return None
    runs = [_runs(fields[key], family) for key in keys]
    size = 1
    for each in runs:
        size *= len(each)
    if not 0 < size <= MOST_ELEMENTS_OF_A_RULE:
        return None
    interfaces = tuple([(field, fields[field]) for field in INTERFACES if field in fields])
    return Piece(_shape(family, interfaces, keys), tuple(product(*runs)))


@lru_cache(maxsize=1 << 10)
def _shape(family: Family, interfaces: tuple[tuple[Field, Values], ...], keys: tuple[Field, ...]) -> Shape:
    return Shape(family, interfaces, keys)


def _runs(values: Values, family: Family) -> tuple[Run, ...]:
    if isinstance(values, AddressSet):
        return values.family(family).runs
    assert isinstance(values, IntervalSet)
    return values.runs


def _lookup(shape: Shape, entries: Sequence[tuple[Rule, Piece]]) -> Rule | None:
    """One rule for all entries. Elements never overlap: targets refuse sets in which they do."""
    cells = _disjoint([cell for _, piece in entries for cell in piece.cells])
    if cells is None:
        return None
    parts: list[Match] = [FieldIn(field, values) for field, values in shape.interfaces]
    if Field.SADDR not in shape.fields and Field.DADDR not in shape.fields:
        parts.insert(0, family_is(shape.family))
    columns = dict(zip(shape.fields, _columns(shape, cells), strict=True))
    for field in (Field.SADDR, Field.DADDR):
        # an address that all elements share is compared by itself: the key of the lookup is shorter
        values = columns.get(field)
        if values is not None and len(columns) > 2 and all(each is values[0] for each in values):
            parts.append(FieldIn(field, values[0]))
            del columns[field]
    parts.append(TupleIn(tuple(columns), tuple(zip(*columns.values(), strict=True))))
    first = entries[0][0]
    spans = tuple(dict.fromkeys(rule.origin.spans[0] for rule, _ in entries if rule.origin.spans))
    return Rule(
        all_of(*parts),
        first.actions,
        first.verdict,
        comment=f"{len({id(rule) for rule, _ in entries})} rules",
        role=Role.OPTIMIZER,
        origin=Origin(spans, ("merge-lookups",)),
    )


def _columns(shape: Shape, cells: Sequence[Cell]) -> list[list[Values]]:
    """Each field's values in the order of the cells, one object for a run: what is printed of it is then found by identity."""
    columns: list[list[Values]] = []
    for field, column in zip(shape.fields, zip(*cells, strict=True), strict=True):
        values: dict[Run, Values] = {}
        for run in dict.fromkeys(column):
            numbers = IntervalSet.trusted((run,))
            address = field in (Field.SADDR, Field.DADDR)
            values[run] = AddressSet.of_family(shape.family, numbers) if address else numbers
        columns.append([values[run] for run in column])
    return columns


def _disjoint(cells: Sequence[Cell]) -> list[Cell] | None:
    """Cells with the same union of which no two overlap: what an earlier cell holds is cut from the later ones. Points come
    first, so that they stay points and can live in a hash set. None when the cuts would multiply."""
    unique = list(dict.fromkeys(cells))
    if all(_flat(column) for column in zip(*unique, strict=True)):
        return unique
    points = [cell for cell in unique if _is_point(cell)]
    ordered = points + [cell for cell in unique if not _is_point(cell)]
    index = _index(ordered)
    out = list(points)
    most = 4 * len(ordered) + 1000
    for number in range(len(points), len(ordered)):
        pieces = [ordered[number]]
        for other in bits_of(index.overlap(index.boxes[number], (1 << number) - 1)):
            pieces = [rest for piece in pieces for rest in _cut(piece, ordered[other])]
            if len(pieces) > most:
                return None
        out.extend(pieces)
        if len(out) > most:
            return None
    return out


def _flat(column: Sequence[Run]) -> bool:
    """Are the distinct runs of one field pairwise disjoint? When every field's are, cells overlap only when equal."""
    runs = sorted(set(column))
    return all(left[1] < right[0] for left, right in pairwise(runs))


def _is_point(cell: Cell) -> bool:
    return all(low == high for low, high in cell)


def _index(cells: Sequence[Cell]) -> Index:
    dimensions = Dimensions(Family.V6)
    axes = [
        dimensions.dimension(("cell", at), f"field {at}", Kind.VALUE, (1 << 128) - 1) for at in range(len(cells[0]))
    ]
    boxes = [
        tuple(dimensions.constraint(axis, (run,)) for axis, run in zip(axes, cell, strict=True) if run != (0, axis.top))
        for cell in cells
    ]
    return Index(dimensions, boxes)


def _cut(cell: Cell, hole: Cell) -> Iterator[Cell]:
    """What is left of `cell` outside `hole`, as disjoint cells."""
    if any(a[0] > b[1] or b[0] > a[1] for a, b in zip(cell, hole, strict=True)):
        yield cell
        return
    rest = list(cell)
    for at, ((low, high), (hole_low, hole_high)) in enumerate(zip(cell, hole, strict=True)):
        if low < hole_low:
            yield (*rest[:at], (low, hole_low - 1), *rest[at + 1 :])
        if high > hole_high:
            yield (*rest[:at], (hole_high + 1, high), *rest[at + 1 :])
        rest[at] = (max(low, hole_low), min(high, hole_high))
