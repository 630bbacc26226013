"""A cursor over nft tokens, and the expressions of the language."""

from __future__ import annotations

from fwc.dialects.nft import tree as t
from fwc.dialects.nft.lexer import Tokens
from fwc.dialects.nft.selectors import BARE_META, CT, CT_OF_DIRECTION, META, PAYLOAD, STARTERS
from fwc.errors import FwcError

MAX_DEPTH = 40
_CLOSERS = frozenset(("", "\n", ";", "}"))
_SPELLED = {"and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>"}
_BEHIND_ELEMENTS = frozenset((".", ",", ":", "}", "\n"))
_PUNCTUATION = frozenset("{}()[],;:=!<>&|^\n$@/.\\") | {"==", "!=", "<=", ">=", "<<", ">>", ""}


class NftSyntaxError(FwcError):
    def __init__(self, message: str, index: int, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.index = index
        self.help = help


class Reader:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.texts = tokens.texts
        self.starts = tokens.starts
        self.at = 0
        self.depth = 0
        self.compares: dict[tuple[str, str, str], t.Compare] = {}
        self._words: dict[str, t.Word] = {}
        self._selectors: dict[str, t.Selector] = {}

    # ----- tokens ------------------------------------------------------------

    def fail(self, expected: str, help: str = "") -> NftSyntaxError:
        text = self.texts[self.at]
        shown = {"": "end of file", "\n": "end of line"}.get(text, f"`{text[:40]}`")
        return NftSyntaxError(f"unexpected {shown}; expected {expected}", self.at, help)

    def take(self, text: str) -> bool:
        if self.texts[self.at] == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if self.texts[self.at] != text:
            raise self.fail(f"`{text}`")
        self.at += 1

    def word(self, what: str) -> str:
        text = self.texts[self.at]
        if text in _PUNCTUATION or text[0] in '"$@':
            raise self.fail(what)
        self.at += 1
        return text

    def skip_lines(self) -> None:
        texts = self.texts
        at = self.at
        while texts[at] == "\n" or texts[at] == ";":
            at += 1
        self.at = at

    def newlines(self) -> None:
        while self.texts[self.at] == "\n":
            self.at += 1

    def number(self, what: str) -> int:
        text = self.word(what)
        try:
            return int(text, 0) if text[:2].lower() == "0x" else int(text)
        except ValueError:
            self.at -= 1
            raise self.fail(what) from None

    def string(self, what: str) -> str:
        text = self.texts[self.at]
        if text[:1] == '"':
            self.at += 1
            return text[1:-1]
        if text[:1] == "$":
            raise self.fail(what)
        return self.word(what)

    def verbatim(self, first: int) -> str:
        """The source text from token `first` to the cursor, on one line."""
        if self.at <= first:
            return ""
        text = self.tokens.file.text[self.starts[first] : self.tokens.end(self.at - 1)]
        return " ".join(text.replace("\\\n", " ").split("\n"))

    def skip_balanced(self, stop: frozenset[str] = _CLOSERS) -> None:
        """To the end of the statement, over nested braces."""
        depth = 0
        while True:
            text = self.texts[self.at]
            if not text or (not depth and text in stop):
                return
            if text in "{(":
                depth += 1
            elif text in "})":
                depth -= 1
            self.at += 1

    # ----- expressions -------------------------------------------------------

    def make_word(self, text: str) -> t.Word:
        known = self._words.get(text)
        if known is None:
            known = self._words[text] = t.Word(text)
        return known

    def make_selector(self, text: str) -> t.Selector:
        known = self._selectors.get(text)
        if known is None:
            known = self._selectors[text] = t.Selector(text)
        return known

    def expression(self, commas: bool = True) -> t.Expr:
        """Right side of a comparison: concatenations, bit operations, lists of flags."""
        first = self.concatenation()
        text = self.texts[self.at]
        if commas and text == ",":
            parts = [first]
            while self.take(","):
                parts.append(self.concatenation())
            first = t.Listed(tuple(parts))
            text = self.texts[self.at]
        if text == "/":
            self.at += 1
            right = self.expression(commas)
            if isinstance(first, t.Var):
                return t.Prefixed(first, right)
            return t.Operation("/", first, right)
        return first

    def concatenation(self) -> t.Expr:
        first = self.bits()
        if self.texts[self.at] != ".":
            return first
        parts = [first]
        while self.take("."):
            self.newlines_inside()
            parts.append(self.bits())
        last = parts[-1]
        if isinstance(last, t.Mapped):  # `a . b map @m` looks the whole concatenation up
            return t.Mapped(t.Concat((*parts[:-1], last.key)), last.source)
        return t.Concat(tuple(parts))

    def newlines_inside(self) -> None:
        if self.depth:
            self.newlines()

    def bits(self, least: int = 1) -> t.Expr:
        """Operators bind as in C: shifts closest, then `&`, `^` and `|` (src/parser_bison.y)."""
        text = self.texts[self.at]
        if text[:1].isdigit() and self.texts[self.at + 1] in _BEHIND_ELEMENTS:
            self.at += 1  # nearly all there is in a large set
            return self.make_word(text)
        left = self.primary()
        while True:
            op = self.texts[self.at]
            op = _SPELLED.get(op, op)
            binds = t.BINDS.get(op, 0)
            if binds < least:
                return left
            self.at += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise NftSyntaxError("operators are nested too deep", self.at - 1)
            left = t.Operation(op, left, self.bits(binds + 1))
            self.depth -= 1

    def primary(self) -> t.Expr:
        text = self.texts[self.at]
        head = text[:1]
        if head == '"':
            self.at += 1
            return self._ranged(t.Quoted(text[1:-1]))
        if head == "$":
            self.at += 1
            name, slash, length = text[1:].partition("/")
            if not slash:
                name, dash, high = text[1:].partition("-")
                if dash and high.isdigit():
                    return t.RangeOf(t.Var(name), self.make_word(high))
                return self._ranged(t.Var(text[1:]))
            return t.Prefixed(t.Var(name), self.make_word(length))
        if head == "@":
            return self._reference(text)
        if text == "{":
            return self.set_literal()
        if text == "(":
            self.enter()
            inner = self.expression()
            self.expect(")")
            self.depth -= 1
            return inner
        if text in STARTERS:
            found = self.selector()
            if found is not None:
                if self.texts[self.at] == "map":
                    self.at += 1
                    return t.Mapped(found, self.map_source())
                return found
        if text == "-":
            self.at += 1
            return self.make_word("-" + self.word("a number"))
        if text == "*":
            self.at += 1
            return self.make_word("*")
        if text == "!":
            self.enter()
            inner = self.primary()
            self.depth -= 1
            return t.Operation("!", t.Word(""), inner)
        return self._ranged(self.make_word(self.word("a value")))

    def _ranged(self, low: t.Expr) -> t.Expr:
        if self.texts[self.at] == "-":
            self.at += 1
            return t.RangeOf(low, self.primary())
        return low

    def _reference(self, text: str) -> t.Expr:
        self.at += 1
        if self.texts[self.at] == "," and text in ("@ll", "@nh", "@th", "@ih"):
            first = self.at - 1
            self.at += 4
            return t.Verbatim(self.verbatim(first))
        return t.Ref(text[1:])

    def enter(self) -> None:
        self.at += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NftSyntaxError("braces are nested too deep", self.at - 1)

    def set_literal(self) -> t.SetOf:
        known = self.tokens.lists.get(self.at)
        self.enter()
        if known is not None:
            self.at += 1
            self.depth -= 1
            return t.SetOf(known)
        elements: list[t.Element] = []
        texts = self.texts
        while True:
            self.newlines()
            if texts[self.at] == "}":
                break
            elements.append(self.element())
            self.newlines()
            if texts[self.at] not in (",", "}"):
                raise self.fail("`,` or `}`")
            while texts[self.at] == ",":  # nft takes several for one
                self.at += 1
                self.newlines()
        self.at += 1
        self.depth -= 1
        return t.SetOf(tuple(elements))

    def element(self) -> t.Element:
        texts = self.texts
        after = texts[self.at + 1]
        text = texts[self.at]
        if (after == "," or after == "\n" or after == "}") and text[0] not in '"$@{*-(!':
            self.at += 1
            return t.Element(self.make_word(text))
        key = self.expression(commas=False)
        self.newlines()
        options = ""
        if texts[self.at] in ("timeout", "expires", "comment", "counter", "limit", "quota", "last"):
            first = self.at
            self.skip_balanced(frozenset((",", "}", ":", "\n")))
            options = self.verbatim(first)
            self.newlines()
        data: t.Expr | None = None
        if texts[self.at] == ":":
            self.at += 1
            self.newlines()
            data = self.verdict_or_value()
            self.newlines()
            if texts[self.at] in ("comment", "timeout", "expires"):
                first = self.at
                self.skip_balanced(frozenset((",", "}", "\n")))
                options = f"{options} {self.verbatim(first)}".strip()
        return t.Element(key, data, options)

    def verdict_or_value(self) -> t.Expr:
        text = self.texts[self.at]
        if text in ("accept", "drop", "return", "continue", "queue"):
            self.at += 1
            return t.VerdictWord(text)
        if text in ("jump", "goto"):
            self.at += 1
            chain = self.texts[self.at]
            if chain[:1] == "$":
                self.at += 1
                return t.VerdictWord(text, chain)
            return t.VerdictWord(text, self.word("a chain"))
        return self.expression(commas=False)

    def map_source(self) -> t.Expr:
        text = self.texts[self.at]
        if text == "{":
            return self.set_literal()
        if text[:1] in "@$" and len(text) > 1:
            self.at += 1
            return t.Ref(text[1:]) if text[0] == "@" else t.Var(text[1:])
        raise self.fail("`{` or `@name`")

    # ----- selectors ---------------------------------------------------------

    def selector(self) -> t.Expr | None:
        """The selector at the cursor, None when the word starts none here (then nothing is consumed)."""
        texts, at = self.texts, self.at
        text, second = texts[at], texts[at + 1]
        fields = PAYLOAD.get(text)
        if fields is not None:
            if second in fields:
                self.at = at + 2
                return self.make_selector(f"{text} {second}")
            return self._extended(text, second)
        if text == "meta":
            if second in META:
                self.at = at + 2
                return self.make_selector(f"meta {second}")
            raise NftSyntaxError(f"`meta {second.strip()}` is no known selector", at + 1)
        if text == "ct":
            return self._ct(second)
        if text == "fib":
            return self._fib()
        if text in ("numgen", "jhash", "symhash", "socket", "exthdr", "osf", "ipsec"):
            return self._function(text)
        if text in BARE_META:
            self.at = at + 1
            return self.make_selector(text)
        return None

    def _extended(self, text: str, second: str) -> t.Expr | None:
        at = self.at
        if (text in ("tcp", "ip", "dccp") and second == "option") or (text == "sctp" and second == "chunk"):
            name, third = self.texts[at + 2], self.texts[at + 3]
            if name == "@":
                return None
            has_field = third in (
                "size", "kind", "length", "left", "right", "tsval", "tsecr", "count", "shift", "type", "ptr", "value", "addr",
                "flags", "tsn", "stream", "ssn", "ppid", "vtag", "init-tag", "cum-tsn-ack", "a-rwnd", "num-outbound-streams",
                "initial-tsn",
                "lowest-tsn",
                "seqno",
                "new-cum-tsn",
            )  # fmt: skip
            self.at = at + (4 if has_field else 3)
            return self.make_selector(" ".join(self.texts[at : self.at]))
        if text == "rt" and second in ("ip", "ip6") and self.texts[at + 2] == "nexthop":
            self.at = at + 3
            return self.make_selector(f"rt {second} nexthop")
        if text == "arp" and second in ("saddr", "daddr") and self.texts[at + 2] in ("ip", "ether"):
            self.at = at + 3
            return self.make_selector(self.verbatim(at))
        if text in ("rt0", "rt", "srh") and self.texts[at + 2] == "[":
            self.at = at + 5
            return self.make_selector(self.verbatim(at))
        return None

    def _ct(self, second: str) -> t.Expr | None:
        at = self.at
        words = ["ct"]
        at += 1
        if self.texts[at] in ("original", "reply"):
            words.append(self.texts[at])
            at += 1
        if self.texts[at] in ("ip", "ip6"):
            words.append(self.texts[at])
            at += 1
        if self.texts[at] not in CT:
            if self.texts[at] == "count":
                return None
            raise NftSyntaxError(f"`ct {self.texts[at].strip()}` is no known selector", at)
        words.append(self.texts[at])
        if words[1] in ("original", "reply") and words[-1] not in CT_OF_DIRECTION:
            raise NftSyntaxError(f"`ct {words[-1]}` is the same in both directions", at - 1, f"write `ct {words[-1]}`")
        if words[1] in ("ip", "ip6"):
            raise NftSyntaxError(f"unexpected `{words[1]}`; expected original or reply", at - 1)
        self.at = at + 1
        return self.make_selector(" ".join(words))

    def _fib(self) -> t.Expr:
        at = self.at + 1
        words = [self.texts[at]]
        at += 1
        while self.texts[at] == ".":
            words.append(self.texts[at + 1])
            at += 2
        result = self.texts[at]
        if result not in ("oif", "oifname", "type"):
            self.at = at
            raise self.fail("oif, oifname or type")
        self.at = at + 1
        return self.make_selector(f"fib {' . '.join(words)} {result}")

    def _function(self, text: str) -> t.Expr:
        first = self.at
        self.at += 1
        if text == "numgen":
            self.word("random or inc")
            self.expect("mod")
            self.number("a modulus")
        elif text == "symhash":
            self.expect("mod")
            self.number("a modulus")
        elif text == "jhash":
            self.concatenation()
            self.expect("mod")
            self.number("a modulus")
            if self.take("seed"):
                self.number("a seed")
        elif text == "socket":
            if self.word("a socket key") == "cgroupv2":
                self.expect("level")
                self.number("a level")
        elif text == "exthdr":
            self.word("an extension header")
        elif text == "osf":
            if self.take("ttl"):
                self.word("loose or skip")
            self.word("name or version")
        else:
            self.word("in or out")
            if self.take("spnum"):
                self.number("a number")
            if self.word("spi, reqid, ip or ip6") in ("ip", "ip6"):
                self.word("saddr or daddr")
        if self.take("offset"):
            self.number("an offset")
        return self.make_selector(self.verbatim(first))
