"""What: traffic in the language's words, services by name where their ports are exactly theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache

from fwc.convert.policy.lines import ANY_BOX, MOST_PROTOCOLS, Box
from fwc.convert.policy.text import ports
from fwc.convert.policy.unsaid import Unsaid
from fwc.lang import ast
from fwc.lang.services import standard_names, standard_service
from fwc.net import protocols
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet

_L4 = {
    protocols.TCP: "tcp",
    protocols.UDP: "udp",
    protocols.SCTP: "sctp",
    protocols.DCCP: "dccp",
    protocols.UDPLITE: "udplite",
}
MOST_ITEMS = 4000

Atom = tuple[str, int, int, int, int]
"""Protocol word, destination ports, source ports; or "icmp", first and last type << 8 | code, 0, 0."""

_ALL = (0, 65535)


def traffic(boxes: Sequence[Box], families: Collection[Family], policy: Collection[Family]) -> str:
    """The traffic as a list of the language, for packets of `families` in a policy for the families `policy`. Raises Unsaid."""
    if ANY_BOX in boxes:
        return "any"
    atoms: dict[Atom, None] = {}
    plain: dict[str, None] = {}
    for box in boxes:
        for item in _items(box, families):
            if isinstance(item, str):
                plain[item] = None
            else:
                atoms[item] = None
    if len(atoms) > MOST_ITEMS:
        raise Unsaid("a list of ports this long")
    words = [*plain, *_named(atoms, policy)]
    return ", ".join(words)


def _items(box: Box, families: Collection[Family]) -> Iterable[str | Atom]:
    if box.icmp is not None:
        yield from (("icmp", low, high, 0, 0) for low, high in _by_type(box.icmp))
        return
    if box.icmpv6 is not None:
        yield from (("icmpv6", low, high, 0, 0) for low, high in _by_type(box.icmpv6))
        return
    numbers = box.protocols
    if numbers is None:
        raise Unsaid("ports without a protocol")
    if box.sport is None and box.dport is None:
        if numbers.size() > MOST_PROTOCOLS:
            raise Unsaid("every protocol but some", "accept or refuse the others first, then `any`")
        yield from (_protocol(number, families) for number in numbers)
        return
    for number in numbers:
        for dport in box.dport.runs if box.dport is not None else (_ALL,):
            for sport in box.sport.runs if box.sport is not None else (_ALL,):
                yield (_L4[number], *dport, *sport)


def _protocol(number: int, families: Collection[Family]) -> str:
    if number in _L4:
        return _L4[number]
    if number == protocols.ICMP and set(families) == {Family.V4}:
        return "icmp"
    if number == protocols.ICMPV6 and set(families) == {Family.V6}:
        return "icmpv6"
    name = protocols.PROTOCOL_NAMES.get(number, str(number))
    return f"proto {number if number in (protocols.ICMP, protocols.ICMPV6) else name}"


def _by_type(values: IntervalSet) -> Iterable[tuple[int, int]]:
    """Runs cut at the borders of types, because a statement names one type or one type and code."""
    for low, high in values.runs:
        while low <= high:
            last = low | 255
            if low & 255 == 0 and last <= high:
                yield low, last
                low = last + 1
            else:
                yield low, low
                low += 1


@cache
def library() -> tuple[tuple[str, frozenset[Atom]], ...]:
    """The shipped services as atoms, those with most of them first."""
    found = []
    for name in standard_names():
        service = standard_service(name)
        atoms = _atoms(service) if service is not None else None
        if atoms:
            found.append((name, atoms))
    order = {name: at for at, name in enumerate(_in_file_order())}
    found.sort(key=lambda pair: (-len(pair[1]), order.get(pair[0], 0)))
    return tuple(found)


def _in_file_order() -> list[str]:
    from fwc.lang.services import standard_source

    lines = standard_source().text.split("\n")
    return [line.split()[1] for line in lines if line.startswith("service ")]


def _atoms(service: ast.Service) -> frozenset[Atom] | None:
    out: set[Atom] = set()
    for item in service.traffic.items:
        if isinstance(item, ast.L4):
            if not isinstance(item.port, ast.Ports) or isinstance(item.sport, ast.Variable):
                return None
            sport = (item.sport.low, item.sport.high) if item.sport is not None else _ALL
            out.add((item.protocol, item.port.low, item.port.high, *sport))
        elif isinstance(item, ast.Icmp) and isinstance(item.type, str):
            kind, code = protocols.icmp_types(item.version)[item.type]
            low, high = (kind << 8, kind << 8 | 255) if code is None else (kind << 8 | code, kind << 8 | code)
            out.add(("icmp" if item.version is Family.V4 else "icmpv6", low, high, 0, 0))
        else:
            return None
    return frozenset(out)


def _named(atoms: Collection[Atom], families: Collection[Family]) -> list[str]:
    """Service names for atoms that are exactly theirs in the families of the policy, then what is left as ports, in the order of
    the source."""
    left = set(atoms)
    first = {atom: at for at, atom in enumerate(atoms)}
    words: list[tuple[int, str]] = []
    absent = {"icmp": Family.V4, "icmpv6": Family.V6}
    for name, wanted in library():
        here = {a for a in wanted if a[0] not in absent or absent[a[0]] in families}
        if here and here <= left:
            left -= here
            words.append((min(first[a] for a in here), name))
    words.extend(_ported([a for a in atoms if a in left and a[0] in _L4.values()], first))
    for atom in atoms:
        if atom in left and atom[0] in absent:
            words.append((first[atom], f"{atom[0]} {_type(atom)}"))
    return [word for _, word in sorted(words)]


def _ported(atoms: Sequence[Atom], first: dict[Atom, int]) -> list[tuple[int, str]]:
    """`tcp 80, 443`: ports without source ports behind one protocol word; those with source ports each for itself."""
    out: list[tuple[int, str]] = []
    groups: dict[str, list[Atom]] = {}
    for atom in atoms:
        protocol, low, high, slow, shigh = atom
        if (slow, shigh) != _ALL:
            port = "" if (low, high) == _ALL else f" {_range(low, high)}"
            out.append((first[atom], f"{protocol}{port} sport {_range(slow, shigh)}"))
        else:
            groups.setdefault(protocol, []).append(atom)
    for protocol, members in groups.items():
        values = IntervalSet((low, high) for _, low, high, _, _ in members)
        out.append((min(first[a] for a in members), f"{protocol} {', '.join(ports(values))}"))
    return out


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _type(atom: Atom) -> str:
    version = Family.V4 if atom[0] == "icmp" else Family.V6
    low, high = atom[1], atom[2]
    wanted = (low >> 8, None) if high - low == 255 else (low >> 8, low & 255)
    names = [name for name, value in protocols.icmp_types(version).items() if value == wanted]
    if names:
        return names[0]
    return str(low >> 8) if wanted[1] is None else f"{low >> 8}/{low & 255}"


def service_names(boxes: Sequence[Box], families: Collection[Family]) -> str:
    """One name for the traffic, for naming those who use it; empty when there is none."""
    try:
        text = traffic(boxes, families, families)
    except Unsaid:
        return ""
    words = [w.strip() for w in text.split(",")]
    named = [w for w in words if w in dict(library())]
    return named[0] if named and len(words) <= 4 else ""
