"""Statements and expressions of `nft -j` (libnftables-json(5)) as native text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fwc.errors import FwcError


class JsonError(FwcError):
    """JSON that has no meaning for nft."""


def string(text: str) -> str:
    if '"' in text or "\n" in text:
        raise JsonError("a string with a quote or line break")
    return f'"{text}"'


def expression(value: Any) -> str:
    """Native text of an expression."""
    if isinstance(value, bool):
        return "exists" if value else "missing"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        if value[:1] == "@" or (
            value.replace("_", "a").replace("-", "a").replace(".", "a").replace(":", "a").isalnum()
        ):
            return value
        if value == "*":
            return value
        return string(value)
    if isinstance(value, list):
        return ",".join(expression(v) for v in value)
    if len(value) != 1:
        raise JsonError("an expression has one key")
    word: str = next(iter(value))
    body: Any = value[word]
    handler = _EXPRESSIONS.get(word)
    if handler is not None:
        return handler(body)
    if word in ("|", "^", "&", "<<", ">>"):
        return f" {word} ".join(_operand(v) for v in body)
    if word in ("accept", "drop", "return", "continue"):
        return word
    if word in ("jump", "goto"):
        return f"{word} {body['target']}"
    raise JsonError(f"the expression `{word}`")


def _operand(value: Any) -> str:
    text = expression(value)
    return (
        f"({text})" if isinstance(value, list) or (isinstance(value, dict) and set(value) & {"|", "&", "^"}) else text
    )


def _payload(body: dict[str, Any]) -> str:
    if "base" in body:
        return f"@{body['base']},{body['offset']},{body['len']}"
    return f"{body['protocol']} {body['field']}"


def _ct(body: dict[str, Any]) -> str:
    direction = f"{body['dir']} " if "dir" in body else ""
    return f"ct {direction}{body['key']}"


def _fib(body: dict[str, Any]) -> str:
    flags = body["flags"] if isinstance(body["flags"], list) else [body["flags"]]
    return f"fib {' . '.join(flags)} {body['result']}"


def _set(body: Any) -> str:
    rows = body if isinstance(body, list) else [body]
    return "{ " + ", ".join(_member(r) for r in rows) + " }"


def _member(row: Any) -> str:
    if isinstance(row, list) and len(row) == 2:
        return f"{expression(row[0])} : {expression(row[1])}"
    return expression(row)


def _element(body: dict[str, Any]) -> str:
    text = expression(body["val"])
    if "timeout" in body:
        text += f" timeout {body['timeout']}s"
    if "comment" in body:
        text += f" comment {string(body['comment'])}"
    return text


def _numgen(body: dict[str, Any]) -> str:
    offset = f" offset {body['offset']}" if body.get("offset") else ""
    return f"numgen {body['mode']} mod {body['mod']}{offset}"


def _tcp_option(body: dict[str, Any]) -> str:
    return f"tcp option {body['name']} {body['field']}" if "field" in body else f"tcp option {body['name']}"


def _exthdr(body: dict[str, Any]) -> str:
    return f"{body['name']} {body['field']}" if "field" in body else f"exthdr {body['name']}"


_EXPRESSIONS: dict[str, Callable[[Any], str]] = {
    "payload": _payload,
    "meta": lambda b: f"meta {b['key']}",
    "ct": _ct,
    "fib": _fib,
    "set": _set,
    "prefix": lambda b: f"{expression(b['addr'])}/{b['len']}",
    "range": lambda b: f"{expression(b[0])}-{expression(b[1])}",
    "concat": lambda b: " . ".join(expression(v) for v in b),
    "map": lambda b: f"{expression(b['key'])} map {expression(b['data'])}",
    "elem": _element,
    "numgen": _numgen,
    "tcp option": _tcp_option,
    "exthdr": _exthdr,
    "rt": lambda b: f"rt {b['key']}",
    "socket": lambda b: f"socket {b['key']}",
    "jhash": lambda b: f"jhash {expression(b['expr'])} mod {b['mod']}" + (f" seed {b['seed']}" if "seed" in b else ""),
}


def statement_text(value: Any) -> str:
    """Native text of a statement."""
    if isinstance(value, str):
        return value
    (word, body), *rest = value.items()
    if rest:
        raise JsonError("a statement has one key")
    handler = _STATEMENTS.get(word)
    if handler is None:
        raise JsonError(f"the statement `{word}`")
    return handler(body)


def _match(body: dict[str, Any]) -> str:
    left, right = expression(body["left"]), body["right"]
    op = {"==": "==", "in": "", "!=": "!="}.get(body.get("op", "=="), body.get("op", "=="))
    text = expression(right)
    if op == "==" and (isinstance(right, list) or left in ("ct state", "ct status") or text[:1] in "{@"):
        op = ""
    return f"{left} {op} {text}" if op else f"{left} {text}"


def _limit(body: dict[str, Any]) -> str:
    unit = body.get("rate_unit", "packets")
    size = "" if unit == "packets" else f" {unit}"
    burst = f" burst {body['burst']} {body.get('burst_unit', 'packets')}" if body.get("burst") is not None else ""
    return f"limit rate {'over ' if body.get('inv') else ''}{body['rate']}{size}/{body['per']}{burst}"


def _log(body: dict[str, Any] | None) -> str:
    text = "log"
    for key, value in (body or {}).items():
        if key == "prefix":
            text += f" prefix {string(value)}"
        elif key == "flags":
            flags = value if isinstance(value, list) else [value]
            text += " flags " + ",".join(flags)
        else:
            text += f" {key} {value}"
    return text


def _counter(body: Any) -> str:
    if isinstance(body, str):
        return f"counter name {string(body)}"
    if not body:
        return "counter"
    return f"counter packets {body['packets']} bytes {body['bytes']}"


def _reject(body: dict[str, Any] | None) -> str:
    if not body:
        return "reject"
    if body["type"] == "tcp reset":
        return "reject with tcp reset"
    return f"reject with {body['type']} {body['expr']}"


def _nat(word: str, body: dict[str, Any] | None) -> str:
    body = body or {}
    text = word
    if "family" in body:
        text += f" {body['family']}"
    if "addr" in body or "port" in body:
        address = expression(body["addr"]) if "addr" in body else ""
        if "port" in body:
            port = expression(body["port"])
            address = (
                f"[{address}]:{port}"
                if ":" in address and " " not in address
                else f"{address} : {port}"
                if " " in address
                else f"{address}:{port}"
            )
        text += f" to {address}"
    flags = body.get("flags", [])
    if flags:
        text += " " + ",".join(flags if isinstance(flags, list) else [flags])
    return text


def _set_change(body: dict[str, Any]) -> str:
    inner = expression(body["elem"])
    for each in body.get("stmt", ()):
        inner += f" {statement_text(each)}"
    name = body["set"]
    return f"{body['op']} {name if name[:1] == '@' else '@' + name} {{ {inner} }}"


_STATEMENTS: dict[str, Callable[[Any], str]] = {
    "match": _match,
    "limit": _limit,
    "log": _log,
    "counter": _counter,
    "reject": _reject,
    "snat": lambda b: _nat("snat", b),
    "dnat": lambda b: _nat("dnat", b),
    "masquerade": lambda b: _nat("masquerade", b),
    "redirect": lambda b: _nat("redirect", b),
    "mangle": lambda b: f"{expression(b['key'])} set {expression(b['value'])}",
    "vmap": lambda b: f"{expression(b['key'])} vmap {expression(b['data'])}",
    "set": _set_change,
    "accept": lambda b: "accept",
    "drop": lambda b: "drop",
    "return": lambda b: "return",
    "continue": lambda b: "continue",
    "notrack": lambda b: "notrack",
    "jump": lambda b: f"jump {b['target']}",
    "goto": lambda b: f"goto {b['target']}",
    "ct count": lambda b: f"ct count {'over ' if b.get('inv') else ''}{b['val']}",
    "ct helper": lambda b: f"ct helper set {string(b)}",
    "queue": lambda b: "queue" + (f" num {expression(b['num'])}" if b and "num" in b else ""),
    "quota": lambda b: f"quota {'over ' if b.get('inv') else ''}{b['val']} {b.get('val_unit', 'bytes')}",
}


def set_text(body: dict[str, Any], elements_only: bool = False) -> str:
    """The lines of a set's declaration."""
    rows = body.get("elem", [])
    members = [_member(r) for r in rows] if isinstance(rows, list) else [expression(rows)]
    if elements_only:
        return "\n".join(members)
    kind = body["type"]
    lines = [
        "type "
        + (" . ".join(kind) if isinstance(kind, list) else kind)
        + (f" : {_data(body['map'])}" if "map" in body else "")
    ]
    flags = body.get("flags", [])
    if flags:
        lines.append("flags " + ",".join(flags if isinstance(flags, list) else [flags]))
    for key in ("size", "timeout", "gc-interval"):
        if key in body:
            lines.append(f"{key} {body[key]}{'s' if key != 'size' else ''}")
    if members:
        lines.append("elements = { " + ", ".join(members) + " }")
    return "\n".join(lines)


def _data(kind: Any) -> str:
    return " . ".join(kind) if isinstance(kind, list) else str(kind)
