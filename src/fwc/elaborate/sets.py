"""`set` declarations: what is known of their members, and which are filled at run time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from fwc.diagnostics import Diagnostic
from fwc.elaborate.codes import SET, SET_FILE
from fwc.elaborate.groups import AddressBook
from fwc.elaborate.interfaces import interface_problem
from fwc.elaborate.report import mistake
from fwc.ir.match import Field, Values
from fwc.ir.model import NamedSet
from fwc.lang import ast
from fwc.lang.files import FileProblem, Files
from fwc.net.addresses import AddressSet
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet
from fwc.records import Record
from fwc.source import Origin

FIELD = {
    "addresses": Field.SADDR,
    "networks": Field.SADDR,
    "ports": Field.DPORT,
    "macs": Field.SMAC,
    "ifaces": Field.IIF,
}
"""The field whose type the members of each kind have; a rule may compare the destination with the same set."""

LARGEST_SIZE = (1 << 32) - 1


class Sets(Record):
    """`broken` spell sets as "@NAME"; `inputs` are (path, sha256) of the files read."""

    sets: dict[str, NamedSet]
    inputs: tuple[tuple[str, str], ...]
    broken: frozenset[str]


def resolve_sets(declared: Mapping[str, ast.SetDecl], book: AddressBook, files: Files, out: list[Diagnostic]) -> Sets:
    """Every set of the policy. The known members are one element: a set of values of the kind's field."""
    sets: dict[str, NamedSet] = {}
    inputs: dict[str, str] = {}
    broken: set[str] = set()
    for name, node in declared.items():
        before = len(out)
        known = _known(node, book, files, inputs, out)
        _check_attributes(node, known, out)
        if known is None or len(out) != before:
            broken.add("@" + name)
        sets[name] = NamedSet(
            name,
            (FIELD[node.kind],),
            ((known,),) if known is not None and not _is_empty(known) else (),
            node.kind,
            runtime=node.dynamic or node.source is None,
            timeout=None if node.timeout is None else max(1, node.timeout.milliseconds // 1000),
            size=None if node.size is None else node.size.value,
            counters=node.counters,
            origin=Origin((node.span,)),
        )
    return Sets(sets, tuple(sorted(inputs.items())), frozenset(broken))


def _known(
    node: ast.SetDecl, book: AddressBook, files: Files, inputs: dict[str, str], out: list[Diagnostic]
) -> Values | None:
    """The members that the policy or its file states; None after a mistake."""
    if isinstance(node.source, ast.SetFile):
        return _from_file(node.source, node.kind, files, inputs, out)
    members = node.source or ()
    before = len(out)
    values: Values | None
    if node.kind in ("addresses", "networks"):
        good = [book.substitution.member(m) for m in members]
        wrong = [m for m in good if not _is_member(m)]
        values = None if wrong else book.members(good, out)
    elif node.kind == "ports":
        wrong = [m for m in members if not isinstance(m, (ast.Ports, ast.Variable))]
        ports = [book.substitution.ports(m) for m in members]
        values = IntervalSet((p.low, p.high) for p in ports if isinstance(p, ast.Ports))
    elif node.kind == "macs":
        wrong = [m for m in members if not isinstance(m, ast.Mac)]
        values = IntervalSet.of(*(m.value for m in members if isinstance(m, ast.Mac)))
    else:
        wrong = [m for m in members if not isinstance(m, (ast.Iface, ast.Name))]
        ifaces = [ast.Iface(m.text, m.span) if isinstance(m, ast.Name) else m for m in members]
        out.extend(p for i in ifaces if isinstance(i, ast.Iface) and (p := interface_problem(i)) is not None)
        values = IfaceSet.of([i.name for i in ifaces if isinstance(i, ast.Iface)])
    if len(out) == before:
        for member in wrong:
            help = f"a set of {node.kind} holds {_HOLDS[node.kind]}"
            out.append(mistake(SET, f"this has no place in a set of {node.kind}", member.span, help=help))
    return values if len(out) == before else None


_HOLDS = {
    "addresses": "addresses, hosts and groups",
    "networks": "addresses, prefixes, ranges, hosts and groups",
    "ports": "ports and port ranges",
    "macs": "MAC addresses",
    "ifaces": "interface names",
}


def _is_member(node: object) -> TypeGuard[ast.Member]:
    return isinstance(node, (ast.Address, ast.Dns, ast.Name))


def _from_file(
    file: ast.SetFile, kind: str, files: Files, inputs: dict[str, str], out: list[Diagnostic]
) -> Values | None:
    try:
        source, digest = files.data(file.path.value, file.span.file)
    except FileProblem as problem:
        out.append(mistake(SET_FILE, f"{problem}", file.span, help="paths are relative to the file that names them"))
        return None
    from fwc.elaborate.set_files import read_addresses, read_ifaces, read_macs, read_ports

    inputs[source.path] = digest
    before = len(out)
    values: Values
    if kind == "ports":
        values = read_ports(source, out)
    elif kind == "macs":
        values = read_macs(source, out)
    elif kind == "ifaces":
        values = read_ifaces(source, out)
    else:
        values = read_addresses(source, out)
    return values if len(out) == before else None


def _check_attributes(node: ast.SetDecl, known: Values | None, out: list[Diagnostic]) -> None:
    runtime = node.dynamic or node.source is None
    if node.dynamic and isinstance(node.source, ast.SetFile):
        help = "leave `dynamic` out, or fill the set at run time and leave the file out"
        out.append(mistake(SET, "a set read from a file cannot be dynamic", node.name.span, help=help))
    if not runtime and node.timeout is not None:
        help = "leave `timeout` out, or write `dynamic`"
        out.append(mistake(SET, "the members of a fixed set do not expire", node.timeout.span, help=help))
    if node.dynamic and node.kind not in ("addresses", "networks"):
        help = "write a dynamic set of addresses"
        out.append(mistake(SET, f"rules cannot fill a set of {node.kind}", node.name.span, help=help))
    if node.timeout is not None and node.timeout.milliseconds <= 0:
        out.append(mistake(SET, "a timeout is longer than nothing", node.timeout.span, help="write `timeout 1h`"))
    if node.kind == "addresses" and node.dynamic and isinstance(known, AddressSet) and _has_networks(known):
        help = "write `of networks`"
        out.append(mistake(SET, "a dynamic set of addresses holds single addresses only", node.name.span, help=help))
    if node.size is None:
        return
    if not 0 < node.size.value <= LARGEST_SIZE:
        message = f"a size lies between 1 and {LARGEST_SIZE:,}"
        out.append(mistake(SET, message, node.size.span, help="write how many members the set may hold"))
    elif known is not None and _count(known) > node.size.value:
        help = f"write `size {_count(known)}` or more"
        out.append(
            mistake(SET, f"the set has {_count(known):,} members, more than its size", node.size.span, help=help)
        )


def _has_networks(addresses: AddressSet) -> bool:
    return any(low != high for family in addresses.families() for low, high in addresses.family(family).runs)


def _is_empty(values: Values) -> bool:
    return values.is_empty if isinstance(values, IfaceSet) else not values


def _count(values: Values) -> int:
    """How many entries an output needs at least: runs, not addresses."""
    if isinstance(values, IfaceSet):
        return len(values.names) + len(values.prefixes)
    if isinstance(values, AddressSet):
        return len(values.v4.runs) + len(values.v6.runs)
    return len(values.runs)
