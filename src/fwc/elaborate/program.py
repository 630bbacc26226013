"""A policy expanded for one host and target: includes read, templates, `let`, `when` and hosts resolved, names bound."""

from __future__ import annotations

import dataclasses

from fwc.diagnostics import Diagnostic, Label, Severity
from fwc.elaborate.bindings import Bindings, Substitution, resolve_lets
from fwc.elaborate.checks import Checker
from fwc.elaborate.codes import REDEFINED, SERVICE_CYCLE
from fwc.elaborate.dns import Lock
from fwc.elaborate.expanded import ElaborateOptions, Implicit, Limits, Placed, Program
from fwc.elaborate.expiry import Expiry
from fwc.elaborate.flows import service_flows
from fwc.elaborate.groups import AddressBook
from fwc.elaborate.hosts import choose, managed_hosts, own_addresses
from fwc.elaborate.includes import Loaded, load, misread
from fwc.elaborate.layout import Layout, lay_out
from fwc.elaborate.names import dependency_order
from fwc.elaborate.place import Around, Placer, check_chain_names
from fwc.elaborate.report import mistake
from fwc.elaborate.sets import Sets, resolve_sets
from fwc.elaborate.settings import Chosen, read_settings
from fwc.elaborate.when import Machine
from fwc.elaborate.zones import Zones, resolve_zones
from fwc.ir.model import Settings
from fwc.lang import ast
from fwc.lang.files import Files
from fwc.lang.services import standard_service
from fwc.net.addresses import union
from fwc.net.hooks import Family

__all__ = ["ElaborateOptions", "Implicit", "Limits", "Placed", "Program", "dns_names", "expand"]

_FAMILIES = {"dual": (Family.V4, Family.V6), "v4": (Family.V4,), "v6": (Family.V6,)}


def expand(file: ast.File, files: Files, options: ElaborateOptions) -> tuple[Program | None, list[Diagnostic]]:
    """Expand `file`. Every mistake in names, includes, templates, hosts, sets and settings becomes a diagnostic; the program
    is None when there was an error that makes it meaningless to go on."""
    out: list[Diagnostic] = []
    loaded = load(file, files, out)
    if loaded is None:
        return None, out
    managed = managed_hosts(file, loaded)
    machine = choose(file, loaded, managed, options, out)
    if machine is None:
        return None, out
    layout = lay_out(file, loaded, machine, managed, out)
    return _Expansion(file, layout, machine, loaded, files, options, out).run(), out


class _Expansion:
    """The steps after the layout, in the order in which they need each other."""

    def __init__(
        self,
        file: ast.File,
        layout: Layout,
        machine: Machine,
        loaded: Loaded,
        files: Files,
        options: ElaborateOptions,
        out: list[Diagnostic],
    ) -> None:
        self.file = file
        self.layout = layout
        self.machine = machine
        self.loaded = loaded
        self.files = files
        self.options = options
        self.out = out
        self.used: set[str] = set()

    def run(self) -> Program:
        layout, out, used = self.layout, self.out, self.used
        chosen = read_settings(layout.settings, out)
        lets = Bindings(resolve_lets(layout.lets, out, used), frozenset(), used)
        zones = resolve_zones(layout.named, self.machine.os, used, out)
        lock = Lock(self.files)
        book = AddressBook(layout.named, Substitution(lets, out), lock, used)
        book.fill(out)
        sets = resolve_sets(layout.sets, book, self.files, out)
        program = self._program(chosen, zones, book, sets, lock, lets)
        program = self._with_services(program)
        expiry = Expiry(self.options.today, chosen.on_expired)
        placer = Placer(layout, self.machine, lets, expiry, out)
        placed = tuple(placer.place(layout.statements, lets, Around()))
        check_chain_names(placed, out)
        used |= placer.used_templates
        program = dataclasses.replace(program, statements=placed, notes=expiry.notes())
        self._check_rest(program, placer, set(layout.lets))
        return program

    def _program(
        self, chosen: Chosen, zones: Zones, book: AddressBook, sets: Sets, lock: Lock, lets: Bindings
    ) -> Program:
        layout, machine = self.layout, self.machine
        host = layout.managed.get(machine.host)
        substitution = Substitution(lets, self.out)
        return Program(
            title=layout.policy.name.value if layout.policy is not None else "",
            host=machine.host,
            settings=Settings(
                target=machine.target,
                os=machine.os,
                families=_FAMILIES[chosen.family],
                stateful=chosen.stateful,
                table=chosen.table,
                anchor=chosen.anchor,
                coexist=chosen.coexist,
                log_prefix=chosen.log.prefix,
                rpfilter=chosen.implicit.rpfilter,
            ),
            implicit=chosen.implicit,
            log=chosen.log,
            reject_with=chosen.reject_with,
            on_expired=chosen.on_expired,
            today=self.options.today,
            zones=zones.zones,
            zone_overlaps=zones.overlaps,
            groups=book.found,
            services={name: substitution.rewrite(node) for name, node in layout.services.items()},
            sets=sets.sets,
            own_addresses=union([own_addresses(host), *(zone.addresses for zone in zones.zones.values())]),
            statements=(),
            inputs=sets.inputs,
            declared=_declared(layout),
            used=self.used,
            broken=zones.broken | book.broken | sets.broken,
            absent=zones.absent,
            misread=misread(self.file, self.loaded),
            elsewhere=layout.elsewhere,
            lock=lock,
        )

    def _with_services(self, program: Program) -> Program:
        """Check every service, those it needs first, so that no chain of services exhausts the stack later."""
        services, out = program.services, self.out
        order, cycles = dependency_order(services, lambda name: _service_names(services[name]))
        broken = {f"service {name}" for cycle in cycles for name in cycle}
        for cycle in cycles:
            message = f"services contain each other: {' -> '.join(cycle[:20])}"
            span = services[cycle[0]].name.span
            out.append(mistake(SERVICE_CYCLE, message, span, help="take one of them out"))
        for name in order:
            node = services[name]
            shipped = standard_service(name)
            if shipped is not None and shipped.traffic.span.text != node.traffic.span.text:
                out.append(_redefines_shipped(node))
            key = f"service {name}"
            if key in broken or any(f"service {n}" in broken for n in _service_names(node)):
                broken.add(key)
                continue
            known = key in self.used
            if service_flows(program, ast.ServiceName(name, node.name.span), out) is None:
                broken.add(key)
            if not known:
                self.used.discard(key)
        return dataclasses.replace(program, broken=program.broken | broken)

    def _check_rest(self, program: Program, placer: Placer, lets: set[str]) -> None:
        checker = Checker(program, self.layout, self.loaded, lets, self.out)
        for skipped in self.layout.skipped:
            checker.skipped(skipped)
        for name, node in self.layout.named.items():
            if isinstance(node, ast.Template) and name not in placer.used_templates:
                checker.template(node)


def _declared(layout: Layout) -> dict[str, ast.Statement]:
    return {
        **layout.named,
        **{f"service {name}": node for name, node in layout.services.items()},
        **{f"@{name}": node for name, node in layout.sets.items()},
        **{f"${name}": node for name, node in layout.lets.items()},
    }


def _service_names(service: ast.Service) -> list[str]:
    return [item.name for item in service.traffic.items if isinstance(item, ast.ServiceName)]


def _redefines_shipped(node: ast.Service) -> Diagnostic:
    name = node.name.text
    return Diagnostic(
        REDEFINED[0],
        Severity.INFO,
        f"service `{name}` replaces the shipped service of that name",
        Label(node.name.span),
        help="give it a name of its own if the shipped meaning is wanted somewhere",
        name=REDEFINED[1],
    )


def dns_names(file: ast.File, files: Files) -> tuple[tuple[str, ...], list[Diagnostic]]:
    """Every `dns` name of a policy, for any host and target, sorted: what `fwc lock` resolves."""
    from fwc.elaborate.checks import every_node

    out: list[Diagnostic] = []
    loaded = load(file, files, out)
    if loaded is None:
        return (), out
    names = {node.name for node in every_node(file, loaded) if isinstance(node, ast.Dns)}
    return tuple(sorted(names)), out
