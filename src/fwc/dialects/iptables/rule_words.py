"""The words of one rule as options: those of the rule itself, of each match, and of the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fwc.dialects.iptables.extensions import MATCHES, TARGETS
from fwc.dialects.iptables.match_rows import Option
from fwc.dialects.iptables.names import RESERVED
from fwc.dialects.iptables.numbers import PROTOCOLS
from fwc.dialects.iptables.tree import Words
from fwc.errors import FwcError
from fwc.net.hooks import Family

_LONG = {
    "--source": "-s", "--src": "-s", "--destination": "-d", "--dst": "-d", "--in-interface": "-i", "--out-interface": "-o",
    "--protocol": "-p", "--jump": "-j", "--goto": "-g", "--match": "-m", "--fragment": "-f",
    "--set-counters": "-c",
}  # fmt: skip
_IMPLICIT = {
    6: "tcp",
    17: "udp",
    132: "sctp",
    33: "dccp",
    136: "udplite",
    1: "icmp",
    58: "icmp6",
    50: "esp",
    51: "ah",
    135: "mh",
}


class BadWords(FwcError):
    """A word that iptables refuses or that means nothing; `index` counts the words after the chain."""

    def __init__(self, index: int, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.index = index
        self.code = code
        self.message = message
        self.help = help


class RuleWords:
    """The words of one rule, told apart. `core` are options of the rule itself as (option, value, negated, index of the value),
    `matches` each `-m` with its options and its index, `late` the places of a `!` that stands behind its option."""

    __slots__ = (
        "_at",
        "_family",
        "_known",
        "_negated",
        "_number",
        "_words",
        "core",
        "goto",
        "late",
        "matches",
        "protocol",
        "target",
        "target_options",
    )

    def __init__(self, words: Words, family: Family, start: int = 0) -> None:
        """From word `start` on, where an option begins. Raises `BadWords`."""
        self.core: list[tuple[str, str, bool, int]] = []
        self.matches: list[tuple[str, list[Option], int]] = []
        self.target = ""
        self.goto = False
        self.target_options: list[Option] = []
        self.protocol: tuple[int, bool] | None = None
        self.late: list[tuple[int, str]] = []
        self._words = words
        self._family = family
        self._at = start
        self._negated = False
        self._known: Mapping[str, int] = {}  # the options of the target
        self._number: int | None = None  # the protocol, whose match takes options without -m
        while self._at < len(words):
            self._step(words[self._at])
        if self._negated:
            raise BadWords(len(words) - 1, "FW001", "nothing follows the `!`")

    def _step(self, word: str) -> None:
        if word == "!":
            if self._negated:
                raise BadWords(self._at, "FW001", "iptables refuses two ! in a row", "leave both out")
            self._negated = True
            self._at += 1
            return
        if word[:2] == "--":
            word = _LONG.get(word) or self._abbreviated(word)
        if word in _CORE:
            self._core(word)
        elif word in ("-m", "-j", "-g"):
            self._module(word)
        elif word == "-f":
            if self._family is Family.V6:
                raise BadWords(self._at, "FW001", "-f is for IPv4", "use -m frag")
            self.core.append(("-f", "", self._negated, self._at))
            self._at += 1
            self._negated = False
        elif word == "-c" and self._at + 2 < len(self._words):
            self._at += 3
        elif word in _IDLE:
            self._at += 1
        else:
            self._option(self._words[self._at])

    def _core(self, word: str) -> None:
        words, start = self._words, self._at
        at = start + 1
        if at < len(words) and words[at] == "!":
            self._negated = True
            self.late.append((at, word))
            at += 1
        if at >= len(words):
            raise BadWords(start, "FW001", f"{word} needs a value")
        self.core.append((word, words[at], self._negated, at))
        if word == "-p":
            self._number = protocol_number(words[at], at)
            self.protocol = (self._number, self._negated)
        self._at = at + 1
        self._negated = False

    def _module(self, word: str) -> None:
        at = self._at
        if at + 1 >= len(self._words):
            raise BadWords(at, "FW001", f"{word} needs a name")
        name = self._words[at + 1]
        if word == "-m":
            self.matches.append((name, [], at))
        elif self.target:
            raise BadWords(at, "FW001", f"the rule has a target already: {self.target}", "use two rules")
        else:
            self.target, self.goto = name, word == "-g"
            self._known = TARGETS.get(name, {}) if word == "-j" else {}
        self._at = at + 2
        self._negated = False

    # ----- options of matches and of the target ------------------------------

    def _option(self, word: str) -> None:
        """Remember it with its words, and go on behind them."""
        words, start = self._words, self._at
        values: list[str] = []
        name = word
        if "=" in word and word.startswith("--"):
            name, _, value = word.partition("=")
            values.append(value)
        found = self._place(name)
        if found is None:
            self._unknown(word)
            return
        place, size = found
        at = start + 1
        while len(values) < size and at < len(words):
            if words[at] == "!" and not values:
                self._negated = True
                self.late.append((at, name))
            else:
                values.append(words[at])
            at += 1
        if len(values) < size:
            raise BadWords(start, "FW001", f"{name} needs {size} words" if size > 1 else f"{name} needs a value")
        place.append((name, tuple(values), self._negated))
        self._at = at
        self._negated = False

    def _place(self, option: str) -> tuple[list[Option], int] | None:
        """Where the option belongs, and how many words it takes."""
        size = self._known.get(option)
        if size is not None:
            return self.target_options, size
        for name, options, _ in reversed(self.matches):
            module = MATCHES.get(name)
            size = module.options.get(option) if module is not None else None
            if size is not None:
                return options, size
        implied = _IMPLICIT.get(self._number) if self._number is not None else None
        size = MATCHES[implied].options.get(option) if implied is not None else None
        if implied is None or size is None:
            return None
        self.matches.append((implied, [], self._at))
        return self.matches[-1][1], size

    def _unknown(self, word: str) -> None:
        """An abbreviated option, an option of an unknown module, or a mistake."""
        at, words = self._at, self._words
        if word.startswith("--") and len(word) > 3:
            for table in self._tables():
                fitting = [name for name in table if name.startswith(word)]
                if fitting and word not in table:
                    self._option(min(fitting, key=len))
                    return
        foreign = next((e for e in reversed(self.matches) if e[0] not in MATCHES), None)
        if word.startswith("-") and (foreign is not None or (self.target in RESERVED and self.target not in TARGETS)):
            end = at + 1
            while end < len(words) and not words[end].startswith("-") and words[end] != "!":
                end += 1
            option = (word, tuple(words[at + 1 : end]), self._negated)
            (foreign[1] if foreign is not None else self.target_options).append(option)
            self._at = end
            self._negated = False
            return
        if word in ("--dport", "--sport", "--destination-port", "--source-port", "--dports", "--sports"):
            raise BadWords(at, "FW003", f"{word} needs a protocol with ports before it", "write -p tcp or -p udp first")
        if not word.startswith("-"):
            raise BadWords(at, "FW001", f"unexpected {word!r}")
        raise BadWords(at, "FW001", f"no match or target of this rule has the option {word}")

    def _abbreviated(self, word: str) -> str:
        """`--prot` and `--ju`: getopt_long(3) takes every beginning that only one option has."""
        begun = word.partition("=")[0]
        if len(word) < 4 or any(name.startswith(begun) for table in self._tables() for name in table):
            return word
        fitting = {short for long, short in _LONG.items() if long.startswith(word)}
        return fitting.pop() if len(fitting) == 1 else word

    def _tables(self) -> Iterator[Mapping[str, int]]:
        """The options that the rule can have where it is read, the target's and the latest match's first."""
        yield self._known
        for name, _, _ in reversed(self.matches):
            if name in MATCHES:
                yield MATCHES[name].options
        if self._number in _IMPLICIT:
            yield MATCHES[_IMPLICIT[self._number]].options


def protocol_number(text: str, index: int) -> int:
    """The number of a protocol, 0 for all of them; `index` is the word's. Raises `BadWords`."""
    low = text.lower()
    known = 0 if low == "all" else int(text) if text.isdigit() and int(text) < 256 else PROTOCOLS.get(low)
    if known is None:
        raise BadWords(index, "FW001", f"{text!r} is no protocol")
    return known


_CORE = frozenset(("-s", "-d", "-i", "-o", "-p"))
_IDLE = frozenset(
    {"-4", "-6", "--ipv4", "--ipv6", "-v", "--verbose", "-n", "--numeric", "-x", "--exact", "-w", "--wait"}
)
"""Options that say nothing about the rule."""
