"""A function for each shape of statement, compiled from the concrete tree of the first statements that had it.

The kinds of a statement's words decide its concrete tree: the tables see nothing else. So a second statement of the same
shape needs no tables, only the nodes, with its own words and offsets in them. The compiled function builds the plain
cases itself and calls the handlers of nodes.py and statements.py for the rest. Whatever would be a finding (a port above
65535, host bits, an escape) raises `Doubt`, and the statement goes the slow way, where the message is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fwc.lang import ast
from fwc.lang.nodes import NODES, Part
from fwc.lang.values import LEAVES, Builder, find_address
from fwc.source import Anchor

Shape = Callable[[Builder, Anchor, list[str], list[int]], tuple[Any, ...]]
"""Builder, where the statement begins, its words and their offsets from there (one more), to the values of the line."""

Tree = tuple[Any, ...]
"""(terminal, word index), (rule, parts, first word, last word), or ("{", parts of all lines of a body)."""


class Doubt(Exception):
    """The statement needs the handlers that report what is wrong with it."""


class _Ports(dict[str, int]):
    def __missing__(self, word: str) -> int:
        value = int(word)
        if value > 65535:
            raise Doubt
        self[word] = value
        return value


class _Addresses(dict[str, tuple[Any, int, int]]):
    def __missing__(self, word: str) -> tuple[Any, int, int]:
        found = find_address(word)
        if isinstance(found[0], str):
            raise Doubt
        self[word] = found
        return found


def _unescaped(word: str) -> str:
    if "\\" in word:
        raise Doubt
    return word[1:-1]


_NAMES: dict[str, Any] = {
    "Part": Part, "Name": ast.Name, "Ports": ast.Ports, "Address": ast.Address,
    "Text": ast.Text, "SetName": ast.SetName, "Variable": ast.Variable, "L4": ast.L4, "ServiceName": ast.ServiceName,
    "AnyTraffic": ast.AnyTraffic, "Any": ast.Any, "Self": ast.Self, "Traffic": ast.Traffic, "Clauses": ast.Clauses,
    "Endpoints": ast.Endpoints, "Rule": ast.Rule, "LogOption": ast.LogOption, "TextOption": ast.TextOption,
    "LabelOption": ast.LabelOption, "Group": ast.Group, "HostAddress": ast.HostAddress, "Service": ast.Service,
    "port": _Ports(), "address": _Addresses(), "unescaped": _unescaped, "handlers": NODES, "leaves": LEAVES,
}  # fmt: skip


def compile_shape(trees: list[Tree], first: int) -> Shape:
    """The function for the shape of a line whose parts are `trees` and whose first word is `first`."""
    writer = _Writer(first)
    body = "".join(f"{writer.node(tree)}, " for tree in trees)
    source = f"def shape(b, A, t, o):\n{writer.prelude()}    return ({body})\n"
    scope = dict(_NAMES)
    exec(source, scope)  # made of table names and integers alone: no text of the policy gets here
    shape: Shape = scope["shape"]
    return shape


_SIMPLE_ADDRESS = frozenset({"ADDR4", "CIDR4", "RANGE4", "ADDR6", "CIDR6", "RANGE6"})
_TEXT_OPTIONS = {"o_comment": "comment", "o_owner": "owner", "o_ticket": "ticket"}


class _Writer:
    """Python expressions for concrete trees; word indexes are relative to the statement."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.spans: dict[tuple[int, int], str] = {}

    def span(self, low: int, high: int) -> str:
        """The span of the words low..high, both included; nodes of the same words share it."""
        return self.spans.setdefault((low - self.first, high - self.first + 1), f"s{len(self.spans)}")

    def prelude(self) -> str:
        """The assignments of all spans that the expressions use."""
        return "".join(f"    {name} = (A, o[{a}], o[{z}])\n" for (a, z), name in self.spans.items())

    def items(self, trees: list[Tree]) -> str:
        return "(" + "".join(f"{self.node(tree)}, " for tree in trees) + ")"

    def node(self, tree: Tree) -> str:
        if len(tree) == 2:
            return self.items(tree[1]) if tree[0] == "{" else self.leaf(tree[0], tree[1])
        name, kids, low, high = tree
        special = _SPECIAL.get(name)
        text = special(self, kids, low, high) if special else None
        return text or self.handled(name, kids, low, high)

    def handled(self, name: str, kids: list[Tree], low: int, high: int) -> str:
        ends = f"A.start + o[{low - self.first}], A.start + o[{high - self.first + 1}]"
        return f"handlers[{name!r}](b, {self.items(kids)}, {ends})"

    def word(self, index: int) -> str:
        return f"t[{index - self.first}]"

    def leaf(self, terminal: str, index: int) -> str:
        word, span = self.word(index), self.span(index, index)
        if terminal == "IDENT":
            return f"Name({word}, {span})"
        if terminal == "STRING":
            return f"Text(unescaped({word}), {span})"
        if terminal in _SIMPLE_ADDRESS:
            return f"Address((a := address[{word}])[0], a[1], a[2], {word}, {span})"
        if terminal in ("SETREF", "VAR"):
            return f"{'SetName' if terminal == 'SETREF' else 'Variable'}({word}[1:], {span})"
        if terminal in ("ACTION", "VERDICT", "L4"):
            return word
        at = index - self.first
        return f"leaves[{terminal!r}](b, {word}, A.start + o[{at}], A.start + o[{at + 1}])"

    # ----- traffic -------------------------------------------------------

    def port(self, tree: Tree) -> str | None:
        """A single port or a variable; ranges are left to the handlers."""
        if tree[0] == "VAR":
            return self.leaf(*tree)
        if tree[0] != "INT":
            return None
        return f"Ports(p := port[{self.word(tree[1])}], p, {self.span(tree[1], tree[1])})"

    def traffic(self, kids: list[Tree], low: int, high: int) -> str | None:
        items = []
        protocol: str | None = None
        for name, parts, begin, end in kids:
            span = self.span(begin, end)
            plain = all(len(part) == 2 for part in parts)
            if name == "t_l4" and plain:
                protocol = self.word(parts[0][1]) if len(parts) == 2 else None
                port = self.port(parts[1]) if len(parts) == 2 else "None"
            elif name == "t_port" and plain and protocol:
                port = self.port(parts[0])
            elif name in ("t_any", "t_name"):
                protocol = None
                word = f"{self.word(begin)}, " if name == "t_name" else ""
                items.append(f"{'ServiceName' if word else 'AnyTraffic'}({word}{span})")
                continue
            else:
                return None
            if port is None:
                return None
            items.append(f"L4({self.word(parts[0][1]) if name == 't_l4' else protocol}, {port}, None, {span})")
        return f"Traffic(({', '.join(items)},), {self.span(low, high)})"

    # ----- endpoints and clauses -------------------------------------------

    def endpoints(self, kids: list[Tree], low: int, high: int) -> str:
        parts = {kid[0]: self.items(kid[1]) for kid in kids if kid[0] in ("except", "in_zone")}
        items = self.items([kid for kid in kids if kid[0] not in parts])
        span = self.span(low, high)
        return f"Endpoints({items}, {parts.get('except', '()')}, {parts.get('in_zone', '()')}, {span})"

    def log(self, kids: list[Tree], low: int, high: int) -> str | None:
        if any(len(kid) == 4 for kid in kids):
            return None
        prefix = self.node(kids[0]) if kids else "None"
        return f"LogOption({prefix}, None, None, None, None, {self.span(low, high)})"

    def clauses(self, kids: list[Tree]) -> str | None:
        """The tail of a rule, unless a clause is there twice or hides in an option block."""
        names = [kid[0] for kid in kids]
        if len(set(names)) < len(names) or {"optblock", "o_limit", "o_max"}.intersection(names):
            return None
        parts = {"from_clause": "None", "to_clause": "None", "if_clause": "()"}
        options = []
        for kid in kids:
            if kid[0] == "if_clause":
                parts[kid[0]] = self.items(kid[1])
            elif kid[0] in parts:
                parts[kid[0]] = self.node(kid[1][0])
            else:
                options.append(kid)
        return f"Clauses({', '.join(parts.values())}, {self.items(options)})"

    def rule(self, kids: list[Tree], low: int, high: int) -> str | None:
        action, *rest = kids
        family = self.leaf(*rest.pop(0)) if rest[0][0] == "FAMILY" else "None"
        tail = self.clauses(rest[1:])
        if tail is None:
            return None
        return f"Rule({self.word(action[1])}, {family}, {self.node(rest[0])}, {tail}, {self.span(low, high)})"

    def declared(self, kind: str, kids: list[Tree], low: int, high: int, tail: str = "") -> str:
        """`group`, `host` and `service`: a name and one value."""
        value = self.items(kids[1][1]) if kids[1][0] == "members" else self.node(kids[1])
        return f"{kind}({self.leaf(*kids[0])}, {value}, {tail}{self.span(low, high)})"


_Special = Callable[[_Writer, list[Tree], int, int], str | None]


def _text_option(kind: str) -> _Special:
    return lambda w, kids, low, high: f"TextOption({kind!r}, {w.node(kids[0])}, {w.span(low, high)})"


def _group(w: _Writer, kids: list[Tree], low: int, high: int) -> str | None:
    return w.declared("Group", kids, low, high, "(), ") if len(kids) == 2 else None


_SPECIAL: dict[str, _Special] = {
    "traffic": _Writer.traffic,
    "endpoints": _Writer.endpoints,
    "rule": _Writer.rule,
    "o_log": _Writer.log,
    "ep_self": lambda w, kids, low, high: f"Self({w.span(low, high)})",
    "ep_any": lambda w, kids, low, high: f"Any({w.span(low, high)})",
    "o_label": lambda w, kids, low, high: f"LabelOption({w.node(kids[0])}, {w.span(low, high)})",
    "group_decl": _group,
    "host_addr": lambda w, kids, low, high: w.declared("HostAddress", kids, low, high),
    "service_decl": lambda w, kids, low, high: w.declared("Service", kids, low, high),
    **{name: _text_option(kind) for name, kind in _TEXT_OPTIONS.items()},
}
