"""The two sides of a statement as alternatives (`Atom`): what `from`, `to`, `except`, `in` and prefix blocks come to.

An atom says which packets it means on its side: those of this machine (`SELF`), of the network (`NET`) or both, limited to
zones, addresses, sets, interfaces and MACs, without what it excludes. A rule stands in a hook where both sides have an
atom for that hook (section 5.1 of the language).
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right

from fwc.elaborate.ends import End, Ends
from fwc.elaborate.expanded import Program
from fwc.elaborate.iface_sets import meet
from fwc.ir.match import Field, FieldIn, Match, SetRef
from fwc.ir.model import Zone
from fwc.net.addresses import ANY_ADDRESS, AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record

NET, SELF = 1, 2

FROM, TO = "from", "to"


class Excluded(Record):
    """One item of an `except` list other than `self`. `name` is the user's word for it."""

    name: str
    zone: str = ""
    addresses: AddressSet | None = None
    ifaces: IfaceSet | None = None
    set: str = ""
    mac: Match | None = None


class Atom(Record):
    """One alternative of a side. `any_` is left of the word `any` with nothing taken away; `own` is the word `self`; `stated`
    tells that `addresses` are those of this machine that the policy states."""

    places: int
    any_: bool = False
    own: bool = False
    zones: tuple[str, ...] = ()
    addresses: AddressSet | None = None
    name: str = ""
    ifaces: tuple[IfaceSet, ...] = ()
    iface_name: str = ""
    sets: tuple[str, ...] = ()
    macs: tuple[Match, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    stated: bool = False


class Side:
    """The atoms of one side of a statement, with what was derived from them, kept for other statements that say the same.

    `empty_sets` are file sets without members that stood among the items. `own`: `self` is named. `wild`: `any` is among the
    items, unrestricted, and `self` is not named beside it.
    """

    __slots__ = ("atoms", "empty_sets", "forms", "own", "places", "role", "wild")

    def __init__(self, role: str, atoms: tuple[Atom, ...], empty_sets: tuple[str, ...] = ()) -> None:
        self.role = role
        self.atoms = atoms
        self.empty_sets = empty_sets
        self.places = 0
        for atom in atoms:
            self.places |= atom.places
        self.own = any(a.own for a in atoms)
        self.wild = not self.own and any(a.any_ for a in atoms)
        self.forms: dict[object, object] = {}

    def without_any_self(self) -> Side:
        """The same with `any` meaning the network only: for translations and replies of traffic that is tracked anyway."""
        atoms = tuple(
            dataclasses.replace(a, places=a.places & ~SELF, any_=False) if a.any_ or _is_wide(a) else a
            for a in self.atoms
        )
        return self if atoms == self.atoms else Side(self.role, tuple(a for a in atoms if a.places), self.empty_sets)


def _is_wide(atom: Atom) -> bool:
    """Does it hold this machine only because `any` does (`any except ...`)."""
    return atom.places == NET | SELF and atom.addresses is None and not atom.sets and not atom.own


class Sides:
    """Makes sides from resolved operands; one per elaboration, because it remembers them by the operands' identity."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.known: dict[object, tuple[Side, tuple[Ends, ...]]] = {}  # with the operands, whose identity is the key
        self.own = program.own_addresses
        nets = IntervalSet(r for z in program.zones.values() if z.has_nets for r in z.nets.v4.runs)
        nets6 = IntervalSet(r for z in program.zones.values() if z.has_nets for r in z.nets.v6.runs)
        self._nets = {Family.V4: nets.runs, Family.V6: nets6.runs}

    def side(self, role: str, operands: tuple[Ends, ...]) -> Side:
        """The intersection of the operands (the prefix blocks' and the statement's own)."""
        key = (role, *map(id, operands))
        known = self.known.get(key)
        if known is None:
            known = self.known[key] = self._build(role, operands), operands
        return known[0]

    def whole(self, role: str) -> Side:
        """The side of a statement that takes any traffic (a bare `jump`)."""
        return Side(role, (Atom(NET | SELF, any_=True),))

    def of_zone(self, role: str, zone: str) -> Side:
        return Side(role, (Atom(NET, zones=(zone,)),))

    def _build(self, role: str, operands: tuple[Ends, ...]) -> Side:
        ours = role == FROM and len(operands) > 1 and any(all(e.self_ for e in ends.items) for ends in operands)
        parts = [self._atoms(role, ends, ours) for ends in operands]
        atoms = parts[0]
        for more in parts[1:]:
            atoms = tuple(both for a in atoms for b in more if (both := self._both(a, b)) is not None)
        empty = tuple(e.name for ends in operands for e in ends.items if e.addresses is not None and not e.addresses)
        return Side(role, atoms, empty)

    def _atoms(self, role: str, ends: Ends, ours: bool) -> tuple[Atom, ...]:
        """The atoms of one operand. With `ours` an address is one that this machine sends from: a block says `from self`."""
        atoms = [a for end in ends.items if (a := self._atom(role, end)) is not None]
        if ours:
            atoms = [dataclasses.replace(a, places=NET | SELF) if a.addresses is not None else a for a in atoms]
        if any(e.self_ for e in ends.excluded):
            atoms = [dataclasses.replace(a, places=a.places & ~SELF, any_=False, own=False) for a in atoms]
        minus = tuple(self._excluded(e) for e in ends.excluded if not e.self_)
        if minus:
            atoms = [dataclasses.replace(a, excluded=minus) for a in atoms]
        if ends.zones:
            inside = [Atom(NET, zones=(zone,)) for zone in ends.zones]
            atoms = [both for a in atoms for z in inside if (both := self._both(a, z)) is not None]
        return tuple(a for a in atoms if a.places)

    def _atom(self, role: str, end: End) -> Atom | None:
        if end.any:
            return Atom(NET | SELF, any_=True)
        if end.self_:
            return Atom(SELF, own=True)
        if end.zone:
            return Atom(NET, zones=(end.zone,))
        if end.addresses is not None:
            if not end.addresses:
                return None
            places = NET if role == FROM else self._places_of(end.addresses)
            # words of the language are names of sets; a host name from `dns` or a literal is not
            return Atom(places, addresses=end.addresses, name=end.name.lstrip("@"))
        if end.set:
            return Atom(NET if role == FROM else NET | SELF, sets=(end.set,))
        if end.ifaces is not None:
            return Atom(NET, ifaces=(end.ifaces,), iface_name=end.name.lstrip("@") if end.name.startswith("@") else "")
        return Atom(NET, macs=(self._mac(end),))

    def _mac(self, end: End) -> Match:
        if end.mac is not None:
            return FieldIn(Field.SMAC, IntervalSet.of(end.mac))
        found = self.program.sets[end.macs]
        if found.runtime:
            return SetRef(end.macs, (Field.SMAC,))
        values = IntervalSet(run for (v,) in found.elements if isinstance(v, IntervalSet) for run in v.runs)
        return FieldIn(Field.SMAC, values, end.macs)

    def _excluded(self, end: End) -> Excluded:
        mac = self._mac(end) if end.mac is not None or end.macs else None
        return Excluded(end.name.lstrip("@"), end.zone, end.addresses, end.ifaces, end.set, mac)

    def _places_of(self, addresses: AddressSet) -> int:
        """Where a destination can be: certainly us, certainly in a zone's network, or either."""
        if self.own:
            if addresses <= self.own:
                return SELF
            if addresses & self.own:
                return NET | SELF
        return NET if self._in_zone_nets(addresses) else NET | SELF

    def _in_zone_nets(self, addresses: AddressSet) -> bool:
        for family in Family:
            nets = self._nets[family]
            for low, high in addresses.family(family).runs:
                at = bisect_right(nets, (low, ANY_ADDRESS.v6.runs[0][1])) - 1
                if at < 0 or nets[at][1] < high:
                    return False
        return True

    def _both(self, a: Atom, b: Atom) -> Atom | None:
        """The packets of both atoms; None when that is certainly none."""
        places = a.places & b.places
        if not places:
            return None
        addresses, name = a.addresses, a.name
        if b.addresses is not None:
            addresses = b.addresses if addresses is None else addresses & b.addresses
            name = b.name if addresses == b.addresses else a.name if addresses == a.addresses else ""
            if not addresses:
                return None
        ifaces = a.ifaces + tuple(i for i in b.ifaces if i not in a.ifaces)
        sets = a.sets + tuple(s for s in b.sets if s not in a.sets)
        macs = a.macs + tuple(m for m in b.macs if m not in a.macs)
        excluded = a.excluded + tuple(e for e in b.excluded if e not in a.excluded)
        return Atom(
            places,
            a.any_ and b.any_,
            a.own or b.own,
            self._zones_of_both(a.zones, b.zones),
            addresses,
            name,
            ifaces,
            a.iface_name or b.iface_name,
            sets,
            macs,
            excluded,
        )

    def _zones_of_both(self, a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
        """Both lists without zones that another of them lies within."""
        if not (a and b):
            return a or b
        names = dict.fromkeys(a + b)
        return tuple(n for n in names if not any(n != o and n in self.ancestors(o) for o in names))

    def ancestors(self, zone: str) -> tuple[str, ...]:
        """The zones that `zone` lies within, nearest first."""
        out: list[str] = []
        at: Zone | None = self.program.zones[zone]
        while at is not None and at.parent and at.parent not in out:
            out.append(at.parent)
            at = self.program.zones.get(at.parent)
        return tuple(out)


def zone_ifaces(zone: Zone) -> IfaceSet | None:
    """None where the zone does not limit the interface."""
    return None if zone.ifaces.is_any else zone.ifaces


def met(sets: list[IfaceSet]) -> tuple[list[IfaceSet], bool]:
    """The intersection as few sets, and whether it is certainly empty."""
    out: list[IfaceSet] = []
    for each in sets:
        for at, other in enumerate(out):
            both = meet(other, each)
            if both is not None:
                out[at] = both
                break
        else:
            out.append(each)
    return out, any(each.is_empty for each in out)
