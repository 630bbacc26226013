"""Groups: lists of addresses that stand in several places, or are too long for one line, called by what they are for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from fwc.convert.policy.lines import Line
from fwc.convert.policy.services import service_names
from fwc.convert.policy.text import name_from, unique
from fwc.convert.policy.zones import Zones
from fwc.elaborate.verdicts import MULTICAST
from fwc.ir.verdict import Accept, Drop, Masquerade, Reject, Snat
from fwc.net.addresses import AddressSet, parse_v4, prefix_run, union
from fwc.net.hooks import Family
from fwc.net.intervals import EMPTY, IntervalSet
from fwc.records import Record

MOST_INLINE = 3
"""Addresses that still read well inside a statement."""


def _networks(*texts: str) -> AddressSet:
    runs = []
    for text in texts:
        address, _, length = text.partition("/")
        runs.append(prefix_run(parse_v4(address) or 0, int(length), 32))
    return AddressSet(IntervalSet(runs), EMPTY)


_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")  # RFC 1918
_RESERVED = _networks("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")


class GroupDecl(Record):
    name: str
    addresses: AddressSet


@dataclasses.dataclass
class Groups:
    """The groups of a policy and the words for sets of addresses."""

    decls: tuple[GroupDecl, ...]

    def __post_init__(self) -> None:
        self._known = {d.addresses: d.name for d in self.decls}

    def words(self, addresses: AddressSet) -> list[str]:
        name = self._known.get(addresses)
        return [name] if name is not None else literals(addresses)


def literals(addresses: AddressSet) -> list[str]:
    return [text for family in Family for text in addresses.texts(family)]


@dataclasses.dataclass
class _Use:
    """Where a set of addresses stands."""

    times: int = 0
    name: str = ""
    source_of: list[Line] = dataclasses.field(default_factory=list)
    target_of: list[Line] = dataclasses.field(default_factory=list)
    left_out: bool = False


def groups_of(lines: Sequence[Line], zones: Zones, taken: set[str]) -> Groups:
    """A declaration for each set of several addresses that recurs, is long, or has a name in the source."""
    uses: dict[AddressSet, _Use] = {}
    for line in lines:
        for addresses, role in _sets(line):
            use = uses.setdefault(addresses, _Use())
            use.times += 1
            use.name = use.name or next((name for values, name in line.ends.names if values == addresses), "")
            if role == "from":
                use.source_of.append(line)
            elif role == "to":
                use.target_of.append(line)
            else:
                use.left_out = True
    decls = []
    for addresses, use in uses.items():
        count = len(addresses.v4.runs) + len(addresses.v6.runs)
        if count > MOST_INLINE or (count > 1 and use.times > 1) or (use.name and name_from(use.name)):
            name = unique(name_from(use.name) or _role(addresses, use, zones), taken)
            taken.add(name)
            decls.append(GroupDecl(name, addresses))
    return Groups(tuple(decls))


def _sets(line: Line) -> Iterator[tuple[AddressSet, str]]:
    ends = line.ends
    for addresses, role in ((ends.saddr, "from"), (ends.daddr, "to"), (ends.not_saddr, ""), (ends.not_daddr, "")):
        if addresses:
            yield addresses, role


def _role(addresses: AddressSet, use: _Use, zones: Zones) -> str:
    if addresses == _PRIVATE:
        return "private"
    if addresses <= MULTICAST:
        return "multicast"
    if not addresses.v6 and addresses <= union([_PRIVATE, _RESERVED]) and len((addresses & _RESERVED).v4.runs) > 1:
        return "bogons"
    near = {line.ends.iif for line in use.source_of} if not use.target_of else {line.ends.oif for line in use.target_of}
    side = near.pop() if len(near) == 1 and not (use.source_of and use.target_of) else None
    if side is not None and not side.negated and len(zones.words(side)) == 1 and "iface" not in zones.words(side)[0]:
        return f"{zones.words(side)[0]}-hosts"
    if use.source_of and all(isinstance(line.verdict, Drop | Reject) for line in use.source_of):
        return "blocked"
    if any(isinstance(line.verdict, Masquerade | Snat) for line in use.source_of):
        return "inside"
    accepted = [line for line in use.source_of if isinstance(line.verdict, Accept)]
    if accepted:
        services = {service_names(line.boxes, line.families) for line in accepted}
        service = services.pop() if len(services) == 1 else ""
        return f"{service}-clients" if service else "trusted"
    if use.target_of:
        services = {service_names(line.boxes, line.families) for line in use.target_of}
        service = services.pop() if len(services) == 1 else ""
        if all(isinstance(line.verdict, Drop | Reject) for line in use.target_of):
            return "off-limits"
        return f"{service}-servers" if service else "servers"
    return "others"
