"""A conjunction of conditions in the terms that a pf rule has, both families together where they say the same."""

from __future__ import annotations

import dataclasses

from fwc.dialects.pf.refuse import Report
from fwc.ir.match import (
    AddressTypeIs,
    CtState,
    CtStatus,
    Field,
    MaskedIn,
    Match,
    NoRoute,
    Opaque,
    Owner,
    RouteLeavesBy,
    SetRef,
    WithinConnections,
    WithinRate,
    all_of,
)
from fwc.ir.model import Role, Rule
from fwc.ir.text import match_text
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import ANY_IFACE, IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import Conjunction, TooManyConjunctions, alternatives, conjunctions, join
from fwc.records import Record

MAX_PROTOCOLS = 64
_TCP_UDP = IntervalSet.of(6, 17)
_PORT_CARRIERS = IntervalSet.of(6, 17, 33, 132, 136)


class Side(Record):
    """One side's addresses: `values` (None: any), the complement of them when `negated`, or a table filled at run time, or the
    own addresses of the machine (`local`)."""

    values: AddressSet | None = None
    negated: bool = False
    table: str = ""
    local: bool = False

    @property
    def is_any(self) -> bool:
        return self.values is None and not self.table and not self.local


ANY_SIDE = Side()


class Translated(Record):
    """The packet's destination was (`yes`) or was not rewritten by our own rdr; `ports` and `addresses` are the original
    destination's."""

    yes: bool
    ports: IntervalSet | None = None
    addresses: AddressSet | None = None


class Clause(Record):
    """All of it holds. `masked_flags` are (mask, value) pairs of which one holds; `icmp` values are type << 8 | code."""

    families: tuple[Family, ...]
    iif: IfaceSet = ANY_IFACE
    oif: IfaceSet = ANY_IFACE
    source: Side = ANY_SIDE
    dest: Side = ANY_SIDE
    protocols: IntervalSet | None = None
    sport: IntervalSet | None = None
    dport: IntervalSet | None = None
    icmp: IntervalSet | None = None
    flags: tuple[tuple[int, int], ...] = ()
    fragment: bool = False
    translated: Translated | None = None
    owners: tuple[Owner, ...] = ()
    limits: tuple[WithinRate | WithinConnections, ...] = ()


_FEATURES = {
    Field.MARK: "mark",
    Field.CT_MARK: "mark",
    Field.TTL: "ttl",
    Field.DSCP: "dscp",
    Field.LENGTH: "length",
    Field.PKTTYPE: "pkttype",
    Field.SMAC: "mac",
    Field.IPSEC: "ipsec",
    Field.IPSEC_OUT: "ipsec",
    Field.VLAN: "vlan",
    Field.PF_TAG: "mark",
    Field.CT_STATUS: "dnat condition",
    Field.CT_ORIG_SADDR: "dnat condition",
}
_LEAVES = {
    "TimeWindow": "time",
    "Chance": "chance",
    "EveryNth": "chance",
    "Recent": "add to set",
    "ReversePathFails": "rpfilter",
    "HelperIs": "helper",
    "CgroupIs": "cgroup",
    "WithinRate": "limit",
    "WithinConnections": "max connections",
}


class Inexpressible(Exception):
    """A condition that pf does not have; carries the feature and, where there is more to say, a sentence."""

    def __init__(self, feature: str, message: str = "") -> None:
        super().__init__(feature)
        self.feature = feature
        self.message = message


def clauses(match: Match, rule: Rule, accepts: bool, families: tuple[Family, ...], report: Report) -> list[Clause]:
    """The clauses whose union is `match` for first packets; refusals go to `report`.

    `accepts` tells that the verdict is Accept: conditions that only known connections meet then need no rule.
    """
    per_family: list[list[Clause]] = []
    for family in families:
        found: list[Clause] = []
        try:
            for conjunction in conjunctions(match, family):
                for one in _expand_tuples(conjunction, family):
                    clause = _clause(one, family, rule, accepts, report)
                    if clause is not None:
                        found.append(clause)
        except Inexpressible as problem:
            report.refuse(rule, problem.feature, problem.message)
            return []
        except TooManyConjunctions:
            report.refuse(rule, "except", "this rule expands to more alternatives than pf rules can sensibly have")
            return []
        per_family.append(found)
    if len(per_family) == 1:
        return per_family[0]
    return _merge(per_family[0], per_family[1])


def _expand_tuples(conjunction: Conjunction, family: Family) -> list[Conjunction]:
    """Conjunctions without tuples: each element of a tuple becomes one."""
    if not conjunction.tuples:
        return [conjunction]
    bare = dataclasses.replace(conjunction, tuples=())
    parts: list[Match] = []
    for literal in conjunction.tuples:
        assert not isinstance(literal.match, Opaque)
        if literal.negated:
            raise Inexpressible("except", "pf cannot exclude combinations of fields")
        parts.append(alternatives(literal.match))  # type: ignore[arg-type]
    return [both for c in conjunctions(all_of(*parts), family) if (both := join(bare, c)) is not None]


def _merge(left: list[Clause], right: list[Clause]) -> list[Clause]:
    """IPv4 and IPv6 clauses that differ in addresses only become one."""
    out: list[Clause] = []
    rest = list(right)
    for clause in left:
        for i, other in enumerate(rest[:8]):
            both = _both(clause, other)
            if both is not None:
                out.append(both)
                del rest[i]
                break
        else:
            out.append(clause)
    return out + rest


def _both(a: Clause, b: Clause) -> Clause | None:
    plain = (
        a.iif == b.iif
        and a.oif == b.oif
        and a.protocols == b.protocols
        and a.sport == b.sport
        and a.dport == b.dport
        and a.icmp is None
        and b.icmp is None
        and a.flags == b.flags
        and a.fragment == b.fragment
        and a.translated == b.translated
        and a.owners == b.owners
        and a.limits == b.limits
    )
    if not plain:
        return None
    source, dest = _both_sides(a.source, b.source), _both_sides(a.dest, b.dest)
    if source is None or dest is None:
        return None
    return dataclasses.replace(a, families=(Family.V4, Family.V6), source=source, dest=dest)


def _both_sides(a: Side, b: Side) -> Side | None:
    if (a.values is None) != (b.values is None) or a.negated != b.negated or a.table != b.table or a.local != b.local:
        return None
    if a.values is None or b.values is None:
        return a
    return dataclasses.replace(a, values=a.values | b.values)


def _clause(c: Conjunction, family: Family, rule: Rule, accepts: bool, report: Report) -> Clause | None:
    """The clause of one conjunction, or None when it matches no first packet (and pf does the same for later ones)."""
    if not _first_packet(c, rule, accepts):
        return None
    for field in (*c.fields, *c.excluded):
        feature = _FEATURES.get(field)
        if feature is not None and not (field is Field.TTL and rule.role is Role.ICMPV6_ND):
            raise Inexpressible(feature)
    protocols = _integers(c, Field.PROTOCOL)
    sport, dport = _integers(c, Field.SPORT), _integers(c, Field.DPORT)
    if (sport is not None or dport is not None) and (protocols is None or not protocols <= _TCP_UDP):
        raise Inexpressible("ports of other protocols", "this rule tests ports of protocols other than tcp and udp")
    icmp = _integers(c, Field.ICMP if family is Family.V4 else Field.ICMPV6)
    fragment = _integers(c, Field.FRAGMENT)
    if fragment is not None and fragment != IntervalSet.of(1):
        raise Inexpressible("fragment", "pf cannot ask for packets that are no fragments")
    if fragment is not None and (sport or dport or icmp or _flags(c)):
        raise Inexpressible("fragment", "a fragment rule of pf cannot test ports, ICMP types or TCP flags")
    source, dest = _side(c, Field.SADDR), _side(c, Field.DADDR)
    owners: list[Owner] = []
    limits: list[WithinRate | WithinConnections] = []
    for literal in c.opaque:
        leaf = literal.match
        if isinstance(leaf, WithinRate | WithinConnections) and not literal.negated:
            limits.append(leaf)
        elif isinstance(leaf, Owner) and not literal.negated:
            owners.append(leaf)
        elif isinstance(leaf, AddressTypeIs) and leaf.kind == "local":
            if leaf.side is Field.DADDR and dest.is_any:
                dest = Side(local=True, negated=literal.negated)
            elif leaf.side is Field.SADDR and source.is_any:
                source = Side(local=True, negated=literal.negated)
            else:
                raise Inexpressible("except", "pf tests one set of addresses per side; this rule needs two")
        elif isinstance(leaf, RouteLeavesBy):
            raise Inexpressible("hook", "pf cannot tell by which interface a packet will leave before it leaves")
        elif isinstance(leaf, AddressTypeIs | NoRoute):
            raise Inexpressible("hook", f"pf has no equivalent of `{match_text(leaf)}`")
        elif isinstance(leaf, Opaque):
            raise Inexpressible("hook", f"pf has no equivalent of `{leaf.text}`")
        else:
            raise Inexpressible(_LEAVES.get(type(leaf).__name__, "user" if isinstance(leaf, Owner) else "hook"))
    for literal in c.sets:
        assert isinstance(literal.match, SetRef)
        source, dest = _with_set(literal.match, literal.negated, source, dest)
    if owners and (protocols is None or not protocols <= _TCP_UDP):
        if not report.lose(rule, "user", "only tcp and udp packets are tested for their user", widens=not accepts):
            return None
        protocols = _TCP_UDP if protocols is None else protocols & _TCP_UDP
        if not protocols:
            return None
    return Clause(
        (family,),
        _ifaces(c, Field.IIF),
        _ifaces(c, Field.OIF),
        source,
        dest,
        protocols,
        sport,
        dport,
        icmp,
        _flags(c),
        fragment is not None,
        _translated(c),
        tuple(owners),
        tuple(limits),
    )


def _first_packet(c: Conjunction, rule: Rule, accepts: bool) -> bool:
    states = c.values(Field.CT_STATE)
    if states is None:
        return True
    assert isinstance(states, IntervalSet)
    if CtState.NEW.value in states:
        return True
    known = IntervalSet.of(CtState.ESTABLISHED.value, CtState.RELATED.value, CtState.UNTRACKED.value)
    if accepts and states <= known:
        return False  # pf passes what belongs to a state before it reads rules
    if not accepts and states == IntervalSet.of(CtState.INVALID.value):
        return False  # pf drops what does not fit its state; a packet without state meets the rules for new ones
    raise Inexpressible(
        "state", "pf reads no rule for packets of a known connection, so this condition cannot be asked"
    )


def _integers(c: Conjunction, field: Field) -> IntervalSet | None:
    values = c.values(field)
    if values is None:
        return None
    assert isinstance(values, IntervalSet)
    if field is Field.PROTOCOL and values.size() > MAX_PROTOCOLS:
        raise Inexpressible("protocol negation")
    return values


def _ifaces(c: Conjunction, field: Field) -> IfaceSet:
    inside, outside = c.fields.get(field), c.excluded.get(field)
    for values in (inside, outside):
        if isinstance(values, IfaceSet) and values.prefixes:
            name = min(values.prefixes)
            raise Inexpressible("interface wildcards", f"pf compares exact interface names and has no `{name}*`")
    if isinstance(inside, IfaceSet):
        if isinstance(outside, IfaceSet):
            return IfaceSet(inside.names - outside.names)
        return inside
    if isinstance(outside, IfaceSet):
        return ~outside
    return ANY_IFACE


def _side(c: Conjunction, field: Field) -> Side:
    inside, outside = c.fields.get(field), c.excluded.get(field)
    if isinstance(inside, AddressSet):
        return Side(inside)
    return Side(outside, True) if isinstance(outside, AddressSet) else ANY_SIDE


def _with_set(ref: SetRef, negated: bool, source: Side, dest: Side) -> tuple[Side, Side]:
    if ref.fields == (Field.SADDR,) and source.is_any:
        return Side(table=ref.set, negated=negated), dest
    if ref.fields == (Field.DADDR,) and dest.is_any:
        return source, Side(table=ref.set, negated=negated)
    if ref.fields in ((Field.SADDR,), (Field.DADDR,)):
        raise Inexpressible("runtime sets", f"pf cannot test @{ref.set} and another set of addresses on the same side")
    raise Inexpressible("runtime sets", f"pf tables hold addresses and networks, which @{ref.set} does not")


def _flags(c: Conjunction) -> tuple[tuple[int, int], ...]:
    choices: list[list[tuple[int, int]]] = []
    whole = c.values(Field.TCP_FLAGS)
    if isinstance(whole, IntervalSet):
        choices.append([(255, v) for v in whole])
    for literal in c.masked:
        masked = literal.match
        assert isinstance(masked, MaskedIn)
        if masked.field is not Field.TCP_FLAGS:
            if masked.field is Field.CT_STATUS:
                continue
            raise Inexpressible(_FEATURES.get(masked.field, "mark"))
        if masked.values.size() > 256:
            raise Inexpressible("tcp flags")
        values = [v for v in _submasks(masked.mask) if (v in masked.values) is not literal.negated]
        choices.append([(masked.mask, v) for v in values])
    out: list[tuple[int, int]] = [(0, 0)]
    for choice in choices:
        out = [(m1 | m2, v1 | v2) for m1, v1 in out for m2, v2 in choice if v1 & m2 == v2 & m1]
    if len(out) > 32:
        raise Inexpressible("tcp flags", "this condition on TCP flags needs more than 32 pf rules")
    return () if out == [(0, 0)] else tuple(out)


def _submasks(mask: int) -> list[int]:
    out = [0]
    for bit in range(8):
        if mask >> bit & 1:
            out += [v | 1 << bit for v in out]
    return sorted(out)


def _translated(c: Conjunction) -> Translated | None:
    yes: bool | None = None
    for literal in c.masked:
        masked = literal.match
        if isinstance(masked, MaskedIn) and masked.field is Field.CT_STATUS:
            if masked.mask != CtStatus.DNAT or masked.values.runs not in (((0, 0),), ((CtStatus.DNAT, CtStatus.DNAT),)):
                raise Inexpressible("dnat condition", "pf knows of its own destination translation only")
            yes = (masked.values.runs[0][0] == CtStatus.DNAT) is not literal.negated
    ports, addresses = c.values(Field.CT_ORIG_DPORT), c.values(Field.CT_ORIG_DADDR)
    if yes is None and ports is None and addresses is None:
        return None
    if yes is not True:
        if ports is not None or addresses is not None:
            raise Inexpressible("dnat condition", "the original destination is known of translated packets only")
        return Translated(False)
    assert ports is None or isinstance(ports, IntervalSet)
    assert addresses is None or isinstance(addresses, AddressSet)
    return Translated(True, ports, addresses)
