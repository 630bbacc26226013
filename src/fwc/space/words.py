"""A box in words a person would use: `tcp from 10.0.0.0/8 port 22 in eth0 new`."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from fwc.ir.match import CtState, Field
from fwc.net.addresses import format_run
from fwc.net.clock import DAY, LAST_MOMENT, clock_text, moment_text
from fwc.net.protocols import PROTOCOL_NAMES
from fwc.space.fields import SHIFT, Box, Dimension, Dimensions, Kind, Runs, clock_key, iface_name, iface_run, is_clock

_RUNS = 6

_WORDS = {
    Field.PROTOCOL: "",
    Field.SADDR: "from",
    Field.SPORT: "source port",
    Field.DADDR: "to",
    Field.DPORT: "port",
    Field.ICMP: "type",
    Field.ICMPV6: "type",
    Field.IIF: "in",
    Field.OIF: "out",
    Field.CT_STATE: "",
}
"""The word before the values, in the order in which a sentence names the fields."""

_ORDER = {field: at for at, field in enumerate(_WORDS)}
_STATES = {state.value: state.name.lower() for state in CtState}


def words(dimensions: Dimensions, box: Box, left_out: Collection[int] = ()) -> str:
    """The box as one line without the constraints of `left_out`; "every packet" when nothing is left."""
    parts: list[tuple[int, int, str]] = []
    bits: dict[tuple[str, tuple[object, ...]], list[tuple[int, int]]] = {}
    for c in box:
        if c in left_out:
            continue
        dimension = dimensions.dimensions[c >> SHIFT]
        runs = dimensions.runs[c]
        if dimension.kind is Kind.BIT and isinstance(dimension.key, tuple):
            field, _, bit = dimension.key[:3]
            bits.setdefault((field.value, dimension.key[3:]), []).append((bit, runs[0][0]))
            continue
        parts.append((_rank(dimension), dimension.index, _phrase(dimensions, dimension, runs)))
    for (name, version), values in sorted(bits.items(), key=repr):
        mask = sum(1 << bit for bit, _ in values)
        value = sum(one << bit for bit, one in values)
        late = " once rewritten" if version else ""
        parts.append((len(_ORDER), 0, f"{name} & {mask:#x} is {value:#x}{late}"))
    return " ".join(text for _, _, text in sorted(parts)) or "every packet"


def printable(text: str) -> str:
    """Text of a file as it may stand in a line of output: control characters become `?`."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _rank(dimension: Dimension) -> int:
    field = _field(dimension)
    if field in _ORDER:
        return _ORDER[field]
    return len(_ORDER) + (1 if dimension.kind is Kind.ATOM else 0)


def _field(dimension: Dimension) -> Field | None:
    key = dimension.key[0] if isinstance(dimension.key, tuple) and dimension.key else dimension.key
    return key if isinstance(key, Field) and dimension.exact else None


def _phrase(dimensions: Dimensions, dimension: Dimension, runs: Runs) -> str:
    if dimension.kind is Kind.ATOM:
        return f"({'' if runs[0][0] else 'not '}{printable(dimension.name)})"
    field = _field(dimension)
    word = _WORDS.get(field, dimension.name) if field is not None else dimension.name
    negated = len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == dimension.top
    if negated:
        runs = tuple((high + 1, low - 1) for (_, high), (low, _) in pairwise(runs))
    texts = [_run(dimensions, dimension, field, low, high) for low, high in runs[:_RUNS]]
    if len(runs) > _RUNS:
        texts.append(f"and {len(runs) - _RUNS} more")
    values = texts[0] if len(texts) == 1 else "{" + ", ".join(texts) + "}"
    late = " once rewritten" if isinstance(dimension.key, tuple) and "version" in dimension.key else ""
    return " ".join(word for word in (word, "not" if negated else "", values) if word) + late


def _run(dimensions: Dimensions, dimension: Dimension, field: Field | None, low: int, high: int) -> str:
    if dimension.kind is Kind.ADDRESS:
        return format_run(dimensions.family, (low, high))
    if dimension.kind is Kind.IFACE:
        name = iface_name(low)
        if low == high:
            return name or "none"
        return f"{name}*" if iface_run(name, prefix=True) == (low, high) else "other names"
    if is_clock(dimension):
        week = dimension.key == clock_key("week", False) or dimension.key == clock_key("week", True)
        return f"{_moment(low, week)} to {_moment(high, week)}"
    return run_text(field, low, high)


def _moment(second: int, week: bool) -> str:
    if week:
        return f"{_DAYS[second // DAY]} {clock_text(second % DAY)}"
    return moment_text(min(second, LAST_MOMENT)).replace("T", " ")


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def run_text(field: Field | None, low: int, high: int) -> str:
    """The values low..high of a field, by the names that protocols and states have."""
    if field is Field.PROTOCOL:
        return _named(PROTOCOL_NAMES, low, high)
    if field is Field.CT_STATE:
        return "/".join(_STATES[value] for value in range(low, high + 1))
    if field in (Field.ICMP, Field.ICMPV6):
        return _icmp(low, high)
    return str(low) if low == high else f"{low}-{high}"


def _named(names: dict[int, str], low: int, high: int) -> str:
    if low == high:
        return names.get(low, f"protocol {low}")
    if high - low < 3:
        return ", ".join(_named(names, value, value) for value in range(low, high + 1))
    return f"protocols {low}-{high}"


def _icmp(low: int, high: int) -> str:
    """Types whose codes are all meant are shown by number alone."""
    if low & 255 == 0 and high & 255 == 255:
        return str(low >> 8) if low >> 8 == high >> 8 else f"{low >> 8}-{high >> 8}"
    one = f"{low >> 8}/{low & 255}"
    return one if low == high else f"{one}-{high >> 8}/{high & 255}"
