"""Operands of statements resolved to values: who (`Ends`) and what (`Flow`)."""

from __future__ import annotations

from fwc.diagnostics import Diagnostic
from fwc.elaborate.program import Program
from fwc.lang import ast
from fwc.net.addresses import AddressSet
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import record
from fwc.source import Span


@record
class End:
    """One item of a `from` or `to` list. Exactly one of the fields says what it is; `name` is what the user called it."""

    span: Span
    name: str = ""
    any: bool = False
    self_: bool = False
    zone: str = ""
    addresses: AddressSet | None = None  # literals, hosts, groups, file sets
    set: str = ""  # a run-time set of addresses or networks
    ifaces: IfaceSet | None = None  # `iface x`, sets of interfaces
    mac: int | None = None
    macs: str = ""  # a run-time set of macs


@record
class Ends:
    """`items` minus `excluded`, then intersected with the union of `zones` (when there are any)."""

    items: tuple[End, ...]
    excluded: tuple[End, ...]
    zones: tuple[str, ...]
    span: Span


@record
class Flow:
    """One box of traffic. `protocols` None is any protocol; the port fields apply to the port protocols in it; `icmp` are
    type << 8 | code values, None for all; `family` is set where the protocol belongs to one family."""

    protocols: IntervalSet | None
    sport: IntervalSet | None = None
    dport: IntervalSet | None = None
    icmp: IntervalSet | None = None
    family: Family | None = None


def resolve_ends(program: Program, ends: ast.Endpoints, out: list[Diagnostic]) -> Ends | None:
    """Bind the names of `ends`; None after an error. Adjacent addresses are merged into one End where that is exact."""
    raise NotImplementedError


def resolve_traffic(program: Program, traffic: ast.Traffic, out: list[Diagnostic]) -> tuple[Flow, ...] | None:
    """The union of the boxes is the traffic, services expanded. Boxes that differ only in one field are merged (tcp 80,
    tcp 443 is one box; tcp 53, udp 53 is one box with two protocols)."""
    raise NotImplementedError
