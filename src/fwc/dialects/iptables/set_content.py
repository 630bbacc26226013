"""Members of address sets as `ipset save` lists them: what a set holds when it is loaded.

Other programs may change a set later, so it stays a run-time set; but the proof of a compile may take the sets that the compile
itself made, and the policy does not fill at run time, as what their lines say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from fwc.dialects.iptables.setlines import SetNames
from fwc.dialects.iptables.tree import SetLine
from fwc.ir.model import NamedSet, Ruleset
from fwc.net.addresses import AddressSet, parse_address, prefix_run, union
from fwc.net.intervals import IntervalSet

_KINDS = ("hash:ip", "hash:net")


def with_content(sets: Sequence[NamedSet], lines: Sequence[SetLine]) -> tuple[NamedSet, ...]:
    """The sets with their members, where they are addresses or networks; a member that is no such thing leaves all out."""
    names = SetNames(lines)
    kinds = {line.name: line.words[0] for line in lines if line.command == "create" and line.words}
    members: dict[str, list[AddressSet] | None] = {}
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


def as_loaded(lifted: Ruleset, policy: Ruleset) -> Ruleset:
    """The lifted output with the content of every set that the policy does not fill at run time taken as fixed."""
    filled = {_plain(each.name) for table in policy.tables for each in table.sets if each.runtime}

    def fixed(sets: Iterable[NamedSet]) -> tuple[NamedSet, ...]:
        return tuple(
            dataclasses.replace(each, runtime=False) if each.elements and _plain(each.name) not in filled else each
            for each in sets
        )

    tables = tuple(dataclasses.replace(table, sets=fixed(table.sets)) for table in lifted.tables)
    return dataclasses.replace(lifted, tables=tables)


def _plain(name: str) -> str:
    """A name without what a target makes of it."""
    return name.replace("-", "_").removesuffix("4").removesuffix("6")
