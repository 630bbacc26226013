"""From the parts of a grammar rule to a node of the tree, for what rules are made of: traffic, endpoints, conditions, options.

Every handler takes the builder, the parts in the order of the text (leaves and nodes, no keywords) and the node's offsets.
Clauses that are not nodes themselves travel as `Part`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from fwc.lang import ast
from fwc.lang.values import Builder, ports
from fwc.net.hooks import Family
from fwc.source import Span


class Part(NamedTuple):
    """A piece of a statement that the tree has no node for; `span` is where it was written."""

    kind: str
    value: Any
    span: Span


Handler = Callable[[Builder, Sequence[Any], int, int], Any]
NODES: dict[str, Handler] = {}


def node(handler: Callable[[Builder, Sequence[Any], int, int], Any]) -> Handler:
    """Register the handler of the grammar rule (or alias) that has its name."""
    NODES[handler.__name__.rstrip("_")] = handler
    return handler


def part(kind: str, only: bool = True) -> Handler:
    """A handler that makes a Part of the single value, or of the tuple of values, of a grammar rule."""

    def handler(b: Builder, kids: Sequence[Any], s: int, e: int) -> Part:
        return Part(kind, kids[0] if only else tuple(kids), Span(b.file, s, e))

    return handler


def first(kids: Iterable[Any], kind: type | tuple[type, ...]) -> Any:
    """The first part of a type, or None."""
    return next((kid for kid in kids if isinstance(kid, kind)), None)


def value_of(kids: Iterable[Any], kind: str) -> Any:
    """The value of the Part of that kind, or None."""
    return next((kid.value for kid in kids if isinstance(kid, Part) and kid.kind == kind), None)


# ----- traffic ---------------------------------------------------------------


@node
def sport(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return Part("sport", ports(b, kids[0]), Span(b.file, s, e))


@node
def t_any(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.AnyTraffic(Span(b.file, s, e))


@node
def t_l4(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    source = value_of(kids[1:], "sport")
    port = ports(b, kids[1]) if len(kids) > 1 and not isinstance(kids[1], Part) else None
    return ast.L4(kids[0], port, source, Span(b.file, s, e))


@node
def t_port(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    """A port whose protocol `traffic` finds."""
    return Part("port", (ports(b, kids[0]), value_of(kids[1:], "sport")), Span(b.file, s, e))


def _icmp(b: Builder, family: Family, kids: Sequence[Any], s: int, e: int) -> ast.Icmp:
    kind = kids[0] if kids else None
    if isinstance(kind, ast.Name):
        return ast.Icmp(family, kind.text, Span(b.file, s, e))
    if isinstance(kind, ast.Number):
        if kind.value > 255:
            b.error("FW040", f"ICMP type {kind.value} is larger than 255", kind.span.start, kind.span.end)
        return ast.Icmp(family, min(kind.value, 255), Span(b.file, s, e))
    return ast.Icmp(family, kind, Span(b.file, s, e))


@node
def t_icmp(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return _icmp(b, Family.V4, kids, s, e)


@node
def t_icmpv6(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return _icmp(b, Family.V6, kids, s, e)


@node
def t_proto(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    protocol = kids[0]
    if isinstance(protocol, ast.Name):
        return ast.Protocol(protocol.text, Span(b.file, s, e))
    if protocol.value > 255:
        b.error("FW040", f"protocol {protocol.value} is larger than 255", protocol.span.start, protocol.span.end)
    return ast.Protocol(min(protocol.value, 255), Span(b.file, s, e))


@node
def t_name(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.ServiceName(kids[0].text, kids[0].span)


@node
def traffic(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    """The list, every bare port joined to the protocol before it."""
    items: list[ast.TrafficItem] = []
    for kid in kids:
        items.append(_bound_port(b, kid, items) if isinstance(kid, Part) else kid)
    return ast.Traffic(tuple(items), Span(b.file, s, e))


def _bound_port(b: Builder, found: Part, items: Sequence[ast.TrafficItem]) -> ast.TrafficItem:
    port, source = found.value
    before = items[-1] if items else None
    if isinstance(before, ast.L4):
        if before.port is None and before.sport is None:
            message = f"`{before.protocol}` without a port already means every port"
            text = f"{before.protocol} {found.span.text}"
            b.error("FW048", message, found.span.start, found.span.end, f"write `{text}`, or leave out the port")
        return ast.L4(before.protocol, port, source, found.span)
    if isinstance(port, ast.Variable) and source is None:
        return port
    text = found.span.text
    b.error(
        "FW048",
        f"the port {text} has no protocol before it",
        found.span.start,
        found.span.end,
        f"write `tcp {text}` or `udp {text}`: a port belongs to the protocol before it",
    )
    return ast.AnyTraffic(found.span)


# ----- endpoints -------------------------------------------------------------


@node
def dns(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.Dns(kids[0].value, Span(b.file, s, e))


@node
def ep_self(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.Self(Span(b.file, s, e))


@node
def ep_any(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.Any(Span(b.file, s, e))


_IFACE_EXTRA = frozenset("_.:@=~%-+")


def as_iface(b: Builder, value: ast.Iface | ast.Text | ast.Name) -> ast.Iface:
    """An interface name that no output format can misread."""
    if isinstance(value, ast.Iface):
        return value
    if isinstance(value, ast.Name):
        return ast.Iface(value.text, value.span)
    name = value.value
    bare = name[:-1] if name.endswith("*") else name
    if not 1 <= len(bare) <= 15 or not all(c.isascii() and (c.isalnum() or c in _IFACE_EXTRA) for c in bare):
        b.error(
            "FW047",
            "this is not an interface name: 1 to 15 letters, digits and `_.:@=~%+-`, at the end perhaps `*`",
            value.span.start,
            value.span.end,
        )
        return ast.Iface("lo", value.span)
    return ast.Iface(name, value.span)


@node
def ep_iface(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.Iface(as_iface(b, kids[0]).name, Span(b.file, s, e))


@node
def ep_mac(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.Mac(kids[0].value, kids[0].text, Span(b.file, s, e))


NODES["except"] = part("except", only=False)
NODES["in_zone"] = part("in", only=False)


@node
def endpoints(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    items = tuple(kid for kid in kids if not isinstance(kid, Part))
    return ast.Endpoints(items, value_of(kids, "except") or (), value_of(kids, "in") or (), Span(b.file, s, e))


NODES["from_clause"] = part("from")
NODES["to_clause"] = part("to")
NODES["if_clause"] = part("if", only=False)

# ----- conditions ------------------------------------------------------------


@node
def cond(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return kids[0] if len(kids) == 1 else ast.NotCond(kids[1], Span(b.file, s, e))


@node
def c_state(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.StateCond(tuple(kids), Span(b.file, s, e))


@node
def c_mark(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.MarkCond(kids[0], False, Span(b.file, s, e))


@node
def c_ctmark(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.MarkCond(kids[0], True, Span(b.file, s, e))


def _compare(b: Builder, field: str, top: int, kids: Sequence[Any], s: int, e: int) -> ast.CompareCond:
    last = kids[-1]
    low, high = (last.low, last.high) if isinstance(last, ast.Ports) else (last.value, last.value)
    if high > top:
        b.error("FW040", f"{field} {high} is larger than {top}", last.span.start, last.span.end)
        low, high = min(low, top), top
    if len(kids) == 2:
        sign = kids[0]
        low, high = {"<": (0, low - 1), "<=": (0, low), ">": (low + 1, top), ">=": (low, top)}[sign]
        if low > high:
            b.error("FW040", f"no {field} is {sign} {last.value}", last.span.start, last.span.end)
            low = high = 0
    return ast.CompareCond(field, low, high, Span(b.file, s, e))


@node
def c_ttl(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return _compare(b, "ttl", 255, kids, s, e)


@node
def c_length(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return _compare(b, "length", 65535, kids, s, e)


@node
def c_dscp(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    for kid in kids:
        if isinstance(kid, ast.Number) and kid.value > 63:
            b.error("FW040", f"DSCP {kid.value} is larger than 63", kid.span.start, kid.span.end)
    return ast.DscpCond(tuple(kids), Span(b.file, s, e))


@node
def c_fragment(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.FragmentCond(Span(b.file, s, e))


@node
def c_user(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.OwnerCond("user", tuple(kids), Span(b.file, s, e))


@node
def c_usergroup(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.OwnerCond("group", tuple(kids), Span(b.file, s, e))


_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _days(b: Builder, names: Sequence[ast.Name]) -> tuple[ast.Name, ...]:
    """Days with ranges spelt out; `sat-mon` goes over the end of the week."""
    days: list[ast.Name] = []
    for name in names:
        low, _, high = name.text.partition("-")
        if low not in _WEEK or (high or low) not in _WEEK:
            help = f"days are {', '.join(_WEEK)}, or a range such as mon-fri"
            b.error("FW041", f"`{name.text}` is not a day of the week", name.span.start, name.span.end, help)
            continue
        start = _WEEK.index(low)
        count = (_WEEK.index(high or low) - start) % 7 + 1
        days.extend(ast.Name(_WEEK[(start + n) % 7], name.span) for n in range(count))
    return tuple(days)


@node
def c_time(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    start, end = kids[0]
    return ast.TimeCond(start, end, _days(b, kids[1:]), Span(b.file, s, e))


@node
def c_days(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.TimeCond(None, None, _days(b, kids), Span(b.file, s, e))


@node
def c_until(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.UntilCond(kids[0], Span(b.file, s, e))


NODES["flags_of"] = part("of", only=False)


@node
def c_flags(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    flags = tuple(kid for kid in kids if isinstance(kid, ast.Name))
    return ast.FlagsCond(flags, value_of(kids, "of") or flags, Span(b.file, s, e))


@node
def c_dnat(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.DnatCond(tuple(ports(b, kid) for kid in kids), Span(b.file, s, e))


@node
def c_snat(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.SnatCond(Span(b.file, s, e))


@node
def c_ipsec(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.IpsecCond(Span(b.file, s, e))


@node
def c_pkttype(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.PkttypeCond(tuple(kids), Span(b.file, s, e))


@node
def c_chance(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.ChanceCond(kids[0], Span(b.file, s, e))


@node
def c_helper(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.HelperCond(kids[0], Span(b.file, s, e))


@node
def c_cgroup(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.CgroupCond(kids[0], Span(b.file, s, e))


@node
def c_within(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    rest = kids[1:]
    return ast.WithinCond(kids[0], value_of(rest, "burst"), first(rest, ast.PerPart), Span(b.file, s, e))


@node
def c_native(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.NativeCond(kids[0], kids[1], Span(b.file, s, e))


@node
def c_sport(b: Builder, kids: Sequence[Any], s: int, e: int) -> Any:
    return ast.SportCond(tuple(ports(b, kid) for kid in kids), Span(b.file, s, e))
