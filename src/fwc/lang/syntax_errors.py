"""What to say about a word that cannot stand where it stands."""

from __future__ import annotations

from fwc.diagnostics import Diagnostic, error
from fwc.lang.tables import Grammar
from fwc.lang.words import NEWLINE, kinds
from fwc.records import record
from fwc.source import SourceFile, Span

_READABLE = {
    "IDENT": "a name", "IFNAME": "an interface", "OS_PREFIX": "linux:", "VAR": "$name", "SETREF": "@set",
    "NAME_PORT": "name:port", "STRING": 'a "string"', "RAWTEXT": '"""text"""', "ADDR4": "an address",
    "CIDR4": "an address", "RANGE4": "an address", "ADDR6": "an address", "CIDR6": "an address",
    "RANGE6": "an address", "EP4": "address:port", "EP6": "address:port", "MAC_ADDR": "a MAC address",
    "DATE": "a date", "TIMERANGE": "a time range", "CLOCK": "a time", "RATE_VALUE": "a rate", "DURATION": "a duration",
    "PORTRANGE": "a range", "ICMPCODE": "type/code", "PERCENT": "a percentage", "HEX": "a number",
    "MARKVAL": "a mark", "SIGNED": "a signed number", "INT": "a number", "CMP": "a comparison",
    "ACTION": "allow, deny, reject, log, count", "VERDICT": "allow, deny, reject", "FAMILY": "v4, v6",
    "L4": "tcp, udp, sctp, dccp, udplite", "HOOK_NAME": "input, forward, output", "SIDE": "source, destination",
    "SET_TYPE": "addresses, networks, ports, macs, ifaces", "REWRITE_FIELD": "dscp, ttl, ctmark, priority",
    "QUANT": "never, always, some", "LINT_LEVEL": "error, warn, off", "_COMMA": "`,`", "_NL": "end of line",
    "_LBRACE": "`{`", "_RBRACE": "`}`", "_LPAR": "`(`", "_RPAR": "`)`", "_EQUAL": "`=`", "_ARROW": "`->`",
    "_BIARROW": "`<->`", "$END": "end of line",
}  # fmt: skip


@record
class Mistake:
    """Where a statement stopped making sense: the word at `index` (or the end of the line, `index == end`), while the
    words before it had led to `states`."""

    start: str
    first: int
    index: int
    end: int
    states: tuple[int, ...]


def accepted(tables: Grammar, states: tuple[int, ...]) -> list[str]:
    """The terminals that could stand next, by running each through the tables."""
    found = []
    for symbol in tables.row(states[-1]):
        if symbol <= tables.end and _shifts(tables, list(states), symbol):
            found.append(tables.terminals[symbol] if symbol < tables.end else "$END")
    return found


def _shifts(tables: Grammar, states: list[int], symbol: int) -> bool:
    while True:
        code = tables.row(states[-1]).get(symbol)
        if code is None:
            return symbol == tables.end and states[-1] in {last for _, last in tables.starts.values()}
        if not code & 1:
            return True
        _, left, size, _ = tables.rules[code >> 1]
        if size:
            del states[-size:]
        states.append(tables.row(states[-1])[left] >> 1)


def readable(terminals: list[str]) -> list[str]:
    """Names for people, without repetition: values first, then words, then punctuation."""
    names = {_READABLE.get(t, t.lower().replace("_", "-")) for t in terminals}
    return sorted(names, key=lambda n: (n.startswith("`"), n == "end of line", not n.startswith(("a ", "an ")), n))


def describe(
    file: SourceFile, tables: Grammar, texts: list[str], offsets: list[int], shapes: str, mistake: Mistake
) -> Diagnostic:
    """The diagnostic for a mistake."""
    index = mistake.index
    if index < mistake.end and shapes[index] != NEWLINE:
        found = f"`{_shown(texts[index])}`"
        span = Span(file, offsets[index], offsets[index + 1])
    else:
        found = "end of line"
        at = offsets[index] if index < len(texts) else offsets[-1]
        span = Span(file, at, at)
    _ = kinds
    expected = readable(accepted(tables, mistake.states))
    message = f"unexpected {found}"
    if expected:
        message += f"; expected {', '.join(expected[:12])}{', ...' if len(expected) > 12 else ''}"
    return error("FW001", message, span, name="syntax-error")


def _shown(word: str) -> str:
    """A word for a message: short, and without control characters."""
    text = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in word[:40])
    return text + ("..." if len(word) > 40 else "")
