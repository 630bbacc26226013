"""Looking up one name of a program, and saying precisely what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate.codes import KIND, SET, UNDEFINED, ZONE_ABSENT
from fwc.elaborate.expanded import Program
from fwc.elaborate.names import suggestion
from fwc.elaborate.report import mistake
from fwc.ir.model import NamedSet, Zone
from fwc.lang import ast
from fwc.lang.services import standard_names
from fwc.net.addresses import AddressSet
from fwc.net.intervals import IntervalSet
from fwc.source import Span

MOST_SUGGESTIONS = 100
"""Unknown names that get a suggestion in one run; each is compared with every declared name."""


def unknown(
    program: Program, kind: str, text: str, span: Span, candidates: Iterable[str], sign: str = ""
) -> Diagnostic:
    """There is no `kind` of this name; with the name that was probably meant, or what the name is instead."""
    instead = _what_it_is(program, text)
    if instead:
        return mistake(KIND, f"{instead}, but a {kind} is expected here", span, help=_advice(program, text, kind))
    count = program.counters["suggestions"] = program.counters.get("suggestions", 0) + 1
    meant = suggestion(text, candidates) if count <= MOST_SUGGESTIONS else ""
    elsewhere = program.elsewhere.get(sign + text, "")
    if elsewhere:
        message, help = (
            f"`{sign}{text}` is declared only {elsewhere}",
            "declare it outside, where this statement sees it",
        )
    else:
        message = f"there is no {kind} named `{sign}{text}`"
        help = (
            f"did you mean `{sign}{meant}`?" if meant else f"declare it, before or after this line: {_EXAMPLES[kind]}"
        )
    return mistake(UNDEFINED, message, span, help=help)


_EXAMPLES = {
    "zone": "`zone NAME { iface ... }`",
    "host or group": "`host NAME = ...`",
    "zone, host or group": "`host NAME = ...`",
    "set": "`set NAME of addresses dynamic`",
    "service": "`service NAME = tcp ...`",
    "chain": "`chain NAME { ... }`",
    "zone, host, group or service": "`host NAME = ...`",
}


def zone_named(
    program: Program, name: ast.Name | ast.Variable, out: list[Diagnostic], used_here: bool = True
) -> Zone | None:
    """The zone of this name. `used_here` is False in code that is only checked: there a zone may lack an interface."""
    if isinstance(name, ast.Variable):
        out.append(unresolved(name))
        return None
    text = name.text
    program.used.add(text)
    zone = program.zones.get(text)
    if zone is None:
        if text not in program.broken:
            out.append(unknown(program, "zone", text, name.span, program.zones))
        return None
    if text in program.broken:
        return None
    if used_here and text in program.absent:
        out.append(absent_zone(program, text, name.span))
        return None
    return zone


def absent_zone(program: Program, name: str, span: Span) -> Diagnostic:
    """A zone that has interfaces on another OS only is used where this OS is compiled."""
    os = program.settings.os
    declared = program.declared.get(name)
    return mistake(
        ZONE_ABSENT,
        f"zone `{name}` has no interface on {os}",
        span,
        help=f"add `iface {os}: NAME` to the zone, or put the statement under `when not os {os}`",
        secondary=(Label(declared.span, "declared here"),) if declared is not None else (),
    )


def set_named(program: Program, name: ast.SetName, out: list[Diagnostic]) -> NamedSet | None:
    """The set `@name`."""
    program.used.add("@" + name.name)
    found = program.sets.get(name.name)
    if "@" + name.name in program.broken:
        return None
    if found is None:
        if name.name in program.groups or name.name in program.zones:
            out.append(
                mistake(
                    KIND,
                    f"{_what_it_is(program, name.name)}, not a set",
                    name.span,
                    help=f"write `{name.name}` without @",
                )
            )
        else:
            out.append(unknown(program, "set", name.name, name.span, program.sets, "@"))
    return found


def runtime_set(program: Program, name: ast.SetName, out: list[Diagnostic]) -> NamedSet | None:
    """The set that an `add source to @name` fills: it must be `dynamic` and hold addresses."""
    found = set_named(program, name, out)
    if found is None:
        return None
    if not found.runtime or found.kind not in ("addresses", "networks"):
        out.append(
            mistake(
                SET,
                f"nothing can be added to @{found.name}: it is not a dynamic set of addresses",
                name.span,
                help=f"declare it as `set {found.name} of addresses dynamic timeout 1h`",
                secondary=[Label(s) for s in found.origin.spans[:1]],
            )
        )
        return None
    return found


def addresses_named(program: Program, name: ast.Name, out: list[Diagnostic]) -> AddressSet | None:
    """The addresses of a host or group."""
    text = name.text
    program.used.add(text)
    found = program.groups.get(text)
    if text in program.broken:
        return None
    if found is None:
        out.append(unknown(program, "host or group", text, name.span, program.groups))
    elif not found:
        out.append(no_address(program, name))
        return None
    return found


def resolve_host(
    program: Program, node: ast.Address | ast.Name | ast.Self | ast.Variable, out: list[Diagnostic]
) -> AddressSet | None:
    """The addresses of a NAT target or a test packet's side; `self` is this machine's known addresses (maybe none)."""
    if isinstance(node, ast.Address):
        return literal(node)
    if isinstance(node, ast.Self):
        return program.own_addresses
    if isinstance(node, ast.Name):
        return addresses_named(program, node, out)
    out.append(unresolved(node))
    return None


def literal(node: ast.Address) -> AddressSet:
    """The set that an address, a prefix or a range in the text denotes."""
    return AddressSet.of_family(node.family, IntervalSet.range(node.low, node.high))


def no_address(program: Program, name: ast.Name) -> Diagnostic:
    """A managed host without `address` stands where its address is needed."""
    declared = program.declared.get(name.text)
    return mistake(
        KIND,
        f"host `{name.text}` has no address",
        name.span,
        help="write `address ...` in its block",
        secondary=(Label(declared.span, "declared here"),) if declared is not None else (),
    )


def unresolved(variable: ast.Variable) -> Diagnostic:
    """A `$name` that nothing binds."""
    return mistake(
        UNDEFINED,
        f"there is no value named `${variable.name}` here",
        variable.span,
        help=f"write `let {variable.name} = ...`, or make it a parameter of the template",
    )


def _what_it_is(program: Program, text: str) -> str:
    declared = program.declared.get(text)
    if isinstance(declared, ast.Zone):
        return f"`{text}` is a zone"
    if isinstance(declared, (ast.HostAddress, ast.ManagedHost)):
        return f"`{text}` is a host"
    if isinstance(declared, ast.Group):
        return f"`{text}` is a group"
    if isinstance(declared, ast.Template):
        return f"`{text}` is a template"
    if text in program.services or text in standard_names():
        return f"`{text}` is a service"
    return f"`{text}` is a set" if text in program.sets else ""


def _advice(program: Program, text: str, kind: str) -> str:
    declared = program.declared.get(text)
    if isinstance(declared, ast.Template):
        return f"write `use {text}(...)` as a statement of its own"
    if kind == "service":
        return f"what is allowed stands first, who after it: `allow any from {text} to ...`"
    if kind in ("host or group", "zone, host or group") and declared is None and text not in program.sets:
        return f"a service stands before `from`: `allow {text} from ... to ...`"
    if text in program.sets and declared is None:
        return f"write `@{text}`"
    return f"write the name of a {kind}" + (
        f", or `{text}` in its place after `from` or `to`" if kind == "zone" else ""
    )
