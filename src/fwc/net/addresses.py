"""IPv4 and IPv6 addresses as integers: parsing, prefixes, and sets that keep the families apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fwc.net.hooks import Family
from fwc.net.intervals import EMPTY, IntervalSet, Run

V4_ALL = IntervalSet.full(32)
V6_ALL = IntervalSet.full(128)


def parse_v4(text: str) -> int | None:
    """The integer of a dotted quad, or None; leading zeros are refused because tools disagree on octal."""
    parts = text.split(".")
    if len(parts) != 4:
        return None
    value = 0
    for part in parts:
        if not part.isascii() or not part.isdigit() or len(part) > 3 or (part[0] == "0" and len(part) > 1):
            return None
        octet = int(part)
        if octet > 255:
            return None
        value = value << 8 | octet
    return value


def parse_v6(text: str) -> int | None:
    """The integer of an IPv6 address without zone, or None (RFC 4291 section 2.2)."""
    try:
        return int.from_bytes(socket_pton6(text), "big")
    except (OSError, ValueError):
        return None


def socket_pton6(text: str) -> bytes:
    import socket  # not above: a policy without IPv6 addresses needs nothing of it

    return socket.inet_pton(socket.AF_INET6, text)


def parse_address(text: str) -> tuple[Family, int] | None:
    """Family and integer of an address of either family, or None."""
    if ":" in text:
        v6 = parse_v6(text)
        return None if v6 is None else (Family.V6, v6)
    v4 = parse_v4(text)
    return None if v4 is None else (Family.V4, v4)


def format_v4(value: int) -> str:
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def format_v6(value: int) -> str:
    """The canonical text (RFC 5952)."""
    import socket

    return socket.inet_ntop(socket.AF_INET6, value.to_bytes(16, "big"))


def format_address(family: Family, value: int) -> str:
    return format_v4(value) if family is Family.V4 else format_v6(value)


def prefixes(run: Run, bits: int) -> Iterator[tuple[int, int]]:
    """The fewest (value, length) prefixes that cover low..high exactly, in order."""
    low, high = run
    while low <= high:
        size = (low & -low).bit_length() - 1 if low else bits
        while (1 << size) - 1 > high - low:
            size -= 1
        yield low, bits - size
        low += 1 << size


def prefix_run(value: int, length: int, bits: int) -> Run:
    """First and last address of the prefix; host bits are dropped."""
    size = bits - length
    low = value >> size << size
    return low, low + (1 << size) - 1


class AddressSet:
    """An immutable set of IPv4 and IPv6 addresses. A family whose part is empty holds no address of that family."""

    __slots__ = ("_hash", "v4", "v6")
    v4: IntervalSet
    v6: IntervalSet

    def __init__(self, v4: IntervalSet = EMPTY, v6: IntervalSet = EMPTY) -> None:
        self.v4 = v4
        self.v6 = v6
        self._hash = -1

    @classmethod
    def of_family(cls, family: Family, values: IntervalSet) -> AddressSet:
        return cls(values, EMPTY) if family is Family.V4 else cls(EMPTY, values)

    def family(self, family: Family) -> IntervalSet:
        return self.v4 if family is Family.V4 else self.v6

    def families(self) -> tuple[Family, ...]:
        """The families in which the set has members."""
        return tuple(f for f in Family if self.family(f))

    def only(self, family: Family) -> AddressSet:
        return AddressSet.of_family(family, self.family(family))

    def __bool__(self) -> bool:
        return bool(self.v4) or bool(self.v6)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddressSet) and self.v4 == other.v4 and self.v6 == other.v6

    def __hash__(self) -> int:
        if self._hash == -1:
            self._hash = hash((self.v4, self.v6))
        return self._hash

    def __or__(self, other: AddressSet) -> AddressSet:
        return AddressSet(self.v4 | other.v4, self.v6 | other.v6)

    def __and__(self, other: AddressSet) -> AddressSet:
        return AddressSet(self.v4 & other.v4, self.v6 & other.v6)

    def __sub__(self, other: AddressSet) -> AddressSet:
        return AddressSet(self.v4 - other.v4, self.v6 - other.v6)

    def __invert__(self) -> AddressSet:
        return AddressSet(V4_ALL - self.v4, V6_ALL - self.v6)

    def __le__(self, other: AddressSet) -> bool:
        return self.v4 <= other.v4 and self.v6 <= other.v6

    def texts(self, family: Family) -> Iterator[str]:
        """Each run as address, prefix or, where no single prefix fits, `low-high`."""
        for low, high in self.family(family).runs:
            yield format_run(family, (low, high))

    def cidrs(self, family: Family) -> Iterator[str]:
        """The fewest prefixes, single addresses without length."""
        for run in self.family(family).runs:
            for value, length in prefixes(run, family.bits):
                text = format_address(family, value)
                yield text if length == family.bits else f"{text}/{length}"

    def __repr__(self) -> str:
        return "AddressSet(" + ", ".join([*self.texts(Family.V4), *self.texts(Family.V6)]) + ")"


ANY_ADDRESS = AddressSet(V4_ALL, V6_ALL)
NO_ADDRESS = AddressSet()


def format_run(family: Family, run: Run) -> str:
    """A run as one address, one prefix, or `low-high`."""
    low, high = run
    size = high - low + 1
    if size == 1:
        return format_address(family, low)
    if size & (size - 1) == 0 and low & (size - 1) == 0:
        return f"{format_address(family, low)}/{family.bits - size.bit_length() + 1}"
    return f"{format_address(family, low)}-{format_address(family, high)}"


def union(sets: Iterable[AddressSet]) -> AddressSet:
    """The union of many sets, sorted once."""
    v4: list[Run] = []
    v6: list[Run] = []
    for each in sets:
        v4.extend(each.v4.runs)
        v6.extend(each.v6.runs)
    return AddressSet(IntervalSet(v4), IntervalSet(v6))
