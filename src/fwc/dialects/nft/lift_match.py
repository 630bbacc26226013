"""Comparisons of a rule as conditions of the IR."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.dialects.nft.checks import check
from fwc.dialects.nft.lift_values import Literals, Unknown, number
from fwc.dialects.nft.printer import statement
from fwc.ir.match import (
    ADDRESS_TYPES,
    NEVER,
    AddressTypeIs,
    CgroupIs,
    Chance,
    EveryNth,
    Field,
    FieldIn,
    HelperIs,
    MaskedIn,
    Match,
    Opaque,
    Owner,
    ReversePathFails,
    RouteLeavesBy,
    SetRef,
    TimeWindow,
    TupleIn,
    Values,
    all_of,
    any_of,
    family_is,
    negate,
)
from fwc.net.address_types import MULTICAST
from fwc.net.addresses import V4_ALL, V6_ALL, AddressSet, parse_address
from fwc.net.clock import DAY, LAST_MOMENT, moment, moment_text, time_of_day
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.passes.conjunctions import DOMAINS

_PROTOCOLS = {name: FieldIn(Field.PROTOCOL, IntervalSet.of(n)) for name, n in words.PORT_PROTOCOLS.items()}
_V4, _V6 = family_is(Family.V4), family_is(Family.V6)

# selector: (field, what the selector implies besides)
SELECTORS: dict[str, tuple[Field, Match | None]] = {
    "ip saddr": (Field.SADDR, None),
    "ip daddr": (Field.DADDR, None),
    "ip6 saddr": (Field.SADDR, None),
    "ip6 daddr": (Field.DADDR, None),
    "ct original ip saddr": (Field.CT_ORIG_SADDR, None),
    "ct original ip daddr": (Field.CT_ORIG_DADDR, None),
    "ct original ip6 saddr": (Field.CT_ORIG_SADDR, None),
    "ct original ip6 daddr": (Field.CT_ORIG_DADDR, None),
    "ct original saddr": (Field.CT_ORIG_SADDR, None),
    "ct original daddr": (Field.CT_ORIG_DADDR, None),
    "ct original proto-dst": (Field.CT_ORIG_DPORT, None),
    "ip protocol": (Field.PROTOCOL, _V4),
    "ip6 nexthdr": (Field.PROTOCOL, _V6),
    "ip ttl": (Field.TTL, _V4),
    "ip6 hoplimit": (Field.TTL, _V6),
    "ip dscp": (Field.DSCP, _V4),
    "ip6 dscp": (Field.DSCP, _V6),
    "ip length": (Field.LENGTH, _V4),
    "ether saddr": (Field.SMAC, None),
    "vlan id": (Field.VLAN, None),
    "icmp type": (Field.ICMP, None),
    "icmpv6 type": (Field.ICMPV6, None),
    "th sport": (Field.SPORT, None),
    "th dport": (Field.DPORT, None),
    "ct state": (Field.CT_STATE, None),
    "ct mark": (Field.CT_MARK, None),
    "ip version": (Field.FAMILY, None),
    "ip6 version": (Field.FAMILY, None),
    "ether type": (Field.FAMILY, None),
    **{f"{word} {side}": (field, proto) for word, proto in _PROTOCOLS.items()
       for side, field in (("sport", Field.SPORT), ("dport", Field.DPORT))},
    **{f"{prefix}{word}": (field, None) for prefix in ("", "meta ") for word, field in (
        ("mark", Field.MARK), ("iif", Field.IIF), ("iifname", Field.IIF), ("oif", Field.OIF), ("oifname", Field.OIF),
        ("pkttype", Field.PKTTYPE), ("l4proto", Field.PROTOCOL), ("length", Field.LENGTH), ("nfproto", Field.FAMILY),
        ("protocol", Field.FAMILY))},
}  # fmt: skip
_FAMILY_OF = {"ip ": Family.V4, "ip6": Family.V6}
_COMPARE = frozenset(("<", ">", "<=", ">="))


def family_of(selector: str) -> Family | None:
    """The family that an address selector belongs to."""
    if selector.startswith("ct original "):
        selector = selector[len("ct original ") :]
    return _FAMILY_OF.get(selector[:3])


class Conditions:
    """Lifts comparisons; `runtime` tells the IR's name of a set whose content is not known."""

    def __init__(self, literals: Literals, runtime: dict[str, str]) -> None:
        self.literals = literals
        self.runtime = runtime
        self.doubtful: dict[t.Statement, list[tuple[str, str]]] = {}
        self._memo: dict[t.Compare, Match] = {}

    def lift(self, node: t.Compare) -> Match:
        known = self._memo.get(node)
        if known is None:
            self.check(node)
            try:
                known = self._lift(node)
            except Unknown:
                known = Opaque("nft", statement(node), _kind(node.left))
            if len(self._memo) < 1 << 16:
                self._memo[node] = known
        return known

    def check(self, node: t.Compare | t.Vmap) -> None:
        """Raise Wrong where nft refuses the values, and remember what it has to look up elsewhere (`doubtful`)."""
        found = check(node)
        if found:
            self.doubtful[node] = found

    def _lift(self, node: t.Compare) -> Match:
        left, op, right = node.left, node.op, node.right
        right = self._plain(right)
        if isinstance(left, t.Selector):
            special = _SPECIAL.get(left.text)
            if special is not None:
                return special(self, left.text, op, right)
            if left.text in SELECTORS:
                return self._field(left.text, op, right)
            return self._long(left.text, op, right)
        if isinstance(left, t.Operation):
            return self._masked(left, op, right)
        if isinstance(left, t.Concat):
            return self._tuple(left, op, right)
        raise Unknown("")

    def _plain(self, expr: t.Expr) -> t.Expr:
        seen = 0
        while isinstance(expr, t.Var) and seen < 20:
            expr = self.literals.variable(expr.name)
            seen += 1
        return expr

    def _field(self, text: str, op: str, right: t.Expr) -> Match:
        field, implied = SELECTORS[text]
        if isinstance(right, t.Operation):
            if field is Field.CT_STATE:
                raise Unknown(text)
            raise Unknown(text)
        if isinstance(right, t.Ref) and right.name in self.runtime and self.literals.content(right.name) is None:
            match: Match = SetRef(self.runtime[right.name], (field,))
            if op == "!=":
                match = negate(match)
            family = family_of(text)
            guards = [g for g in (implied, family_is(family) if family else None) if g is not None]
            return all_of(*guards, match)
        values = self.literals.values(field, right)
        if op == "!=":
            values = self._complement(field, values, text)
        elif op in _COMPARE:
            values = _ordered(field, op, values)
        elif isinstance(values, AddressSet):
            family = family_of(text)
            values = values.only(family) if family is not None else values
        name = right.name if isinstance(right, t.Ref) else ""
        found = FieldIn(field, values, name)
        return found if implied is None else all_of(implied, found)

    def _complement(self, field: Field, values: Values, text: str) -> Values:
        if isinstance(values, AddressSet):
            family = family_of(text)
            if family is Family.V4:
                return AddressSet(V4_ALL - values.v4)
            if family is Family.V6:
                return AddressSet(v6=V6_ALL - values.v6)
            return ~values
        if isinstance(values, IfaceSet):
            return ~values
        if field is Field.FAMILY:
            return IntervalSet.of(4, 6) - values
        return DOMAINS[field] - values

    # ----- bits --------------------------------------------------------------

    def _masked(self, left: t.Operation, op: str, right: t.Expr) -> Match:
        if left.op != "&" or not isinstance(left.left, t.Selector):
            raise Unknown("")
        text = left.left.text
        names = _BIT_NAMES.get(text, {})
        mask_expr = left.right
        if text in ("ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr"):
            return self._address_mask(text, mask_expr, op, right)
        mask = self._bits(mask_expr, names)
        if text == "ip frag-off":
            return _fragment(mask, op, self._bits(right, {}))
        field = {"tcp flags": Field.TCP_FLAGS, "ct status": Field.CT_STATUS}.get(text) or SELECTORS.get(text, (None,))[
            0
        ]
        if field not in (Field.TCP_FLAGS, Field.CT_STATUS, Field.MARK, Field.CT_MARK):
            raise Unknown(text)
        if isinstance(right, t.SetOf):
            values = IntervalSet.of(*(self._bits(e.key, names) for e in right.elements))
        else:
            values = IntervalSet.of(self._bits(right, names))
        if op in _COMPARE and field is Field.TCP_FLAGS and not isinstance(right, t.SetOf):
            ordered = _ordered(field, op, values)
            return MaskedIn(field, mask, ordered) if ordered else NEVER
        match: Match = MaskedIn(field, mask, values)
        if op == "!=":
            if field is Field.TCP_FLAGS:
                return all_of(_PROTOCOLS["tcp"], negate(match))
            return negate(match)
        if op in _COMPARE:
            raise Unknown(text)
        return match

    def _address_mask(self, text: str, mask: t.Expr, op: str, right: t.Expr) -> Match:
        one, two = parse_address(self.literals.text(mask)), parse_address(self.literals.text(right))
        family = family_of(text)
        if one is None or two is None or family is None or op in _COMPARE:
            raise Unknown(text)
        match = MaskedIn(SELECTORS[text][0], one[1], IntervalSet.of(two[1]), family)
        return all_of(family_is(family), negate(match)) if op == "!=" else match

    def _bits(self, expr: t.Expr, names: dict[str, int]) -> int:
        if isinstance(expr, t.Word):
            return number(expr.text, names, 32)
        if isinstance(expr, t.Var):
            return self._bits(self.literals.variable(expr.name), names)
        if isinstance(expr, t.Listed):
            out = 0
            for part in expr.parts:
                out |= self._bits(part, names)
            return out
        if isinstance(expr, t.Operation) and expr.op in ("|", "&", "^", "<<"):
            one, two = self._bits(expr.left, names), self._bits(expr.right, names)
            return {"|": one | two, "&": one & two, "^": one ^ two, "<<": one << min(two, 32)}[expr.op] & 0xFFFFFFFF
        raise Unknown("")

    # ----- tuples ------------------------------------------------------------

    def _tuple(self, left: t.Concat, op: str, right: t.Expr) -> Match:
        texts = tuple(p.text if isinstance(p, t.Selector) else "" for p in left.parts)
        if texts in (("icmp type", "icmp code"), ("icmpv6 type", "icmpv6 code")) and op in ("", "==", "!="):
            found = self._icmp_pairs(texts[0], right)
            return FieldIn(SELECTORS[texts[0]][0], found.complement(16) if op == "!=" else found)
        fields = self.tuple_fields(texts)
        guards = self.tuple_guards(texts)
        if isinstance(right, t.Ref) and right.name in self.runtime and self.literals.content(right.name) is None:
            ref: Match = SetRef(self.runtime[right.name], fields)
            return all_of(*guards, negate(ref) if op == "!=" else ref)
        rows = self.rows(fields, right, texts)
        if op in _COMPARE:
            raise Unknown("")
        match: Match = TupleIn(fields, tuple(row for row, _ in rows), right.name if isinstance(right, t.Ref) else "")
        return all_of(*guards, negate(match) if op == "!=" else match)

    def tuple_fields(self, texts: tuple[str, ...]) -> tuple[Field, ...]:
        fields = []
        for text in texts:
            known = SELECTORS.get(text)
            if known is None:
                raise Unknown(text)
            fields.append(known[0])
        if len(set(fields)) != len(fields):
            raise Unknown("the same field twice")
        return tuple(fields)

    def tuple_guards(self, texts: tuple[str, ...]) -> list[Match]:
        guards: list[Match] = []
        for text in texts:
            implied = SELECTORS[text][1]
            family = family_of(text)
            if family is not None:
                implied = family_is(family)
            if implied is not None and implied not in guards:
                guards.append(implied)
        return guards

    def rows(
        self, fields: tuple[Field, ...], source: t.Expr, texts: tuple[str, ...]
    ) -> list[tuple[tuple[Values, ...], t.Expr | None]]:
        """Elements of a set or map as values per field, with the data of a map."""
        source = self._plain(source)
        if isinstance(source, t.Ref):
            elements = self.literals.content(source.name)
            if elements is None:
                raise Unknown(source.name)
        elif isinstance(source, t.SetOf):
            elements = source.elements
        else:
            elements = (t.Element(source),)
        keys = [element.key for element in elements]
        rows = [key.parts if type(key) is t.Concat else self._parts(key, len(fields)) for key in keys]
        if any(len(row) != len(fields) for row in rows):
            raise Unknown("")
        columns = zip(*rows, strict=True) if rows else ()
        values = [self._column(*given) for given in zip(fields, texts, columns, strict=bool(rows))]
        return list(zip(zip(*values, strict=True), [element.data for element in elements], strict=True))

    def _column(self, field: Field, text: str, parts: Sequence[t.Expr]) -> list[Values]:
        """The values of one field in all elements: few different words, each as one object."""
        different = dict(zip(map(id, parts), parts, strict=True))
        known = {number: self._column_values(field, text, part) for number, part in different.items()}
        return list(map(known.__getitem__, map(id, parts)))

    def _parts(self, key: t.Expr, count: int) -> tuple[t.Expr, ...]:
        key = self._plain(key)
        if isinstance(key, t.SetOf) and count == 1:
            return (key,)
        if isinstance(key, t.Word) and key.text == "*":
            raise Unknown("*")
        return key.parts if isinstance(key, t.Concat) else (key,)

    def _column_values(self, field: Field, text: str, part: t.Expr) -> Values:
        values = self.literals.values(field, part)
        family = family_of(text) if isinstance(values, AddressSet) else None
        return values.only(family) if family is not None and isinstance(values, AddressSet) else values

    def _icmp_pairs(self, text: str, right: t.Expr) -> IntervalSet:
        field = SELECTORS[text][0]
        codes = words.ICMP_CODES if field is Field.ICMP else words.ICMPV6_CODES
        elements = right.elements if isinstance(right, t.SetOf) else (t.Element(right),)
        runs = []
        for element in elements:
            if not isinstance(element.key, t.Concat) or len(element.key.parts) != 2:
                raise Unknown("")
            kinds = self.literals.values(field, element.key.parts[0])
            assert isinstance(kinds, IntervalSet)
            first, last = _code_run(self.literals.text(element.key.parts[1]), codes)
            for kind in {v >> 8 for v in kinds}:
                runs.append((kind << 8 | first, kind << 8 | last))
        return IntervalSet(runs)

    # ----- selectors with a meaning of their own -----------------------------

    def _code(self, text: str, op: str, right: t.Expr) -> Match:
        field, codes = (Field.ICMP, words.ICMP_CODES) if text == "icmp code" else (Field.ICMPV6, words.ICMPV6_CODES)
        elements = [e.key for e in right.elements] if isinstance(right, t.SetOf) else [right]
        values = IntervalSet([_code_run(self.literals.text(each), codes) for each in elements])
        if op == "!=":
            values = values.complement(8)
        elif op in _COMPARE:
            raise Unknown(text)
        return FieldIn(field, IntervalSet((k << 8 | a, k << 8 | b) for k in range(256) for a, b in values.runs))

    def _flags(self, text: str, op: str, right: t.Expr) -> Match:
        names = words.FLAGS
        tcp = _PROTOCOLS["tcp"]
        if isinstance(right, t.SetOf):
            values = IntervalSet.of(*(self._bits(e.key, names) for e in right.elements))
            return all_of(tcp, FieldIn(Field.TCP_FLAGS, values if op != "!=" else values.complement(8)))
        if isinstance(right, t.Operation) and right.op == "/":
            match: Match = MaskedIn(
                Field.TCP_FLAGS, self._bits(right.right, names), IntervalSet.of(self._bits(right.left, names))
            )
            return all_of(tcp, negate(match)) if op == "!=" else match
        bits = self._bits(right, names)
        if op == "==":
            return all_of(tcp, FieldIn(Field.TCP_FLAGS, IntervalSet.of(bits)))
        if op == "!=":
            return all_of(tcp, FieldIn(Field.TCP_FLAGS, IntervalSet.of(bits).complement(8)))
        if op:
            raise Unknown(text)
        return all_of(tcp, negate(MaskedIn(Field.TCP_FLAGS, bits, IntervalSet.of(0))))

    def _status(self, text: str, op: str, right: t.Expr) -> Match:
        if isinstance(right, t.SetOf):
            raise Unknown(text)
        bits = self._bits(right, words.STATUS_BITS)
        if op == "==":
            return FieldIn(Field.CT_STATUS, IntervalSet.of(bits))
        if op in _COMPARE:
            raise Unknown(text)
        if op == "!=":
            return negate(FieldIn(Field.CT_STATUS, IntervalSet.of(bits)))
        if bits & (bits - 1) == 0:
            return MaskedIn(Field.CT_STATUS, bits, IntervalSet.of(bits))
        return any_of(*(MaskedIn(Field.CT_STATUS, 1 << b, IntervalSet.of(1 << b)) for b in range(16) if bits >> b & 1))

    def _owner(self, text: str, op: str, right: t.Expr) -> Match:
        kind = "user" if text.endswith("skuid") else "group"
        elements = [e.key for e in right.elements] if isinstance(right, t.SetOf) else [right]
        match = Owner(kind, tuple(self.literals.text(e) for e in elements))
        if op in _COMPARE or any("-" in n for n in match.names if n[:1].isdigit()):
            raise Unknown(text)
        return negate(match) if op == "!=" else match

    def _fragment_header(self, text: str, op: str, right: t.Expr) -> Match:
        word = self.literals.text(right)
        if word not in ("exists", "missing", "1", "0") or op:
            raise Unknown(text)
        return all_of(_V6, FieldIn(Field.FRAGMENT, IntervalSet.of(1 if word in ("exists", "1") else 0)))

    def _ipsec(self, text: str, op: str, right: t.Expr) -> Match:
        word = self.literals.text(right)
        if word not in ("exists", "missing", "1", "0"):
            raise Unknown(text)
        field = Field.IPSEC_OUT if text == "rt ipsec" else Field.IPSEC
        return FieldIn(field, IntervalSet.of(1 if (word in ("exists", "1")) is (op != "!=") else 0))

    def _helper(self, text: str, op: str, right: t.Expr) -> Match:
        match = HelperIs(self.literals.text(right))
        return negate(match) if op == "!=" else match

    def _fib(self, text: str, op: str, right: t.Expr) -> Match:
        if text == "fib daddr oifname":
            elements = [e.key for e in right.elements] if isinstance(right, t.SetOf) else [right]
            route = RouteLeavesBy(tuple(self.literals.text(e) for e in elements))
            return negate(route) if op == "!=" else route
        word = self.literals.text(right)
        missing = word in ("missing", "0") if word in ("missing", "exists", "0") else None
        if missing is None:
            raise Unknown(text)
        match = ReversePathFails(loose="iif" not in text, mark="mark" in text)
        return match if missing is (op != "!=") else negate(match)

    def _address_type(self, text: str, op: str, right: t.Expr) -> Match:
        side = Field.SADDR if "saddr" in text else Field.DADDR
        elements = [e.key for e in right.elements] if isinstance(right, t.SetOf) else [right]
        types: list[Match] = []
        for each in elements:
            word = self.literals.text(each)
            if word == "multicast":
                types.append(FieldIn(side, MULTICAST))
            elif word in ADDRESS_TYPES:
                types.append(AddressTypeIs(side, word))
            else:
                raise Unknown(text)
        return negate(any_of(*types)) if op == "!=" else any_of(*types)

    def _day(self, text: str, op: str, right: t.Expr) -> Match:
        elements = [e.key for e in right.elements] if isinstance(right, t.SetOf) else [right]
        days = set()
        for each in elements:
            word = self.literals.text(each)
            found = next(
                (i for i, day in enumerate(words.DAYS) if day.lower().startswith(word.lower()) and len(word) > 2), None
            )
            if found is None:
                if not word.isdigit() or int(word) > 6:
                    raise Unknown(text)
                found = (int(word) + 6) % 7
            days.add(found)
        match = TimeWindow(days=frozenset(days))
        return negate(match) if op == "!=" else match

    def _hour(self, text: str, op: str, right: t.Expr) -> Match:
        (first, utc), (last, other) = (_clock(each) for each in self._ends(right))
        if first > last or utc is not other or (op in _COMPARE and not utc):
            raise Unknown(text)  # nft moves local times to UTC before it compares them
        if op in _COMPARE:
            window = {"<": (0, first), "<=": (0, first + 1), ">": (first + 1, DAY), ">=": (first, DAY)}[op]
            return TimeWindow(*window, utc=True) if window[0] < window[1] else NEVER
        match = TimeWindow(first, last + 1, utc=utc)
        return negate(match) if op == "!=" else match

    def _ends(self, right: t.Expr) -> tuple[str, str]:
        """The ends of a range, or a value twice."""
        if isinstance(right, t.RangeOf):
            return self.literals.text(right.low), self.literals.text(right.high)
        word = self.literals.text(right)
        numbers = re.fullmatch(r"(\d+)-(\d+)", word)
        return (numbers[1], numbers[2]) if numbers is not None else (word, word)

    def _time(self, text: str, op: str, right: t.Expr) -> Match:
        """The kernel compares nanoseconds: what holds up to a second ends before it."""
        low, high = self._ends(right)
        if low != high:
            (since, utc), (end, other) = _moment(low), _moment(high)
            if utc is not other:
                raise Unknown(text)
            match = TimeWindow(since=moment_text(since), until=_before(end), utc=utc)
            return negate(match) if op == "!=" else match
        at, utc = _moment(low)
        if op in ("<", "<="):
            return TimeWindow(until=_before(at), utc=utc)
        if op in (">", ">="):
            return TimeWindow(since=moment_text(at), utc=utc)
        raise Unknown(text)

    def _long(self, text: str, op: str, right: t.Expr) -> Match:
        if text.startswith("numgen random mod ") and op in ("<", "<=", ">", ">=", "", "=="):
            modulus = int(text.split()[3])
            value = number(self.literals.text(right), {}, 32)
            hits = {"<": value, "<=": value + 1, ">": modulus - value - 1, ">=": modulus - value}.get(op, 1)
            if modulus <= 0 or hits * 1_000_000 % modulus:
                raise Unknown(text)
            if op in (">", ">="):
                return negate(Chance((modulus - hits) * 1_000_000 // modulus))
            return Chance(hits * 1_000_000 // modulus)
        if text.startswith("numgen inc mod ") and "offset" not in text and op in ("", "==", "!="):
            every, packet = int(text.split()[3]), number(self.literals.text(right), {}, 32)
            if every < 1 or packet >= every:
                raise Unknown(text)
            turn = EveryNth(every, packet)
            return negate(turn) if op == "!=" else turn
        if text.startswith("socket cgroupv2 level "):
            match: Match = CgroupIs(self.literals.text(right))
            return negate(match) if op == "!=" else match
        raise Unknown(text)


_BIT_NAMES = {"tcp flags": words.FLAGS, "ct status": words.STATUS_BITS}
_SPECIAL = {
    "icmp code": Conditions._code,
    "icmpv6 code": Conditions._code,
    "tcp flags": Conditions._flags,
    "ct status": Conditions._status,
    "meta skuid": Conditions._owner,
    "skuid": Conditions._owner,
    "meta skgid": Conditions._owner,
    "skgid": Conditions._owner,
    "exthdr frag": Conditions._fragment_header,
    "meta ipsec": Conditions._ipsec,
    "meta secpath": Conditions._ipsec,
    "rt ipsec": Conditions._ipsec,
    "ct helper": Conditions._helper,
    "fib saddr . iif oif": Conditions._fib,
    "fib saddr oif": Conditions._fib,
    "fib saddr . mark . iif oif": Conditions._fib,
    "fib saddr . mark oif": Conditions._fib,
    "fib daddr oifname": Conditions._fib,
    "fib daddr type": Conditions._address_type,
    "fib saddr type": Conditions._address_type,
    "meta day": Conditions._day,
    "meta hour": Conditions._hour,
    "meta time": Conditions._time,
    "day": Conditions._day,
    "hour": Conditions._hour,
    "time": Conditions._time,
}


def _kind(left: t.Expr) -> str:
    if isinstance(left, t.Selector):
        return left.text
    if isinstance(left, t.Operation):
        return _kind(left.left)
    return "concatenation" if isinstance(left, t.Concat) else "expression"


def _code_run(text: str, codes: dict[str, int]) -> tuple[int, int]:
    """`no-route`, `4` or `0-3`: names of ICMP codes hold hyphens, ranges are of numbers."""
    low, _, high = (text, "", "") if text in codes else text.partition("-")
    first = number(low, codes, 8)
    return first, number(high, codes, 8) if high else first


def _clock(text: str) -> tuple[int, bool]:
    """Seconds of the day, and whether they are UTC: a number is (hour_type_parse() in nftables' src/meta.c)."""
    if text.isdigit():
        seconds = number(text, {}, 17)
        if seconds >= DAY:
            raise Unknown(text)
        return seconds, True
    seconds_or_none = time_of_day(text)
    if seconds_or_none is None:
        raise Unknown(text)
    return seconds_or_none, False


def _moment(text: str) -> tuple[int, bool]:
    """Seconds from 1970 on, and whether they are UTC: a number is."""
    found = number(text, {}, 38) if text.isdigit() else moment(text)
    if found is None or not 0 <= found <= LAST_MOMENT:
        raise Unknown(text)
    return found, text.isdigit()


def _before(second: int) -> str:
    if second < 1:
        raise Unknown("")
    return moment_text(second - 1)


def _ordered(field: Field, op: str, values: Values) -> IntervalSet:
    if not isinstance(values, IntervalSet) or field not in DOMAINS or len(values.runs) != 1:
        raise Unknown(op)
    value = values.runs[0][0]
    top = DOMAINS[field].runs[-1][1]
    low, high = {"<": (0, value - 1), "<=": (0, value), ">": (value + 1, top), ">=": (value, top)}[op]
    return IntervalSet.range(low, high) if low <= high else IntervalSet()


def _fragment(mask: int, op: str, value: int) -> Match:
    if mask != 0x3FFF or value != 0 or op not in ("==", "!="):
        raise Unknown("")
    return all_of(_V4, FieldIn(Field.FRAGMENT, IntervalSet.of(1 if op == "!=" else 0)))
