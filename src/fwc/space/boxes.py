"""Conditions of rules as unions of boxes.

Every condition becomes an exact union of boxes over the dimensions; what a packet does not decide (a run-time set, a
rate, an extension that is not modelled) is an atom. `may` and `must` bounds follow: unstable atoms taken as true, or
boxes with them left out. A condition that would need too many boxes becomes one atom as a whole, and is listed in
`Translator.given_up`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from fwc.ir.match import (
    AddressTypeIs,
    AllOf,
    Always,
    AnyOf,
    CgroupIs,
    Chance,
    EveryNth,
    Field,
    FieldIn,
    HelperIs,
    MaskedIn,
    Match,
    NoRoute,
    Not,
    Opaque,
    Owner,
    Recent,
    ReversePathFails,
    RouteLeavesBy,
    SetRef,
    TimeWindow,
    TupleIn,
    Values,
    WithinConnections,
    WithinRate,
)
from fwc.ir.model import NamedSet
from fwc.ir.text import match_text
from fwc.ir.walk import columns_of, match_nodes
from fwc.net.address_types import possibly, surely
from fwc.net.addresses import AddressSet, prefixes
from fwc.net.clock import DAY, LAST_MOMENT, moment
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import EMPTY, IntervalSet, Run
from fwc.space.complement import TooManyBoxes, complement
from fwc.space.fields import IFACE_BYTES, SHIFT, Box, Dimension, Dimensions, Kind, clock_key, iface_run, simplify

MAX_BOXES = 50_000
"""Boxes of one condition that is combined of others; more make it one opaque atom."""

MAX_ELEMENTS = 400_000
"""Boxes of one condition that lists them: as many as its text is long."""

_QUICK = frozenset((FieldIn,))

MAX_DEPTH = 150
"""Nesting of one condition; deeper ones are one opaque atom."""

PORT_PROTOCOLS = IntervalSet.of(6, 17, 33, 132, 136)
_TCP = IntervalSet.of(6)
_ICMP = IntervalSet.of(1)
_ICMPV6 = IntervalSet.of(58)
_IFACE_TOP = (1 << 8 * IFACE_BYTES) - 1

BITWISE = {Field.TCP_FLAGS: 8, Field.CT_STATUS: 32, Field.MARK: 32, Field.CT_MARK: 32}
"""Fields that rules test under masks, with their width: one dimension for each bit."""

_TOPS = {
    Field.PROTOCOL: 255,
    Field.SPORT: 65535,
    Field.DPORT: 65535,
    Field.ICMP: 65535,
    Field.ICMPV6: 65535,
    Field.CT_STATE: 4,
    Field.CT_ORIG_DPORT: 65535,
    Field.TTL: 255,
    Field.DSCP: 63,
    Field.LENGTH: 65535,
    Field.FRAGMENT: 1,
    Field.PKTTYPE: 7,
    Field.SMAC: (1 << 48) - 1,
    Field.IPSEC: 1,
    Field.IPSEC_OUT: 1,
    Field.VLAN: 4095,
    Field.PF_TAG: (1 << 32) - 1,
    Field.MARK: (1 << 32) - 1,
    Field.CT_MARK: (1 << 32) - 1,
}
_ADDRESSES = frozenset({Field.SADDR, Field.DADDR, Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR})
_IFACES = frozenset({Field.IIF, Field.OIF})

STATELESS_EXTENSIONS = frozenset(
    {
        "addrtype",
        "ah",
        "asn",
        "bpf",
        "cgroup",
        "connlabel",
        "connmark",
        "conntrack",
        "cpu",
        "dccp",
        "devgroup",
        "dscp",
        "dst",
        "ecn",
        "esp",
        "eui64",
        "exthdr",
        "fib",
        "frag",
        "geoip",
        "group",
        "hbh",
        "helper",
        "hl",
        "icmp",
        "icmp6",
        "iprange",
        "ipv6header",
        "ipvs",
        "length",
        "mac",
        "mark",
        "meta",
        "os",
        "osf",
        "owner",
        "payload",
        "physdev",
        "pkttype",
        "policy",
        "realm",
        "rpfilter",
        "rt",
        "sctp",
        "socket",
        "state",
        "string",
        "tcp",
        "tcpmss",
        "tcpoption",
        "tos",
        "ttl",
        "u32",
        "user",
    }
)
"""Kinds of opaque conditions that give one packet the same answer however often it is asked."""

_FIELDS = """ah arp cgroup comp cpu ct dccp dst esp ether exthdr fib frag hbh icmp icmpv6 igmp iif iifgroup iifname iiftype
ibriport ibrname ip ip6 ipsec mark meta mh obriport obrname oif oifgroup oifname oiftype osf pkttype rt rtclassid sctp skgid skuid
socket srh tcp th udp udplite vlan"""
_NFT_FIELDS = frozenset(_FIELDS.split())
_NFT_CHANGING = frozenset(("meta random", "meta time", "meta hour", "meta day"))


def is_stateless(match: Opaque) -> bool:
    """Whether the condition gives one packet the same answer however often it is asked: a field of the packet, its connection or
    its socket is compared. Rates, quotas, counters and whatever is not known may answer anew."""
    if match.kind in STATELESS_EXTENSIONS:
        return True
    fields = match.dialect == "nft" and match.kind.split(" ", 1)[0] in _NFT_FIELDS
    return fields and match.kind not in _NFT_CHANGING


def answers_anew(match: Match) -> bool:
    """Whether a part of the condition may answer differently when it is asked again, or counts that it was asked."""
    return any(
        isinstance(node, WithinRate | WithinConnections | EveryNth | Chance | Recent)
        or (isinstance(node, Opaque) and not is_stateless(node))
        for node in match_nodes(match)
    )


Versions = tuple[tuple[Field, int], ...]
"""For fields that earlier rules wrote: how many writes came before. Each version is a dimension of its own."""


def same_name(name: str) -> str:
    return name


class Translator:
    """Translates the conditions of one ruleset for one family into the boxes of `dimensions`.

    `sets` are the named sets whose content is fixed. `filled` names the run-time sets that rules of the ruleset
    change: their answer may differ between two rules. `set_name` maps a set's name to the one it shares with another
    ruleset."""

    def __init__(
        self,
        dimensions: Dimensions,
        sets: Mapping[str, NamedSet] | None = None,
        filled: frozenset[str] = frozenset(),
        set_name: Callable[[str], str] = same_name,
    ) -> None:
        self.dimensions = dimensions
        self.family = dimensions.family
        self.given_up: dict[str, Match] = {}
        self._sets = sets or {}
        self._filled = filled
        self._set_name = set_name
        self._fields: dict[tuple[Field, int], tuple[Values, tuple[Box, ...]]] = {}
        self._nodes: dict[int, tuple[Match, tuple[Box, ...]]] = {}
        self._nothing: set[int] = set()  # of these nodes: those that hold for no packet, as IPv4 addresses in IPv6
        self._static: dict[Field, Dimension] = {}
        self._implied: dict[Field, tuple[Box, ...]] = {}

    def boxes(self, match: Match, versions: Versions = ()) -> tuple[Box, ...]:
        """The packets that `match` holds for, exactly, over fields and atoms; no box when it can never hold."""
        if not versions:
            if self._nothing and self._never(match):
                return ()
            found = self._nodes.get(id(match))
            if found is not None:
                return found[1]
        try:
            boxes = self._match(match, versions, 0)
        except TooManyBoxes:
            self.given_up[repr(match)[:200]] = match
            key = ("whole", match, versions)
            boxes = (self.dimensions.atom(key, "a condition too large to analyse", 1, unstable=True),)
        if not versions:
            self._nodes[id(match)] = (match, boxes)  # the node is kept so that its id is not used again
        return boxes

    def within(self, box: Box, match: Match) -> tuple[Box, ...] | None:
        """The packets of `box` that `match` holds for, found at once; None for what is no conjunction of field comparisons and
        worth remembering, or when they are too many for that."""
        if type(match) is not AllOf or not _QUICK.issuperset(map(type, match.parts)):
            return None
        if self._nothing and self._never(match):
            return ()
        try:
            return self._all_of(match.parts, (), 1, box)
        except TooManyBoxes:
            return None

    def _never(self, match: Match) -> bool:
        """Whether one of the conditions is known to hold for no packet, as those on IPv4 addresses in IPv6."""
        return type(match) is AllOf and not self._nothing.isdisjoint(map(id, match.parts))

    def elements(
        self,
        fields: tuple[Field, ...],
        elements: Sequence[tuple[Values, ...]],
        versions: Versions = (),
        within: Box = (),
    ) -> list[tuple[Box, ...]]:
        """For each element the packets of the box `within` whose fields have its values. Each value is translated once.

        Raises TooManyBoxes.
        """
        if len(set(map(len, elements))) != 1:
            return [union for each in elements for union in self.elements(fields, [each], versions, within)]
        columns: list[list[tuple[Box, ...]]] = [[(within,)] * len(elements)] if within else []
        for field, (column, different) in zip(fields, columns_of(elements), strict=False):
            unions = {key: self._field(field, values, versions) for key, values in different.items()}
            if not any(unions.values()):
                return [()] * len(elements)  # IPv4 addresses, for the packets of IPv6
            columns.append([unions[id(values)] for values in column])
        if not columns:
            return [((),)] * len(elements)
        columns = self._joined(columns)
        rows = zip(*columns, strict=True)
        if all(max(map(len, column)) <= 1 for column in columns):
            return [(tuple(sorted([c for (box,) in row for c in box])),) if all(row) else () for row in rows]
        return [self._product(row) if all(row) else () for row in rows]

    def _joined(self, columns: list[list[tuple[Box, ...]]]) -> list[list[tuple[Box, ...]]]:
        """Columns of unions, those that constrain a dimension together (a protocol and its port) as one: there are few different
        pairs of them."""
        out: list[list[tuple[Box, ...]]] = []
        taken: list[set[int]] = []
        for column in columns:
            different = {id(union): union for union in column}
            own = {c >> SHIFT for union in different.values() for box in union for c in box}
            at = next((at for at, other in enumerate(taken) if other & own), None)
            if at is None:
                out.append(column)
                taken.append(own)
                continue
            pairs = {(id(a), id(b)): (a, b) for a, b in zip(out[at], column, strict=True)}
            met = {key: self._product(pair) if all(pair) else () for key, pair in pairs.items()}
            out[at] = [met[id(a), id(b)] for a, b in zip(out[at], column, strict=True)]
            taken[at] |= own
        return out

    def _match(self, match: Match, versions: Versions, depth: int) -> tuple[Box, ...]:
        if isinstance(match, AllOf) and depth <= MAX_DEPTH:
            return self._all_of(match.parts, versions, depth + 1)
        if isinstance(match, FieldIn):
            return self._field(match.field, match.values, versions)
        if isinstance(match, Always):
            return ((),)
        if depth > MAX_DEPTH:
            raise TooManyBoxes
        if isinstance(match, AnyOf):
            return self._union([self._match(part, versions, depth + 1) for part in match.parts])
        if isinstance(match, Not):
            inner = self._match(match.match, versions, depth + 1)
            return tuple(complement(self.dimensions, inner, MAX_BOXES))
        if isinstance(match, MaskedIn):
            return self._masked(match, versions)
        if isinstance(match, TupleIn):
            return self._union(self.elements(match.fields, match.elements, versions))
        return self._condition(match, versions)

    def _all_of(self, parts: Sequence[Match], versions: Versions, depth: int, within: Box = ()) -> tuple[Box, ...]:
        nodes = self._nodes
        unions: list[tuple[Box, ...]] = [(within,)] if within else []
        lookup: TupleIn | None = None
        for part in parts:
            if lookup is None and type(part) is TupleIn:
                lookup = part
                continue
            if versions or type(part) is not FieldIn:
                union = self._match(part, versions, depth)
            else:  # rules share the conditions that compare a field
                found = nodes.get(id(part))
                if found is None:
                    found = nodes[id(part)] = (part, self._field(part.field, part.values, ()))
                    if not found[1]:
                        self._nothing.add(id(part))
                union = found[1]
            if not union:
                return ()
            unions.append(union)
        done = self._product(unions)
        if lookup is None or not done:
            return done
        if len(done) == 1:
            return self._union(self.elements(lookup.fields, lookup.elements, versions, done[0]))
        return self._product([done, self._match(lookup, versions, depth)])

    def _union(self, unions: list[tuple[Box, ...]]) -> tuple[Box, ...]:
        if sum(map(len, unions)) > MAX_ELEMENTS:
            raise TooManyBoxes
        return simplify(self.dimensions, (box for union in unions for box in union))

    def _product(self, unions: Sequence[tuple[Box, ...]]) -> tuple[Box, ...]:
        merged: dict[int, int] = {}  # nearly every rule is one box
        for union in unions:
            if len(union) != 1:
                return self._product_of_many(unions)
            for c in union[0]:
                other = merged.setdefault(c >> SHIFT, c)
                if other != c:
                    both = self.dimensions.meet_constraints(other, c)
                    if both < 0:
                        return ()
                    merged[c >> SHIFT] = both
        return (tuple(sorted(merged.values())),)

    def _product_of_many(self, unions: Sequence[tuple[Box, ...]]) -> tuple[Box, ...]:
        done: tuple[Box, ...] = ((),)
        for union in sorted(unions, key=len):
            if len(done) * len(union) > (MAX_ELEMENTS if len(done) == 1 or len(union) == 1 else MAX_BOXES):
                raise TooManyBoxes
            done = simplify(self.dimensions, [b for a in done for b in self.dimensions.meet_each(a, union)])
            if not done:
                return ()
        return done

    # ----- fields ------------------------------------------------------------

    def _field(self, field: Field, values: Values, versions: Versions) -> tuple[Box, ...]:
        if versions and any(field is f for f, _ in versions):
            return self._field_boxes(field, values, versions)
        key = (field, id(values))
        found = self._fields.get(key)
        if found is None:
            found = (values, self._field_boxes(field, values, ()))
            self._fields[key] = found
        return found[1]

    def _field_boxes(self, field: Field, values: Values, versions: Versions) -> tuple[Box, ...]:
        if field is Field.FAMILY:
            return ((),) if isinstance(values, IntervalSet) and self.family.value in values else ()
        if isinstance(values, AddressSet):
            if not values.family(self.family):
                return ()
            return self.dimensions.box(self._dimension(field, versions), values.family(self.family))
        if isinstance(values, IfaceSet):
            return self.dimensions.box(self._dimension(field, versions), iface_values(values))
        implied = self.implied(field)
        if not implied:
            return ()
        if field in BITWISE and not self.dimensions.is_whole(field):
            width = BITWISE[field]
            return self._product([implied, self._cubes(field, (1 << width) - 1, values, versions)])
        return self._product([implied, self.dimensions.box(self._dimension(field, versions), values)])

    def implied(self, field: Field) -> tuple[Box, ...]:
        """The packets that have `field`; no box when none of this family has."""
        found = self._implied.get(field)
        if found is None:
            found = self._implied[field] = self._implied_boxes(field)
        return found

    def _implied_boxes(self, field: Field) -> tuple[Box, ...]:
        protocol = self._dimension(Field.PROTOCOL, ())
        if field in (Field.SPORT, Field.DPORT):
            return self.dimensions.box(protocol, PORT_PROTOCOLS)
        if field is Field.TCP_FLAGS:
            return self.dimensions.box(protocol, _TCP)
        if field is Field.ICMP:
            return self.dimensions.box(protocol, _ICMP) if self.family is Family.V4 else ()
        if field is Field.ICMPV6:
            return self.dimensions.box(protocol, _ICMPV6) if self.family is Family.V6 else ()
        return ((),)

    def _dimension(self, field: Field, versions: Versions) -> Dimension:
        for written, count in versions:
            if written is field:
                return self.dimensions.dimension((field, "version", count), field.value, *self._shape(field))
        found = self._static.get(field)
        if found is None:
            found = self._static[field] = self.dimensions.dimension(field, field.value, *self._shape(field))
        return found

    def dimension(self, field: Field) -> Dimension:
        """The dimension of a field that is not bitwise."""
        return self._dimension(field, ())

    def bit(self, field: Field, bit: int, versions: Versions = ()) -> Dimension:
        count = next((n for f, n in versions if f is field), 0)
        key: Hashable = (field, "bit", bit, count) if count else (field, "bit", bit)
        return self.dimensions.dimension(key, f"{field.value} bit {bit}", Kind.BIT, 1)

    def _shape(self, field: Field) -> tuple[Kind, int]:
        if field in _ADDRESSES:
            return Kind.ADDRESS, (1 << self.family.bits) - 1
        if field in _IFACES:
            return Kind.IFACE, _IFACE_TOP
        return Kind.VALUE, _TOPS[field]

    # ----- masks -------------------------------------------------------------

    def _masked(self, match: MaskedIn, versions: Versions) -> tuple[Box, ...]:
        if match.family is not None and match.family is not self.family:
            return ()
        implied = self.implied(match.field)
        if not implied:
            return ()
        if match.field in BITWISE and not self.dimensions.is_whole(match.field):
            return self._product([implied, self._cubes(match.field, match.mask, match.values, versions)])
        if match.field is Field.FAMILY:
            kept = (self.family.value & match.mask) in match.values
            return ((),) if kept else ()
        dimension = self._dimension(match.field, versions)
        values = unmasked(match.mask, match.values, dimension.top)
        if values is not None:
            return self._product([implied, self.dimensions.box(dimension, values)])
        view = self.dimensions.dimension(
            (match.field, "mask", match.mask, versions),
            f"{match.field.value} & {match.mask:#x}",
            Kind.VALUE,
            dimension.top,
            exact=False,
        )
        return self._product([implied, self.dimensions.box(view, match.values)])

    def _cubes(self, field: Field, mask: int, values: IntervalSet, versions: Versions) -> tuple[Box, ...]:
        """`field & mask` in `values`, bit by bit."""
        width = BITWISE[field]
        out: list[Box] = []
        for low, high in (values & IntervalSet.full(width)).runs:
            for value, length in prefixes((low, high), width):
                fixed = ((1 << length) - 1) << (width - length)
                if value & fixed & ~mask:
                    continue
                parts = []
                for bit in range(width):
                    if fixed & mask & 1 << bit:
                        one = value >> bit & 1
                        parts.append(self.dimensions.constraint(self.bit(field, bit, versions), ((one, one),)))
                out.append(tuple(sorted(parts)))
                if len(out) > MAX_BOXES:
                    raise TooManyBoxes
        return simplify(self.dimensions, out)

    # ----- atoms -------------------------------------------------------------

    def _condition(self, match: Match, versions: Versions) -> tuple[Box, ...]:
        atom = self.dimensions.atom
        match match:
            case SetRef(name, fields):
                return self._set(name, fields, versions)
            case WithinRate():
                key = WithinRate(
                    match.amount,
                    match.seconds,
                    match.burst,
                    match.unit,
                    match.per,
                    match.mask4,
                    match.mask6,
                    match.name,
                )
                return (
                    atom(
                        key,
                        f"within {match.amount} {match.unit} per {match.seconds} s",
                        0 if match.over else 1,
                        unstable=True,
                    ),
                )
            case WithinConnections():
                few = WithinConnections(match.count, match.per, match.mask4, match.mask6, match.name)
                return (atom(few, f"at most {match.count} connections", 0 if match.over else 1, unstable=True),)
            case TimeWindow():
                return self._time(match)
            case Chance():
                return (atom(match, f"chance {match.millionths / 1e6:g}", 1, unstable=True),)
            case EveryNth(every, packet):
                return (atom(match, f"packet {packet} of every {every}", 1, unstable=True),)
            case Recent(name, act):
                return (atom(match, f"recent list {name} ({act.value})", 1, unstable=True),)
            case Owner(kind, names):
                return self._union([(atom(("owner", kind, n), f"{kind} {n}", 1, unstable=False),) for n in names])
            case HelperIs(name):
                return (atom(match, f"helper {name}", 1, unstable=False),)
            case CgroupIs(path):
                return (atom(match, f"cgroup {path}", 1, unstable=False),)
            case AddressTypeIs(side, kind):
                return self._address_type(side, kind, match, versions)
            case ReversePathFails() | RouteLeavesBy() | NoRoute():
                return (atom(match, match_text(match), 1, unstable=False),)
            case Opaque():
                return (atom(match, match.text, 1, unstable=not is_stateless(match)),)
            case _:
                raise TypeError(f"unknown condition {type(match).__name__}")

    def _set(self, name: str, fields: tuple[Field, ...], versions: Versions) -> tuple[Box, ...]:
        known = self._sets.get(name)
        if known is not None and not known.runtime and name not in self._filled:
            return self._union(self.elements(fields, known.elements, versions))
        written = tuple((f, n) for f, n in versions if f in fields)
        shared = self._set_name(name)
        shown = " . ".join(field.value for field in fields)
        box = self.dimensions.atom(
            ("set", shared, fields, written), f"{shown} in set {name}", 1, unstable=name in self._filled
        )
        parts: list[tuple[Box, ...]] = [(box,)]
        parts.extend(self.implied(field) for field in fields)
        return self._product(parts)

    def _address_type(self, side: Field, kind: str, match: Match, versions: Versions) -> tuple[Box, ...]:
        possible, sure = possibly(kind, self.family), surely(kind, self.family)
        if not possible:
            return ()
        address = self._dimension(side, versions)
        written = tuple((f, n) for f, n in versions if f is side)
        asked = self.dimensions.atom((match, written) if written else match, match_text(match), 1, unstable=False)
        boxes = self._product([self.dimensions.box(address, possible), (asked,)])
        return self._union([self.dimensions.box(address, sure), boxes]) if sure else boxes

    def _time(self, window: TimeWindow) -> tuple[Box, ...]:
        parts: list[tuple[Box, ...]] = []
        if window.start is not None or window.end is not None or window.days:
            start = window.start if window.start is not None else 0
            end = window.end if window.end is not None else DAY
            days = sorted(window.days) if window.days else range(7)
            runs: list[Run] = [(day * DAY + start, day * DAY + end - 1) for day in days if end > start]
            second = self._clock("week", 7 * DAY - 1, window.utc)
            parts.append(self.dimensions.box(second, IntervalSet(runs)))
        if window.since or window.until:
            first = moment(window.since) if window.since else 0
            last = moment(window.until) if window.until else LAST_MOMENT
            if first is None or last is None or max(first, 0) > last:
                return ()
            date = self._clock("date", LAST_MOMENT, window.utc)
            parts.append(self.dimensions.box(date, IntervalSet.range(max(first, 0), last)))
        return self._product(parts)

    def _clock(self, part: str, top: int, utc: bool) -> Dimension:
        return self.dimensions.dimension(clock_key(part, utc), "UTC" if utc else "local time", Kind.VALUE, top)


def iface_values(names: IfaceSet) -> IntervalSet:
    """The integers of the names; names longer than any kernel allows belong to no interface."""
    runs = [iface_run(n, prefix=False) for n in names.names if len(n.encode("utf-8", "surrogateescape")) <= IFACE_BYTES]
    runs += [
        iface_run(p, prefix=True) for p in names.prefixes if len(p.encode("utf-8", "surrogateescape")) < IFACE_BYTES
    ]
    values = IntervalSet(runs)
    return IntervalSet.range(0, _IFACE_TOP) - values if names.negated else values


def unmasked(mask: int, values: IntervalSet, top: int) -> IntervalSet | None:
    """The values v of 0..top with `v & mask` in `values` (top + 1 is a power of two), None when they are too many
    runs."""
    mask &= top
    reachable = [(low, high) for low, high in values.runs if low <= top]
    free = top & ~mask
    if not mask:
        return IntervalSet.range(0, top) if any(low == 0 for low, _ in reachable) else EMPTY
    lowest = (mask & -mask).bit_length() - 1
    holes = free >> lowest
    if holes.bit_count() > 8:
        return None
    block = (1 << lowest) - 1
    fillings = [0]
    for bit in range(lowest, top.bit_length()):
        if free >> bit & 1:
            fillings += [f | 1 << bit for f in fillings]
    out: list[Run] = []
    for low, high in reachable:
        if not holes:  # only low bits are free: each run of values is one run of blocks
            first, last = -(-low // (block + 1)) * (block + 1), min(high, top) // (block + 1) * (block + 1)
            if first <= last:
                out.append((first, last | block))
            continue
        if high - low > 4096:
            return None
        out.extend((v | f, v | f | block) for v in range(low, high + 1) if not v & ~mask for f in fillings)
    return IntervalSet(out)
