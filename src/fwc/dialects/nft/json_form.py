"""`nft -j` JSON as a tree: its objects become the commands that native text would have for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fwc.diagnostics import Diagnostic, error
from fwc.dialects.nft import tree as t
from fwc.dialects.nft.json_text import JsonError, set_text, statement_text, string
from fwc.source import SourceFile, Span

_VERBS = frozenset(("add", "insert", "create", "delete", "replace", "flush", "destroy"))
_IGNORED = frozenset(("metainfo", "list", "reset", "rename"))
_OBJECTS = frozenset(
    ("counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "flowtable", "secmark", "synproxy")
)


def parse_json(source: SourceFile) -> tuple[t.Tree, list[Diagnostic]]:
    """The tree of a JSON ruleset. Native text is made of it and parsed, so that both forms have one meaning."""
    try:
        document = json.loads(source.text)
    except (ValueError, RecursionError) as wrong:
        at = min(getattr(wrong, "pos", 0), len(source.text))
        return t.Tree((), source), [error("FW001", "this is not JSON", Span(source, at, at))]
    items = document.get("nftables") if isinstance(document, dict) else None
    if not isinstance(items, list):
        return t.Tree((), source), [error("FW001", 'there is no list "nftables"', Span(source, 0, 1))]
    lines: list[str] = []
    out: list[Diagnostic] = []
    for item in sorted(items, key=_place) if all(_is_listed(item) for item in items) else items:
        try:
            lines.extend(_item(item))
        except (JsonError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as wrong:
            where = _find(source, item)
            out.append(error("FW001", f"this JSON object is not understood: {str(wrong)[:80]}", where))
    from fwc.dialects.nft.parse import parse

    text = "\n".join(lines) + "\n"
    tree, more = parse(SourceFile(source.path, text))
    if more:
        out.append(error("FW001", f"the ruleset says what nft text cannot: {more[0].message}", Span(source, 0, 1)))
    return tree, out


def _is_listed(item: object) -> bool:
    """An object as `nft -j list` says it, not a command."""
    return isinstance(item, dict) and len(item) == 1 and not _VERBS.intersection(item)


def _place(item: dict[str, Any]) -> int:
    """Tables, then the chains that the elements of maps name, then the rest: nft lists the maps first."""
    return {"table": 0, "chain": 1}.get(next(iter(item)), 2)


def _find(source: SourceFile, item: object) -> Span:
    """Where an object probably stands: at its handle or name."""
    if isinstance(item, dict):
        for body in item.values():
            handle = body.get("handle") if isinstance(body, dict) else None
            at = source.text.find(f'"handle": {handle}') if handle is not None else -1
            if at >= 0:
                return Span(source, at, at + 8)
    return Span(source, 0, 1)


def _item(item: dict[str, Any]) -> list[str]:
    (word, body), *rest = item.items()
    if rest:
        raise JsonError("an object has one key")
    if word in _IGNORED:
        return []
    if word in _VERBS:
        ((kind, inner),) = body.items() if isinstance(body, dict) and len(body) == 1 else ((None, body),)
        if kind is None:
            raise JsonError("a command names one object")
        return _object(word, kind, inner)
    return _object("add", word, body)


def _object(verb: str, kind: str, body: dict[str, Any] | None) -> list[str]:
    if kind == "ruleset":
        return [f"{verb} ruleset"]
    assert body is not None
    family = body["family"]
    if kind == "table":
        return [f"{verb} table {family} {body['name']}{_table_body(body)}"]
    table = f"{family} {body['table']}"
    if kind == "chain":
        return [f"{verb} chain {table} {body['name']}{_hooking(body)}"]
    if kind == "rule":
        place = f" handle {body['handle']}" if verb in ("delete", "replace") and "handle" in body else ""
        text = " ".join(statement_text(s) for s in body.get("expr", ()))
        comment = f' comment "{body["comment"]}"' if body.get("comment") else ""
        return [f"{verb} rule {table} {body['chain']}{place} {text}{comment}"] if text else []
    if kind in ("set", "map", "meter"):
        return [f"{verb} {kind} {table} {body['name']} {{\n{set_text(body)}\n}}"]
    if kind == "element":
        elements = ", ".join(set_text(body, elements_only=True).split("\n"))
        return [f"{verb} element {table} {body['name']} {{ {elements} }}"]
    if kind in _OBJECTS:
        return [f"{verb} {kind} {table} {body['name']}{_object_body(kind, body)}"]
    raise JsonError(f"`{kind}`")


def _table_body(body: dict[str, Any]) -> str:
    flags = body.get("flags", [])
    # nft 1.0.6 lists the table's name where its flags belong
    known = [
        flag for flag in (flags if isinstance(flags, list) else [flags]) if flag in ("dormant", "owner", "persist")
    ]
    lines = [f"flags {','.join(known)}"] if known else []
    if body.get("comment"):
        lines.append(f"comment {string(body['comment'])}")
    return " {\n" + "\n".join(lines) + "\n}" if lines else ""


def _hooking(body: dict[str, Any]) -> str:
    remark = f" comment {string(body['comment'])};" if body.get("comment") else ""
    if "hook" not in body:
        return f" {{{remark} }}" if remark else ""
    device = body.get("dev")
    where = ""
    if isinstance(device, str):
        where = f' device "{device}"'
    elif isinstance(device, list):
        where = " devices = { " + ", ".join(f'"{d}"' for d in device) + " }"
    policy = f" policy {body['policy']};" if "policy" in body else ""
    return f" {{ type {body['type']} hook {body['hook']}{where} priority {body['prio']};{policy}{remark} }}"


def _object_body(kind: str, body: dict[str, Any]) -> str:
    lines = _OBJECT_LINES[kind](body) if kind in _OBJECT_LINES else []
    if body.get("comment"):
        lines.append(f"comment {string(body['comment'])}")
    return " {\n" + "\n".join(lines) + "\n}" if lines else ""


def _helper_lines(body: dict[str, Any]) -> list[str]:
    return [f"type {string(body['type'])} protocol {body['protocol']};", *_layer(body)]


def _timeout_lines(body: dict[str, Any]) -> list[str]:
    states = ", ".join(f"{state} : {seconds}" for state, seconds in body["policy"].items())
    return [f"protocol {body['protocol']};", *_layer(body), f"policy = {{ {states} }}"]


def _expectation_lines(body: dict[str, Any]) -> list[str]:
    lasting = f"{body['timeout'] // 1000}s" if body["timeout"] % 1000 == 0 else f"{body['timeout']}ms"
    first = f"protocol {body['protocol']}"
    return [first, f"dport {body['dport']}", f"timeout {lasting}", f"size {body['size']}", *_layer(body)]


def _layer(body: dict[str, Any]) -> list[str]:
    return [f"l3proto {body['l3proto']}"] if "l3proto" in body else []


def _flowtable_lines(body: dict[str, Any]) -> list[str]:
    devices = body.get("dev", [])
    names = ", ".join(string(d) for d in (devices if isinstance(devices, list) else [devices]))
    lines = [f"hook {body['hook']} priority {body['prio']}"]
    return [*lines, f"devices = {{ {names} }}"] if names else lines


def _quota_lines(body: dict[str, Any]) -> list[str]:
    used = f" used {body['used']} bytes" if body.get("used") else ""
    return [f"{'over ' if body.get('inv') else ''}{body['bytes']} bytes{used}"]


def _counter_lines(body: dict[str, Any]) -> list[str]:
    return [f"packets {body['packets']} bytes {body['bytes']}"] if "packets" in body else []


_OBJECT_LINES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "counter": _counter_lines,
    "limit": lambda body: [statement_text({"limit": body}).removeprefix("limit ")],
    "quota": _quota_lines,
    "ct helper": _helper_lines,
    "ct timeout": _timeout_lines,
    "ct expectation": _expectation_lines,
    "flowtable": _flowtable_lines,
    "secmark": lambda body: [string(body["context"])],
    "synproxy": lambda body: [statement_text({"synproxy": body}).removeprefix("synproxy ")],
}
