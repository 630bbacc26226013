"""The policy of one machine laid out in its one order: includes, taken branches and the host's block in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate import when
from fwc.elaborate.codes import MISPLACED, REDEFINED, RESERVED, SYNTAX
from fwc.elaborate.includes import Loaded, bodies_of
from fwc.elaborate.names import RESERVED as RESERVED_WORDS
from fwc.elaborate.report import mistake
from fwc.elaborate.settings import Placement
from fwc.elaborate.when import Machine
from fwc.lang import ast
from fwc.records import Record
from fwc.source import Span

Named = ast.Zone | ast.HostAddress | ast.ManagedHost | ast.Group | ast.Template
"""Declarations that share one namespace."""

Declaration = Named | ast.SetDecl | ast.Service | ast.Let

SYNTAX_VERSION = 1


class Skipped(Record):
    """Statements that are not compiled here, only checked. `where` says why, for messages; `conditional` when a `when`
    decided so."""

    statements: tuple[ast.Statement, ...]
    where: str
    conditional: bool = False


class Layout:
    """What `lay_out` found: the declarations of this machine, and its other statements in order."""

    __slots__ = (
        "elsewhere",
        "lets",
        "managed",
        "named",
        "policy",
        "services",
        "sets",
        "settings",
        "skipped",
        "statements",
    )

    def __init__(self) -> None:
        self.named: dict[str, Named] = {}
        self.services: dict[str, ast.Service] = {}
        self.sets: dict[str, ast.SetDecl] = {}
        self.lets: dict[str, ast.Let] = {}
        self.managed: dict[str, ast.ManagedHost] = {}
        self.settings: list[Placement] = []
        self.policy: ast.PolicyInfo | None = None
        self.skipped: list[Skipped] = []
        self.elsewhere: dict[str, str] = {}
        self.statements: tuple[ast.Statement, ...] = ()


def lay_out(
    file: ast.File, loaded: Loaded, machine: Machine, managed: dict[str, ast.ManagedHost], out: list[Diagnostic]
) -> Layout:
    """Walk the file as `machine` sees it. `managed` are all managed hosts of the policy."""
    layout = Layout()
    layout.managed = managed
    walker = _Walker(layout, loaded, machine, out)
    layout.statements = walker.flatten(file.statements, _Place())
    for skipped in layout.skipped:
        for name in declared_names(skipped.statements, loaded):
            layout.elsewhere.setdefault(name, skipped.where)
    return layout


class _Place(Record):
    """Where the walk is: in the host's own block, under a `when`, in a chain or prefix block."""

    host: bool = False
    conditional: bool = False
    nested: bool = False


class _Walker:
    def __init__(self, layout: Layout, loaded: Loaded, machine: Machine, out: list[Diagnostic]) -> None:
        self.layout = layout
        self.loaded = loaded
        self.machine = machine
        self.out = out
        self.read: set[str] = set()

    def flatten(self, statements: Sequence[object], place: _Place) -> tuple[ast.Statement, ...]:
        """The statements with declarations taken out and everything that this machine reads in place."""
        result: list[ast.Statement] = []
        for statement in statements:
            handler = _HANDLERS.get(type(statement))
            if handler is None:
                result.append(statement)  # type: ignore[arg-type]  # host properties have a handler
            else:
                result.extend(handler(self, statement, place))
        return tuple(result)

    def include(self, include: ast.Include, place: _Place) -> tuple[ast.Statement, ...]:
        result: list[ast.Statement] = []
        for included in self.loaded.get(include.span, ()):
            if included.key not in self.read:
                self.read.add(included.key)
                result.extend(self.flatten(included.file.statements, place))
        return tuple(result)

    def when(self, statement: ast.When, place: _Place) -> tuple[ast.Statement, ...]:
        taken = when.holds(statement, self.machine, self.layout.managed, self.out)
        first = statement.body.statements
        second = statement.otherwise.statements if statement.otherwise is not None else ()
        if taken is None:
            first, second = (), (*first, *second)
        elif not taken:
            first, second = second, first
        if second:
            line = statement.span.line
            self.layout.skipped.append(Skipped(second, f"under a `when` (line {line}) that is not taken here", True))
        return self.flatten(first, _Place(place.host, True, place.nested))

    def managed_host(self, host: ast.ManagedHost, place: _Place) -> tuple[ast.Statement, ...]:
        self.name(host, place)
        if place.host or place.nested or place.conditional:
            self.misplaced(host.span, "a host", "host blocks stand at the top level of a file")
        statements = tuple(item for item in host.items if not isinstance(item, _PROPERTIES))
        if host.name.text != self.machine.host:
            if statements:
                self.layout.skipped.append(Skipped(statements, f"inside host {host.name.text}"))
            return ()
        return self.flatten(statements, _Place(True, place.conditional, place.nested))

    def block(
        self, block: ast.Scope | ast.Early | ast.ChainDecl | ast.HookDecl, place: _Place
    ) -> tuple[ast.Statement, ...]:
        old = block.body.statements
        new = self.flatten(old, _Place(place.host, place.conditional, True))
        if len(new) == len(old) and all(a is b for a, b in zip(new, old, strict=True)):
            return (block,)
        body = ast.Block(new, block.body.span)
        if isinstance(block, ast.Scope):
            return (ast.Scope(block.source, block.destination, block.conditions, body, block.span),)
        if isinstance(block, ast.Early):
            return (ast.Early(body, block.span),)
        if isinstance(block, ast.ChainDecl):
            return (ast.ChainDecl(block.name, body, block.span),)
        b = block
        return (ast.HookDecl(b.hook, b.priority_base, b.priority, b.type, b.policy, b.name, body, b.span),)

    def settings(self, block: ast.SettingsBlock, place: _Place) -> tuple[ast.Statement, ...]:
        if place.nested:
            self.misplaced(block.span, "`settings`", "settings stand at the top level, in a host block or under `when`")
        self.layout.settings.append(Placement(block, place.host, place.conditional))
        return ()

    def policy(self, policy: ast.PolicyInfo, place: _Place) -> tuple[ast.Statement, ...]:
        first = self.layout.policy
        if first is not None:
            self.twice("policy", policy.name.value, policy.span, first.span)
        else:
            self.layout.policy = policy
        for option in policy.options:
            if not isinstance(option, ast.TextOption):
                self.misplaced(option.span, "this option", "a policy takes owner, ticket and comment")
        return ()

    def syntax(self, syntax: ast.Syntax, place: _Place) -> tuple[ast.Statement, ...]:
        if syntax.version.value != SYNTAX_VERSION:
            message = f"syntax {syntax.version.value} is not known; this fwc reads syntax {SYNTAX_VERSION}"
            help = f"write `syntax {SYNTAX_VERSION}`, or use a newer fwc"
            self.out.append(mistake(SYNTAX, message, syntax.version.span, help=help))
        return ()

    def name(self, node: Named, place: _Place) -> tuple[ast.Statement, ...]:
        text = node.name.text
        self.reserved(node.name)
        first = self.layout.named.get(text)
        if first is not None:
            self.twice("name", text, node.name.span, first.name.span)
        else:
            self.layout.named[text] = node
        if isinstance(node, ast.Template):
            self.template(node)
        return ()

    def service(self, node: ast.Service, place: _Place) -> tuple[ast.Statement, ...]:
        first = self.layout.services.setdefault(node.name.text, node)
        self.reserved(node.name)
        if first is not node:
            self.twice("service", node.name.text, node.name.span, first.name.span)
        return ()

    def set(self, node: ast.SetDecl, place: _Place) -> tuple[ast.Statement, ...]:
        first = self.layout.sets.setdefault(node.name.text, node)
        if first is not node:
            self.twice("set", node.name.text, node.name.span, first.name.span)
        return ()

    def let(self, node: ast.Let, place: _Place) -> tuple[ast.Statement, ...]:
        first = self.layout.lets.setdefault(node.name.text, node)
        if first is not node:
            self.twice("value", "$" + node.name.text, node.name.span, first.name.span)
        return ()

    def host_property(self, node: object, place: _Place) -> tuple[ast.Statement, ...]:
        """`os`, `target` and `address` are read by the choice of the host."""
        return ()

    def template(self, template: ast.Template) -> None:
        seen: dict[str, Span] = {}
        for param in template.params:
            first = seen.setdefault(param.name.text, param.name.span)
            if first != param.name.span:
                self.twice("parameter", param.name.text, param.name.span, first)
        pending: list[Sequence[object]] = [template.body.statements]
        while pending:
            for statement in pending.pop():
                if isinstance(statement, _NOT_IN_TEMPLATES):
                    self.misplaced(
                        statement.span, "a declaration in a template", "declare it outside; a template may hold `let`"
                    )
                else:
                    pending.extend(bodies_of(statement))

    def reserved(self, name: ast.Name) -> None:
        if name.text in RESERVED_WORDS:
            message = f"`{name.text}` is a word of the language and cannot be a name"
            self.out.append(mistake(RESERVED, message, name.span, help=f"choose another name, such as `{name.text}-1`"))

    def twice(self, what: str, name: str, span: Span, first: Span) -> None:
        message = f"the {what} `{name}` is declared twice"
        label = Label(first, "first declared here")
        self.out.append(mistake(REDEFINED, message, span, help="rename or remove one of them", secondary=[label]))

    def misplaced(self, span: Span, what: str, help: str) -> None:
        self.out.append(mistake(MISPLACED, f"{what} cannot stand here", span, help=help))


_PROPERTIES = (ast.HostOs, ast.HostTarget, ast.HostOwnAddress)
_NOT_IN_TEMPLATES = (
    ast.Zone,
    ast.HostAddress,
    ast.ManagedHost,
    ast.Group,
    ast.SetDecl,
    ast.Service,
    ast.Template,
    ast.SettingsBlock,
    ast.Include,
    ast.PolicyInfo,
    ast.Syntax,
)

_HANDLERS: dict[type, Callable[[_Walker, Any, _Place], tuple[ast.Statement, ...]]] = {
    ast.Include: _Walker.include,
    ast.When: _Walker.when,
    ast.ManagedHost: _Walker.managed_host,
    ast.Scope: _Walker.block,
    ast.Early: _Walker.block,
    ast.ChainDecl: _Walker.block,
    ast.HookDecl: _Walker.block,
    ast.SettingsBlock: _Walker.settings,
    ast.PolicyInfo: _Walker.policy,
    ast.Syntax: _Walker.syntax,
    ast.Zone: _Walker.name,
    ast.HostAddress: _Walker.name,
    ast.Group: _Walker.name,
    ast.Template: _Walker.name,
    ast.Service: _Walker.service,
    ast.SetDecl: _Walker.set,
    ast.Let: _Walker.let,
    **dict.fromkeys(_PROPERTIES, _Walker.host_property),
}


def declared_names(statements: Sequence[object], loaded: Loaded) -> dict[str, Declaration]:
    """Everything declared in some statements and the blocks and files inside them, spelled as in `Program.declared`."""
    found: dict[str, Declaration] = {}
    for statement in every_statement(statements, loaded):
        if isinstance(statement, Named):
            found.setdefault(statement.name.text, statement)
        elif isinstance(statement, ast.SetDecl):
            found.setdefault("@" + statement.name.text, statement)
        elif isinstance(statement, ast.Service):
            found.setdefault("service " + statement.name.text, statement)
        elif isinstance(statement, ast.Let):
            found.setdefault("$" + statement.name.text, statement)
    return found


def every_statement(statements: Sequence[object], loaded: Loaded) -> list[ast.Statement]:
    """All statements in some statements, the blocks inside them, both branches of `when` and the files they include
    (each file once). The contents of templates belong to the template and are left out."""
    found: list[ast.Statement] = []
    read: set[str] = set()
    pending: list[Sequence[object]] = [statements]
    while pending:
        for statement in pending.pop():
            found.append(statement)  # type: ignore[arg-type]  # host properties are harmless to every caller
            if isinstance(statement, ast.Include):
                for included in loaded.get(statement.span, ()):
                    if included.key not in read:
                        read.add(included.key)
                        pending.append(included.file.statements)
            elif not isinstance(statement, ast.Template):
                pending.extend(bodies_of(statement))
    return found
