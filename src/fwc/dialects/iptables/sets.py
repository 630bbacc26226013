"""Run-time sets as ipsets: one per family, with the type their fields ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fwc.dialects.iptables.combined import combination, combined_type
from fwc.dialects.iptables.matches import mac_text
from fwc.dialects.iptables.names import SET_LENGTH, cut
from fwc.dialects.iptables.parts import Inexpressible
from fwc.dialects.iptables.tree import SetLine, Words
from fwc.ir.match import ALWAYS, NEVER, AllOf, AnyOf, Field, FieldIn, Match, Not, SetRef, TupleIn, Values
from fwc.ir.model import NamedSet, Ruleset
from fwc.ir.verdict import AddToSet
from fwc.net.addresses import AddressSet, prefixes
from fwc.net.addresses import format_address as address_text
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet

_DIRECTION = {
    Field.SADDR: "src",
    Field.DADDR: "dst",
    Field.SPORT: "src",
    Field.DPORT: "dst",
    Field.SMAC: "src",
    Field.IIF: "src",
    Field.OIF: "dst",
    Field.MARK: "src",
}
_ADDRESSES = frozenset({Field.SADDR, Field.DADDR})
_PORTS = frozenset({Field.SPORT, Field.DPORT})
COMBINED = "combinations"
"""The kind of a set that a lookup of combinations became."""
BIG = 4
"""With `options.ipset`, more prefixes than this become a set."""


class IpSets:
    """The sets that a compile uses, in order of first use."""

    def __init__(self, ruleset: Ruleset, wanted: bool) -> None:
        self._known: dict[str, NamedSet] = {s.name: s for t in ruleset.tables for s in t.sets}
        self._timed = frozenset(_timed(ruleset))
        self._wanted = wanted
        self._used: dict[tuple[str, Family], str] = {}
        self._made: dict[tuple[AddressSet, Family], str] = {}
        self._combinations: dict[object, str] = {}

    # ----- words -------------------------------------------------------------

    def match_words(self, ref: SetRef, negated: bool, family: Family) -> Words:
        """`-m set --match-set NAME src,dst`."""
        bang: Words = ("!",) if negated else ()
        return ("-m", "set", *bang, "--match-set", self.name(ref.set, family), directions(ref.fields))

    def add_words(self, action: AddToSet, family: Family) -> Words:
        """The SET target."""
        option = "--del-set" if action.delete else "--add-set"
        words = ["-j", "SET", option, self.name(action.set, family), directions(action.fields)]
        if not action.delete:
            if action.refresh:
                words.append("--exist")
            if action.timeout is not None:
                words += ["--timeout", str(action.timeout)]
        return tuple(words)

    def name(self, name: str, family: Family) -> str:
        """The ipset of a set for one family; a set nobody declared is somebody else's and keeps its name."""
        known = self._known.get(name)
        if known is None:
            return name
        key = (name, family)
        if key not in self._used:
            mark = str(family.value) if _has_addresses(known) else ""
            self._used[key] = cut(name, SET_LENGTH - len(mark)) + mark
        return self._used[key]

    # ----- content that is known ---------------------------------------------

    def resolve(self, match: Match, family: Family) -> Match:
        """Sets with known content as values; with `wanted`, long lists of addresses as sets."""
        match match:
            case SetRef():
                known = self._known.get(match.set)
                if known is None or known.runtime:
                    return match
                return self.resolve(_content(known, match), family)
            case FieldIn():
                return self._shrunk(match, family) if self._wanted and match.field in _ADDRESSES else match
            case TupleIn() if self._wanted:
                return self._combined(match, family)
            case Not():
                inner = self.resolve(match.match, family)
                return match if inner is match.match else Not(inner)
            case AllOf():
                parts = tuple(self.resolve(p, family) for p in match.parts)
                return match if parts == match.parts else AllOf(parts)
            case AnyOf():
                parts = tuple(self.resolve(p, family) for p in match.parts)
                return match if parts == match.parts else AnyOf(parts)
        return match

    @property
    def needed(self) -> bool:
        """Whether `resolve` can change anything."""
        return self._wanted or any(not s.runtime for s in self._known.values())

    def _shrunk(self, match: FieldIn, family: Family) -> Match:
        values = match.values
        assert isinstance(values, AddressSet)
        own = values.only(family)
        if sum(1 for _ in own.cidrs(family)) <= BIG:
            return match
        key = (own, family)
        name = self._made.get(key)
        if name is None:
            wish = match.name or f"list-{len(self._made) + 1}"
            while wish in self._known and not self._holds(wish, values):
                wish += "-x"
            name = self._made[key] = wish
            self._known.setdefault(name, NamedSet(name, (match.field,), ((values,),), "networks"))
        return SetRef(name, (match.field,))

    def _combined(self, match: TupleIn, family: Family) -> Match:
        found = combination(match, family)
        if found is None:
            return match
        fields, rows = found
        name = self._combinations.get(found)
        if name is None:
            wish = match.name or f"combinations-{len(self._combinations) + 1}"
            while wish in self._known:
                wish += "-x"
            name = self._combinations[found] = wish
            self._known[name] = NamedSet(name, fields, rows, COMBINED)
        return SetRef(name, fields)

    def _holds(self, name: str, values: AddressSet) -> bool:
        """Whether a set of this name has exactly this known content."""
        known = self._known[name]
        if known.runtime or not all(len(e) == 1 and isinstance(e[0], AddressSet) for e in known.elements):
            return False
        return _union_addresses(e[0] for e in known.elements) == values

    # ----- ipset.conf --------------------------------------------------------

    def lines(self) -> tuple[SetLine, ...]:
        """`create` and `add` lines of every set that was used."""
        out: list[SetLine] = []
        for (name, family), output in self._used.items():
            known = self._known[name]
            if not _has_addresses(known) and any(
                o == output for (n, f), o in self._used.items() if f.value < family.value
            ):
                continue
            out.append(SetLine("create", output, self._create(known, family)))
            if not known.runtime or known.elements:
                out.extend(SetLine("add", output, (text,)) for text in _elements(known, family))
        return tuple(out)

    def _kind(self, known: NamedSet, family: Family) -> str:
        kind = set_type(known)
        if known.kind == COMBINED or (known.elements and kind in _COMBINED):
            return combined_type(known.fields, known.elements, family)
        return kind

    def _create(self, known: NamedSet, family: Family) -> Words:
        kind = self._kind(known, family)
        words = [kind]
        if kind == "bitmap:port":
            words += ["range", "0-65535"]
        elif kind != "hash:mac":
            words += ["family", "inet" if family is Family.V4 else "inet6"]
        size = known.size or max(65536, sum(1 for _ in _elements(known, family)) if known.elements else 0)
        if kind != "bitmap:port" and size != 65536:
            words += ["maxelem", str(size)]
        if known.timeout is not None:
            words += ["timeout", str(known.timeout)]
        elif known.name in self._timed:
            words += ["timeout", "0"]
        if known.counters:
            words.append("counters")
        return tuple(words)


def _timed(ruleset: Ruleset) -> Iterable[str]:
    for table in ruleset.tables:
        for chain in table.chains:
            for rule in chain.rules:
                for action in rule.actions:
                    if isinstance(action, AddToSet) and action.timeout is not None:
                        yield action.set


def _has_addresses(known: NamedSet) -> bool:
    return any(f in _ADDRESSES for f in known.fields) or set_type(known).startswith("hash:ip")


def directions(fields: Sequence[Field]) -> str:
    """`src,dst`; protocol and port are one member of an ipset."""
    out = []
    for field in fields:
        if field is Field.PROTOCOL and any(f in _PORTS for f in fields):
            continue
        if field not in _DIRECTION:
            raise Inexpressible(
                "set-field", f"an ipset cannot hold {field.value}", "use addresses, ports, or MAC addresses"
            )
        out.append(_DIRECTION[field])
    return ",".join(out)


_KINDS = {"addresses": "hash:ip", "networks": "hash:net", "ports": "bitmap:port", "macs": "hash:mac"}


_COMBINED = ("hash:net,port", "hash:net,port,net", "hash:net,net")
"""Types that hosts among the first members make narrower."""


def set_type(known: NamedSet) -> str:
    """The ipset type."""
    if len(known.fields) <= 1 and known.kind in _KINDS:
        return _KINDS[known.kind]
    words: list[str] = []
    for field in known.fields:
        if field in _ADDRESSES:
            words.append("net" if known.kind != "addresses" else "ip")
        elif field in _PORTS:
            words.append("port")
        elif field is Field.SMAC:
            words.append("mac")
        elif field in (Field.IIF, Field.OIF):
            words.append("iface")
        elif field is not Field.PROTOCOL:
            raise Inexpressible(
                "set-field", f"an ipset cannot hold {field.value}", "use addresses, ports, or MAC addresses"
            )
    if words == ["port"]:
        return "bitmap:port"
    if words and words[0] in ("ip", "net", "mac") and words != ["mac", "port"]:
        return "hash:" + ",".join(words)
    raise Inexpressible(
        "set-kind", f"iptables has no sets of {known.kind or 'this kind'}", "list the members in the rule"
    )


def _content(known: NamedSet, ref: SetRef) -> Match:
    if not known.elements:
        return NEVER
    if len(ref.fields) == 1:
        parts: tuple[Match, ...] = tuple(FieldIn(ref.fields[0], e[0], known.name) for e in known.elements)
        values = [e[0] for e in known.elements]
        if all(isinstance(v, AddressSet) for v in values):
            return FieldIn(ref.fields[0], _union_addresses(values), known.name)
        return parts[0] if len(parts) == 1 else AnyOf(parts)
    return TupleIn(ref.fields, known.elements, known.name) if ref.fields else ALWAYS


def _union_addresses(values: Iterable[Values]) -> AddressSet:
    v4: list[tuple[int, int]] = []
    v6: list[tuple[int, int]] = []
    for each in values:
        assert isinstance(each, AddressSet)
        v4.extend(each.v4.runs)
        v6.extend(each.v6.runs)
    return AddressSet(IntervalSet(v4), IntervalSet(v6))


def _elements(known: NamedSet, family: Family) -> Iterable[str]:
    """Every element as ipset spells it; a run of addresses is the fewest prefixes."""
    for element in known.elements:
        texts = [""]
        named: Mapping[Field, Values] = dict(zip(known.fields, element, strict=True))
        for field, values in zip(
            known.fields, element, strict=True
        ):  # a field may stand for two addresses of a run-time set
            if not texts:
                break
            if field is Field.PROTOCOL and any(f in _PORTS for f in named):
                continue
            options = list(_member(field, values, named, family))
            texts = [f"{t},{o}" if t else o for t in texts for o in options]
        yield from texts


def _member(field: Field, values: Values, named: Mapping[Field, Values], family: Family) -> Iterable[str]:
    if isinstance(values, AddressSet):
        for run in values.family(family).runs:
            for low, length in prefixes(run, family.bits):
                text = address_text(family, low)
                yield text if length == family.bits else f"{text}/{length}"
    elif isinstance(values, IntervalSet):
        for low, high in values.runs:
            if field is Field.SMAC:
                yield from (mac_text(v) for v in range(low, min(high, low + 4096) + 1))
                continue
            span = str(low) if low == high else f"{low}-{high}"
            protocols = named.get(Field.PROTOCOL)
            if field in _PORTS and len(named) > 1:
                numbers = list(protocols) if isinstance(protocols, IntervalSet) else [6, 17]
                yield from (f"{ {6: 'tcp', 17: 'udp', 132: 'sctp'}.get(n, n) }:{span}" for n in numbers)
            else:
                yield span
    else:
        yield from (t.rstrip("*") for t in values.texts())
