"""Tree to text in the layout of `nft list ruleset`; nothing else makes nft text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fwc.dialects.base import OutputFile
from fwc.dialects.nft import tree as t

_WIDTH = 110
"""Column at which element lists are broken."""


def print_tree(tree: t.Tree) -> list[OutputFile]:
    """One file, `nftables.conf`, executable because its first line names nft where the tree says so."""
    lines: list[str] = []
    for item in tree.items:
        lines.extend(_ITEMS[type(item)](item))
    return [OutputFile("nftables.conf", "\n".join(lines) + "\n")]


# ----- expressions -----------------------------------------------------------


def expression(expr: t.Expr) -> str:
    return _EXPRESSIONS[type(expr)](expr)


def _quoted(expr: t.Quoted) -> str:
    return f'"{expr.text}"'


def _concat(expr: t.Concat) -> str:
    return " . ".join([p.text if type(p) is t.Word else expression(p) for p in expr.parts])


def _set(expr: t.SetOf) -> str:
    return "{ " + ", ".join([_element(e) for e in expr.elements]) + " }"


def _element(expr: t.Element) -> str:
    key = expr.key
    text = _concat(key) if type(key) is t.Concat else expression(key)
    if expr.options:
        text = f"{text} {expr.options}"
    return text if expr.data is None else f"{text} : {expression(expr.data)}"


def _operation(expr: t.Operation) -> str:
    left, right = expression(expr.left), expression(expr.right)
    binds = t.BINDS.get(expr.op, 0)
    if isinstance(expr.left, t.Operation) and t.BINDS.get(expr.left.op, 0) < binds:
        left = f"({left})"
    if isinstance(expr.right, t.Operation) and expr.op != "/" and t.BINDS.get(expr.right.op, 0) <= binds:
        right = f"({right})"
    return f"{left} {expr.op} {right}"


_EXPRESSIONS: dict[type, Callable[[Any], str]] = {
    t.Word: lambda e: e.text,
    t.Quoted: _quoted,
    t.Var: lambda e: f"${e.name}",
    t.Ref: lambda e: f"@{e.name}",
    t.Selector: lambda e: e.text,
    t.Concat: _concat,
    t.RangeOf: lambda e: f"{expression(e.low)}-{expression(e.high)}",
    t.Prefixed: lambda e: f"{expression(e.base)}/{expression(e.length)}",
    t.SetOf: _set,
    t.Element: _element,
    t.Listed: lambda e: ",".join([expression(p) for p in e.parts]),
    t.Operation: _operation,
    t.Mapped: lambda e: f"{expression(e.key)} map {expression(e.source)}",
    t.VerdictWord: lambda e: f"{e.word} {e.chain}" if e.chain else e.word,
    t.Verbatim: lambda e: e.text,
}

# ----- statements ------------------------------------------------------------


def statement(node: t.Statement) -> str:
    return _STATEMENTS[type(node)](node)


def _compare(node: t.Compare) -> str:
    op = f" {node.op} " if node.op else " "
    return f"{expression(node.left)}{op}{expression(node.right)}"


def _limit(node: t.Limit) -> str:
    text = f"limit rate {'over ' if node.over else ''}{node.amount}{' ' + node.bytes if node.bytes else ''}/{node.unit}"
    if node.burst is not None:
        text += f" burst {node.burst} {node.burst_unit or 'packets'}"
    return text


def _final(node: t.Final) -> str:
    if node.rules:
        inside = "".join(f"\t\t\t{line}\n" for each in node.rules for line in rule_text(each).split("\n"))
        return f"{node.word} {{\n{inside}\t\t}}"
    if not node.chain:
        return node.word
    return f"{node.word} {node.chain if isinstance(node.chain, str) else expression(node.chain)}"


def _log(node: t.LogTo) -> str:
    parts = ["log"]
    if node.prefix is not None:
        parts.append(f'prefix "{node.prefix}"')
    if node.level:
        parts.append(f"level {node.level}")
    if node.group is not None:
        parts.append(f"group {node.group}")
    if node.options:
        parts.append(node.options)
    return " ".join(parts)


def _counter(node: t.Counter) -> str:
    if node.name:
        return f'counter name "{node.name}"'
    return "counter" if node.packets is None else f"counter packets {node.packets} bytes {node.bytes}"


def _nat(node: t.Nat) -> str:
    parts = [node.kind]
    if node.family:
        parts.append(node.family)
    if node.prefix:
        parts.append("prefix")
    if node.pair:
        parts.append("addr . port")
    if node.address is not None or node.port is not None:
        address = expression(node.address) if node.address is not None else ""
        if node.port is None:
            parts.extend(("to", address))
        elif node.address is None and node.kind in ("snat", "dnat") and not node.family:
            parts.append(f":{expression(node.port)}")  # nft takes no `to` before a lone port here
        elif isinstance(node.address, t.Word | None) and isinstance(node.port, t.Word):
            wrapped = f"[{address}]" if ":" in address else address
            parts.extend(("to", f"{wrapped}:{expression(node.port)}"))
        else:
            parts.extend(("to", address, ":", expression(node.port)))
    if node.flags:
        parts.append(",".join(node.flags))
    return " ".join(parts)


def _update(node: t.Update) -> str:
    inner = expression(node.key)
    if node.timeout:
        inner += f" timeout {node.timeout}"
    for each in node.statements:
        inner += f" {statement(each)}"
    if node.data is not None:
        inner += f" : {expression(node.data)}"
    if node.verb == "meter":
        size = f" size {node.size}" if node.size is not None else ""
        return f"meter {node.set}{size} {{ {inner} }}"
    return f"{node.verb} @{node.set} {{ {inner} }}"


_STATEMENTS: dict[type, Callable[[Any], str]] = {
    t.Compare: _compare,
    t.Limit: _limit,
    t.ConnLimit: lambda s: f"ct count {'over ' if s.over else ''}{s.count}",
    t.Final: _final,
    t.Vmap: lambda s: f"{expression(s.key)} vmap {expression(s.source)}",
    t.LogTo: _log,
    t.Counter: _counter,
    t.RejectWith: lambda s: f"reject with {s.kind}" if s.kind else "reject",
    t.Assign: lambda s: f"{s.left.text} set {expression(s.right)}",
    t.Nat: _nat,
    t.Update: _update,
    t.NoTracking: lambda s: "notrack",
    t.Foreign: lambda s: s.text,
}


def rule_text(node: t.RuleNode) -> str:
    text = " ".join([_STATEMENTS[type(s)](s) for s in node.statements])
    return f'{text} comment "{node.comment}"' if node.comment or node.empty_comment else text


# ----- objects and files -----------------------------------------------------


def _remark(node: t.Remark) -> Iterator[str]:
    yield "" if node.text is None else f"# {node.text}" if node.text[:1] not in ("!", "") else f"#{node.text}"


def _native(node: t.Native) -> Iterator[str]:
    yield from node.text.split("\n")


def _body(items: tuple[t.RuleNode | t.Remark | t.Native, ...]) -> Iterator[str]:
    for item in items:
        if isinstance(item, t.RuleNode):
            yield f"\t\t{rule_text(item)}"
        elif isinstance(item, t.Native):
            yield from (f"\t\t{line.strip()}" for line in item.text.split("\n") if line.strip())
        else:
            yield from (f"\t\t{line}" if line else "" for line in _remark(item))


def _chain(node: t.ChainNode) -> Iterator[str]:
    yield f"\tchain {node.name} {{"
    yield from (f"\t\t{line}" for line in chain_properties(node))
    yield from _body(node.body)
    yield "\t}"


def chain_properties(node: t.ChainNode) -> Iterator[str]:
    if node.base is not None:
        yield hooking(node.base, node.policy)
    yield from node.extra
    if node.comment:
        yield f'comment "{node.comment}"'


def hooking(base: t.Hooking, policy: str) -> str:
    devices = ""
    if len(base.devices) == 1:
        devices = f' device "{base.devices[0]}"'
    elif base.devices:
        devices = " devices = { " + ", ".join(f'"{d}"' for d in base.devices) + " }"
    tail = f" policy {policy};" if policy else ""
    return f"type {base.type} hook {base.hook}{devices} priority {base.priority_text or base.priority};{tail}"


def _set_lines(node: t.SetNode) -> Iterator[str]:
    if node.comment:
        yield f'comment "{node.comment}"'
    key = f"typeof {node.typeof}" if node.typeof else f"type {' . '.join(node.key)}"
    if node.typeof or node.key:
        yield f"{key} : {node.data}" if node.data else key
    if node.size is not None:
        yield f"size {node.size}"
    if node.flags:
        yield f"flags {','.join(node.flags)}"
    if node.timeout:
        yield f"timeout {node.timeout}"
    yield from node.properties


def _set_block(node: t.SetNode) -> Iterator[str]:
    yield f"\t{node.kind} {node.name} {{"
    yield from (f"\t\t{line}" for line in _set_lines(node))
    if node.elements:
        texts = [_element(e) for e in node.elements]
        yield from _wrapped("\t\telements = { ", texts, " }")
    yield "\t}"


def _wrapped(head: str, texts: list[str], tail: str) -> Iterator[str]:
    """The list on one line if it fits, else filled lines indented one step deeper."""
    total = sum(map(len, texts)) + 2 * len(texts)
    if total < _WIDTH:
        yield head + ", ".join(texts) + tail
        return
    yield head.rstrip()
    line: list[str] = []
    width = 0
    last = len(texts) - 1
    for index, text in enumerate(texts):
        line.append(text if index == last else text + ",")
        width += len(text) + 2
        if width > _WIDTH:
            yield "\t\t\t" + " ".join(line)
            line, width = [], 0
    if line:
        yield "\t\t\t" + " ".join(line)
    yield "\t\t" + tail.strip()


def _object(node: t.ObjectNode) -> Iterator[str]:
    yield f"\t{node.kind} {node.name} {{"
    yield from (f"\t\t{line}" for line in node.lines)
    yield "\t}"


def _table(node: t.TableNode) -> Iterator[str]:
    family = f"{node.family} " if node.explicit_family else ""
    yield f"table {family}{node.name} {{"
    if node.flags:
        yield f"\tflags {','.join(node.flags)}"
    if node.comment:
        yield f'\tcomment "{node.comment}"'
    previous: t.TableItem | None = None
    for item in node.items:
        if previous is not None and not isinstance(previous, t.Remark) and not _compact(previous, item):
            yield ""
        yield from _TABLE_ITEMS[type(item)](item)
        previous = item
    yield "}"


def _compact(one: t.TableItem, two: t.TableItem) -> bool:
    return isinstance(one, t.Native) and isinstance(two, t.Native)


def _table_remark(node: t.Remark) -> Iterator[str]:
    yield from (f"\t{line}" if line else "" for line in _remark(node))


_TABLE_ITEMS: dict[type, Callable[[Any], Iterator[str]]] = {
    t.ChainNode: _chain,
    t.SetNode: _set_block,
    t.ObjectNode: _object,
    t.Remark: _table_remark,
    t.Native: _native,
}


def _command(node: t.Command) -> Iterator[str]:
    family = f"{node.family} " if node.family else ""
    place = " ".join(w for w in (node.table, node.name) if w)
    head = f"{node.verb} {node.object} {family}{place}".rstrip()
    payload = node.payload
    if node.position:
        head = f"{head} {node.position}"
    if payload is None:
        yield head
    elif isinstance(payload, t.RuleNode):
        yield f"{head} {rule_text(payload)}"
    elif isinstance(payload, t.SetNode) and node.object == "element":
        yield from _wrapped(head + " { ", [_element(e) for e in payload.elements], " }")
    elif isinstance(payload, t.TableNode):
        body = list(_table(payload))
        yield f"{node.verb} {body[0]}"
        yield from body[1:]
    else:
        body = list(_TABLE_ITEMS[type(payload)](payload))
        yield f"{head} {{"
        yield from (line[1:] for line in body[1:])


def _define(node: t.Define) -> Iterator[str]:
    value = "" if node.value is None else f" = {expression(node.value)}"
    yield f"{node.verb} {node.name}{value}"


_ITEMS: dict[type, Callable[[Any], Iterator[str]]] = {
    t.TableNode: _table,
    t.Command: _command,
    t.Define: _define,
    t.Include: lambda i: iter((f'include "{i.path}"',)),
    t.Remark: _remark,
    t.Native: _native,
}
