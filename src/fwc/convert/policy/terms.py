"""A condition as conjunctions of what the language can say: each term has one value set per field.

A `Match` becomes a list of terms whose union it is. What the language has no word for raises `Unsaid`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from fwc.convert.policy.conditions import spoken, within_text
from fwc.convert.policy.unsaid import Unsaid
from fwc.ir.match import (
    AddressTypeIs,
    AllOf,
    Always,
    AnyOf,
    CtStatus,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    ReversePathFails,
    SetRef,
    TupleIn,
    Values,
    WithinConnections,
    WithinRate,
)
from fwc.net import protocols
from fwc.net.addresses import ANY_ADDRESS, NO_ADDRESS, AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record

MOST_TERMS = 256
"""Alternatives of one condition; a rule that needs more statements than this is refused."""

Question = AddressTypeIs | ReversePathFails | FieldIn

BOTH = frozenset(Family)
_PORTED = IntervalSet.of(*protocols.PORT_PROTOCOLS)
_STATES = IntervalSet.range(0, 4)


class Term(Record):
    """One conjunction. None is "no condition"; `saddr` and `daddr` are what is asked for, `not_saddr` and `not_daddr` what is
    left out where nothing is asked for. `names` are what the source calls its address sets. `said` are further conditions in the
    language's words, with the site-independent text of each. `routing` are questions of the routing table and of IPsec, with the
    answer that is asked for."""

    families: frozenset[Family] = BOTH
    iif: IfaceSet | None = None
    oif: IfaceSet | None = None
    saddr: AddressSet | None = None
    daddr: AddressSet | None = None
    not_saddr: AddressSet = NO_ADDRESS
    not_daddr: AddressSet = NO_ADDRESS
    names: tuple[tuple[AddressSet, str], ...] = ()
    protocols: IntervalSet | None = None
    sport: IntervalSet | None = None
    dport: IntervalSet | None = None
    icmp: IntervalSet | None = None
    icmpv6: IntervalSet | None = None
    states: IntervalSet | None = None
    mac: IntervalSet | None = None
    sets: tuple[tuple[str, Field, bool], ...] = ()
    routing: frozenset[tuple[Question, bool]] = frozenset()
    dnat_ports: IntervalSet | None = None
    said: tuple[str, ...] = ()
    rate: WithinRate | None = None
    connections: WithinConnections | None = None


ANYTHING = Term()


def terms_of(match: Match, families: frozenset[Family] = BOTH) -> list[Term]:
    """Terms whose union is `match` within `families`. Raises Unsaid."""
    found = list(dict.fromkeys(t for each in _terms(match, True) if (t := meet(Term(families), each)) is not None))
    if len(found) > 1 and any(counts(term) for term in found):
        raise Unsaid("a condition that counts packets, among alternatives", "split the rule")
    return found


def counts(term: Term) -> bool:
    """Whether a condition of the term changes what it answers next time, so that it must be asked once for each packet."""
    if term.rate is not None or term.connections is not None:
        return True
    return any(word in text.split()[:2] for text in term.said for word in ("native", "within", "chance"))


def _terms(match: Match, wanted: bool) -> list[Term]:
    match match:
        case Always():
            return [ANYTHING] if wanted else []
        case Not(inner):
            return _terms(inner, not wanted)
        case AllOf(parts):
            return _product(parts, True) if wanted else _union(parts, False)
        case AnyOf(parts):
            return _union(parts, True) if wanted else _product(parts, False)
        case FieldIn(field, values, name):
            return _field(field, values, name, wanted)
        case MaskedIn():
            return _masked(match, wanted)
        case TupleIn(fields, elements):
            return _tuple(fields, elements, wanted)
        case SetRef(name, fields):
            if fields not in ((Field.SADDR,), (Field.DADDR,)):
                raise Unsaid("a set that is looked up by more than an address", "")
            return [Term(sets=((name, fields[0], wanted),))]
        case WithinRate():
            if match.over is wanted:
                return [Term(said=(f"not {within_text(match)}",))]
            return [Term(rate=dataclasses.replace(match, over=False))]
        case WithinConnections():
            if match.over is wanted:
                raise Unsaid("a count of connections whose excess alone is matched", _COUNT_HELP)
            return [Term(connections=dataclasses.replace(match, over=False))]
        case AddressTypeIs() | ReversePathFails():
            return [Term(routing=frozenset({(match, wanted)}))]
        case _:
            return [Term(said=(spoken(match, wanted),))]


_COUNT_HELP = "in a policy the rule that accepts also refuses what is over it: `allow ... max 3 connections per source`"


def _union(parts: Iterable[Match], wanted: bool) -> list[Term]:
    out = [term for part in parts for term in _terms(part, wanted)]
    return _bounded(out)


def _product(parts: Iterable[Match], wanted: bool) -> list[Term]:
    out = [ANYTHING]
    for part in parts:
        more = _terms(part, wanted)
        out = _bounded([both for a in out for b in more if (both := meet(a, b)) is not None])
    return out


def _bounded(terms: list[Term]) -> list[Term]:
    if len(terms) > MOST_TERMS:
        raise Unsaid(f"a condition with more than {MOST_TERMS} alternatives", "split the rule")
    return terms


# ----- fields --------------------------------------------------------------------


def _field(field: Field, values: Values, name: str, wanted: bool) -> list[Term]:
    if isinstance(values, IfaceSet):
        values = values if wanted else ~values
        if values.is_any:
            return [ANYTHING]
        return [] if values.is_empty else [Term(iif=values) if field is Field.IIF else Term(oif=values)]
    if isinstance(values, AddressSet):
        return _address(field, values, name, wanted)
    if field is Field.FAMILY:
        found = frozenset(f for f in Family if (f.value in values) is wanted)
        return [Term(found)] if found else []
    if field is Field.CT_STATE:
        return _some(Term(states=values & _STATES if wanted else _STATES - values))
    if field is Field.PROTOCOL:
        return _some(Term(protocols=values if wanted else values.complement(8)))
    if field in (Field.SPORT, Field.DPORT):
        return _ports(field, values, wanted)
    if field in (Field.ICMP, Field.ICMPV6):
        return _icmp(field, values, wanted)
    if field is Field.SMAC:
        if not wanted or values.size() > MOST_TERMS:
            raise Unsaid(
                "a hardware address that must not match" if not wanted else "a long run of hardware addresses", ""
            )
        return _some(Term(mac=values))
    if field is Field.CT_ORIG_DPORT:
        if not wanted:
            raise Unsaid("a port that was not the original one", "")
        return [Term(dnat_ports=values)]
    if field in (Field.IPSEC, Field.IPSEC_OUT) and values.size() == 1:
        return [Term(routing=frozenset({(FieldIn(field, IntervalSet.of(1)), (1 in values) is wanted)}))]
    words = spoken(FieldIn(field, values), wanted)
    return [Term(said=(words,))]


def _some(term: Term) -> list[Term]:
    return [] if impossible(term) else [term]


def _address(field: Field, values: AddressSet, name: str, wanted: bool) -> list[Term]:
    names = ((values, name),) if name else ()
    present = values.families()
    if len(present) == 1 and wanted and not name and _is_rest(values.family(present[0]), present[0]):
        rest = AddressSet.of_family(present[0], values.family(present[0]).complement(present[0].bits))
        found = Term(not_saddr=rest) if field is Field.SADDR else Term(not_daddr=rest) if field is Field.DADDR else None
        if found is not None:
            return [dataclasses.replace(found, families=frozenset(present))]
    if field is Field.SADDR:
        return _some(Term(saddr=values, names=names) if wanted else Term(not_saddr=values, names=names))
    if field is Field.DADDR:
        return _some(Term(daddr=values, names=names) if wanted else Term(not_daddr=values, names=names))
    raise Unsaid("the address that the connection had before its translation", "")


def _is_rest(values: IntervalSet, family: Family) -> bool:
    """Whether the addresses are better said by what they leave out."""
    return values.size() > 1 << (family.bits - 1) and values != IntervalSet.full(family.bits)


def _ports(field: Field, values: IntervalSet, wanted: bool) -> list[Term]:
    own = values if wanted else values.complement(16)
    term = Term(sport=own, protocols=_PORTED) if field is Field.SPORT else Term(dport=own, protocols=_PORTED)
    found = _some(term)
    return found if wanted else [*found, Term(protocols=_PORTED.complement(8))]


def _icmp(field: Field, values: IntervalSet, wanted: bool) -> list[Term]:
    version, number = (Family.V4, protocols.ICMP) if field is Field.ICMP else (Family.V6, protocols.ICMPV6)
    only = frozenset({version})
    own = values if wanted else values.complement(16)
    one = IntervalSet.of(number)
    term = Term(only, protocols=one, icmp=own) if field is Field.ICMP else Term(only, protocols=one, icmpv6=own)
    found = _some(term)
    if wanted:
        return found
    return [*found, Term(protocols=one.complement(8)), Term(BOTH - only)]


def _masked(match: MaskedIn, wanted: bool) -> list[Term]:
    if match.field in (Field.SADDR, Field.DADDR):
        raise Unsaid("an address mask with holes", "write the networks that it stands for")
    bits = {CtStatus.DNAT: "dnat", CtStatus.SNAT: "snat"}
    if match.field is Field.CT_STATUS and match.mask in bits and match.values.size() == 1:
        set_ = match.mask in match.values
        word = bits[match.mask]
        return [Term(said=(word if set_ is wanted else f"not {word}",))]
    options = list(match.values) if match.values.size() <= MOST_TERMS else []
    if not options:
        raise Unsaid("a mask with too many values", "")
    texts = [spoken(MaskedIn(match.field, match.mask, IntervalSet.of(value)), wanted) for value in options]
    implied = IntervalSet.of(protocols.TCP) if match.field is Field.TCP_FLAGS else None
    if wanted:
        return [Term(protocols=implied, said=(text,)) for text in texts]
    return [Term(said=tuple(texts))]


def _tuple(fields: tuple[Field, ...], elements: tuple[tuple[Values, ...], ...], wanted: bool) -> list[Term]:
    rows: list[Match] = [
        AllOf(tuple(FieldIn(f, v) for f, v in zip(fields, element, strict=True))) for element in elements
    ]
    return _union(rows, True) if wanted else _product(rows, False)


# ----- conjunction ---------------------------------------------------------------


def impossible(term: Term) -> bool:
    """Whether some field of the term has no value left."""
    if not term.families:
        return True
    sets = (term.protocols, term.sport, term.dport, term.icmp, term.icmpv6, term.states, term.mac, term.dnat_ports)
    if any(s is not None and not s for s in sets):
        return True
    if any((question, not answer) in term.routing for question, answer in term.routing):
        return True
    return any(a is not None and not any(a.family(f) for f in term.families) for a in (term.saddr, term.daddr))


def meet(a: Term, b: Term) -> Term | None:
    """Both terms at once; None when nothing is in both. Raises Unsaid for two rates."""
    if a is ANYTHING or b is ANYTHING:
        return b if a is ANYTHING else a
    if (a.rate and b.rate) or (a.connections and b.connections):
        raise Unsaid("two rates in one rule", "")
    families = a.families & b.families
    saddr, not_saddr = _addresses(a.saddr, a.not_saddr, b.saddr, b.not_saddr)
    daddr, not_daddr = _addresses(a.daddr, a.not_daddr, b.daddr, b.not_daddr)
    protocols_ = _both(a.protocols, b.protocols)
    icmp, icmpv6 = _both(a.icmp, b.icmp), _both(a.icmpv6, b.icmpv6)
    iif, oif = _ifaces(a.iif, b.iif), _ifaces(a.oif, b.oif)
    if (iif is not None and iif.is_empty) or (oif is not None and oif.is_empty):
        return None
    for address in (saddr, daddr):
        if address is not None:
            families &= frozenset(address.families())
    if protocols_ is not None and protocols_ == IntervalSet.of(protocols.ICMP) and icmp is not None:
        families &= {Family.V4}
    found = Term(
        families,
        iif,
        oif,
        saddr,
        daddr,
        not_saddr,
        not_daddr,
        tuple(dict.fromkeys(a.names + b.names)),
        protocols_,
        _both(a.sport, b.sport),
        _both(a.dport, b.dport),
        icmp,
        icmpv6,
        _both(a.states, b.states),
        _both(a.mac, b.mac),
        tuple(dict.fromkeys(a.sets + b.sets)),
        a.routing | b.routing,
        _both(a.dnat_ports, b.dnat_ports),
        tuple(dict.fromkeys(a.said + b.said)),
        a.rate or b.rate,
        a.connections or b.connections,
    )
    if impossible(found) or _contradicts(found.said):
        return None
    return _narrowed(found)


def _narrowed(term: Term) -> Term:
    """Address sets as far as the families reach."""
    if len(term.families) != 1 or (
        term.saddr is None and term.daddr is None and not term.not_saddr and not term.not_daddr
    ):
        return term
    (only,) = term.families
    return dataclasses.replace(
        term,
        saddr=None if term.saddr is None else term.saddr.only(only),
        daddr=None if term.daddr is None else term.daddr.only(only),
        not_saddr=term.not_saddr.only(only),
        not_daddr=term.not_daddr.only(only),
    )


def _contradicts(said: tuple[str, ...]) -> bool:
    return any(f"not {text}" in said for text in said)


def _both(a: IntervalSet | None, b: IntervalSet | None) -> IntervalSet | None:
    if a is None or b is None:
        return b if a is None else a
    return a & b


def _addresses(
    a: AddressSet | None, not_a: AddressSet, b: AddressSet | None, not_b: AddressSet
) -> tuple[AddressSet | None, AddressSet]:
    left_out = not_a | not_b
    inside = b if a is None else a if b is None else a & b
    if inside is None:
        return (None, left_out) if left_out != ANY_ADDRESS else (NO_ADDRESS, NO_ADDRESS)
    return inside - left_out, NO_ADDRESS


def _ifaces(a: IfaceSet | None, b: IfaceSet | None) -> IfaceSet | None:
    """The names in both. Raises Unsaid where that is no list of names."""
    if a is None or b is None:
        return b if a is None else a
    if a == b:
        return a
    if a.negated and b.negated:
        return IfaceSet(a.names | b.names, a.prefixes | b.prefixes, True)
    if a.negated or b.negated:
        inside, out = (b, a) if a.negated else (a, b)
        plain = ~out
        if any(p.startswith(q) or q.startswith(p) for p in inside.prefixes for q in plain.prefixes) or any(
            n.startswith(p) for n in plain.names for p in inside.prefixes
        ):
            raise Unsaid("a pattern of interfaces without some of them", "name the interfaces")
        return IfaceSet(frozenset(n for n in inside.names if n not in plain), inside.prefixes)
    names = {n for n in a.names if n in b} | {n for n in b.names if n in a}
    prefixes = {p for p in a.prefixes if any(p.startswith(q) for q in b.prefixes)}
    prefixes |= {p for p in b.prefixes if any(p.startswith(q) for q in a.prefixes)}
    return IfaceSet(frozenset(names), frozenset(prefixes))
