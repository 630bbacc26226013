"""The named sets of a table under construction: shared by content, split by family, hash sets unless a range needs more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product, repeat

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.dialects.nft.names import Names, Refused, iface
from fwc.ir.match import Field, Values
from fwc.ir.walk import Columns
from fwc.net.addresses import AddressSet, format_run
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import Run
from fwc.records import Record

ANONYMOUS = 8
"""More members than this go into a named set: anonymous sets load in quadratic time and hide what they are for."""

ADDRESSES = frozenset({Field.SADDR, Field.DADDR, Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR})
IFACES = frozenset({Field.IIF, Field.OIF})
TYPES = {
    Field.PROTOCOL: "inet_proto",
    Field.SPORT: "inet_service",
    Field.DPORT: "inet_service",
    Field.CT_ORIG_DPORT: "inet_service",
    Field.IIF: "ifname",
    Field.OIF: "ifname",
    Field.MARK: "mark",
    Field.CT_MARK: "mark",
    Field.SMAC: "ether_addr",
}
"""Types of named sets; address fields add their family's."""


def type_of(field: Field, family: Family) -> str:
    if field in ADDRESSES:
        return "ipv4_addr" if family is Family.V4 else "ipv6_addr"
    known = TYPES.get(field)
    if known is None:
        raise Refused(f"a set of `{field.value}` values")
    return known


def run_text(field: Field, family: Family, run: Run) -> str:
    """One run of values as nft writes it."""
    if field in ADDRESSES:
        return format_run(family, run)
    low, high = run
    if low != high and field is Field.PROTOCOL:
        return f"{low}-{high}"  # nft takes `igmp-16` for the name of a protocol
    one = _number(field, low)
    return one if low == high else f"{one}-{_number(field, high)}"


def _number(field: Field, value: int) -> str:
    if field is Field.PROTOCOL:
        return words.PROTOCOLS.get(value) or str(value)
    if field in (Field.MARK, Field.CT_MARK):
        return f"0x{value:08x}"
    if field is Field.SMAC:
        return ":".join(f"{value >> shift & 255:02x}" for shift in range(40, -8, -8))
    if field is Field.PKTTYPE:
        return ("unicast", "broadcast", "multicast", "other")[value]
    return str(value)


@lru_cache(maxsize=1 << 16)
def members(field: Field, values: Values, family: Family) -> tuple[t.Word | t.Quoted, ...]:
    """The values as expressions, in order. Remembered, since elements of a lookup share their values."""
    if isinstance(values, IfaceSet):
        if values.negated:
            raise Refused("all interfaces but some inside a tuple")
        return tuple([t.Quoted(iface(name)) for name in values.texts()])
    numbers = values.family(family) if isinstance(values, AddressSet) else values
    if field in (Field.PROTOCOL, Field.PKTTYPE):
        # ranges of protocol numbers are legal, but names read better
        runs: Iterable[Run] = [(n, n) for n in numbers] if numbers.size() <= 16 else numbers.runs
    else:
        runs = numbers.runs
    return tuple([t.Word(run_text(field, family, run)) for run in runs])


def has_ranges(field: Field, values: Values, family: Family) -> bool:
    if isinstance(values, IfaceSet):
        return bool(values.prefixes)
    numbers = values.family(family) if isinstance(values, AddressSet) else values
    if field in (Field.PROTOCOL, Field.PKTTYPE) and numbers.size() <= 16:
        return False
    return any(low != high for low, high in numbers.runs)


class _Known(Record):
    """What the values of one field of an element become: their members, and whether some are ranges."""

    members: tuple[t.Word | t.Quoted, ...]
    ranges: bool


_Combination = tuple[tuple[str, ...], tuple[t.Expr, ...], t.Expr | None]
"""One element of a concatenation: texts and expressions of its fields, and its data."""


def _combinations(
    fields: tuple[Field, ...], columns: Columns, data: Iterable[t.Expr | None], family: Family
) -> tuple[Iterable[_Combination], bool]:
    """The elements of a lookup, and whether any is a range. Each different value is spelled once."""
    known: list[list[_Known]] = []
    lone, ranges = True, False
    for field, (column, different) in zip(fields, columns, strict=True):
        spelled = {n: _Known(members(field, v, family), has_ranges(field, v, family)) for n, v in different.items()}
        known.append(list(map(spelled.__getitem__, map(id, column))))
        lone = lone and all(len(each.members) == 1 for each in spelled.values())
        ranges = ranges or any(each.ranges for each in spelled.values())
    if lone:
        texts = zip(*[[each.members[0].text for each in column] for column in known], strict=True)
        words = zip(*[[each.members[0] for each in column] for column in known], strict=True)
        return zip(texts, words, data, strict=False), ranges
    # several members, or none where addresses are of the other family
    found: list[_Combination] = []
    ranges = False
    for row, own in zip(zip(*known, strict=True), data, strict=False):
        several = list(product(*[each.members for each in row]))
        ranges = ranges or (bool(several) and any(each.ranges for each in row))
        found.extend([(tuple([part.text for part in parts]), parts, own) for parts in several])
    return found, ranges


class Pool:
    """Named sets and maps of one table. `titles` are the user's names of values, for sets made of them."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.made: list[t.SetNode] = []
        self.titles: dict[object, str] = {}
        self._by_content: dict[object, str] = {}

    def values(self, field: Field, values: Values, family: Family) -> t.Expr:
        """What stands right of a comparison with the field: a value, a small anonymous set, or a reference."""
        elements = members(field, values, family)
        if len(elements) == 1:
            return elements[0]
        numbers = values.family(family) if isinstance(values, AddressSet) else values
        title = self.titles.get(numbers, "")
        small = len(elements) <= ANONYMOUS and not (title and field in ADDRESSES)
        if small or (field not in TYPES and field not in ADDRESSES):
            return t.SetOf(tuple(t.Element(e) for e in elements))
        if isinstance(values, IfaceSet) and values.prefixes:
            return t.SetOf(tuple(t.Element(e) for e in elements))
        kind = type_of(field, family)
        key = (kind, numbers)
        name = self._by_content.get(key)
        if name is None:
            flags = ("interval",) if has_ranges(field, values, family) else ()
            wish = self.wish(title, field, family)
            name = self._by_content[key] = self.names.fresh(wish)
            self.made.append(
                t.SetNode(name, "set", (kind,), flags=flags, elements=tuple(t.Element(e) for e in elements))
            )
        return t.Ref(name)

    def wish(self, title: str, field: Field, family: Family) -> str:
        if field in ADDRESSES:
            return f"{title or 'addresses'}{family.value}"
        return title or {"inet_service": "ports", "ifname": "interfaces"}.get(TYPES.get(field, ""), "values")

    def tuples(
        self,
        fields: tuple[Field, ...],
        columns: Columns,
        data: Sequence[t.Expr] | None,
        family: Family,
        title: str,
        limit: int = ANONYMOUS,
        kind: str = "verdict",
    ) -> t.Expr:
        """The set (or, with data of `kind`, the map) of a concatenation of the fields: anonymous when small, else named."""
        elements: list[t.Element] = []
        seen: dict[tuple[str, ...], t.Expr | None] = {}
        combinations: Iterable[_Combination] = ()
        ranges = False
        if columns:
            combinations, ranges = _combinations(fields, columns, repeat(None) if data is None else data, family)
        for spelling, parts, own in combinations:
            if spelling not in seen:
                seen[spelling] = own
                elements.append(t.Element(parts[0] if len(parts) == 1 else t.Concat(parts), own))
        if len(elements) <= limit:
            return t.SetOf(tuple(elements))
        kinds = tuple(type_of(f, family) for f in fields)
        content = (kinds, tuple(seen), tuple([data for data in seen.values() if data is not None]))
        name = self._by_content.get(content)
        if name is None:
            with_family = any(f in ADDRESSES for f in fields)
            is_map = elements[0].data is not None
            wish = (title or ("dispatch" if is_map else "allowed")) + (str(family.value) if with_family else "")
            name = self._by_content[content] = self.names.fresh(wish)
            self.made.append(
                t.SetNode(
                    name,
                    "map" if is_map else "set",
                    kinds,
                    data=kind if is_map else "",
                    flags=("interval",) if ranges else (),
                    elements=tuple(elements),
                )
            )
        return t.Ref(name)
