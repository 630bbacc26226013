"""One side of a statement as conditions at one hook."""

from __future__ import annotations

from collections.abc import Callable

from fwc.elaborate.expanded import Program
from fwc.elaborate.iface_sets import disjoint, inside, join, meet
from fwc.elaborate.sides import FROM, NET, SELF, TO, Atom, Excluded, Side, met, zone_ifaces
from fwc.elaborate.sites import DUAL, V4, V6, Site, families_of, loopback_of
from fwc.ir.match import AddressTypeIs, Always, Field, FieldIn, Match, RouteLeavesBy, SetRef, all_of, any_of, negate
from fwc.net.addresses import V4_ALL, V6_ALL, AddressSet, prefix_run, union
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import EMPTY, IntervalSet
from fwc.records import Record

# D8: addresses that talk with this machine before they have, or without, an address of the zone (DHCP, neighbour discovery)
_COVER4 = AddressSet(IntervalSet.of(0), EMPTY)
_COVER6 = AddressSet(EMPTY, IntervalSet(((0, 0), prefix_run(0xFE80 << 112, 10, 128))))

LOCAL_SOURCE = AddressTypeIs(Field.SADDR, "local")
LOCAL_DESTINATION = AddressTypeIs(Field.DADDR, "local")


class Form(Record):
    """Conditions in printing order: interfaces, then the rest. `families` are those the form can match; `narrow` tells that
    the conditions themselves keep out the other family. An empty form matches everything."""

    interfaces: tuple[Match, ...]
    others: tuple[Match, ...]
    families: int
    narrow: bool

    @property
    def match(self) -> Match:
        return all_of(*self.interfaces, *self.others)


class Piece(Record):
    """One atom at one hook. `iface` None and `addresses` None mean unrestricted; `minus` is what a list without positive
    addresses leaves out."""

    iface: IfaceSet | None
    iface_name: str
    addresses: AddressSet | None
    name: str
    minus: AddressSet | None
    minus_name: str
    rest: tuple[Match, ...]
    families: int


class Forms:
    """Renders sides; holds what is fixed for one program. `use` is told of every condition, for the sets it refers to."""

    def __init__(self, program: Program, use: Callable[[Match], Match]) -> None:
        self.zones = program.zones
        self.use = use
        self.loopback = loopback_of(program.settings.os)
        self._interfaces: dict[tuple[Field, IfaceSet, str], FieldIn] = {}

    def form(self, side: Side, site: Site, families: int, cover: bool) -> Form | None:
        """The side's conditions at `site` within `families`; None when nothing of it can be there.

        `cover` widens zone networks by the addresses of D8: for traffic with this machine.
        """
        key = (site, families, cover)
        known = side.forms
        if key not in known:
            known[key] = self._form(side, site, families, cover)
        return known[key]  # type: ignore[return-value]  # written above only

    def _form(self, side: Side, site: Site, families: int, cover: bool) -> Form | None:
        pieces: list[Piece] = []
        for atom in side.atoms:
            pieces.extend(self._pieces(side.role, atom, site, families, cover))
        pieces = _joined(pieces)
        if not pieces:
            return None
        bits = 0
        for piece in pieces:
            bits |= piece.families
        narrow = all(p.addresses is not None for p in pieces)
        field_i, field_a = (Field.IIF, Field.SADDR) if side.role == FROM else (Field.OIF, Field.DADDR)
        matches = [self._match(p, field_i, field_a) for p in pieces]
        for _, others in matches:
            for match in others:
                self.use(match)
        if len(pieces) == 1:
            interfaces, others = matches[0]
            return Form(interfaces, others, bits, narrow)
        shared = matches[0][0] if all(i == matches[0][0] for i, _ in matches) else ()
        whole = any_of(*(all_of(*(() if shared else i), *o) for i, o in matches))
        return Form(shared, () if isinstance(whole, Always) else (whole,), bits, narrow)

    def _match(self, piece: Piece, field_i: Field, field_a: Field) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
        interfaces: tuple[Match, ...] = ()
        if piece.iface is not None:
            # one object for all sides in a zone: what it means to later steps they find by identity
            key = (field_i, piece.iface, piece.iface_name)
            if key not in self._interfaces:
                self._interfaces[key] = FieldIn(*key)
            interfaces = (self._interfaces[key],)
        others = piece.rest
        if piece.addresses is not None:
            others = (FieldIn(field_a, piece.addresses, piece.name), *others)
        elif piece.minus is not None:
            others = (negate(FieldIn(field_a, piece.minus, piece.minus_name)), *others)
        return interfaces, others

    def _pieces(self, role: str, atom: Atom, site: Site, families: int, cover: bool) -> list[Piece]:
        """What of the atom can be at the site."""
        if role == FROM:
            if site in (Site.INPUT, Site.FORWARD, Site.PREROUTING):
                return self._piece(role, atom, site, families, cover, False) if atom.places & NET else []
            if site is Site.POSTROUTING:
                return self._from_at_postrouting(atom, families)
            if site is Site.LOOP_IN:
                return [_lone(self.loopback, families)] if atom.own else []
            if not atom.places & SELF or not (site is Site.OUTPUT or atom.own):
                return []
            # replies of a `stateless` rule come from the address that the request was sent to
            return self._piece(role, atom, site, families, False, True)
        if site in (Site.FORWARD, Site.OUTPUT, Site.POSTROUTING):
            return self._piece(role, atom, site, families, cover, False) if atom.places & NET else []
        if site is Site.PREROUTING:
            return self._to_at_prerouting(atom, families, cover)
        if not atom.places & SELF:
            return []
        if site is Site.INPUT:
            return self._piece(role, atom, site, families, False, True)
        if not (atom.own or atom.places == SELF):
            return []
        found = self._piece(role, atom, site, families, False, True)
        return [_on(p, self.loopback) for p in found] if site is Site.LOOP_OUT else found

    def _from_at_postrouting(self, atom: Atom, families: int) -> list[Piece]:
        """The sender's interface is known for forwarded packets only, and to nft only: networks decide where there are any."""
        out: list[Piece] = []
        if atom.places == NET | SELF:
            return self._piece(FROM, atom, Site.POSTROUTING, families, False, False)
        if atom.places & NET:
            wide = not atom.zones and not atom.ifaces and atom.addresses is None and not atom.sets and not atom.macs
            found = self._piece(FROM, atom, Site.POSTROUTING, families, False, False)
            out += [_and(p, negate(LOCAL_SOURCE)) for p in found] if wide else found
        if atom.places & SELF:
            out.append(_and(_lone(None, families), LOCAL_SOURCE))
        return out

    def _to_at_prerouting(self, atom: Atom, families: int, cover: bool) -> list[Piece]:
        """Before routing: this machine is what the routing table says it is, an egress zone is its networks or its route."""
        found = self._piece(TO, atom, Site.PREROUTING, families, cover, atom.places == SELF)
        if atom.own and atom.addresses is not None and not atom.stated:
            return [_and(p, LOCAL_DESTINATION) for p in found]  # `to self { ... to ADDRESS }` asks for both
        if atom.addresses is not None or atom.sets or atom.zones or atom.ifaces:
            return found
        if atom.places == SELF:
            return [_and(p, LOCAL_DESTINATION) for p in found]
        if atom.places == NET:
            return [_and(p, negate(LOCAL_DESTINATION)) for p in found]
        return found

    def _piece(self, role: str, atom: Atom, site: Site, families: int, cover: bool, own: bool) -> list[Piece]:
        """The conditions of one atom, or nothing when they contradict each other. `own` is True for the side that is this
        machine, which no zone or interface says anything about."""
        field = Field.SADDR if role == FROM else Field.DADDR
        ifaces: list[IfaceSet] = list(atom.ifaces)
        addresses, name = atom.addresses, atom.name
        rest: list[Match] = [SetRef(s, (field,)) for s in atom.sets]
        rest += atom.macs
        iface_name = atom.iface_name
        for zone_name in atom.zones:
            zone = self.zones[zone_name]
            limit = zone_ifaces(zone)
            if limit is not None and not (site is Site.POSTROUTING and role == FROM and zone.has_nets):
                ifaces.append(limit)
                iface_name = zone_name
            if zone.has_nets:
                nets = covered(zone.nets) if cover else zone.nets
                if addresses is None:
                    addresses, name = nets, zone_name if nets is zone.nets else ""
                else:
                    both = addresses & nets
                    name = name if both == addresses else zone_name if both == zone.nets else ""
                    addresses = both
        kept, dead = met(ifaces)
        if dead:
            return []
        iface = kept[0] if kept else None
        if len(ifaces) > 1:
            iface_name = next((z for z in atom.zones if self.zones[z].ifaces == iface), "")
        rest = [FieldIn(Field.IIF if role == FROM else Field.OIF, other) for other in kept[1:]] + rest
        found = Piece(iface, iface_name, addresses, name, None, "", tuple(rest), families)
        for each in atom.excluded:
            left = self._without(found, each, role, site, cover, own)
            if left is None:
                return []
            found = left
        if site is Site.PREROUTING and role == TO:
            found = _routed(found)
        return _within(found, families)

    def _without(self, piece: Piece, each: Excluded, role: str, site: Site, cover: bool, own: bool) -> Piece | None:
        """The piece minus one excluded item; None when nothing is left."""
        field = Field.SADDR if role == FROM else Field.DADDR
        if each.addresses is not None:
            return _less(piece, each.addresses, each.name)
        if each.set:
            return _and(piece, negate(SetRef(each.set, (field,))))
        if own:
            return piece
        if each.mac is not None:
            return _and(piece, negate(each.mac)) if role == FROM else piece
        nets: AddressSet | None = None
        limit = each.ifaces
        if each.zone:
            zone = self.zones[each.zone]
            limit = zone_ifaces(zone)
            if zone.has_nets:
                nets = covered(zone.nets) if cover else zone.nets
        blind = (site is Site.POSTROUTING and role == FROM) or (site is Site.PREROUTING and role != FROM)
        if blind and nets is not None:
            limit = None
        return self._outside(piece, limit, nets, each.name, role, site)

    def _outside(
        self, piece: Piece, limit: IfaceSet | None, nets: AddressSet | None, name: str, role: str, site: Site
    ) -> Piece | None:
        """The piece without what comes by `limit` and lies in `nets` (either may be None: no restriction)."""
        if limit is not None and piece.iface is not None and disjoint(piece.iface, limit):
            return piece
        if nets is not None and piece.addresses is not None and not piece.addresses & nets:
            return piece
        all_ifaces = limit is None or (piece.iface is not None and inside(piece.iface, limit))
        if all_ifaces:
            return None if nets is None else _less(piece, nets, name)
        assert limit is not None
        if nets is None and piece.iface is not None:
            left = meet(piece.iface, ~limit)
            if left is not None:
                return Piece(
                    left, "", piece.addresses, piece.name, piece.minus, piece.minus_name, piece.rest, piece.families
                )
        field_i, field_a = (Field.IIF, Field.SADDR) if role == FROM else (Field.OIF, Field.DADDR)
        by: Match = FieldIn(field_i, limit, name)
        if site is Site.PREROUTING and role != FROM:
            by = route(limit)
        if nets is None:
            return _and(piece, negate(by))
        return _and(piece, negate(all_of(by, FieldIn(field_a, nets, name))))


def covered(nets: AddressSet) -> AddressSet:
    """Zone networks and the addresses of D8, in the families that the zone has."""
    return union([nets, *([_COVER4] if nets.v4 else []), *([_COVER6] if nets.v6 else [])])


def route(ifaces: IfaceSet) -> Match:
    """The route to the destination leaves by one of `ifaces`."""
    found = RouteLeavesBy(tuple(ifaces.texts()))
    return negate(found) if ifaces.negated else found


def _routed(piece: Piece) -> Piece:
    """A destination before routing: networks say enough; without them the egress interface is asked of the routing table."""
    if piece.iface is None:
        return piece
    if piece.addresses is not None:
        return Piece(None, "", piece.addresses, piece.name, piece.minus, piece.minus_name, piece.rest, piece.families)
    rest = (route(piece.iface), *piece.rest)
    return Piece(None, "", None, "", piece.minus, piece.minus_name, rest, piece.families)


def _lone(iface: IfaceSet | None, families: int) -> Piece:
    return Piece(iface, "", None, "", None, "", (), families)


def _on(piece: Piece, iface: IfaceSet) -> Piece:
    return Piece(iface, "", piece.addresses, piece.name, piece.minus, piece.minus_name, piece.rest, piece.families)


def _and(piece: Piece, more: Match) -> Piece:
    return Piece(
        piece.iface,
        piece.iface_name,
        piece.addresses,
        piece.name,
        piece.minus,
        piece.minus_name,
        (*piece.rest, more),
        piece.families,
    )


def _less(piece: Piece, addresses: AddressSet, name: str) -> Piece | None:
    """The piece without these addresses: a difference where its own are known, else one more set to leave out."""
    if piece.addresses is not None:
        left = piece.addresses - addresses
        kept = piece.name if left == piece.addresses else ""
        if not left:
            return None
        return Piece(piece.iface, piece.iface_name, left, kept, None, "", piece.rest, piece.families)
    minus = addresses if piece.minus is None else piece.minus | addresses
    minus_name = name if piece.minus is None else ""
    return Piece(piece.iface, piece.iface_name, None, "", minus, minus_name, piece.rest, piece.families)


def _within(piece: Piece, families: int) -> list[Piece]:
    """The piece in these families only."""
    addresses, minus, bits = piece.addresses, piece.minus, families
    if addresses is not None:
        bits &= (V4 if addresses.v4 else 0) | (V6 if addresses.v6 else 0)
        if not bits:
            return []
        if families != DUAL:
            addresses = addresses.only(families_of(families)[0])
    elif minus is not None:
        bits &= (0 if minus.v4 == V4_ALL else V4) | (0 if minus.v6 == V6_ALL else V6)
        if not bits:
            return []
        if families != DUAL:
            minus = minus.only(families_of(families)[0])
            minus = minus if minus else None
    return [Piece(piece.iface, piece.iface_name, addresses, piece.name, minus, piece.minus_name, piece.rest, bits)]


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Fewer pieces with the same union: those that differ only in the interface, or only in the addresses, become one."""
    if len(pieces) < 2:
        return pieces
    groups: dict[object, list[Piece]] = {}
    for p in pieces:
        groups.setdefault((p.addresses, p.minus, p.rest, p.families), []).append(p)
    out: list[Piece] = []
    for group in groups.values():
        out.extend(_one_iface(group))
    groups = {}
    for p in out:
        key: object = (p.iface, p.rest) if p.addresses is not None else (p.iface, p.rest, p.minus, p.families)
        groups.setdefault((p.addresses is not None, key), []).append(p)
    return [_one_address(group) for group in groups.values()]


def _one_iface(group: list[Piece]) -> list[Piece]:
    if len(group) == 1:
        return group
    wide = next((p for p in group if p.iface is None), None)
    if wide is not None:
        return [wide]
    whole = join([p.iface for p in group if p.iface is not None])
    if whole is None:
        return group
    first = group[0]
    name = first.iface_name if first.iface == whole else ""
    return [Piece(whole, name, first.addresses, first.name, first.minus, first.minus_name, first.rest, first.families)]


def _one_address(group: list[Piece]) -> Piece:
    first = group[0]
    if len(group) == 1 or first.addresses is None:
        return first
    whole = union(p.addresses for p in group if p.addresses is not None)
    bits = 0
    for p in group:
        bits |= p.families
    return Piece(first.iface, first.iface_name, whole, "", None, "", first.rest, bits)
