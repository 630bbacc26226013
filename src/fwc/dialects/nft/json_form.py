"""`nft -j` JSON as a tree: its objects become the commands that native text would have for them."""

from __future__ import annotations

import json
from typing import Any

from fwc.diagnostics import Diagnostic, error
from fwc.dialects.nft import tree as t
from fwc.dialects.nft.json_text import JsonError, set_text, statement_text
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
    for item in items:
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
        return [f"{verb} table {family} {body['name']}"]
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


def _hooking(body: dict[str, Any]) -> str:
    if "hook" not in body:
        return ""
    device = body.get("dev")
    where = ""
    if isinstance(device, str):
        where = f' device "{device}"'
    elif isinstance(device, list):
        where = " devices = { " + ", ".join(f'"{d}"' for d in device) + " }"
    policy = f" policy {body['policy']};" if "policy" in body else ""
    return f" {{ type {body['type']} hook {body['hook']}{where} priority {body['prio']};{policy} }}"


def _object_body(kind: str, body: dict[str, Any]) -> str:
    if kind == "limit":
        burst = f" burst {body['burst']} packets" if body.get("burst") else ""
        return f" {{ rate {'over ' if body.get('inv') else ''}{body['rate']}/{body['per']}{burst}\n}}"
    if kind == "ct helper":
        return f' {{ type "{body["type"]}" protocol {body["protocol"]};\n}}'
    return ""
