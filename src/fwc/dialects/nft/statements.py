"""Statements of a rule."""

from __future__ import annotations

from collections.abc import Callable

from fwc.dialects.nft import tree as t
from fwc.dialects.nft.reader import NftSyntaxError, Reader
from fwc.dialects.nft.selectors import PAYLOAD, STARTERS
from fwc.dialects.nft.words import UNITS

_OPERATORS = {"==": "==", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "eq": "==", "ne": "!=", "lt": "<", "gt": ">",
              "le": "<=", "ge": ">="}  # fmt: skip
_GOES_ON = frozenset((".", "-", "/", ",", "&", "|", "^", "<<", ">>", "and", "or", "xor", "lshift", "rshift", ":"))
_NO_VALUE = frozenset(("eq", "ne", "lt", "gt", "le", "ge", "vmap", "map", "set")) | STARTERS
_ENDS = frozenset(("", "\n", ";", "}"))
_AFTER_FOREIGN = _ENDS | {"comment", "accept", "drop", "return", "continue", "jump", "goto", "counter", "log"}


def rule(r: Reader) -> t.RuleNode:
    """One rule, up to but without its line end."""
    texts, starts = r.texts, r.starts
    first = r.at
    memo = r.compares
    statements: list[t.Statement] = []
    spans: list[tuple[int, int]] = []
    comment: str | None = None
    while texts[r.at] not in _ENDS:
        begin = r.at
        word = texts[begin]
        if word == "comment":
            r.at += 1
            comment = r.string("a comment")
            continue
        fields = PAYLOAD.get(word)
        if fields is not None and texts[begin + 1] in fields:
            # the common case `tcp dport 22`, made once for each text
            value = texts[begin + 2]
            if value[:1].isalnum() and texts[begin + 3] not in _GOES_ON and value not in _NO_VALUE:
                key = (word, texts[begin + 1], value)
                same = memo.get(key)
                if same is None:
                    same = memo[key] = t.Compare(r.make_selector(f"{word} {key[1]}"), "", r.make_word(value))
                statements.append(same)
                r.at = begin + 3
                spans.append((starts[begin], starts[begin + 2] + len(value)))
                continue
        known = _STATEMENTS.get(word)
        statements.append(known(r) if known is not None else _comparison(r))
        spans.append((starts[begin], starts[r.at - 1] + len(texts[r.at - 1])))
    if not statements:
        raise r.fail("a statement")
    return t.RuleNode(tuple(statements), comment or "", starts[first], spans[-1][1], tuple(spans), comment == "")


_VALUES = (t.Word, t.Quoted, t.RangeOf, t.Prefixed)
"""What is no field of a packet."""


def _comparison(r: Reader) -> t.Statement:
    text = r.texts[r.at]
    if text not in STARTERS and text[:1] not in ("@", "(", "$"):
        raise r.fail("a statement", _HINTS.get(text, ""))
    if text == "ct" and r.texts[r.at + 1] == "count":
        r.at += 2
        over = r.take("over")
        return t.ConnLimit(over, r.number("a number of connections"))
    begin = r.at
    left = r.concatenation()
    if any(isinstance(part, _VALUES) for part in (left.parts if isinstance(left, t.Concat) else (left,))):
        raise NftSyntaxError(f"`{text}` is no known selector", begin)
    text = r.texts[r.at]
    if text == "vmap":
        r.at += 1
        return t.Vmap(left, r.map_source())
    if text == "set":
        r.at += 1
        if not isinstance(left, t.Selector):
            raise NftSyntaxError("only a single field can be set", begin)
        if r.texts[r.at] == "{":
            raise r.fail("one value")
        return t.Assign(left, _class_id(r) if left.text in ("meta priority", "priority") else r.expression())
    op = _OPERATORS.get(text, "")
    if op:
        r.at += 1
    elif isinstance(left, t.Mapped) or r.texts[r.at] in _ENDS:
        if isinstance(left, t.Operation | t.Concat | t.Mapped):
            raise r.fail("a comparison")
        raise r.fail("a value")
    if r.texts[r.at] == '""':
        raise r.fail("a string", "an empty one matches nothing")
    return t.Compare(left, op, r.expression())


def _class_id(r: Reader) -> t.Expr:
    """A tc class `major:minor`, where either may be left out."""
    first = r.at
    if r.texts[first] == ":" or r.texts[first + 1] == ":":
        while r.texts[r.at] == ":" or r.at == first or r.texts[r.at - 1] == ":":
            if r.texts[r.at] in _ENDS:
                break
            r.at += 1
        return r.make_word(r.verbatim(first))
    return r.expression()


_HINTS = {"masq": "masquerade", "deny": "drop", "allow": "accept", "port": "`tcp dport` or `udp dport`"}


def _final(r: Reader) -> t.Statement:
    r.at += 1
    return t.Final(r.texts[r.at - 1])


def _jump(r: Reader) -> t.Statement:
    word = r.texts[r.at]
    r.at += 1
    text = r.texts[r.at]
    if text[:1] == "$":
        r.at += 1
        return t.Final(word, t.Var(text[1:]))
    if text == "{":
        return t.Final(word, "", _nameless(r))
    return t.Final(word, r.word("the name of a chain"))


def _nameless(r: Reader) -> tuple[t.RuleNode, ...]:
    """The rules of a chain without a name."""
    r.enter()
    rules: list[t.RuleNode] = []
    while True:
        r.skip_lines()
        if r.take("}"):
            r.depth -= 1
            return tuple(rules)
        rules.append(rule(r))


def _limit(r: Reader) -> t.Statement:
    first = r.at
    r.at += 1
    if r.texts[r.at] == "name" or r.texts[r.at] != "rate":
        r.take("name")
        r.expression()
        return t.Foreign(r.verbatim(first), "limit")
    r.at += 1
    over = r.take("over")
    text = r.word("a rate")
    amount, _, unit = text.partition("/")
    size = ""
    if not unit and r.texts[r.at] != "/":
        size, _, unit = r.word("a unit").partition("/")
    if not unit and r.take("/"):
        unit = r.word("a unit")
    if not amount.isdigit() or unit not in UNITS or size not in ("", "bytes", "kbytes", "mbytes"):
        r.at = first + 2
        raise r.fail("a rate such as 10/second")
    burst, burst_unit = None, ""
    if r.take("burst"):
        burst = r.number("a burst")
        if r.texts[r.at] in ("packets", "bytes", "kbytes", "mbytes"):
            burst_unit = r.texts[r.at]
            if (burst_unit == "packets") is bool(size):
                raise r.fail("bytes, kbytes or mbytes" if size else "packets", "a burst counts what the rate counts")
            r.at += 1
    return t.Limit(over, int(amount), size, unit, burst, burst_unit)


def _log(r: Reader) -> t.Statement:
    r.at += 1
    prefix, level, group, options = None, "", None, ""
    while True:
        text = r.texts[r.at]
        if text == "prefix":
            r.at += 1
            if r.texts[r.at][:1] == "$":
                options = f"{options} prefix {r.texts[r.at]}".strip()
                r.at += 1
            else:
                prefix = r.string("a prefix")
        elif text == "level":
            r.at += 1
            level = r.word("a level")
        elif text == "group":
            r.at += 1
            group = r.number("a group")
        elif text in ("snaplen", "queue-threshold", "flags"):
            first = r.at
            r.at += 2
            if r.texts[r.at - 1] in ("tcp", "ip"):
                r.at += 1
            while r.take(","):
                r.at += 1
            options = f"{options} {r.verbatim(first)}".strip()
        else:
            return t.LogTo(prefix, level, group, options)


def _counter(r: Reader) -> t.Statement:
    r.at += 1
    text = r.texts[r.at]
    if text in ("packets", "bytes"):
        r.at += 1
        first = r.number("a number")
        r.expect("bytes" if text == "packets" else "packets")
        second = r.number("a number")
        return t.Counter("", first, second) if text == "packets" else t.Counter("", second, first)
    if text == "name":
        r.at += 1
        if r.texts[r.at][:1] not in ("$", "@") and r.texts[r.at] not in STARTERS:
            return t.Counter(r.string("a counter"))
        first = r.at
        r.expression()
        return t.Foreign("counter name " + r.verbatim(first), "counter")
    return t.Counter()


def _reject(r: Reader) -> t.Statement:
    r.at += 1
    if not r.take("with"):
        return t.RejectWith()
    kind = r.word("tcp reset, icmp, icmpv6 or icmpx")
    if kind == "tcp":
        r.expect("reset")
        return t.RejectWith("tcp reset")
    if kind not in ("icmp", "icmpv6", "icmpx"):
        r.at -= 1
        raise r.fail("tcp reset, icmp, icmpv6 or icmpx")
    r.take("type")
    return t.RejectWith(f"{kind} {r.word('a code')}")


def _nat(r: Reader) -> t.Statement:
    kind = r.texts[r.at]
    first = r.at
    r.at += 1
    prefix = pair = False
    word = ""
    if kind in ("snat", "dnat"):
        if r.texts[r.at] in ("ip", "ip6"):
            word = r.texts[r.at]
            r.at += 1
        prefix = r.take("prefix")
        if r.texts[r.at] == "interval":
            r.skip_balanced()
            return t.Foreign(r.verbatim(first), "nat")
        if r.texts[r.at] == "addr":
            r.at += 1
            r.expect(".")
            r.expect("port")
            pair = True
    address = port = None
    if r.take("to"):
        if r.texts[r.at] == "[":
            r.at += 1
            address = r.concatenation()
            r.expect("]")
        elif r.texts[r.at] != ":":
            address = r.concatenation()
        if r.take(":"):
            port = r.concatenation()
    elif kind in ("snat", "dnat"):
        r.at -= r.texts[r.at - 1] in ("ip", "ip6") and r.texts[r.at] in PAYLOAD["ip"]  # `snat ip saddr map`
        bracket = r.take("[")
        if r.texts[r.at] != ":":
            address = r.concatenation()  # the old spelling without `to`
        if bracket:
            r.expect("]")
        if r.take(":"):
            port = r.concatenation()
    flags = []
    while r.texts[r.at] in ("random", "fully-random", "persistent"):
        flags.append(r.texts[r.at])
        r.at += 1
        if not r.take(","):
            break
    return t.Nat(kind, word, prefix, address, port, tuple(flags), pair)


def _update(r: Reader) -> t.Statement:
    verb = r.texts[r.at]
    r.at += 1
    text = r.texts[r.at]
    if text[:1] != "@":
        raise r.fail("`@` and the name of a set")
    r.at += 1
    r.newlines()
    return _set_change(r, verb, text[1:], None)


def _set(r: Reader) -> t.Statement:
    """`set update KEY [timeout T] @NAME`, as nft wrote it before 0.9 and still reads it (set_stmt in src/parser_bison.y)."""
    if r.texts[r.at + 1] not in ("add", "update", "delete"):
        return _foreign(r)
    verb = r.texts[r.at + 1]
    r.at += 2
    key = r.concatenation()
    timeout = r.word("a time") if r.take("timeout") else ""
    text = r.texts[r.at]
    if text[:1] != "@":
        raise r.fail("`@` and the name of a set")
    r.at += 1
    return t.Update(verb, text[1:], key, timeout)


def _meter(r: Reader) -> t.Statement:
    r.at += 1
    name = r.word("the name of a meter")
    size = r.number("a number of elements") if r.take("size") else None
    return _set_change(r, "meter", name, size)


def _set_change(r: Reader, verb: str, name: str, size: int | None) -> t.Statement:
    """`{ key [timeout t] [statements] [: data] }`."""
    r.expect("{")
    r.depth += 1
    r.newlines()
    key = r.concatenation()
    timeout = ""
    statements: list[t.Statement] = []
    data = None
    while r.texts[r.at] not in ("}", ""):
        word = r.texts[r.at]
        if word == "timeout":
            r.at += 1
            timeout = r.word("a time")
        elif word in ("limit", "ct", "counter", "quota", "last"):
            statements.append(_STATEMENTS[word](r) if word in _STATEMENTS else _comparison(r))
        elif word == "comment":
            r.at += 2
        elif word == ":":
            r.at += 1
            data = r.verdict_or_value()
        elif word == "\n":
            r.at += 1
        else:
            raise r.fail("`}`")
    r.expect("}")
    r.depth -= 1
    return t.Update(verb, name, key, timeout, tuple(statements), data, size)


def _notrack(r: Reader) -> t.Statement:
    r.at += 1
    return t.NoTracking()


def _foreign(r: Reader) -> t.Statement:
    """Statements that end a rule or whose options end it: everything up to the end."""
    first = r.at
    word = r.texts[first]
    r.at += 1
    r.skip_balanced(
        frozenset(
            ("", "\n", ";", "}", "comment", "accept", "drop", "return", "continue", "jump", "goto", "counter", "log")
        )
    )
    return t.Foreign(r.verbatim(first), word)


def _tproxy(r: Reader) -> t.Statement:
    """What stands behind it is done for packets alone that have such a socket: it is one statement with all that follows."""
    first = r.at
    r.at += 1
    r.skip_balanced(frozenset(("", "\n", ";", "}", "comment")))
    return t.Foreign(r.verbatim(first), "tproxy")


_STATEMENTS: dict[str, Callable[[Reader], t.Statement]] = {
    **dict.fromkeys(("accept", "drop", "return", "continue"), _final),
    **dict.fromkeys(("jump", "goto"), _jump),
    **dict.fromkeys(("snat", "dnat", "masquerade", "redirect"), _nat),
    **dict.fromkeys(("add", "update", "delete"), _update),
    **dict.fromkeys(("queue", "fwd", "dup", "synproxy", "quota", "flow", "xt", "last"), _foreign),
    "set": _set,
    "reset": _foreign,
    "tproxy": _tproxy,
    "meter": _meter,
    "limit": _limit,
    "log": _log,
    "counter": _counter,
    "reject": _reject,
    "notrack": _notrack,
}  # fmt: skip
