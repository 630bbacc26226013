"""Long runs of rules with the same effect become lookups of several fields at once.

A run is a stretch of rules that decide a packet by plain header fields. Within it a rule may move up to an earlier rule of
the same effect when no rule of another effect between them shares a packet with it; what can stand together this way is a
group. The members of a group with the same interfaces and the same fields become the elements of one `TupleIn`, which
nftables answers with one hash or interval lookup and iptables with a tree of chains.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fwc.ir.match import Field, FieldIn, Match, TupleIn, Values, all_of, family_is
from fwc.ir.model import Chain, Role, Rule, Ruleset, Table
from fwc.ir.verdict import Accept, Action, Drop, Goto, Log, Reject, Verdict
from fwc.ir.walk import conjuncts
from fwc.net.addresses import AddressSet
from fwc.net.intervals import IntervalSet, Run
from fwc.passes.cells import Cell, apart
from fwc.passes.conflicts import Conflicts
from fwc.passes.conjunctions import PORT_PROTOCOLS
from fwc.passes.pieces import Piece, Pieces, Shape
from fwc.source import Origin

BREAK_EVEN = 16
"""Rules in a group from which a lookup costs a packet less than the list (measured: 12 to 65, see docs/performance.md); below
it the list is easier to read."""

Effect = tuple[tuple[Action, ...], Verdict]


_MOVABLE = frozenset(
    {Role.USER, Role.ANTISPOOF, Role.FORWARD_ACCEPT, Role.REPLY, Role.IMPORTED, Role.HAIRPIN, Role.OPTIMIZER}
)
"""Rules that the policy's statements became. What every chain begins and ends with (established, loopback, neighbour
discovery) stays where a reader looks for it."""

_FEW_KEPT = 24
"""So many rules that stay rules may stand before the lookup of their effect, where two lookups then follow each other."""


def merge_lookups(ruleset: Ruleset) -> Ruleset:
    """The ruleset with every long enough run merged; all else unchanged."""
    zones: dict[Values, str] = {zone.ifaces: zone.name for zone in reversed(ruleset.zones)}
    return dataclasses.replace(ruleset, tables=tuple(_table(t, zones) for t in ruleset.tables))


Zones = Mapping[Values, str]
"""Names of the zones by their interfaces."""


def _table(table: Table, zones: Zones) -> Table:
    return dataclasses.replace(table, chains=tuple(_chain(c, zones) for c in table.chains))


def _chain(chain: Chain, zones: Zones) -> Chain:
    if len(chain.rules) < BREAK_EVEN:
        return chain
    out: list[Rule] = []
    run: list[Rule] = []
    for rule in chain.rules:
        if _can_move(rule):
            run.append(rule)
        else:
            out.extend(_merge_run(run, zones))
            run = []
            out.append(rule)
    out.extend(_merge_run(run, zones))
    return chain if len(out) == len(chain.rules) else dataclasses.replace(chain, rules=tuple(out))


def _can_move(rule: Rule) -> bool:
    """Its effect is the same whenever and however often it is asked: a verdict, perhaps with an unlimited log line."""
    return (
        rule.role in _MOVABLE
        and isinstance(rule.verdict, (Accept, Drop, Reject, Goto))
        and (not rule.actions or all(isinstance(action, Log) and action.rate is None for action in rule.actions))
    )


def _merge_run(run: Sequence[Rule], zones: Zones) -> Iterator[Rule]:
    if len(run) < BREAK_EVEN:
        yield from run
        return
    merged = [_merge_group(group, zones) for group in _groups(run)]
    all_ported = all(_asks_ports(lookup) for lookups, _ in merged for lookup in lookups)
    waiting: list[Rule] = []
    for number, (lookups, kept) in enumerate(merged):
        # the rules of a group are of one effect, so that their order is free; those of a protocol without ports may also
        # stand behind the lookups of other effects, and lookups that follow each other can become one
        portless: list[Rule] = []
        others: list[Rule] = []
        for rule in kept:
            (portless if all_ported and _has_no_ports(rule.match) else others).append(rule)
        if others:
            yield from waiting
            waiting = []
        if number + 1 < len(merged) and merged[number + 1][0] and len(others) <= _FEW_KEPT:
            yield from others
            yield from lookups
        else:
            yield from lookups
            yield from others
        waiting.extend(portless)
    yield from waiting


def _asks_ports(lookup: Rule) -> bool:
    return any(
        isinstance(part, TupleIn) and (Field.DPORT in part.fields or Field.SPORT in part.fields)
        for part in conjuncts(lookup.match)
    )


def _has_no_ports(match: Match) -> bool:
    """Only packets of protocols without ports match."""
    return any(
        isinstance(part, FieldIn)
        and (
            part.field in (Field.ICMP, Field.ICMPV6)
            or (
                part.field is Field.PROTOCOL
                and isinstance(part.values, IntervalSet)
                and not part.values & PORT_PROTOCOLS
            )
        )
        for part in conjuncts(match)
    )


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
    known: dict[tuple[int, int], int] = {}  # most rules share the very objects
    effects: list[int] = []
    for rule in run:
        key = id(rule.actions), id(rule.verdict)
        if key not in known:
            known[key] = numbers.setdefault((rule.actions, rule.verdict), len(numbers))
        effects.append(known[key])
    return effects


# ----- from rules to elements --------------------------------------------------


def _merge_group(rules: Sequence[Rule], zones: Zones) -> tuple[list[Rule], list[Rule]]:
    """The lookups of a group, and the rules that stay."""
    if len(rules) < BREAK_EVEN:
        return [], list(rules)
    known = Pieces()
    pieces = [known.of(rule.match) for rule in rules]
    merged = _worthwhile(pieces)
    members: dict[Shape, list[tuple[Rule, Piece]]] = {}
    for number in merged:
        for piece in pieces[number]:
            members.setdefault(piece.shape, []).append((rules[number], piece))
    leaving = set(merged)
    kept = [rule for number, rule in enumerate(rules) if number not in leaving]
    lookups: list[Rule] = []
    for shape, entries in members.items():
        lookup = _lookup(shape, entries, zones)
        if lookup is None:
            kept.extend({id(rule): rule for rule, _ in entries}.values())
        else:
            lookups.append(lookup)
    return lookups, kept


def _worthwhile(pieces: Sequence[tuple[Piece, ...]]) -> list[int]:
    """The numbers of the rules whose shapes have enough rules; a rule with a piece in a shape that falls out takes its other
    pieces out too."""
    alive = [number for number, own in enumerate(pieces) if own]
    while True:
        count = Counter([piece.shape for number in alive for piece in pieces[number]])
        few = {shape for shape, rules in count.items() if rules < BREAK_EVEN}
        if not few:
            return alive
        alive = [number for number in alive if few.isdisjoint([piece.shape for piece in pieces[number]])]


def _lookup(shape: Shape, entries: Sequence[tuple[Rule, Piece]], zones: Zones) -> Rule | None:
    """One rule for all entries. Elements never overlap: targets refuse sets in which they do."""
    found = apart([[cell for _, piece in entries for cell in piece.cells]])
    if found is None:
        return None
    cells = [cell for cell, _ in (*found.points, *found.wide)]
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
    first = entries[0][0]
    names = [zones[values] for _, values in shape.interfaces if values in zones]
    name = "_".join([*names, "allowed" if isinstance(first.verdict, Accept) else "denied"])
    parts.append(TupleIn(tuple(columns), tuple(zip(*columns.values(), strict=True)), name))
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
        columns.append(list(map(values.__getitem__, column)))
    return columns
