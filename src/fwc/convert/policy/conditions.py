"""The `if` conditions of the language, from the conditions of the IR that have no place of their own in a statement."""

from __future__ import annotations

from fwc.convert.policy.text import number_list, quoted, word_or_quoted
from fwc.convert.policy.unsaid import Unsaid
from fwc.dialects.iptables.lexer import join_words
from fwc.dialects.iptables.matches import recent_words
from fwc.elaborate.conditions import DEFAULT_BURST
from fwc.ir.match import (
    AddressTypeIs,
    CgroupIs,
    Chance,
    EveryNth,
    Field,
    FieldIn,
    HelperIs,
    MaskedIn,
    Match,
    NoRoute,
    Opaque,
    Owner,
    Per,
    Recent,
    ReversePathFails,
    RouteLeavesBy,
    TimeWindow,
    WithinRate,
)
from fwc.ir.text import match_text
from fwc.net.addresses import V4_ALL
from fwc.net.clock import clock_text
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import DSCP, TCP_FLAGS

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PKTTYPES = ("unicast", "broadcast", "multicast", "otherhost")
_UNITS = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}
_BITS = {Field.MARK: 32, Field.CT_MARK: 32, Field.TCP_FLAGS: 8, Field.TTL: 8, Field.LENGTH: 16}
_LIMITS = {Field.TTL: 255, Field.LENGTH: 65535}
_NATIVE = "leave the rule in a `native` block of the policy, which names one target and is not proved"


def spoken(match: Match, wanted: bool) -> str:
    """The condition, or its negation, as the language writes it after `if`. Raises Unsaid."""
    if isinstance(match, FieldIn) and match.field in _BITS and isinstance(match.values, IntervalSet):
        rest = match.values.complement(_BITS[match.field])
        if rest.size() == 1:  # better said by what it is not
            return spoken(FieldIn(match.field, rest), not wanted)
    text = _positive(match)
    if wanted:
        return text
    return text.removeprefix("not ") if text.startswith("not ") else f"not {text}"


def _positive(match: Match) -> str:
    match match:
        case FieldIn(field, IntervalSet() as values):
            return _field(field, values)
        case MaskedIn(Field.TCP_FLAGS, mask, values):
            return _flags(mask, values.runs[0][0])
        case MaskedIn(Field.MARK | Field.CT_MARK as field, mask, values):
            word = "mark" if field is Field.MARK else "ctmark"
            return f"{word} {values.runs[0][0]:#x}/{mask:#x}"
        case TimeWindow():
            return _time(match)
        case Chance(millionths):
            return f"chance {millionths // 10000}.{millionths % 10000:04d}".rstrip("0").rstrip(".") + "%"
        case Owner(kind, names):
            word = "user" if kind == "user" else "usergroup"
            return f"{word} {', '.join(word_or_quoted(name) for name in names)}"
        case HelperIs(name):
            return f"helper {word_or_quoted(name)}"
        case CgroupIs(path):
            return f"cgroup {quoted(path)}"
        case Recent(mask=mask):
            family = Family.V4 if mask <= V4_ALL.runs[0][1] else Family.V6
            return _native("iptables", join_words(recent_words(match, False, family)))
        case EveryNth(every, packet):
            return _native("iptables", f"-m statistic --mode nth --every {every} --packet {packet}")
        case AddressTypeIs() | ReversePathFails() | RouteLeavesBy() | NoRoute():
            text = f"a question of the routing table ({match_text(match)}) as a condition"
            raise Unsaid(text, "write `implicit rpfilter strict`")
        case Opaque(dialect, text):
            return _native(dialect, text)
        case _:
            raise Unsaid(f"the condition `{match_text(match)}`", _NATIVE)


def _native(dialect: str, text: str) -> str:
    """The condition in the source's own words. A final quote is kept apart from the three that end the text."""
    if '"""' in text or not text.isprintable():
        raise Unsaid(f"`{text}`", _NATIVE)
    return f'native {dialect} """{text}{" " if text.endswith(chr(34)) else ""}"""'


def within_text(rate: WithinRate) -> str:
    """`within 5/minute burst 10 per source`. Raises Unsaid."""
    return f"within {rate_text(rate)}{per_text(rate.per, rate.mask4, rate.mask6)}"


def rate_text(rate: WithinRate) -> str:
    unit = _UNITS.get(rate.seconds)
    if unit is None:
        raise Unsaid(f"a rate per {rate.seconds} seconds")
    amount = f"{rate.amount}B" if rate.unit == "bytes" else str(rate.amount)
    burst = "" if rate.burst == DEFAULT_BURST and rate.unit != "bytes" else f" burst {rate.burst}"
    return f"{amount}/{unit}{burst}"


def per_text(per: Per, mask4: int, mask6: int) -> str:
    if per is Per.ALL:
        return ""
    masks = "" if (mask4, mask6) == (32, 128) else f" mask {mask4}" + ("" if mask6 == 128 else f" {mask6}")
    return f" per {per.value}{masks}"


def _field(field: Field, values: IntervalSet) -> str:
    if field in (Field.MARK, Field.CT_MARK) and values.size() == 1:
        return f"{'mark' if field is Field.MARK else 'ctmark'} {values.runs[0][0]:#x}"
    if field in _LIMITS and len(values.runs) == 1:
        low, high = values.runs[0]
        word = field.value
        if low == high:
            return f"{word} {low}"
        if high >= _LIMITS[field]:
            return f"{word} >= {low}"
        return f"{word} <= {high}" if low == 0 else f"{word} {low}-{high}"
    if field is Field.DSCP and values.size() <= 64:
        names = {number: name for name, number in reversed(DSCP.items())}
        return "dscp " + ", ".join(names.get(v, str(v)) for v in values)
    if field is Field.PKTTYPE and all(v < 4 for v in values):
        return "pkttype " + ", ".join(_PKTTYPES[v] for v in values)
    if field is Field.FRAGMENT and values.size() == 1:
        return "fragment" if 1 in values else "not fragment"
    if field is Field.TCP_FLAGS and values.size() == 1:
        return _flags(255, values.runs[0][0])
    raise Unsaid(f"a condition on the packet's {field.value} ({number_list(values)})", _NATIVE)


def _flags(mask: int, value: int) -> str:
    of = [name for name, bit in TCP_FLAGS.items() if mask & bit]
    on = [name for name, bit in TCP_FLAGS.items() if value & bit]
    return f"flags {', '.join(on) or 'none'} of {', '.join(of)}"


def _time(match: TimeWindow) -> str:
    days = [_DAYS[d] for d in sorted(match.days)]
    date, _, end = match.until.partition("T")
    if match.utc:
        raise Unsaid("a time in UTC", "write it in local time")
    if match.since or (match.until and end != "23:59:59"):
        raise Unsaid("a period that begins on a date or ends within a day", "write `until` with the last day")
    if match.until:
        if days or match.start is not None:
            raise Unsaid("a date and a time of day in one condition", "write two rules")
        return f"until {date}"
    if match.start is None or match.end is None:
        return f"days {', '.join(days)}"
    if match.start % 60 or match.end % 60:
        raise Unsaid("a time of day with seconds", "write whole minutes")
    clock = f"{clock_text(match.start, short=True)}-{clock_text(match.end, short=True)}"
    return f"time {clock}" + (f" on {', '.join(days)}" if days else "")
