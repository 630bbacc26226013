"""The `if` conditions of statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from fwc.diagnostics import Diagnostic
from fwc.elaborate.report import mistake
from fwc.elaborate.rule_codes import CONDITION, LIMIT, STATE
from fwc.elaborate.sites import Site
from fwc.ir.match import (
    ALWAYS,
    NEVER,
    CgroupIs,
    Chance,
    CtState,
    CtStatus,
    Field,
    FieldIn,
    HelperIs,
    MaskedIn,
    Match,
    Opaque,
    Owner,
    Per,
    TimeWindow,
    WithinRate,
    all_of,
    any_of,
    negate,
    state_in,
)
from fwc.ir.walk import bare, map_leaves
from fwc.lang import ast
from fwc.net.clock import DAY
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import DSCP, TCP_FLAGS

_T = TypeVar("_T")

DNATED = MaskedIn(Field.CT_STATUS, CtStatus.DNAT, IntervalSet.of(CtStatus.DNAT))
SNATED = MaskedIn(Field.CT_STATUS, CtStatus.SNAT, IntervalSet.of(CtStatus.SNAT))

_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_STATES = {s.name.lower(): s for s in CtState}
_PKTTYPES = {"unicast": 0, "host": 0, "broadcast": 1, "multicast": 2, "otherhost": 3, "other": 3}  # linux/if_packet.h
_FULL = 0xFFFFFFFF

DEFAULT_BURST = 5
"""Packets at once when `burst` is not written: the default of nft and iptables."""

LOCAL = (ast.OwnerCond, ast.CgroupCond)
"""Conditions on the sending socket: only packets that this machine makes have one."""

ONE_WAY = (*LOCAL, ast.FlagsCond, ast.DnatCond, ast.SnatCond, ast.HelperCond, ast.ChanceCond, ast.PkttypeCond)
"""Conditions that say nothing about the replies to a packet."""


def word_of(cond: ast.Condition) -> str:
    """The keyword with which the condition begins."""
    if isinstance(cond, ast.NotCond):
        return word_of(cond.cond)
    return cond.span.text.split(maxsplit=1)[0] if cond.span.text.split() else type(cond).__name__


def inner(cond: ast.Condition) -> ast.Condition:
    while isinstance(cond, ast.NotCond):
        cond = cond.cond
    return cond


def condition(cond: ast.Condition, out: list[Diagnostic]) -> Match | None:
    """The condition anywhere; None after an error."""
    if isinstance(cond, ast.NotCond):
        found = condition(cond.cond, out)
        return None if found is None else negate(found)
    if isinstance(cond, ast.TimeCond):
        return _time(cond, out)
    if isinstance(cond, ast.FlagsCond):
        return _flags(cond, out)
    if isinstance(cond, ast.MarkCond):
        return _mark(cond, out)
    if isinstance(cond, ast.CompareCond):
        return _compare(cond, out)
    if isinstance(cond, ast.DnatCond):
        ports = _ports(cond.ports)
        return all_of(DNATED, FieldIn(Field.CT_ORIG_DPORT, ports)) if ports is not None else DNATED
    if isinstance(cond, ast.WithinCond):
        return _within(cond, out)
    if isinstance(cond, ast.NativeCond):
        return _native(cond, out)
    if isinstance(cond, ast.SportCond):
        ports = _ports(cond.ports)
        return NEVER if ports is None else FieldIn(Field.SPORT, ports)
    return _simple(cond, out)


def _simple(cond: ast.Condition, out: list[Diagnostic]) -> Match | None:
    if isinstance(cond, ast.StateCond):
        states = _words(cond.states, _STATES, "connection state", out)
        return None if states is None else state_in(*states)
    if isinstance(cond, ast.DscpCond):
        return _dscp(cond, out)
    if isinstance(cond, ast.PkttypeCond):
        kinds = _words(cond.types, _PKTTYPES, "packet type", out)
        return None if kinds is None else FieldIn(Field.PKTTYPE, IntervalSet.of(*kinds))
    if isinstance(cond, ast.FragmentCond):
        return FieldIn(Field.FRAGMENT, IntervalSet.of(1))
    if isinstance(cond, ast.IpsecCond):
        return FieldIn(Field.IPSEC, IntervalSet.of(1))
    if isinstance(cond, ast.SnatCond):
        return SNATED
    if isinstance(cond, ast.OwnerCond):
        return Owner(cond.kind, tuple(dict.fromkeys(_text(n) for n in cond.names)))
    if isinstance(cond, ast.UntilCond):
        return TimeWindow(until=f"{cond.date.text}T23:59:59")
    if isinstance(cond, ast.ChanceCond):
        return Chance(cond.millionths)
    if isinstance(cond, ast.HelperCond):
        return HelperIs(cond.name.text)
    assert isinstance(cond, ast.CgroupCond)
    return CgroupIs(cond.path.value)


def at_site(match: Match, site: Site, os: str) -> Match:
    """The condition with what is certain at `site`: a packet that arrived has no local sender, so `user` is false there, and
    `ipsec` asks where a packet that leaves goes to.

    pf knows the receiving socket of an incoming packet too (pf.conf(5), `user`), so there the condition stays.
    """
    if site in (Site.OUTPUT, Site.LOOP_OUT, Site.POSTROUTING):
        return map_leaves(match, _leaving)
    if os == "macos":
        return match
    asked = bare(match)
    if isinstance(asked, Owner | CgroupIs):
        return NEVER if asked is match else ALWAYS
    return match


def _leaving(match: Match) -> Match:
    return (
        FieldIn(Field.IPSEC_OUT, match.values) if isinstance(match, FieldIn) and match.field is Field.IPSEC else match
    )


def _text(name: ast.Name | ast.Number | ast.Text) -> str:
    if isinstance(name, ast.Name):
        return name.text
    return name.value if isinstance(name, ast.Text) else str(name.value)


def _words(names: tuple[ast.Name, ...], known: Mapping[str, _T], what: str, out: list[Diagnostic]) -> list[_T] | None:
    found = []
    for name in names:
        if name.text not in known:
            words = ", ".join(known)
            out.append(mistake(CONDITION, f"`{name.text}` is no {what}", name.span, help=f"write one of {words}"))
        else:
            found.append(known[name.text])
    return found if len(found) == len(names) else None


def _mark(cond: ast.MarkCond, out: list[Diagnostic]) -> Match | None:
    field = Field.CT_MARK if cond.connection else Field.MARK
    mark = cond.mark
    if mark.value > _FULL or mark.mask > _FULL or mark.value & ~mark.mask:
        out.append(
            mistake(
                CONDITION,
                f"the mark {mark.value:#x} has bits that the mask {mark.mask:#x} leaves out, so it never matches",
                cond.span,
                help=f"write {mark.value & mark.mask & _FULL:#x}/{mark.mask & _FULL:#x}, or a wider mask; marks have 32 bits",
            )
        )
        return None
    if mark.mask == _FULL:
        return FieldIn(field, IntervalSet.of(mark.value))
    return MaskedIn(field, mark.mask, IntervalSet.of(mark.value))


def _compare(cond: ast.CompareCond, out: list[Diagnostic]) -> Match | None:
    field, highest = (Field.TTL, 255) if cond.field == "ttl" else (Field.LENGTH, 65535)
    low, high = max(cond.low, 0), min(cond.high, highest)
    if low > high:
        out.append(
            mistake(
                CONDITION, f"no packet has such a {cond.field}", cond.span, help=f"a {cond.field} lies in 0-{highest}"
            )
        )
        return None
    return FieldIn(field, IntervalSet.range(low, high))


def _dscp(cond: ast.DscpCond, out: list[Diagnostic]) -> Match | None:
    values = []
    for each in cond.values:
        value = dscp_value(each, out)
        if value is None:
            return None
        values.append(value)
    return FieldIn(Field.DSCP, IntervalSet.of(*values))


def dscp_value(each: ast.Name | ast.Number, out: list[Diagnostic]) -> int | None:
    """The 6-bit value of a class name or a number."""
    value = each.value if isinstance(each, ast.Number) else DSCP.get(each.text.lower())
    if value is None or not 0 <= value <= 63:
        shown = each.value if isinstance(each, ast.Number) else each.text
        out.append(
            mistake(
                CONDITION,
                f"`{shown}` is no DSCP value",
                each.span,
                help="write 0 to 63, or ef, cs0-cs7, af11-af43, le, va",
            )
        )
        return None
    return value


def _flags(cond: ast.FlagsCond, out: list[Diagnostic]) -> Match | None:
    none = bool(cond.mask) and [f.text for f in cond.flags] == ["none"]
    flags = [] if none else _words(cond.flags, TCP_FLAGS, "TCP flag", out)
    mask = _words(cond.mask, TCP_FLAGS, "TCP flag", out) if cond.mask else flags
    if flags is None or mask is None:
        return None
    value, bits = _or(flags), _or(mask)
    if value & ~bits:
        out.append(
            mistake(
                CONDITION,
                "a flag that must be set is not among the flags looked at, so this never matches",
                cond.span,
                help="repeat it after `of`: `flags syn of syn, ack`",
            )
        )
        return None
    return MaskedIn(Field.TCP_FLAGS, bits, IntervalSet.of(value))


def _or(values: list[int]) -> int:
    whole = 0
    for value in values:
        whole |= value
    return whole


def _ports(ports: tuple[ast.Ports | ast.Variable, ...]) -> IntervalSet | None:
    runs = [(p.low, p.high) for p in ports if isinstance(p, ast.Ports)]
    return IntervalSet(runs) if runs else None


def _time(cond: ast.TimeCond, out: list[Diagnostic]) -> Match | None:
    """Windows of local time. A range over midnight belongs to the day on which it begins: the part after midnight falls on
    the following days."""
    days = _words(cond.days, _DAYS, "day", out)
    if days is None:
        return None
    on = frozenset(days)
    if cond.start is None or cond.end is None:
        return TimeWindow(days=on)
    if cond.start == cond.end:
        out.append(
            mistake(
                CONDITION,
                "the time range is empty",
                cond.span,
                help="write 00:00-24:00, or only `days`, for whole days",
            )
        )
        return None
    if cond.start < cond.end:
        return TimeWindow(cond.start * 60, cond.end * 60, on)
    parts = [TimeWindow(cond.start * 60, DAY, on)]
    if cond.end > 0:
        parts.append(TimeWindow(0, cond.end * 60, frozenset((d + 1) % 7 for d in on)))
    return any_of(*parts)


def _within(cond: ast.WithinCond, out: list[Diagnostic]) -> Match | None:
    """A bucket of this rule. With `per` it is kept under a name made of its place, because targets keep such tables by name."""
    rate = cond.rate
    if not isinstance(rate, ast.Rate) or rate.amount < 1:
        out.append(mistake(CONDITION, "nothing is within a rate of 0", cond.span, help="write at least 1"))
        return None
    default = DEFAULT_BURST if rate.unit == "packets" else max(rate.amount // max(rate.seconds, 1), 1)
    burst = cond.burst.value if isinstance(cond.burst, ast.Number) else default
    per, mask4, mask6 = per_of(cond.per, out)
    name = "" if per is Per.ALL else f"within-{cond.span.line}"
    before = cond.span.file.line_text(cond.span.line)[: cond.span.column - 1].count("within ")
    if name and before:
        name += f"-{before + 1}"
    return WithinRate(rate.amount, rate.seconds, burst, rate.unit, per, mask4, mask6, name)


def per_of(part: ast.PerPart | None, out: list[Diagnostic]) -> tuple[Per, int, int]:
    """Whose packets share a bucket, and the prefix lengths."""
    if part is None:
        return Per.ALL, 32, 128
    mask4 = 32 if part.mask4 is None else part.mask4.value
    mask6 = 128 if part.mask6 is None else part.mask6.value
    for given, highest in ((part.mask4, 32), (part.mask6, 128)):
        if given is not None and not 1 <= given.value <= highest:
            out.append(
                mistake(
                    LIMIT, f"a mask of {given.value} bits is not possible", given.span, help=f"write 1 to {highest}"
                )
            )
    return (Per.SOURCE if part.side == "source" else Per.DESTINATION), mask4, mask6


def _native(cond: ast.NativeCond, out: list[Diagnostic]) -> Match | None:
    dialect = _DIALECTS.get(cond.target.text)
    if dialect is None:
        words = ", ".join(_DIALECTS)
        out.append(
            mistake(
                CONDITION, f"`{cond.target.text}` has no native conditions", cond.target.span, help=f"write {words}"
            )
        )
        return None
    text = cond.text.strip()
    if not text or not text.isprintable():
        out.append(mistake(CONDITION, "a native condition is one line of printable text", cond.span, help="shorten it"))
        return None
    return Opaque(dialect, text, "native")


_DIALECTS = {"iptables": "iptables", "nft": "nft", "nftables": "nft"}


def check_states(conditions: tuple[ast.Condition, ...], out: list[Diagnostic]) -> None:
    """D15: rules describe first packets, so the states of later packets are out of place in them."""
    for cond in conditions:
        each = inner(cond)
        if isinstance(each, ast.StateCond) and any(s.text in ("established", "related") for s in each.states):
            out.append(
                mistake(
                    STATE,
                    "rules describe the first packet of a connection, and this state belongs to later ones",
                    each.span,
                    help="remove the condition: replies are accepted already; it is legal in `early`, `hook` and `chain` "
                    "blocks and with `stateless`",
                )
            )
