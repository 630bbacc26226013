"""The partition of forwarded packets by where they come from: one tag per class.

pf tests a forwarded packet twice and knows the egress interface only the second time, after source translation. What the
first test alone can see (ingress interface, source, which rdr caught it) therefore travels as a tag. Two packets are in one
class when the same forward and translation rules can match them as far as these three go.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from fwc.net.addresses import ANY_ADDRESS, AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet, Run
from fwc.records import Record


class FromPart(Record):
    """Ingress, source, and translations: `rdrs` are the numbers of rdr rules, None for "whether translated or not"; 0 stands
    for "not translated"."""

    iif: IfaceSet
    source: AddressSet
    rdrs: frozenset[int] | None


class Group(Record):
    """What happens to packets on `iifs` (none: on every interface that has no group of its own) that rdr `rdr` tagged (0: none
    did): disjoint sources and their class, -1 for packets that no part holds. The last row is to be written as `from any`."""

    iifs: tuple[str, ...]
    rdr: int
    rows: tuple[tuple[AddressSet, int], ...]


class Partition(Record):
    """`members[n]` are the indices of the from-parts that contain class n. Groups are in the order in which to test them."""

    groups: tuple[Group, ...]
    members: tuple[frozenset[int], ...]


def partition(parts: Sequence[FromPart], rdr_ifaces: dict[int, IfaceSet]) -> Partition:
    """Classes of the distinct `parts`; `rdr_ifaces` tells on which interfaces each rdr rule tags."""
    names = sorted({n for p in parts for n in p.iif.names} | {n for i in rdr_ifaces.values() for n in i.names})
    numbers: dict[frozenset[int], int] = {}
    found: dict[tuple[int, tuple[tuple[AddressSet, int], ...]], list[str]] = {}
    rest: list[Group] = []
    for rdr in [*sorted(rdr_ifaces), 0]:
        for name in [*names, ""]:
            if rdr and not _on(rdr_ifaces[rdr], name):
                continue
            relevant = [i for i, p in enumerate(parts) if _on(p.iif, name) and (p.rdrs is None or rdr in p.rdrs)]
            rows = []
            for signature, source in _split([(i, parts[i].source) for i in relevant]):
                number = numbers.setdefault(signature, len(numbers)) if signature else -1
                rows.append((source, number))
            rows.sort(key=lambda row: (row[0].v4.size() + row[0].v6.size(), row[0].v4.runs, row[0].v6.runs))
            if name:
                found.setdefault((rdr, tuple(rows)), []).append(name)
            else:
                rest.append(Group((), rdr, tuple(rows)))
    groups = [Group(tuple(where), rdr, rows) for (rdr, rows), where in found.items()] + rest
    # translated packets first, because a test without `tagged` would catch them too
    groups.sort(key=lambda g: (g.rdr == 0, g.rdr, not g.iifs))
    members: list[frozenset[int]] = [frozenset()] * len(numbers)
    for signature, number in numbers.items():
        members[number] = signature
    return Partition(tuple(groups), tuple(members))


def _on(ifaces: IfaceSet, name: str) -> bool:
    """Whether the set holds the interface; "" stands for every interface without an entry of its own."""
    return name in ifaces if name else ifaces.negated


def _split(sources: list[tuple[int, AddressSet]]) -> list[tuple[frozenset[int], AddressSet]]:
    """The addresses by which of the sources hold them, all addresses covered."""
    if all(source == ANY_ADDRESS for _, source in sources):
        return [(frozenset(i for i, _ in sources), ANY_ADDRESS)]
    v4, v6 = _split_family(sources, Family.V4), _split_family(sources, Family.V6)
    out: list[tuple[frozenset[int], AddressSet]] = []
    for signature in [*v4, *(s for s in v6 if s not in v4)]:
        runs4, runs6 = v4.get(signature, []), v6.get(signature, [])
        out.append((signature, AddressSet(IntervalSet(runs4), IntervalSet(runs6))))
    return out


def _split_family(sources: list[tuple[int, AddressSet]], family: Family) -> dict[frozenset[int], list[Run]]:
    top = 1 << family.bits
    events: dict[int, list[tuple[int, bool]]] = {0: [], top: []}
    for index, source in sources:
        for low, high in source.family(family).runs:
            events.setdefault(low, []).append((index, True))
            events.setdefault(high + 1, []).append((index, False))
    active: set[int] = set()
    out: dict[frozenset[int], list[Run]] = {}
    points = sorted(events)
    for here, after in itertools.pairwise(points):
        for index, starts in events[here]:
            if starts:
                active.add(index)
            else:
                active.discard(index)
        out.setdefault(frozenset(active), []).append((here, after - 1))
    return out
