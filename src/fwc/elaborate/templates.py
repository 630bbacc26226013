"""`use`: the arguments of a template bound to its parameters."""

from __future__ import annotations

from collections.abc import Sequence

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate.bindings import Bindings, Bound, Substitution, resolve_lets
from fwc.elaborate.codes import ARGUMENTS, REDEFINED
from fwc.elaborate.includes import bodies_of
from fwc.elaborate.report import mistake
from fwc.lang import ast


def bind(
    use: ast.Use, template: ast.Template, caller: Substitution, globals_: Bindings, out: list[Diagnostic]
) -> Bindings | None:
    """The bindings inside the template: parameters over the file's `let`. Arguments are read in the caller's scope,
    defaults in the file's. None after a mistake in the number of arguments."""
    if not arity_fits(use, template, out):
        return None
    values: dict[str, Bound] = {}
    before = len(out)
    defaults = Substitution(globals_, out)
    for at, param in enumerate(template.params):
        if at < len(use.arguments):
            values[param.name.text] = Bound(caller.argument(use.arguments[at]), use.arguments[at].span)
        elif param.default is not None:
            values[param.name.text] = Bound(defaults.argument(param.default), param.default.span)
    if len(out) != before:
        return None
    params = globals_.inside(values, frozenset(values))
    local = local_lets(template, params, out)
    return params if not local else globals_.inside({**values, **local}, frozenset(values))


def arity_fits(use: ast.Use, template: ast.Template, out: list[Diagnostic]) -> bool:
    """Whether the number of arguments fits the parameters; reports when it does not."""
    least = sum(1 for param in template.params if param.default is None)
    most = len(template.params)
    given = len(use.arguments)
    if given <= most and all(param.default is not None for param in template.params[given:]):
        return True
    wanted = str(most) if least == most else f"{least} to {most}"
    listed = ", ".join(p.name.text + (" = ..." if p.default is not None else "") for p in template.params)
    out.append(
        mistake(
            ARGUMENTS,
            f"template `{template.name.text}` takes {wanted} argument{'s' * (wanted != '1')}, {given} given",
            use.span,
            help=f"write `use {template.name.text}({listed})`",
            secondary=[Label(template.name.span, "declared here")],
        )
    )
    return False


def local_lets(template: ast.Template, params: Bindings, out: list[Diagnostic]) -> dict[str, Bound]:
    """The `let` statements in a template's body, seen nowhere else."""
    lets: dict[str, ast.Let] = {}
    pending: list[Sequence[object]] = [template.body.statements]
    while pending:
        for statement in pending.pop():
            if isinstance(statement, ast.Let):
                _add_let(lets, statement, params, out)
            else:
                pending.extend(bodies_of(statement))
    return resolve_lets(lets, out, params.used)


def _add_let(lets: dict[str, ast.Let], let: ast.Let, params: Bindings, out: list[Diagnostic]) -> None:
    name = let.name.text
    first = lets[name].name.span if name in lets else params.values[name].where if name in params.bare else None
    if first is not None:
        label = [Label(first, "first bound here")]
        message = f"the value `${name}` is declared twice"
        out.append(mistake(REDEFINED, message, let.name.span, help="rename one of them", secondary=label))
        return
    value = Substitution(params, []).argument(let.value) if _known(let.value, params) else let.value
    lets[name] = ast.Let(let.name, value, let.span)  # type: ignore[arg-type]  # a parameter may also be `any` or `self`


def _known(value: ast.Scalar, params: Bindings) -> bool:
    return not isinstance(value, ast.Variable) or value.name in params.values
