"""Names in code that is not compiled here: other hosts, branches not taken, templates nobody uses (language D27)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from fwc.diagnostics import Diagnostic
from fwc.elaborate import when
from fwc.elaborate.bindings import node_fields
from fwc.elaborate.codes import MISPLACED, UNDEFINED
from fwc.elaborate.ends import check_ends
from fwc.elaborate.expanded import Program
from fwc.elaborate.flows import resolve_traffic
from fwc.elaborate.includes import Loaded
from fwc.elaborate.layout import Declaration, Layout, Skipped, declared_names, every_statement
from fwc.elaborate.lookup import addresses_named, set_named, unknown, zone_named
from fwc.elaborate.names import suggestion
from fwc.elaborate.place import find_template
from fwc.elaborate.report import mistake
from fwc.elaborate.settings import Placement, read_settings
from fwc.ir.model import NamedSet, Zone
from fwc.lang import ast
from fwc.lang.services import standard_names, standard_service
from fwc.net.addresses import ANY_ADDRESS
from fwc.net.interfaces import ANY_IFACE


class Checker:
    """Reports names that nothing declares. Names declared in the skipped code itself count there."""

    def __init__(self, program: Program, layout: Layout, loaded: Loaded, lets: set[str], out: list[Diagnostic]) -> None:
        self.program = program
        self.layout = layout
        self.loaded = loaded
        self.lets = lets
        self.out = out
        self.chains = _chain_names(program, layout, loaded)
        self.scratch = dataclasses.replace(
            program,
            zones=dict(program.zones),
            groups=dict(program.groups),
            sets=dict(program.sets),
            services=dict(program.services),
            declared=dict(program.declared),
            elsewhere={},
            ends_memo={},
            traffic_memo={},
        )

    def skipped(self, skipped: Skipped) -> None:
        """A branch that is not taken, or the block of another host."""
        local = declared_names(skipped.statements, self.loaded)
        statements = every_statement(skipped.statements, self.loaded)
        for statement in statements:
            if isinstance(statement, ast.SettingsBlock):
                read_settings([Placement(statement, conditional=skipped.conditional)], self.out)
            elif isinstance(statement, ast.ManagedHost):
                help = "host blocks stand at the top level of a file"
                self.out.append(mistake(MISPLACED, "a host cannot stand here", statement.name.span, help=help))
        self._statements(statements, local, frozenset())

    def template(self, template: ast.Template) -> None:
        """The body of a template that is not expanded here."""
        params = frozenset(param.name.text for param in template.params)
        statements = every_statement(template.body.statements, self.loaded)
        self._statements(statements, declared_names(template.body.statements, self.loaded), params)

    def _statements(
        self, statements: Sequence[ast.Statement], local: dict[str, Declaration], params: frozenset[str]
    ) -> None:
        added = self._add(local)
        program = self.scratch if local else self.program
        bound = params.union(name[1:] for name in local if name.startswith("$"))
        lets = self.lets | bound if bound else self.lets
        for statement in statements:
            if isinstance(statement, ast.When):
                when.check(statement, self.layout.managed, self.out)
            for node in _nodes(statement):
                self._node(node, program, lets, params)
        for table, key in added:
            del table[key]

    def _add(self, local: dict[str, Declaration]) -> list[tuple[dict[str, Any], str]]:
        """Put the declarations of skipped code into the scratch tables for as long as it is checked; copying the tables
        for every host of a large fleet would be quadratic."""
        added: list[tuple[dict[str, Any], str]] = []
        self.scratch.traffic_memo.clear()
        for name, node in local.items():
            stand_in = _stand_in(name, node, self.scratch)
            if stand_in is not None and stand_in[1] not in stand_in[0]:
                stand_in[0][stand_in[1]] = stand_in[2]
                added.append(stand_in[:2])
            if name not in self.scratch.declared:
                self.scratch.declared[name] = node
                added.append((self.scratch.declared, name))
        return added

    def _node(self, node: object, program: Program, lets: set[str], params: frozenset[str]) -> None:
        out = self.out
        if isinstance(node, ast.Variable):
            program.used.add("$" + node.name)
            if node.name not in lets:
                meant = suggestion(node.name, lets)
                help = f"did you mean `${meant}`?" if meant else f"write `let {node.name} = ...`"
                out.append(mistake(UNDEFINED, f"there is no value named `${node.name}`", node.span, help=help))
        elif isinstance(node, ast.Endpoints):
            check_ends(program, _without(node, params), out)
        elif isinstance(node, ast.Traffic):
            items = tuple(i for i in node.items if not _bound(i, params))
            if items:
                resolve_traffic(program, ast.Traffic(items, node.span), out)
        elif isinstance(node, ast.Use):
            self._use(node, program, params)
        elif isinstance(node, ast.AddPart):
            set_named(program, node.set, out)
        elif isinstance(node, ast.Jump) and node.chain is not None and node.chain.text not in params:
            if node.chain.text not in self.chains:
                out.append(unknown(program, "chain", node.chain.text, node.chain.span, self.chains))
        else:
            for name in _address_names(node):
                if name.text not in params:
                    addresses_named(program, name, out)
            for zone in _zone_names(node):
                if zone.text not in params:
                    zone_named(program, zone, out, False)

    def _use(self, use: ast.Use, program: Program, params: frozenset[str]) -> None:
        program.used.add(use.name.text)
        template = find_template(use, program.declared, self.out)
        if template is not None:
            from fwc.elaborate.templates import arity_fits

            arity_fits(use, template, self.out)
        for argument in use.arguments:
            if isinstance(argument, ast.SetName):
                set_named(program, argument, self.out)
            elif (
                isinstance(argument, ast.Name)
                and argument.text not in params
                and not self._exists(argument.text, program)
            ):
                names = (*program.zones, *program.groups, *program.services, *standard_names())
                kind = "zone, host, group or service"
                self.out.append(unknown(program, kind, argument.text, argument.span, names))

    def _exists(self, name: str, program: Program) -> bool:
        """Whether a template's argument names anything; what kind it must be shows only where the template uses it."""
        program.used.update((name, f"service {name}"))
        known = name in program.declared or name in program.services or standard_service(name) is not None
        return known or name in self.chains


def _address_names(node: object) -> Iterator[ast.Name]:
    """Names in a node of which each must be a host or a group."""
    if isinstance(node, ast.NatEndpoint):
        found: tuple[object, ...] = (node.host,)
    elif isinstance(node, ast.Map):
        found = (node.outer, node.inner)
    elif isinstance(node, ast.Group):
        found = (*node.members, *node.excluded)
    elif isinstance(node, ast.HostAddress):
        found = node.members
    else:
        return
    yield from (name for name in found if isinstance(name, ast.Name))


def _zone_names(node: object) -> Iterator[ast.Name]:
    """Names in a node of which each must be a zone."""
    if isinstance(node, ast.Map):
        yield node.zone
    elif isinstance(node, ast.ZoneOverlaps):
        yield from node.zones
    elif isinstance(node, ast.Zone) and node.within is not None:
        yield node.within


def _stand_in(name: str, node: Declaration, program: Program) -> tuple[dict[str, Any], str, object] | None:
    """The table, key and stand-in content for a declaration that skipped code makes for itself."""
    if isinstance(node, ast.Zone):
        return program.zones, name, Zone(name, ANY_IFACE)
    if isinstance(node, (ast.HostAddress, ast.Group, ast.ManagedHost)):
        return program.groups, name, ANY_ADDRESS
    if isinstance(node, ast.Service):
        return program.services, node.name.text, node
    if isinstance(node, ast.SetDecl):
        return program.sets, node.name.text, NamedSet(node.name.text, (), kind=node.kind, runtime=True)
    return None


def _nodes(root: object) -> Iterator[object]:
    """Every node of a statement except the statements in its blocks, which the caller visits. Endpoints and traffic are
    checked whole; what is inside them is visited for its variables."""
    pending: list[object] = [root]
    while pending:
        node = pending.pop()
        yield node
        for name in node_fields(type(node)):
            value = getattr(node, name)
            if name in ("span", "body", "otherwise") or (name == "items" and isinstance(node, ast.ManagedHost)):
                continue
            if isinstance(value, tuple):
                pending.extend(reversed([v for v in value if not isinstance(v, (str, int))]))
            elif value is not None and not isinstance(value, (str, int)):
                pending.append(value)


def _bound(node: object, params: frozenset[str]) -> bool:
    """Whether a template parameter decides what this is."""
    if isinstance(node, ast.Variable):
        return True
    if isinstance(node, ast.L4):
        return isinstance(node.port, ast.Variable) or isinstance(node.sport, ast.Variable)
    if isinstance(node, ast.Name):
        return node.text in params
    return isinstance(node, ast.ServiceName) and node.name in params


def _without(ends: ast.Endpoints, params: frozenset[str]) -> ast.Endpoints:
    """The list without what parameters decide."""
    return ast.Endpoints(
        tuple(i for i in ends.items if not _bound(i, params)),
        tuple(i for i in ends.excluded if not _bound(i, params)),
        tuple(z for z in ends.zones if not _bound(z, params)),
        ends.span,
    )


def _chain_names(program: Program, layout: Layout, loaded: Loaded) -> set[str]:
    found = {
        p.statement.name.text for p in program.statements if isinstance(p.statement, (ast.ChainDecl, ast.HookDecl))
    }
    for skipped in layout.skipped:
        for statement in every_statement(skipped.statements, loaded):
            if isinstance(statement, (ast.ChainDecl, ast.HookDecl)):
                found.add(statement.name.text)
    for node in layout.named.values():
        if isinstance(node, ast.Template):
            for statement in every_statement(node.body.statements, loaded):
                if isinstance(statement, (ast.ChainDecl, ast.HookDecl)):
                    found.add(statement.name.text)
    return found


def every_node(file: ast.File, loaded: Loaded) -> Iterator[object]:
    """Every node of a policy, whatever is compiled: other hosts, both branches, templates, included files."""
    pending = [every_statement(file.statements, loaded)]
    while pending:
        for statement in pending.pop():
            if isinstance(statement, ast.Template):
                pending.append(every_statement(statement.body.statements, loaded))
            yield from _nodes(statement)
