"""A lookup of combinations as an ipset: hash:ip,port, hash:net,port, hash:ip,port,ip or net, hash:net,port,net, hash:net,net.

The kernel reads the port of tcp, udp and sctp only (net/netfilter/ipset/ip_set_getport.c), knows no network of length 0, and asks
once for each pair of prefix lengths that occurs in the set.
"""

from __future__ import annotations

from fwc.ir.match import Field, TupleIn, Values
from fwc.net.addresses import AddressSet, prefixes
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet

MOST_MEMBERS = 1 << 17
"""More stay a tree of chains, for the memory that the kernel would need."""
MOST_LENGTHS = 24
"""So many pairs of prefix lengths still cost a packet less than the tree."""
FEWEST_MEMBERS = 5

_ADDRESSES = (Field.SADDR, Field.DADDR)
_PROTOCOLS = IntervalSet.of(6, 17, 132)

Row = tuple[Values, ...]


def combination(match: TupleIn, family: Family) -> tuple[tuple[Field, ...], tuple[Row, ...]] | None:
    """The fields in the order of an ipset's dimensions and the elements with them; None where no ipset holds exactly these."""
    fields = _order(match.fields)
    if fields is None:
        return None
    at = [match.fields.index(field) for field in fields]
    rows = tuple(tuple(element[i] for i in at) for element in match.elements)
    members = 0
    lengths: dict[int, set[int]] = {}
    for row in rows:
        size = 1
        for number, values in enumerate(row):
            if isinstance(values, AddressSet):
                found = [length for run in values.family(family).runs for _, length in prefixes(run, family.bits)]
                if 0 in found:
                    return None
                size *= len(found)
                lengths.setdefault(number, set()).update(found)
            elif isinstance(values, IntervalSet):
                if fields[number] is Field.PROTOCOL and not values <= _PROTOCOLS:
                    return None
                size *= values.size()
        members += size
        if members > MOST_MEMBERS:
            return None
    pairs = 1
    for each in lengths.values():
        pairs *= max(1, len(each))
    return (fields, rows) if members >= FEWEST_MEMBERS and pairs <= MOST_LENGTHS else None


def _order(fields: tuple[Field, ...]) -> tuple[Field, ...] | None:
    addresses = [field for field in _ADDRESSES if field in fields]
    ports = [field for field in (Field.SPORT, Field.DPORT) if field in fields]
    if not addresses or len(ports) > 1 or (Field.PROTOCOL in fields) is not bool(ports):
        return None
    out = (*addresses, *((Field.PROTOCOL, ports[0]) if ports else ()))
    if len(out) != len(fields) or len(out) < 2:
        return None
    return (addresses[0], Field.PROTOCOL, ports[0], *addresses[1:]) if ports else out


def combined_type(fields: tuple[Field, ...], elements: tuple[Row, ...], family: Family) -> str:
    """The ipset type for what `combination` gave."""
    ports = Field.PROTOCOL in fields
    hosts = [_hosts(number, elements, family) for number, field in enumerate(fields) if field in _ADDRESSES]
    if len(hosts) == 1:
        return "hash:ip,port" if hosts[0] else "hash:net,port"
    if not ports:
        return "hash:net,net"
    if hosts[0]:
        return "hash:ip,port,ip" if hosts[1] else "hash:ip,port,net"
    return "hash:net,port,net"


def _hosts(number: int, elements: tuple[Row, ...], family: Family) -> bool:
    runs = (run for row in elements if isinstance(row[number], AddressSet) for run in row[number].family(family).runs)  # type: ignore[union-attr]
    return all(low == high for low, high in runs)
