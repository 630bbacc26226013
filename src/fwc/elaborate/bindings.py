"""`$name`: values of `let` and of template parameters, put into the tree in place of their uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fwc.diagnostics import Diagnostic, Label
from fwc.elaborate.codes import ARGUMENTS, CYCLE, UNDEFINED
from fwc.elaborate.names import suggestion
from fwc.elaborate.report import mistake
from fwc.lang import ast
from fwc.net.ports import HIGHEST
from fwc.records import Record
from fwc.source import Span

Node = TypeVar("Node")


class Bound(Record):
    """What a name stands for, and where it was bound."""

    value: ast.Argument
    where: Span


class Bindings:
    """The values in scope. `bare` names also stand without `$` where a name is expected: the parameters of a template."""

    __slots__ = ("bare", "used", "values")

    def __init__(self, values: Mapping[str, Bound], bare: frozenset[str], used: set[str]) -> None:
        self.values = values
        self.bare = bare
        self.used = used

    def inside(self, values: Mapping[str, Bound], bare: frozenset[str]) -> Bindings:
        """These bindings with others on top (hygiene: a template sees its parameters and the file's `let`, nothing else)."""
        return Bindings({**self.values, **values}, bare, self.used)


def resolve_lets(lets: Mapping[str, ast.Let], out: list[Diagnostic], used: set[str]) -> dict[str, Bound]:
    """The value behind every `let`, through any chain of `let A = $B`."""
    values: dict[str, Bound] = {}
    wrong: set[str] = set()
    for name, let in lets.items():
        if name in values or name in wrong:
            continue
        seen = {name: None}
        value: ast.Argument = let.value
        while isinstance(value, ast.Variable):
            used.add("$" + value.name)
            following = lets.get(value.name)
            if following is None:
                out.append(_unknown(value, lets))
            elif value.name in seen:
                chain = " -> ".join(f"${n}" for n in [*list(seen)[:10], value.name])
                message = f"`${value.name}` stands for itself: {chain}"
                out.append(mistake(CYCLE, message, let.span, help="give one of them a value"))
            if following is None or value.name in seen or value.name in wrong:
                wrong.update(seen)
                break
            seen[value.name] = None
            known = values.get(value.name)
            value = following.value if known is None else known.value
        else:
            # every name on the way has this value: a chain of 10,000 is followed once
            for each in seen:
                values.setdefault(each, Bound(value, lets[each].name.span))
    return values


class Substitution:
    """Rewrites statements under some bindings; mistakes go to `out` and leave the variable in place."""

    def __init__(self, bindings: Bindings, out: list[Diagnostic]) -> None:
        self.bindings = bindings
        self.out = out

    def rewrite(self, node: Node) -> Node:
        """`node` without variables; the same object where nothing changed. Bodies of blocks are left as they are."""
        special = _SPECIAL.get(type(node))
        if special is not None:
            return special(self, node)  # type: ignore[no-any-return]  # each handler returns its own type of node
        return self._generic(node)  # type: ignore[no-any-return]  # of the class of `node`

    def argument(self, value: ast.Argument) -> ast.Argument:
        """The value of a template argument in the caller's scope."""
        if isinstance(value, ast.Variable):
            bound = self._bound(value)
            return value if bound is None else bound.value
        if isinstance(value, ast.Name) and value.text in self.bindings.bare:
            return self.bindings.values[value.text].value
        return self.rewrite(value)

    def _generic(self, node: Any) -> Any:
        names = node_fields(type(node))
        if not names:
            return node
        values = [getattr(node, name) for name in names]
        changed = False
        for at, name in enumerate(names):
            value = values[at]
            if not value or name in _KEPT or isinstance(value, (str, int)):
                continue
            new = self._tuple(value) if isinstance(value, tuple) else self.rewrite(value)
            if new is not value:
                values[at] = new
                changed = True
        return type(node)(*values) if changed else node

    def _tuple(self, nodes: tuple[Any, ...]) -> tuple[Any, ...]:
        new = tuple([n if isinstance(n, (str, int)) else self.rewrite(n) for n in nodes])
        return nodes if all(a is b for a, b in zip(new, nodes, strict=True)) else new

    def _bound(self, use: ast.Variable) -> Bound | None:
        bound = self.bindings.values.get(use.name)
        self.bindings.used.add("$" + use.name)
        if bound is None:
            self.out.append(_unknown(use, self.bindings.values))
        return bound

    def _find(self, node: object) -> tuple[Span, Bound] | None:
        """The binding that `node` uses: a variable, or a parameter's bare name."""
        if isinstance(node, ast.Variable):
            bound = self._bound(node)
            return None if bound is None else (node.span, bound)
        if isinstance(node, ast.Name) and node.text in self.bindings.bare:
            return node.span, self.bindings.values[node.text]
        if isinstance(node, ast.ServiceName) and node.name in self.bindings.bare:
            return node.span, self.bindings.values[node.name]
        return None

    def _wrong(self, span: Span, bound: Bound, expected: str) -> None:
        self.out.append(
            mistake(
                ARGUMENTS,
                f"this stands for {_kind_of(bound.value)}, but {expected} is expected here",
                span,
                secondary=[Label(bound.where, "bound here")],
                help=f"bind it to {expected}",
            )
        )

    def one_of(self, node: Any, kinds: tuple[type, ...], expected: str) -> Any:
        found = self._find(node)
        if found is None:
            return node
        span, bound = found
        if isinstance(bound.value, kinds):
            return bound.value
        self._wrong(span, bound, expected)
        return node

    def endpoint(self, node: Any) -> Any:
        return self.one_of(
            node, (ast.Name, ast.Address, ast.SetName, ast.Any, ast.Self), "a zone, a host, an address or a set"
        )

    def name(self, node: Any) -> Any:
        return self.one_of(node, (ast.Name,), "a name")

    def label(self, node: Any) -> Any:
        """A label or counter is replaced by a parameter's name only where the parameter holds a name."""
        bound = self.bindings.values[node.text].value if node.text in self.bindings.bare else None
        return bound if isinstance(bound, ast.Name) else node

    def member(self, node: Any) -> Any:
        return self.one_of(node, (ast.Name, ast.Address), "an address or the name of a host or group")

    def rate(self, node: Any) -> Any:
        return self.one_of(node, (ast.Rate,), "a rate such as 10/minute")

    def number(self, node: Any) -> Any:
        return self.one_of(node, (ast.Number,), "a number")

    def nat_host(self, node: Any) -> Any:
        return self.one_of(node, (ast.Name, ast.Address, ast.Self), "an address or the name of a host")

    def ports(self, node: Any) -> Any:
        found = self._find(node) if isinstance(node, ast.Variable) else None
        if found is None:
            return node
        span, bound = found
        value = bound.value
        if isinstance(value, ast.Ports):
            return value
        if isinstance(value, ast.Number) and 0 <= value.value <= HIGHEST:
            return ast.Ports(value.value, value.value, value.span)
        self._wrong(span, bound, "a port or a port range")
        return node

    def traffic_item(self, node: ast.TrafficItem) -> ast.TrafficItem:
        if isinstance(node, ast.L4):
            return self._l4(node)
        found = self._find(node)
        if found is None:
            return node
        span, bound = found
        traffic = _as_traffic(bound.value)
        if traffic is None:
            self._wrong(span, bound, "a service, or a protocol with ports such as tcp 22,")
        return traffic or node

    def _l4(self, node: ast.L4) -> ast.TrafficItem:
        if isinstance(node.port, ast.Variable) and node.port.span == node.span:
            # `tcp 80, $svc`: the parser cannot know whether the variable holds a port or a whole service
            bound = self.bindings.values.get(node.port.name)
            traffic = _as_traffic(bound.value) if bound is not None else None
            if traffic is not None:
                self.bindings.used.add("$" + node.port.name)
                return traffic
        port, sport = self.ports(node.port), self.ports(node.sport)
        if port is node.port and sport is node.sport:
            return node
        return ast.L4(node.protocol, port, sport, node.span)


def _as_traffic(value: ast.Argument) -> ast.TrafficItem | None:
    if isinstance(value, ast.Name):
        return ast.ServiceName(value.text, value.span)
    if isinstance(value, ast.L4):
        return value
    return ast.AnyTraffic(value.span) if isinstance(value, ast.Any) else None


_KEPT = frozenset({"span", "body", "otherwise"})

Handler = Callable[[Substitution, Any], Any]


def _with(**fields: Callable[[Substitution, Any], Any]) -> Handler:
    """A handler that rewrites some fields in their own way and the others generically."""

    def handle(self: Substitution, node: Any) -> Any:
        names = node_fields(type(node))
        old = [getattr(node, name) for name in names]
        new = []
        for name, value in zip(names, old, strict=True):
            rewrite = fields.get(name)
            if not value or name in _KEPT or isinstance(value, (str, int)):
                new.append(value)
            elif rewrite is None:
                new.append(self._tuple(value) if isinstance(value, tuple) else self.rewrite(value))
            elif isinstance(value, tuple):
                items = tuple([rewrite(self, item) for item in value])
                new.append(value if all(a is b for a, b in zip(items, value, strict=True)) else items)
            else:
                new.append(rewrite(self, value))
        return type(node)(*new) if any(a is not b for a, b in zip(new, old, strict=True)) else node

    return handle


_S = Substitution
_SPECIAL: dict[type, Handler] = {
    ast.Endpoints: _with(items=_S.endpoint, excluded=_S.endpoint, zones=_S.name),
    ast.Traffic: _with(items=_S.traffic_item),
    ast.L4: _S.traffic_item,
    ast.LogOption: _with(rate=_S.rate, burst=_S.number),
    ast.LimitOption: _with(rate=_S.rate, burst=_S.number),
    ast.MaxOption: _with(count=_S.number),
    ast.DnatCond: _with(ports=_S.ports),
    ast.SportCond: _with(ports=_S.ports),
    ast.NatEndpoint: _with(host=_S.nat_host, ports=_S.ports),
    ast.Map: _with(outer=_S.nat_host, inner=_S.nat_host, zone=_S.name),
    ast.LabelOption: _with(name=_S.label),
    ast.CountOption: _with(name=_S.label),
    ast.Jump: _with(chain=_S.name),
    ast.ChainDecl: _with(name=_S.name),
    ast.HookDecl: _with(name=_S.name),
    ast.HostAddress: _with(members=_S.member),
    ast.Group: _with(members=_S.member, excluded=_S.member),
    ast.Use: _with(arguments=_S.argument),
    ast.PacketEndpoint: _with(host=_S.nat_host),
    ast.TestPacket: _with(in_zone=_S.name, out_zone=_S.name, by=_S.name),
}


def node_fields(cls: type) -> tuple[str, ...]:
    known = _FIELDS.get(cls)
    if known is None:
        known = _FIELDS[cls] = tuple(getattr(cls, "__dataclass_fields__", ()))
    return known


_FIELDS: dict[type, tuple[str, ...]] = {}
"""Bounded by the number of node classes."""


def _kind_of(value: ast.Argument) -> str:
    return _KINDS.get(type(value), "something else")


_KINDS: dict[type, str] = {
    ast.Number: "a number",
    ast.Text: "a string",
    ast.Rate: "a rate",
    ast.Duration: "a duration",
    ast.Ports: "a port range",
    ast.Date: "a date",
    ast.Address: "an address",
    ast.Name: "a name",
    ast.SetName: "a set",
    ast.L4: "a protocol with ports",
    ast.Any: "`any`",
    ast.Self: "`self`",
}


def _unknown(use: ast.Variable, values: Mapping[str, object]) -> Diagnostic:
    meant = suggestion(use.name, values)
    return mistake(
        UNDEFINED,
        f"there is no value named `${use.name}`",
        use.span,
        help=f"did you mean `${meant}`?" if meant else f"write `let {use.name} = ...`",
    )
