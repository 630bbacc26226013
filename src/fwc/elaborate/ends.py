"""Who: the `from` and `to` lists of statements bound to zones, sets and addresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate.codes import EMPTY, KIND
from fwc.elaborate.expanded import Program
from fwc.elaborate.interfaces import interface_problem
from fwc.elaborate.lookup import (
    absent_zone,
    literal,
    no_address,
    set_named,
    unknown,
    unresolved,
    zone_named,
)
from fwc.elaborate.report import mistake
from fwc.ir.model import NamedSet
from fwc.lang import ast
from fwc.net.addresses import AddressSet, union
from fwc.net.interfaces import IfaceSet
from fwc.records import Record
from fwc.source import Span


class End(Record):
    """One item of a `from` or `to` list. Exactly one of the fields says what it is; `name` is what the user called it.

    Ends are shared between statements that spell the same list, so `span` is the place of the first of them; for messages
    take the span of the AST. `addresses` may be empty only for a file set without members (`name` "@x").
    """

    span: Span = dataclasses.field(compare=False)
    name: str = ""
    any: bool = False
    self_: bool = False
    zone: str = ""
    addresses: AddressSet | None = None  # literals, hosts, groups, file sets
    set: str = ""  # a run-time set of addresses or networks
    ifaces: IfaceSet | None = None  # `iface x`, sets of interfaces
    mac: int | None = None
    macs: str = ""  # a set of macs, by its name in Program.sets


class Ends(Record):
    """`items` minus `excluded`, then intersected with the union of `zones` (when there are any). One object for all lists of a
    program that are spelled alike."""

    items: tuple[End, ...]
    excluded: tuple[End, ...]
    zones: tuple[str, ...]


def resolve_ends(program: Program, ends: ast.Endpoints, out: list[Diagnostic]) -> Ends | None:
    """Bind the names of `ends`; None after an error. Adjacent addresses are merged into one End where that is exact."""
    key = spelling(ends)
    known: Ends | None = program.ends_memo.get(key)
    if known is None:
        found = _resolve(program, ends, out)
        if found is None:
            return None
        program.ends_memo[key] = known = Ends(*found)
    return known


def spelling(ends: ast.Endpoints) -> object:
    """Equal exactly for lists that are spelled alike: in one program they mean the same."""
    items, zones = ends.items, ends.zones
    if len(items) == 1 and not ends.excluded and type(items[0]) is ast.Name:
        # nearly every list of a large policy: one name, perhaps in one zone
        if not zones:
            return items[0].text
        if len(zones) == 1 and type(zones[0]) is ast.Name:
            return items[0].text, zones[0].text
    return _key(items), _key(ends.excluded), _key(zones)


def check_ends(program: Program, ends: ast.Endpoints, out: list[Diagnostic]) -> None:
    """The checks of `resolve_ends` for code that is not compiled here: zones need no interface on this OS."""
    _resolve(program, ends, out, compiled=False)


def _key(items: Sequence[ast.Endpoint]) -> tuple[object, ...]:
    """What distinguishes two lists, without their spans."""
    parts: list[object] = []
    for item in items:
        kind = type(item)
        if kind is ast.Name:
            parts.append(item.text)  # type: ignore[union-attr]  # `kind` says so; faster than isinstance
        elif isinstance(item, ast.Address):
            parts.append((item.family.value, item.low, item.high))
        elif isinstance(item, (ast.SetName, ast.Dns, ast.Iface, ast.Variable)):
            parts.append((kind, item.name))
        elif isinstance(item, ast.Mac):
            parts.append((kind, item.value))
        else:
            parts.append(kind)
    return tuple(parts)


def _resolve(
    program: Program, ends: ast.Endpoints, out: list[Diagnostic], compiled: bool = True
) -> tuple[tuple[End, ...], tuple[End, ...], tuple[str, ...]] | None:
    before = len(out)
    items = [_end(program, item, out, compiled) for item in ends.items]
    excluded = [_end(program, item, out, compiled) for item in ends.excluded]
    zones = [zone_named(program, zone, out, compiled) for zone in ends.zones]
    for node, end in zip(ends.excluded, excluded, strict=True):
        if end is not None and end.addresses is not None and not end.addresses:
            out.append(
                mistake(
                    EMPTY,
                    f"`except {end.name}` takes nothing out: the set is empty",
                    node.span,
                    help="fill its file, or remove the `except`; an empty exception lets through what it should keep out",
                )
            )
        if end is not None and end.any:
            out.append(mistake(KIND, "`except any` leaves nothing", node.span, help="name what is to be left out"))
    good = [end for end in items if end is not None]
    good_excluded = [end for end in excluded if end is not None]
    names = [zone.name for zone in zones if zone is not None]
    if len(out) != before or len(good) != len(items) or len(good_excluded) != len(excluded) or len(names) != len(zones):
        return None
    return _merged(good), _merged(good_excluded), tuple(dict.fromkeys(names))


def _end(program: Program, item: ast.Endpoint, out: list[Diagnostic], compiled: bool) -> End | None:
    if isinstance(item, ast.Name):
        return _named(program, item, out, compiled)
    if isinstance(item, ast.Address):
        return End(item.span, addresses=literal(item))
    if isinstance(item, ast.Self):
        return End(item.span, name="self", self_=True)
    if isinstance(item, ast.Any):
        return End(item.span, name="any", any=True)
    if isinstance(item, ast.SetName):
        found = set_named(program, item, out)
        return None if found is None else _set_end(found, item, out)
    if isinstance(item, ast.Dns):
        addresses = program.lock.addresses(item, out)
        return None if addresses is None else End(item.span, name=item.name, addresses=addresses)
    if isinstance(item, ast.Iface):
        problem = interface_problem(item)
        if problem is not None:
            out.append(problem)
            return None
        return End(item.span, name=item.name, ifaces=IfaceSet.of((item.name,)))
    if isinstance(item, ast.Mac):
        return End(item.span, name=item.text, mac=item.value)
    out.append(unresolved(item))
    return None


def _named(program: Program, item: ast.Name, out: list[Diagnostic], compiled: bool) -> End | None:
    text = item.text
    program.used.add(text)
    if text in program.broken:
        return None
    if text in program.zones:
        if compiled and text in program.absent:
            out.append(absent_zone(program, text, item.span))
            return None
        return End(item.span, name=text, zone=text)
    found = program.groups.get(text)
    if found:
        return End(item.span, name=text, addresses=found)
    if found is not None:
        out.append(no_address(program, item))
        return None
    out.append(unknown(program, "zone, host or group", text, item.span, (*program.zones, *program.groups)))
    return None


def _set_end(found: NamedSet, item: ast.SetName, out: list[Diagnostic]) -> End | None:
    name = "@" + found.name
    if found.kind in ("addresses", "networks"):
        if found.runtime:
            return End(item.span, name=name, set=found.name)
        return End(item.span, name=name, addresses=union(v for (v,) in found.elements if isinstance(v, AddressSet)))
    if found.kind == "macs":
        return End(item.span, name=name, macs=found.name)
    if found.kind == "ifaces" and not found.runtime:
        names = [v for (v,) in found.elements if isinstance(v, IfaceSet)]
        return End(item.span, name=name, ifaces=names[0] if names else IfaceSet())
    out.append(
        mistake(
            KIND,
            f"@{found.name} is a set of {found.kind}, but an end of traffic is expected here",
            item.span,
            help="use a set of addresses, networks, macs or fixed interfaces",
            secondary=[Label(s, "declared here") for s in found.origin.spans[:1]],
        )
    )
    return None


def _merged(ends: list[End]) -> tuple[End, ...]:
    """Neighbouring address items as one: their union is the same set. An empty file set stays alone so that it is seen."""
    out: list[End] = []
    run: list[End] = []
    for end in ends:
        if end.addresses:
            run.append(end)
            continue
        if run:
            out.append(_joined(run))
            run = []
        out.append(end)
    if run:
        out.append(_joined(run))
    return tuple(out)


def _joined(run: list[End]) -> End:
    if len(run) == 1:
        return run[0]
    return End(run[0].span, addresses=union(end.addresses for end in run if end.addresses is not None))
