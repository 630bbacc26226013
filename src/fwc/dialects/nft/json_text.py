"""Statements and expressions of `nft -j` (libnftables-json(5)) as native text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fwc.dialects.nft.lift_values import Unknown, Wrong, address_run
from fwc.errors import FwcError
from fwc.net.addresses import format_address


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
    if isinstance(value, list):
        return _bits(value)
    text = expression(value)
    return f"({text})" if isinstance(value, dict) and set(value) & {"|", "&", "^"} else text


def _bits(flags: list[Any]) -> str:
    """Flags where nft takes no commas: beside an operator."""
    return "(" + " | ".join(expression(flag) for flag in flags) + ")"


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
    for word in _STATES:
        if word in body:
            text += f" {statement_text({word: body[word]})}"
    if "comment" in body:
        text += f" comment {string(body['comment'])}"
    return text


_STATES = ("counter", "limit", "quota", "last")
"""Statements that an element of a set can have."""


def _numgen(body: dict[str, Any]) -> str:
    return f"numgen {body['mode']} mod {body['mod']}{_offset(body)}"


def _tcp_option(body: dict[str, Any]) -> str:
    return f"tcp option {body['name']} {body['field']}" if "field" in body else f"tcp option {body['name']}"


def _option(layer: str) -> Callable[[dict[str, Any]], str]:
    return lambda body: f"{layer} {body['name']}" + (f" {body['field']}" if "field" in body else "")


def _hashed(body: dict[str, Any]) -> str:
    seed = f" seed {body['seed']}" if "seed" in body else ""
    return f"jhash {expression(body['expr'])} mod {body['mod']}{seed}{_offset(body)}"


def _offset(body: dict[str, Any]) -> str:
    return f" offset {body['offset']}" if body.get("offset") else ""


def _ipsec(body: dict[str, Any]) -> str:
    number = f" spnum {body['spnum']}" if body.get("spnum") else ""
    family = f" {body['family']}" if "family" in body else ""
    return f"ipsec {body['dir']}{number}{family} {body['key']}"


def _exthdr(body: dict[str, Any]) -> str:
    return f"{body['name']} {body['field']}" if "field" in body else f"exthdr {body['name']}"


_EXPRESSIONS: dict[str, Callable[[Any], str]] = {
    "time": string,
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
    "ip option": _option("ip option"),
    "sctp chunk": _option("sctp chunk"),
    "dccp option": lambda b: f"dccp option {b['type']}",
    "rt": lambda b: f"rt {b['family']} {b['key']}" if "family" in b else f"rt {b['key']}",
    "socket": lambda b: f"socket {b['key']}",
    "osf": lambda b: "osf " + (f"ttl {b['ttl']} " if "ttl" in b else "") + str(b["key"]),
    "ipsec": _ipsec,
    "jhash": _hashed,
    "symhash": lambda b: f"symhash mod {b['mod']}{_offset(b)}",
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
    op = body.get("op", "==")
    masked = isinstance(body["left"], dict) and "&" in body["left"]
    if left in ("meta hour", "meta time"):
        right = _quoted(right)
    text = _bits(right) if isinstance(right, list) and (masked or op != "in") else expression(right)
    if op == "in" or (op == "==" and text[:1] in "{@"):
        op = "==" if masked else ""
    return f"{left} {op} {text}" if op else f"{left} {text}"


def _quoted(value: Any) -> Any:
    """The same value whose strings are times: bare, they would be tc classes."""
    if isinstance(value, str):
        return {"time": value}
    if isinstance(value, list):
        return [_quoted(v) for v in value]
    return {key: _quoted(v) for key, v in value.items()} if isinstance(value, dict) else value


def _limit(body: Any) -> str:
    if not isinstance(body, dict) or "rate" not in body:
        return f"limit name {_named(body)}"
    unit = body.get("rate_unit", "packets")
    size = "" if unit == "packets" else f" {unit}"
    given = body.get("burst") is not None and (body["burst"] or unit == "packets")
    burst = f" burst {body['burst']} {body.get('burst_unit', 'packets')}" if given else ""
    return f"limit rate {'over ' if body.get('inv') else ''}{body['rate']}{size}/{body['per']}{burst}"


def _log(body: dict[str, Any] | None) -> str:
    text = "log"
    for key, value in (body or {}).items():
        if key == "prefix":
            text += f" prefix {string(value)}"
        elif key == "flags":
            text += _log_flags(value if isinstance(value, list) else [value])
        else:
            text += f" {key} {value}"
    return text


def _log_flags(flags: list[str]) -> str:
    """`["tcp sequence", "tcp options", "skuid"]` as `flags tcp sequence,options flags skuid`."""
    layers: dict[str, list[str]] = {}
    out = ""
    for flag in flags:
        layer, _, name = flag.rpartition(" ")
        if layer:
            layers.setdefault(layer, []).append(name)
        else:
            out += f" flags {flag}"
    return "".join(f" flags {layer} {','.join(names)}" for layer, names in layers.items()) + out


def _named(body: Any) -> str:
    """A named object, or the map that tells its name."""
    return string(body) if isinstance(body, str) else expression(body)


def _quota(body: Any) -> str:
    if not isinstance(body, dict) or "val" not in body:
        return f"quota name {_named(body)}"
    used = f" used {body['used']} {body.get('used_unit', 'bytes')}" if body.get("used") else ""
    return f"quota {'over ' if body.get('inv') else ''}{body['val']} {body.get('val_unit', 'bytes')}{used}"


def _queue(body: dict[str, Any] | None) -> str:
    body = body or {}
    flags = body.get("flags", [])
    words = f" flags {','.join(flags if isinstance(flags, list) else [flags])}" if flags else ""
    return f"queue{words}" + (f" to {expression(body['num'])}" if "num" in body else "")


def _forward(body: dict[str, Any]) -> str:
    via = f"{body['family']} to {expression(body['addr'])} device" if "addr" in body else "to"
    return f"fwd {via} {expression(body['dev'])}"


def _duplicate(body: dict[str, Any]) -> str:
    return f"dup to {expression(body['addr'])}" + (f" device {expression(body['dev'])}" if "dev" in body else "")


def _meter(body: dict[str, Any]) -> str:
    size = f" size {body['size']}" if "size" in body else ""
    return f"meter {body['name']}{size} {{ {expression(body['key'])} {statement_text(body['stmt'])} }}"


def _synproxy(body: Any) -> str:
    if not isinstance(body, dict):
        return "synproxy" if body is None else f"synproxy name {_named(body)}"
    flags = body.get("flags", [])
    words = [f"{key} {body[key]}" for key in ("mss", "wscale") if key in body]
    return " ".join(("synproxy", *words, *(flags if isinstance(flags, list) else [flags])))


def _counter(body: Any) -> str:
    if not body:
        return "counter"
    if not isinstance(body, dict) or "packets" not in body:
        return f"counter name {_named(body)}"
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
    kinds = body.get("type_flags", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "prefix" in kinds:
        text += " prefix"
    if "addr" in body or "port" in body:
        address = expression(body["addr"]) if "addr" in body else ""
        if "port" in body and isinstance(body.get("addr"), dict) and "prefix" in body["addr"]:
            address = _prefix_range(address)  # text has no port behind a prefix
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
    flags = [flag for flag in (flags if isinstance(flags, list) else [flags]) if flag != "netmap"]
    if flags:
        text += " " + ",".join(flags)
    return text


def _prefix_range(text: str) -> str:
    try:
        family, (low, high) = address_run(text)
    except (Unknown, Wrong) as wrong:
        raise JsonError(f"the prefix {text}") from wrong
    return f"{format_address(family, low)}-{format_address(family, high)}"


def _set_change(body: dict[str, Any]) -> str:
    inner = expression(body["elem"])
    for each in body.get("stmt", ()):
        inner += f" {statement_text(each)}"
    if "data" in body:
        inner += f" : {expression(body['data'])}"
    name = body["set"] if "set" in body else body["map"]
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
    "ct timeout": lambda b: f"ct timeout set {string(b)}",
    "ct expectation": lambda b: f"ct expectation set {string(b)}",
    "queue": _queue,
    "quota": _quota,
    "tproxy": lambda b: _nat("tproxy", b),
    "fwd": _forward,
    "dup": _duplicate,
    "meter": _meter,
    "map": _set_change,
    "flow": lambda b: f"flow {b['op']} {b['flowtable']}",
    "synproxy": _synproxy,
    "last": lambda b: "last",
}


def set_text(body: dict[str, Any], elements_only: bool = False) -> str:
    """The lines of a set's declaration."""
    rows = body.get("elem", [])
    states = body.get("stmt", [])
    if isinstance(rows, list):
        # nft lists the elements' statements also where it leaves out the set's, without which it takes none
        rows = [row if len(_states_of(row)) == len(states) else _stateless(row) for row in rows]
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
    if body.get("auto-merge"):
        lines.append("auto-merge")
    if "policy" in body:
        lines.append(f"policy {body['policy']}")
    lines.extend(_declared(each) for each in states)
    if "comment" in body:
        lines.append(f"comment {string(body['comment'])}")
    if members:
        lines.append("elements = { " + ", ".join(members) + " }")
    return "\n".join(lines)


def _states_of(row: Any) -> list[dict[str, Any]]:
    """The statements of an element."""
    key = row[0] if isinstance(row, list) and row else row
    inner = key.get("elem") if isinstance(key, dict) else None
    return [{word: inner[word]} for word in _STATES if word in inner] if isinstance(inner, dict) else []


def _stateless(row: Any) -> Any:
    if isinstance(row, list) and row:
        return [_stateless(row[0]), *row[1:]]
    if not isinstance(row, dict) or not isinstance(row.get("elem"), dict):
        return row
    return {"elem": {key: value for key, value in row["elem"].items() if key not in _STATES}}


def _declared(state: Any) -> str:
    """The statement of a set's elements without the values that one of them has."""
    return "counter" if isinstance(state, dict) and "counter" in state else statement_text(state)


def _data(kind: Any) -> str:
    return " . ".join(kind) if isinstance(kind, list) else str(kind)
