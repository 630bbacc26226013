"""What to say about a word that cannot stand where it stands: what was found, what could stand there, what to write instead."""

from __future__ import annotations

from collections.abc import Iterable

from fwc.diagnostics import Diagnostic, error
from fwc.lang.hints import Place, hint
from fwc.lang.tables import Grammar, Mistake
from fwc.lang.values import printable
from fwc.lang.words import NEWLINE, SPACE, Words
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

_OPTION_TEXT = (
    "LOG LIMIT MAX WITH COUNT AS COMMENT OWNER TICKET EXPIRES IGNORE ADD STATELESS DISABLED HAIRPIN WITHOUT PORTS"
    " RANDOM PERSISTENT"
)
_OPTIONS = frozenset(_OPTION_TEXT.split())


def accepted(tables: Grammar, states: tuple[int, ...]) -> frozenset[str]:
    """The terminals that could stand next, by running each through the tables."""
    return frozenset(
        tables.terminals[symbol] if symbol < tables.end else "$END"
        for symbol in tables.row(states[-1])
        if symbol <= tables.end and _shifts(tables, list(states), symbol)
    )


def _shifts(tables: Grammar, states: list[int], symbol: int) -> bool:
    while True:
        code = tables.row(states[-1]).get(symbol)
        if code is None:
            return symbol == tables.end and any(states[-1] == last for _, last in tables.starts.values())
        if not code & 1:
            return True
        _, left, size, _ = tables.rules[code >> 1]
        if size:
            del states[-size:]
        states.append(tables.row(states[-1])[left] >> 1)


def readable(terminals: Iterable[str]) -> list[str]:
    """Names for people, without repetition: values first, then words, then punctuation."""
    found = set(terminals)
    names = set()
    if len(found & _OPTIONS) > 6:
        found -= _OPTIONS
        names.add("an option")
    names |= {_READABLE.get(t, t.lower().replace("_", "-")) for t in found}
    return sorted(names, key=lambda n: (n.startswith("`"), n == "end of line", not n.startswith(("a ", "an ")), n))


def describe(file: SourceFile, tables: Grammar, words: Words, mistake: Mistake) -> Diagnostic:
    """The diagnostic for a mistake."""
    index, end = mistake.index, mistake.end
    texts, offsets = words.texts, words.offsets
    expected = accepted(tables, mistake.states)
    if index < end and words.kinds[index] != NEWLINE:
        word = texts[index].rstrip(" \t\r\n") if texts[index][0] == "," else texts[index]
        span = Span(file, offsets[index], offsets[index] + len(word))
        found = f"`{shown(word)}`"
    else:
        word, found = "", "the end of the line"
        after = index
        while after > mistake.first and words.kinds[after - 1] in (SPACE, NEWLINE):
            after -= 1
        span = Span(file, offsets[after], offsets[after])
    before = [texts[n] for n in range(mistake.first, index) if words.kinds[n] != SPACE]
    following = [texts[n] for n in range(index + 1, end) if words.kinds[n] != SPACE][:4]
    advice = hint(Place(mistake.start, word[:80], [w[:80] for w in before], [w[:80] for w in following], expected))
    message = advice.message or f"unexpected {found}"
    names = readable(expected)
    if not advice.message and names and len(names) <= 24:
        message += f"; expected {', '.join(names)}"
    return error("FW001", printable(message), span, help=printable(advice.help), name="syntax-error")


def shown(word: str) -> str:
    """A word for a message: short, and without control characters."""
    return printable(word[:40]) + ("..." if len(word) > 40 else "")
