"""What: traffic lists expanded to boxes of protocols and ports, and services to the traffic they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fwc.diagnostics import Diagnostic
from fwc.elaborate.codes import TRAFFIC
from fwc.elaborate.expanded import Program
from fwc.elaborate.lookup import unknown, unresolved
from fwc.elaborate.names import suggestion
from fwc.elaborate.report import mistake
from fwc.lang import ast
from fwc.lang.services import standard_names, standard_service
from fwc.net import protocols
from fwc.net.hooks import Family
from fwc.net.intervals import IntervalSet
from fwc.records import Record


class Flow(Record):
    """One box of traffic. `protocols` None is any protocol; the port fields apply to the port protocols in it; `icmp` are
    type << 8 | code values, None for all; `family` is set where the protocol belongs to one family."""

    protocols: IntervalSet | None
    sport: IntervalSet | None = None
    dport: IntervalSet | None = None
    icmp: IntervalSet | None = None
    family: Family | None = None


ANY_FLOW = Flow(None)


def resolve_traffic(program: Program, traffic: ast.Traffic, out: list[Diagnostic]) -> tuple[Flow, ...] | None:
    """The union of the boxes is the traffic, services expanded. Boxes that differ only in one field are merged (tcp 80,
    tcp 443 is one box; tcp 53, udp 53 is one box with two protocols)."""
    items = traffic.items
    memo = program.traffic_memo
    key: object = _item_key(items[0]) if len(items) == 1 else tuple(map(_item_key, items))
    known: tuple[Flow, ...] | None = memo.get(key)
    if known is None:
        boxes = _boxes(program, items, out)
        if boxes is None:
            return None
        memo[key] = known = merge_flows(boxes)
    return known


def _item_key(item: ast.TrafficItem) -> object:
    if isinstance(item, ast.ServiceName):
        return item.name
    if isinstance(item, ast.L4):
        return (item.protocol, _ports_key(item.port), _ports_key(item.sport))
    if isinstance(item, ast.Icmp):
        return (item.version, item.type)
    if isinstance(item, ast.Protocol):
        return ("proto", item.protocol)
    return (type(item), item.name if isinstance(item, ast.Variable) else "")


def _ports_key(ports: ast.Ports | ast.Variable | None) -> object:
    if ports is None:
        return None
    return (ports.low, ports.high) if isinstance(ports, ast.Ports) else ports.name


def _boxes(program: Program, items: Sequence[ast.TrafficItem], out: list[Diagnostic]) -> list[Flow] | None:
    boxes: list[Flow] = []
    before = len(out)
    broken = False
    for item in items:
        if isinstance(item, ast.ServiceName):
            found = service_flows(program, item, out)
            broken = broken or found is None
            boxes.extend(found or ())
        else:
            box = _box(item, out)
            if box is not None:
                boxes.append(box)
    return None if broken or len(out) != before or not boxes else boxes


def service_flows(program: Program, item: ast.ServiceName, out: list[Diagnostic]) -> tuple[Flow, ...] | None:
    """The boxes of a service; None and a diagnostic (unless its declaration had one) when there is none."""
    name = item.name
    program.used.add("service " + name)
    memo = program.traffic_memo
    known: tuple[Flow, ...] | None = memo.get(name)
    if known is not None or "service " + name in program.broken:
        return known
    service = program.services.get(name)
    if service is None:
        service = standard_service(name)
    if service is None:
        out.append(unknown(program, "service", name, item.span, (*program.services, *standard_names())))
        return None
    boxes = _boxes(program, service.traffic.items, out)
    if boxes is None:
        return None
    memo[name] = known = merge_flows(boxes)
    return known


def _box(item: ast.TrafficItem, out: list[Diagnostic]) -> Flow | None:
    if isinstance(item, ast.AnyTraffic):
        return ANY_FLOW
    if isinstance(item, ast.L4):
        return _l4_box(item, out)
    if isinstance(item, ast.Icmp):
        values = _icmp_values(item, out)
        number = protocols.ICMP if item.version is Family.V4 else protocols.ICMPV6
        if item.type is None:
            return Flow(IntervalSet.of(number), family=item.version)
        return None if values is None else Flow(IntervalSet.of(number), icmp=values, family=item.version)
    if isinstance(item, ast.Protocol):
        number_of = _protocol_number(item, out)
        return None if number_of is None else Flow(IntervalSet.of(number_of))
    if isinstance(item, ast.Variable):
        out.append(unresolved(item))
    return None


def _l4_box(item: ast.L4, out: list[Diagnostic]) -> Flow | None:
    sets: list[IntervalSet | None] = []
    for ports in (item.sport, item.port):
        if isinstance(ports, ast.Variable):
            out.append(unresolved(ports))
            return None
        sets.append(None if ports is None else IntervalSet.range(ports.low, ports.high))
    return Flow(IntervalSet.of(protocols.PROTOCOLS[item.protocol]), sets[0], sets[1])


def _icmp_values(item: ast.Icmp, out: list[Diagnostic]) -> IntervalSet | None:
    kind, code = item.type, None
    word = "icmp" if item.version is Family.V4 else "icmpv6"
    if kind is None:
        return None
    if isinstance(kind, str):
        names = protocols.icmp_types(item.version)
        if kind not in names:
            other = Family.V6 if item.version is Family.V4 else Family.V4
            meant = suggestion(kind, names)
            if kind in protocols.icmp_types(other):
                help = f"it is a type of `{'icmpv6' if word == 'icmp' else 'icmp'}`"
            else:
                help = f"did you mean `{meant}`?" if meant else f"write its number: `{word} 3/4` is type 3, code 4"
            out.append(mistake(TRAFFIC, f"{word} has no type named `{kind}`", item.span, help=help))
            return None
        kind, code = names[kind]
    elif isinstance(kind, tuple):
        kind, code = kind
    return IntervalSet.range(kind << 8, kind << 8 | 255) if code is None else IntervalSet.of(kind << 8 | code)


def _protocol_number(item: ast.Protocol, out: list[Diagnostic]) -> int | None:
    if isinstance(item.protocol, int):
        return item.protocol
    number = protocols.PROTOCOLS.get(item.protocol)
    if number is None:
        meant = suggestion(item.protocol, protocols.PROTOCOLS)
        out.append(
            mistake(
                TRAFFIC,
                f"there is no protocol named `{item.protocol}`",
                item.span,
                help=f"did you mean `{meant}`?" if meant else "write its IANA number: `proto 47`",
            )
        )
    return number


def merge_flows(boxes: Iterable[Flow]) -> tuple[Flow, ...]:
    """The same traffic in fewer boxes: those that differ only in one field become one, until nothing changes.

    Exact, because a box is the product of its fields. A field that is None holds every value, so its union is None.
    Protocols are joined only where both boxes restrict ports alike, and never an ICMP type with another protocol.
    """
    flows = list(dict.fromkeys(boxes))
    if any(flow == ANY_FLOW for flow in flows):
        return (ANY_FLOW,)
    count = 0
    while len(flows) != count:
        count = len(flows)
        flows = _join(flows, "dport")
        flows = _join(flows, "sport")
        flows = _join(flows, "icmp")
        flows = _join(flows, "protocols")
    return tuple(flows)


def _join(flows: list[Flow], field: str) -> list[Flow]:
    groups: dict[object, list[Flow]] = {}
    for flow in flows:
        rest = tuple(getattr(flow, name) for name in _FIELDS if name != field)
        groups.setdefault(rest, []).append(flow)
    if len(groups) == len(flows):
        return flows
    return [group[0] if len(group) == 1 else _union(group, field) for group in groups.values()]


def _union(group: Sequence[Flow], field: str) -> Flow:
    values: Mapping[str, object] = {name: getattr(group[0], name) for name in _FIELDS}
    parts: list[IntervalSet | None] = [getattr(flow, field) for flow in group]
    whole = None if None in parts else IntervalSet(run for part in parts if part is not None for run in part.runs)
    return Flow(**{**values, field: whole})  # type: ignore[arg-type]  # fields by name


_FIELDS = ("protocols", "sport", "dport", "icmp", "family")
