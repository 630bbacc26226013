"""Long runs of port forwards become one map from original to new destination, and their accepts one lookup.

A thousand `forward`s are a thousand rules in the translation chain, and a thousand accepts that ask for exactly what was
translated. Rules of a run ask for one value of the same fields, so that those of different values hold no packet in common and
the first of equal values wins.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import groupby

from fwc.ir.match import Field, FieldIn, Match, TupleIn, Values, all_of
from fwc.ir.model import Chain, Role, Rule, Ruleset
from fwc.ir.verdict import Accept, Dnat, PortChoice, Verdict, VerdictMap
from fwc.ir.walk import conjuncts, map_chains
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.passes.conjunctions import PORT_PROTOCOLS
from fwc.passes.merge_lookups import BREAK_EVEN
from fwc.records import Record
from fwc.source import Origin

_KEYS = (Field.DADDR, Field.PROTOCOL, Field.DPORT, Field.CT_ORIG_DPORT)
_ROLES = frozenset({Role.USER, Role.FORWARD_ACCEPT})


class Entry(Record):
    """A rule as an entry of a map: `rest` are its conditions on other fields. `ports` tells that the verdict names a port."""

    rule: Rule
    rest: tuple[Match, ...]
    fields: tuple[Field, ...]
    values: tuple[Values, ...]
    verdict: Verdict
    ports: bool

    @property
    def protocol(self) -> Values:
        return self.values[self.fields.index(Field.PROTOCOL)]


def map_translations(ruleset: Ruleset) -> Ruleset:
    """The ruleset with every long enough run of translations or of their accepts as one rule."""
    return map_chains(ruleset, _chain)


def _chain(chain: Chain) -> Chain:
    if len(chain.rules) < BREAK_EVEN:
        return chain
    out: list[Rule] = []
    found = [(rule, _entry(rule)) for rule in chain.rules]
    for key, group in groupby(found, lambda item: _stretch(item[1])):
        members = list(group)
        entries = [entry for _, entry in members if entry is not None]
        if key is None or len(entries) < BREAK_EVEN:
            out.extend(rule for rule, _ in members)
        else:
            out.extend(_mapped(entries))
    return chain if len(out) == len(chain.rules) else dataclasses.replace(chain, rules=tuple(out))


def _stretch(entry: Entry | None) -> object:
    """Neighbours of one stretch ask for the same fields, one value each, and for nothing different besides."""
    return None if entry is None else (entry.rest, entry.fields, isinstance(entry.verdict, Dnat))


def _entry(rule: Rule) -> Entry | None:
    verdict = rule.verdict
    if rule.actions or rule.role not in _ROLES or not (isinstance(verdict, Accept) or _is_simple(verdict)):
        return None
    keys: dict[Field, Values] = {}
    rest: list[Match] = []
    for part in conjuncts(rule.match):
        if isinstance(part, FieldIn) and part.field in _KEYS and part.field not in keys:
            if not _is_one(part.values):
                return None
            keys[part.field] = part.values
        else:
            rest.append(part)
    if Field.PROTOCOL not in keys or Field.DPORT not in keys or not keys[Field.PROTOCOL] <= PORT_PROTOCOLS:  # type: ignore[operator]
        return None
    if isinstance(verdict, Accept) and Field.CT_ORIG_DPORT not in keys:
        return None  # an ordinary accept, which `merge_lookups` knows better
    if isinstance(verdict, Dnat) and Field.DADDR not in keys:
        return None  # the key would not say the family
    fields = tuple(field for field in _KEYS if field in keys)
    ports = isinstance(verdict, Dnat) and verdict.targets[0].ports is not None
    return Entry(rule, tuple(rest), fields, tuple(keys[field] for field in fields), verdict, ports)


def _is_simple(verdict: Verdict) -> bool:
    """To one address, and to one port or the same."""
    if not isinstance(verdict, Dnat) or len(verdict.targets) != 1 or verdict.choice is not PortChoice.DEFAULT:
        return False
    target = verdict.targets[0]
    one_port = target.ports is None or target.ports[0] == target.ports[1]
    return target.family is not None and target.low == target.high and one_port


def _is_one(values: Values) -> bool:
    if isinstance(values, AddressSet):
        return sum(values.family(family).size() for family in Family) == 1
    return values.size() == 1  # type: ignore[union-attr]


def _mapped(entries: Sequence[Entry]) -> Iterator[Rule]:
    """The rules of a stretch. One map has one protocol, and one form of what it leads to."""
    first: dict[tuple[Values, ...], Entry] = {}
    for entry in entries:
        first.setdefault(entry.values, entry)
    kinds: dict[object, list[Entry]] = {}
    for entry in first.values():
        kinds.setdefault((entry.protocol, entry.ports, _family(entry)), []).append(entry)
    for group in kinds.values():
        if len(group) < BREAK_EVEN:
            yield from (entry.rule for entry in group)
        else:
            yield _rule(group)


def _family(entry: Entry) -> object:
    """Of the address asked for, and of the one translated to."""
    asked = entry.values[0].families() if isinstance(entry.values[0], AddressSet) else ()
    return asked, entry.verdict.targets[0].family if isinstance(entry.verdict, Dnat) else None


def _rule(group: Sequence[Entry]) -> Rule:
    one = group[0]
    spans = tuple(dict.fromkeys(e.rule.origin.spans[0] for e in group if e.rule.origin.spans))
    rows = tuple(entry.values for entry in group)
    if isinstance(one.verdict, Accept):
        # nftables asks for the port of the original tuple only after the protocol by itself
        match = all_of(*one.rest, FieldIn(Field.PROTOCOL, one.protocol), TupleIn(one.fields, rows, "published"))
        verdict: Verdict = one.verdict
    else:
        match = all_of(*one.rest)
        verdict = VerdictMap(one.fields, tuple(zip(rows, (e.verdict for e in group), strict=True)), "forwards")
    return Rule(
        match,
        (),
        verdict,
        comment=f"{len(group)} rules",
        role=Role.OPTIMIZER,
        origin=Origin(spans, ("map-translations",)),
    )
