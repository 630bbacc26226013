"""Statements put in their order: templates expanded, variables substituted, blocks noted, expired rules judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate import when
from fwc.elaborate.bindings import Bindings, Substitution
from fwc.elaborate.codes import KIND, MISPLACED, RECURSION, REDEFINED, TOO_LARGE, UNDEFINED
from fwc.elaborate.expanded import Placed
from fwc.elaborate.expiry import Expiry
from fwc.elaborate.layout import Layout, Skipped
from fwc.elaborate.names import suggestion
from fwc.elaborate.report import mistake
from fwc.elaborate.when import Machine
from fwc.lang import ast
from fwc.records import Record
from fwc.source import Origin, SourceFile, Span

MOST_EXPANDED = 200_000
"""Statements (and `use`s) that templates may expand to."""

DEEPEST_USE = 50


class Around(Record):
    """What surrounds a statement: prefix blocks (outermost first), `early`, and the `use`s it came through (innermost
    first) with the names of their templates."""

    scopes: tuple[ast.Scope, ...] = ()
    early: bool = False
    uses: tuple[Span, ...] = ()
    templates: tuple[str, ...] = ()


class Placer:
    """Expands the statements of one machine. `skipped` collects branches inside templates that were not taken."""

    def __init__(
        self, layout: Layout, machine: Machine, globals_: Bindings, expiry: Expiry, out: list[Diagnostic]
    ) -> None:
        self.layout = layout
        self.machine = machine
        self.globals = globals_
        self.expiry = expiry
        self.out = out
        self.expanded = 0
        self.too_large = False
        self.used_templates: set[str] = set()
        self._file: SourceFile | None = None
        self._file_has_variables = False

    def place(self, statements: Sequence[ast.Statement], bindings: Bindings, around: Around) -> list[Placed]:
        """The statements expanded, in order."""
        placed: list[Placed] = []
        substitution = Substitution(bindings, self.out)
        inside = bool(around.uses)
        bare = bool(bindings.bare)
        scopes, early, uses, out = around.scopes, around.early, around.uses, self.out
        expiry = self.expiry
        for statement in statements:
            if inside:
                self.expanded += 1
                if self.expanded > MOST_EXPANDED:
                    self._stop(uses[-1])
                    break
            span = statement.span
            if bare or self._has_variable(span):
                before = len(out)
                statement = substitution.rewrite(statement)
                if len(out) != before:
                    continue
            if type(statement) is ast.Rule and not statement.clauses.options:
                placed.append(Placed(statement, scopes, early, Origin((span, *uses))))
                continue
            handler = _COMPOUND.get(type(statement))
            if handler is not None:
                placed.extend(handler(self, statement, bindings, around))
            elif expiry.keeps(statement, out):
                placed.append(Placed(statement, scopes, early, Origin((statement.span, *uses))))
            else:
                self.layout.skipped.append(Skipped((statement,), "in a statement that is left out"))
            if self.too_large:
                break
        return placed

    def _has_variable(self, span: Span) -> bool:
        """Whether the text of a statement holds a `$`: almost none does, and walking every tree would be slow."""
        file = span[0]
        if file is not self._file:
            self._file = file
            self._file_has_variables = "$" in file.text
        return self._file_has_variables and file.text.find("$", span[1], span[2]) >= 0

    def scope(self, scope: ast.Scope, bindings: Bindings, around: Around) -> list[Placed]:
        inner = Around((*around.scopes, scope), around.early, around.uses, around.templates)
        placed = self.place(scope.body.statements, bindings, inner)
        if not placed:
            # no rule will bind these names
            empty = ast.Scope(
                scope.source, scope.destination, scope.conditions, ast.Block((), scope.body.span), scope.span
            )
            self.layout.skipped.append(Skipped((empty,), "in an empty block"))
        return placed

    def early(self, block: ast.Early, bindings: Bindings, around: Around) -> list[Placed]:
        return self.place(block.body.statements, bindings, Around(around.scopes, True, around.uses, around.templates))

    def when(self, statement: ast.When, bindings: Bindings, around: Around) -> list[Placed]:
        """A `when` in a template; the others were decided when the policy was laid out."""
        taken = when.holds(statement, self.machine, self.layout.managed, self.out)
        if taken is None:
            return []
        chosen = statement.body if taken else statement.otherwise
        return [] if chosen is None else self.place(chosen.statements, bindings, around)

    def chain(self, block: ast.ChainDecl | ast.HookDecl, bindings: Bindings, around: Around) -> list[Placed]:
        if around.scopes or around.early:
            what = "chain" if isinstance(block, ast.ChainDecl) else "hook"
            message = f"a {what} cannot stand inside a `from`, `to` or `early` block"
            help = f"move the {what} out; put the clauses on the `jump`" if what == "chain" else "move the hook out"
            self.out.append(mistake(MISPLACED, message, block.span, help=help))
        body = self.place(block.body.statements, bindings, Around((), False, around.uses, around.templates))
        return [Placed(block, (), False, Origin((block.span, *around.uses)), tuple(body))]

    def let(self, let: ast.Let, bindings: Bindings, around: Around) -> list[Placed]:
        """Already bound, with the template's parameters."""
        return []

    def test(self, test: ast.Test | ast.Assert, bindings: Bindings, around: Around) -> list[Placed]:
        """Tests and assertions of another host are checked for their names only."""
        if test.host is not None and test.host.text != self.machine.host:
            self._check_host(test.host)
            self.layout.skipped.append(Skipped((test,), f"inside host {test.host.text}"))
            return []
        return [Placed(test, around.scopes, around.early, Origin((test.span, *around.uses)))]

    def _check_host(self, host: ast.Name) -> None:
        managed = self.layout.managed
        if host.text in managed:
            return
        meant = suggestion(host.text, managed)
        help = f"did you mean `{meant}`?" if meant else "leave `on` out, or write `host NAME { ... }`"
        self.out.append(mistake(UNDEFINED, f"the policy manages no host `{host.text}`", host.span, help=help))

    def use(self, use: ast.Use, bindings: Bindings, around: Around) -> list[Placed]:
        name = use.name.text
        template = find_template(use, self.layout.named, self.out)
        if template is None:
            return []
        self.used_templates.add(name)
        if name in around.templates:
            cycle = [*around.templates[around.templates.index(name) :], name]
            message = f"templates use each other: {' -> '.join(cycle)}"
            help = "a template cannot use itself, directly or through others"
            self.out.append(mistake(RECURSION, message, use.span, help=help, secondary=self._trail(around)))
            return []
        if len(around.uses) >= DEEPEST_USE:
            message = f"templates use each other more than {DEEPEST_USE} deep"
            help = "write the statements in fewer templates"
            self.out.append(mistake(TOO_LARGE, message, use.span, help=help, secondary=self._trail(around)))
            return []
        from fwc.elaborate.templates import bind

        inner = bind(use, template, Substitution(bindings, self.out), self.globals, self.out)
        if inner is None:
            return []
        deeper = Around(around.scopes, around.early, (use.span, *around.uses), (*around.templates, name))
        return self.place(template.body.statements, inner, deeper)

    def _trail(self, around: Around) -> list[Label]:
        return [Label(span, "used here") for span in around.uses[-1:]]

    def _stop(self, outermost: Span) -> None:
        if not self.too_large:
            message = f"templates expand to more than {MOST_EXPANDED:,} statements"
            help = "use fewer templates inside templates"
            self.out.append(mistake(TOO_LARGE, message, outermost, help=help))
        self.too_large = True


_COMPOUND: dict[type, Callable[[Placer, Any, Bindings, Around], list[Placed]]] = {
    ast.Scope: Placer.scope,
    ast.Early: Placer.early,
    ast.When: Placer.when,
    ast.ChainDecl: Placer.chain,
    ast.HookDecl: Placer.chain,
    ast.Let: Placer.let,
    ast.Test: Placer.test,
    ast.Assert: Placer.test,
    ast.Use: Placer.use,
}


def find_template(use: ast.Use, named: Mapping[str, object], out: list[Diagnostic]) -> ast.Template | None:
    """The template that a `use` names."""
    name = use.name.text
    found = named.get(name)
    if isinstance(found, ast.Template):
        return found
    if found is not None:
        help = "write the name of a template"
        out.append(mistake(KIND, f"`{name}` is not a template", use.name.span, help=help))
        return None
    meant = suggestion(name, [n for n, node in named.items() if isinstance(node, ast.Template)])
    help = f"did you mean `{meant}`?" if meant else f"declare it: `template {name}(...) {{ ... }}`"
    out.append(mistake(UNDEFINED, f"there is no template named `{name}`", use.name.span, help=help))
    return None


def check_chain_names(placed: Sequence[Placed], out: list[Diagnostic]) -> None:
    """Chains and hooks share a namespace of their own; a template used twice may declare the same chain twice."""
    seen: dict[str, Span] = {}
    for each in placed:
        node = each.statement
        if isinstance(node, (ast.ChainDecl, ast.HookDecl)):
            first = seen.get(node.name.text)
            if first is None:
                seen[node.name.text] = node.name.span
            else:
                label = [Label(first, "first declared here")]
                message = f"the chain `{node.name.text}` is declared twice"
                out.append(mistake(REDEFINED, message, node.name.span, help="rename one of them", secondary=label))
