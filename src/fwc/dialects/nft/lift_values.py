"""Literals of nft as values of the IR."""

from __future__ import annotations

from collections.abc import Callable

from fwc.dialects.nft import tree as t
from fwc.dialects.nft import words
from fwc.errors import FwcError
from fwc.ir.match import Field, Values
from fwc.net.addresses import AddressSet, parse_address, parse_v4, parse_v6, prefix_run
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet, Run
from fwc.net.protocols import DSCP
from fwc.net.services import SERVICES


class Unknown(FwcError):
    """An expression with a meaning that is not modelled."""


class Wrong(FwcError):
    """An expression that nft refuses."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.help = help


def number(text: str, names: dict[str, int], bits: int) -> int:
    known = names.get(text)
    if known is not None:
        return known
    try:
        value = (
            int(text, 16)
            if text[:2].lower() == "0x"
            else int(text, 8)
            if text[:1] == "0" and text.isdigit() and len(text) > 1
            else int(text)
        )
    except ValueError:
        raise Unknown(text) from None
    if not 0 <= value < 1 << bits:
        raise Wrong("FW001", f"{text} does not fit into {bits} bits")
    return value


def _run(text: str, names: dict[str, int], bits: int) -> Run:
    if text in names:
        value = names[text]
        return value, value
    low, dash, high = text.partition("-")
    if not dash:
        value = number(text, names, bits)
        return value, value
    first, last = number(low, names, bits), number(high, names, bits)
    if first > last:
        raise Wrong("FW011", f"the range {text} is reversed", "write the lower end first")
    return first, last


def address_run(text: str) -> tuple[Family, Run]:
    low, dash, high = text.partition("-")
    if dash:
        one, two = address_run(low), address_run(high)
        if one[0] is not two[0]:
            raise Wrong("FW001", f"{text} mixes IPv4 and IPv6")
        if one[1][0] > two[1][1]:
            raise Wrong("FW011", f"the range {text} is reversed", "write the lower end first")
        return one[0], (one[1][0], two[1][1])
    base, slash, length = text.partition("/")
    parsed = parse_address(base)
    if parsed is None:
        raise Unknown(text)
    family, value = parsed
    if not slash:
        return family, (value, value)
    if not length.isdigit() or int(length) > family.bits:
        mask = parse_v4(length) if family is Family.V4 else parse_v6(length)
        if mask is None:
            raise Wrong("FW001", f"{text} has no valid prefix length")
        inverse = mask ^ ((1 << family.bits) - 1)
        if inverse & (inverse + 1):
            raise Unknown(text)
        return family, prefix_run(value, family.bits - inverse.bit_length(), family.bits)
    return family, prefix_run(value, int(length), family.bits)


_NAMES: dict[Field, tuple[dict[str, int], int]] = {
    Field.PROTOCOL: (words.PROTOCOL_NUMBERS, 8),
    Field.SPORT: (SERVICES, 16),
    Field.DPORT: (SERVICES, 16),
    Field.CT_ORIG_DPORT: (SERVICES, 16),
    Field.MARK: ({}, 32),
    Field.CT_MARK: ({}, 32),
    Field.TTL: ({}, 8),
    Field.DSCP: (DSCP, 6),
    Field.LENGTH: ({}, 32),
    Field.VLAN: ({}, 12),
    Field.PKTTYPE: (words.PKTTYPES, 3),
    Field.ICMP: (words.ICMP_NUMBERS, 8),
    Field.ICMPV6: (words.ICMPV6_NUMBERS, 8),
    Field.FAMILY: ({"ipv4": 4, "ipv6": 6, "ip": 4, "ip6": 6, "0x0800": 4, "0x86dd": 6, "2": 4, "10": 6, "4": 4, "6": 6}, 8),
    Field.CT_STATE: ({name: state.value for name, state in words.STATES.items()}, 3),
}  # fmt: skip

_ADDRESS = frozenset((Field.SADDR, Field.DADDR, Field.CT_ORIG_SADDR, Field.CT_ORIG_DADDR))


class Literals:
    """Turns expressions into sets of values; `variable` and `content` resolve `$x` and `@x`."""

    def __init__(
        self, variable: Callable[[str], t.Expr], content: Callable[[str], tuple[t.Element, ...] | None]
    ) -> None:
        self.variable = variable
        self.content = content
        self._memo: dict[tuple[Field, t.Expr], Values] = {}

    def values(self, field: Field, expr: t.Expr) -> Values:
        """The set of values that `expr` stands for; raises Unknown where that is not known."""
        if isinstance(expr, t.Word):
            key = (field, expr)
            known = self._memo.get(key)
            if known is None:
                known = self._memo[key] = self._literal(field, expr.text)
            return known
        if isinstance(expr, t.Quoted):
            return self._literal(field, expr.text)
        if isinstance(expr, t.Var):
            return self.values(field, self.variable(expr.name))
        if isinstance(expr, t.SetOf):
            return self._union(field, expr.elements)
        if isinstance(expr, t.Ref):
            elements = self.content(expr.name)
            if elements is None:
                raise Unknown(expr.name)
            return self._union(field, elements)
        if isinstance(expr, t.Listed):
            return self._union(field, tuple(t.Element(p) for p in expr.parts))
        if isinstance(expr, t.RangeOf):
            return self._between(field, expr)
        if isinstance(expr, t.Prefixed):
            base, length = self.text(expr.base), self.text(expr.length)
            return self._literal(field, f"{base}/{length}")
        raise Unknown(str(type(expr)))

    def text(self, expr: t.Expr) -> str:
        if isinstance(expr, t.Word | t.Quoted):
            return expr.text
        if isinstance(expr, t.Var):
            return self.text(self.variable(expr.name))
        raise Unknown("")

    def _between(self, field: Field, expr: t.RangeOf) -> Values:
        return self._literal(field, f"{self.text(expr.low)}-{self.text(expr.high)}")

    def _union(self, field: Field, elements: tuple[t.Element, ...]) -> Values:
        if field in (Field.IIF, Field.OIF):
            names: list[str] = []
            for element in elements:
                inner = self.values(field, element.key)
                assert isinstance(inner, IfaceSet)
                names.extend(inner.texts())
            return IfaceSet.of(names)
        if field in _ADDRESS:
            v4: list[Run] = []
            v6: list[Run] = []
            for element in elements:
                found = self.values(field, element.key)
                assert isinstance(found, AddressSet)
                v4.extend(found.v4.runs)
                v6.extend(found.v6.runs)
            return AddressSet(IntervalSet(v4), IntervalSet(v6))
        runs: list[Run] = []
        for element in elements:
            numbers = self.values(field, element.key)
            assert isinstance(numbers, IntervalSet)
            runs.extend(numbers.runs)
        return IntervalSet(runs)

    def _literal(self, field: Field, text: str) -> Values:
        if field in _ADDRESS:
            family, run = address_run(text)
            return AddressSet.of_family(family, IntervalSet((run,)))
        if field in (Field.IIF, Field.OIF):
            if not text:
                raise Unknown(text)
            if text.endswith("\\*"):
                raise Unknown(text)
            return (
                IfaceSet(frozenset(), frozenset((text[:-1],))) if text.endswith("*") else IfaceSet(frozenset((text,)))
            )
        if field is Field.SMAC:
            parts = text.split(":")
            if len(parts) != 6:
                raise Unknown(text)
            try:
                return IntervalSet.of(int("".join(p.zfill(2) for p in parts), 16))
            except ValueError:
                raise Unknown(text) from None
        known = _NAMES.get(field)
        if known is None:
            raise Unknown(text)
        names, bits = known
        if field in (Field.ICMP, Field.ICMPV6):
            low, high = _run(text, names, bits)
            return IntervalSet.range(low << 8, high << 8 | 255)
        if text == "*":
            return IntervalSet.full(bits)
        if field is Field.FAMILY or field is Field.CT_STATE:
            value = names.get(text)
            if value is None:
                raise Unknown(text)
            return IntervalSet.of(value)
        run = _run(text, names, bits)
        return IntervalSet((run,))
