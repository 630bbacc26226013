"""Members of address sets as `ipset save` lists them: what a set holds when it is loaded.

Other programs may change a set later, so it stays a run-time set; but the proof of a compile may take the sets that the compile
itself made, and the policy does not fill at run time, as what their lines say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from fwc.dialects.iptables.setlines import SetNames
from fwc.dialects.iptables.tree import SetLine, Words
from fwc.ir.match import Values
from fwc.ir.model import NamedSet, Ruleset
from fwc.net.addresses import AddressSet, parse_address, prefix_run, union
from fwc.net.intervals import IntervalSet, Run

_KINDS = ("hash:ip", "hash:net")
_PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
Row = tuple[Values, ...]


def with_content(sets: Sequence[NamedSet], lines: Sequence[SetLine]) -> tuple[NamedSet, ...]:
    """The sets with their members, where they are addresses or networks; a member that is no such thing leaves all out."""
    names = SetNames(lines)
    kinds = {line.name: line.words[0] for line in lines if line.command == "create" and line.words}
    members: dict[str, list[AddressSet] | None] = {}
    combined = _combined(names, kinds, lines)
    for line in lines:
        if line.command != "add" or kinds.get(line.name) not in _KINDS:
            continue
        found = _member(line.words)
        known = members.setdefault(names.name(line.name), [])
        if found is None:
            members[names.name(line.name)] = None
        elif known is not None:
            known.append(found)
    out = []
    for each in sets:
        if each.name in combined:
            out.append(dataclasses.replace(each, elements=combined[each.name]))
            continue
        content = members.get(each.name)
        out.append(dataclasses.replace(each, elements=((union(content),),)) if content else each)
    return tuple(out)


def _member(words: Sequence[str]) -> AddressSet | None:
    if len(words) != 1:
        return None  # nomatch, timeout or counters
    text, _, length = words[0].partition("/")
    parsed = parse_address(text)
    if parsed is None:
        return None
    family, value = parsed
    if not length:
        return AddressSet.of_family(family, IntervalSet.of(value))
    if not (length.isascii() and length.isdigit() and int(length) <= family.bits):
        return None
    return AddressSet.of_family(family, IntervalSet((prefix_run(value, int(length), family.bits),)))


# ----- combinations -----------------------------------------------------------


def _combined(names: SetNames, kinds: dict[str, str], lines: Sequence[SetLine]) -> dict[str, tuple[Row, ...]]:
    """The content of hash:ip,port and the like in few rows; sets with a member that is not read are left out."""
    found: dict[str, list[tuple[AddressSet, int, Run | None, AddressSet | None]]] = {}
    unread: set[str] = set()
    for line in lines:
        shape = kinds.get(line.name, "").partition(":")[2].split(",")
        if line.command != "add" or len(shape) < 2:
            continue
        row = _combination(line.words, shape)
        if row is None:
            unread.add(names.name(line.name))
        else:
            found.setdefault(names.name(line.name), []).append(row)
    return {name: _grouped(rows) for name, rows in found.items() if name not in unread}


def _combination(words: Words, shape: list[str]) -> tuple[AddressSet, int, Run | None, AddressSet | None] | None:
    """First addresses, protocol, ports, second addresses."""
    parts = words[0].split(",")
    if len(words) != 1 or len(parts) != len(shape) or shape[0] not in ("ip", "net"):
        return None
    first = _member((parts[0],))
    protocol, ports, second = 0, None, None
    for kind, text in zip(shape[1:], parts[1:], strict=True):
        if kind == "port" and ports is None:
            name, _, span = text.partition(":")
            low, dash, high = span.partition("-")
            if name not in _PROTOCOLS or not low.isdigit() or (dash and not high.isdigit()):
                return None
            protocol, ports = _PROTOCOLS[name], (int(low), int(high or low))
            if not ports[0] <= ports[1] < 65536:
                return None
        elif kind in ("ip", "net") and second is None:
            second = _member((text,))
            if second is None:
                return None
        else:
            return None
    return None if first is None else (first, protocol, ports, second)


def _grouped(rows: list[tuple[AddressSet, int, Run | None, AddressSet | None]]) -> tuple[Row, ...]:
    """Members that differ in their first address only are one row, then those that differ in their ports only."""
    addresses: dict[tuple[int, Run | None, AddressSet | None], list[AddressSet]] = {}
    for first, protocol, ports, second in rows:
        addresses.setdefault((protocol, ports, second), []).append(first)
    runs: dict[tuple[AddressSet, int, AddressSet | None], list[Run]] = {}
    for (protocol, ports, second), each in addresses.items():
        runs.setdefault((union(each), protocol, second), []).extend([ports] if ports is not None else [])
    out: list[Row] = []
    for (first, protocol, second), spans in runs.items():
        middle = (IntervalSet.of(protocol), IntervalSet(spans)) if spans else ()
        out.append((first, *middle, *((second,) if second is not None else ())))
    return tuple(out)


def as_loaded(lifted: Ruleset, policy: Ruleset) -> Ruleset:
    """The lifted output with the content of every set that the policy does not fill at run time taken as fixed."""
    filled = {_plain(each.name) for table in policy.tables for each in table.sets if each.runtime}

    def fixed(sets: Iterable[NamedSet]) -> tuple[NamedSet, ...]:
        return tuple(
            dataclasses.replace(each, runtime=False) if each.elements and _plain(each.name) not in filled else each
            for each in sets
        )

    # every table sees every ipset, while the lifted ruleset lists them with its first table
    shared = tuple(each for table in lifted.tables for each in fixed(table.sets) if not each.runtime)
    tables = tuple(
        dataclasses.replace(table, sets=(*(each for each in fixed(table.sets) if each.runtime), *shared))
        for table in lifted.tables
    )
    return dataclasses.replace(lifted, tables=tables)


def _plain(name: str) -> str:
    """A name without what a target makes of it."""
    return name.replace("-", "_").removesuffix("4").removesuffix("6")
