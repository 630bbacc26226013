"""A cursor over the tokens of a pf.conf and the small parts of its grammar: words, numbers, lists, interfaces, protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fwc.diagnostics import Diagnostic, warning
from fwc.dialects.pf.lexer import BAD, END, KEY, NEWLINE, NUMBER, PUNCT, STRING, WORD, Tokens
from fwc.dialects.pf.tree import Iface
from fwc.dialects.pf.words import PROTOCOLS
from fwc.source import Span, utf8

T = TypeVar("T")

MAX_IFACE = 15  # IFNAMSIZ - 1
MAX_LABEL = 63
MAX_TAG = 63
MAX_TABLE = 31


class PfSyntaxError(Exception):
    """What is wrong, where, and what to write instead."""

    def __init__(self, message: str, span: Span, help: str = "", code: str = "FW001") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.help = help


class Reader:
    """`macos` refuses every word that macOS refuses; otherwise words of other releases are understood with a warning."""

    __slots__ = ("at", "diagnostics", "kinds", "macos", "tokens", "values")

    def __init__(self, tokens: Tokens, macos: bool) -> None:
        self.tokens = tokens
        self.kinds = tokens.kinds
        self.values = tokens.values
        self.at = 0
        self.macos = macos
        self.diagnostics: list[Diagnostic] = []

    # ----- positions and errors

    def span(self, first: int | None = None) -> Span:
        """From token `first` (default: the present one) to the last one read."""
        if first is None:
            return self.tokens.span(self.at, self.at)
        return self.tokens.span(first, max(first, self.at - 1))

    def fail(self, message: str, at: int | None = None, help: str = "", code: str = "FW001") -> PfSyntaxError:
        where = self.at if at is None else at
        return PfSyntaxError(message, self.tokens.span(where, where), help, code)

    def unexpected(self, wanted: str) -> PfSyntaxError:
        kind, value = self.kinds[self.at], self.values[self.at]
        if kind == BAD:
            return self.fail(value)
        what = {NEWLINE: "the line end", END: "the end of the file", STRING: f'"{value}"'}.get(kind, f"'{value}'")
        return self.fail(f"unexpected {what}; expected {wanted}")

    def later(self, word: str, first: int) -> None:
        """Report a word that macOS does not take; in macOS mode it is an error."""
        if self.macos:
            raise self.fail(f"'{word}' is not in macOS' pf grammar", first)
        self.diagnostics.append(
            warning(
                "FW002",
                f"'{word}' belongs to another release of pf; macOS refuses it",
                self.tokens.span(first, first),
                name="unsupported-construct",
            )
        )

    # ----- tokens

    def key(self, word: str) -> bool:
        """Skip the keyword or bare word `word` if it is next."""
        at = self.at
        if self.values[at] == word and self.kinds[at] <= KEY:
            self.at = at + 1
            return True
        return False

    def peek(self, word: str) -> bool:
        return self.values[self.at] == word and self.kinds[self.at] <= KEY

    def punct(self, sign: str) -> bool:
        at = self.at
        if self.values[at] == sign and self.kinds[at] == PUNCT:
            self.at = at + 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.punct(sign):
            raise self.unexpected(f"'{sign}'")

    def need_key(self, word: str) -> None:
        if not self.key(word):
            raise self.unexpected(f"'{word}'")

    def is_text(self) -> bool:
        """A word or quoted string that is no keyword."""
        kind = self.kinds[self.at]
        return kind in (WORD, STRING)

    def text(self, wanted: str) -> str:
        if not self.is_text():
            raise self.unexpected(wanted)
        self.at += 1
        return self.values[self.at - 1]

    def number(self, wanted: str, high: int = 0xFFFFFFFF) -> int:
        at = self.at
        if self.kinds[at] != NUMBER or len(self.values[at]) > 12:
            raise self.unexpected(wanted)
        value = int(self.values[at])
        if not 0 <= value <= high:
            raise self.fail(f"{value} is out of range; {wanted} is 0 to {high}")
        self.at = at + 1
        return value

    def text_or_number(self, wanted: str) -> str:
        if self.kinds[self.at] == NUMBER:
            self.at += 1
            return self.values[self.at - 1]
        return self.text(wanted)

    def end_of_line(self) -> bool:
        return self.kinds[self.at] in (NEWLINE, END)

    def newlines(self) -> None:
        while self.kinds[self.at] == NEWLINE:
            self.at += 1

    # ----- lists

    def items(self, one: Callable[[], T]) -> list[T]:
        """`{ one, one one }`: commas are optional, line ends may stand between."""
        self.need("{")
        self.newlines()
        out = [one()]
        while True:
            self.newlines()
            if self.punct("}"):
                return out
            if self.punct(","):
                self.newlines()
                if not self.macos and self.punct("}"):
                    return out
            out.append(one())

    def one_or_list(self, one: Callable[[], T]) -> list[T]:
        if self.values[self.at] == "{" and self.kinds[self.at] == PUNCT:
            return self.items(one)
        return [one()]

    # ----- parts of rules

    def interface(self) -> Iface:
        negated = self.punct("!")
        first = self.at
        name = self.text("an interface name")
        if len(name) > MAX_IFACE and ":" not in name:
            raise self.fail("an interface name has at most 15 characters", first)
        return Iface(name, negated)

    def on(self) -> tuple[Iface, ...]:
        if not self.key("on"):
            return ()
        if not self.macos and self.key("any"):
            return ()
        return tuple(self.one_or_list(self.interface))

    def protocol(self) -> int:
        first = self.at
        if self.kinds[first] == NUMBER:
            return self.number("a protocol number", 255)
        name = self.text("a protocol")
        value = PROTOCOLS.get(name)
        if value is None and name in ("icmp6", "icmpv6") and not self.macos:
            return 58
        if value is None:
            help = "write ipv6-icmp" if name in ("icmp6", "icmpv6") else "write the protocol's number"
            raise self.fail(f"unknown protocol {name}", first, help)
        return value

    def protocols(self) -> tuple[int, ...]:
        return tuple(self.one_or_list(self.protocol)) if self.key("proto") else ()

    def log(self) -> tuple[str, ...] | None:
        if not self.key("log"):
            return None
        if not self.punct("("):
            return ()
        out: list[str] = []
        while True:
            first = self.at
            if self.key("all") or self.key("user"):
                out.append(self.values[first])
            elif self.key("to"):
                name = self.text("a pflog interface")
                if not (name.startswith("pflog") and name[5:].isdigit()):
                    raise self.fail("log to needs an interface named pflogN", first + 1)
                out.append(f"to {name}")
            elif self.is_text() and self.values[first] == "matches" and not self.macos:
                self.at += 1
                self.later("log (matches)", first)
                out.append("matches")
            else:
                raise self.unexpected("all, user, or to pflogN")
            self.punct(",")
            if self.punct(")"):
                return tuple(out)

    def log_quick(self) -> tuple[tuple[str, ...] | None, bool]:
        log = self.log()
        quick = self.key("quick")
        if quick and log is None:
            log = self.log()
        return log, quick

    def label(self) -> str:
        first = self.at
        text = self.text("a label")
        if len(utf8(text)) > MAX_LABEL:
            raise self.fail("a label has at most 63 bytes", first, "shorten it", "FW615")
        return text

    def tag(self) -> str:
        first = self.at
        text = self.text("a tag")
        if len(utf8(text)) > MAX_TAG:
            raise self.fail("a tag has at most 63 bytes", first, "shorten it", "FW615")
        return text

    def table_name(self) -> str:
        self.need("<")
        first = self.at
        name = self.text("a table name")
        if len(name) > MAX_TABLE:
            raise self.fail("a table name has at most 31 characters", first, "shorten it", "FW615")
        self.need(">")
        return name
