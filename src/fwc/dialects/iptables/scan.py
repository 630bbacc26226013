"""The words of one rule as its match, actions and verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fwc.dialects.iptables.extensions import MATCHES, TARGETS
from fwc.dialects.iptables.lexer import join_words
from fwc.dialects.iptables.match_rows import Instance, Option, Refused, mask_length, unmodelled
from fwc.dialects.iptables.names import RESERVED
from fwc.dialects.iptables.numbers import PROTOCOLS, number, old_address
from fwc.dialects.iptables.requirements import check_options
from fwc.dialects.iptables.setlines import SetNames
from fwc.dialects.iptables.target_rows import Effect, Target, effect
from fwc.dialects.iptables.tree import Words
from fwc.errors import FwcError
from fwc.ir.match import ALWAYS, Field, FieldIn, MaskedIn, Match, Not, Opaque, all_of, any_of, negate
from fwc.ir.verdict import CONTINUE, Goto, Jump
from fwc.ir.walk import match_nodes
from fwc.net.addresses import AddressSet, parse_address, prefix_run
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import EMPTY, IntervalSet
from fwc.passes.conjunctions import PORT_PROTOCOLS

_LONG = {
    "--source": "-s", "--src": "-s", "--destination": "-d", "--dst": "-d", "--in-interface": "-i", "--out-interface": "-o",
    "--protocol": "-p", "--proto": "-p", "--jump": "-j", "--goto": "-g", "--match": "-m", "--fragment": "-f",
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
_LATE = "iptables since 1.4.3 refuses a `!` behind its option"
_OCTETS = {str(i): i for i in range(256)}
_SIZES = {"": 0} | {str(i): (1 << (32 - i)) - 1 for i in range(33)}
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


class BadWords(FwcError):
    """A word that iptables refuses or that means nothing; `index` counts the words after the chain."""

    def __init__(self, index: int, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.index = index
        self.code = code
        self.message = message
        self.help = help


class Scanned:
    """One rule, taken apart. `warnings` are (index, code, message, help); `exact` is False when something is opaque."""

    __slots__ = (
        "actions",
        "comment",
        "exact",
        "goto",
        "instances",
        "match",
        "options",
        "protocol",
        "target",
        "verdict",
        "warnings",
    )

    def __init__(self) -> None:
        self.match: Match = ALWAYS
        self.actions: Effect = ((), CONTINUE)
        self.comment = ""
        self.exact = True
        self.goto = False
        self.instances: tuple[str, ...] = ()
        self.options: tuple[tuple[str, str, bool, int], ...] = ()
        self.protocol: tuple[int, bool] | None = None
        self.target = ""
        self.verdict = CONTINUE
        self.warnings: list[tuple[int, str, str, str]] = []


class Scanner:
    """Scans rules of one table and family; equal words are understood once."""

    def __init__(self, family: Family, sets: SetNames | None = None) -> None:
        self.family = family
        self._sets = sets
        self._options: dict[tuple[str, str, bool], Match] = {}
        self._instances: dict[tuple[str, tuple[Option, ...]], tuple[Match, bool]] = {}
        self._effects: dict[tuple[str, tuple[Option, ...], str], tuple[Effect, bool]] = {}
        self._protocols: dict[str, int | None] = {}

    def scan(self, words: Words, chain: str) -> Scanned:
        """Raises `BadWords`."""
        out = Scanned()
        core: list[tuple[str, str, bool, int]] = []
        open_: list[tuple[str, list[Option], int]] = []
        target_options: list[Option] = []
        known_target: Mapping[str, int] = {}
        protocol: int | None = None
        at, count = 0, len(words)
        negated = False
        while at < count:
            word = words[at]
            start = at
            if word == "!":
                if negated:
                    raise BadWords(at, "FW001", "iptables refuses two ! in a row", "leave both out")
                negated = True
                at += 1
                continue
            if word[:2] == "--":
                word = _LONG.get(word) or self._abbreviated(word, open_, known_target, protocol)
            if word in "-s-d-i-o-p" and len(word) == 2:
                at += 1
                if at < count and words[at] == "!":
                    negated = True
                    out.warnings.append((at, "FW001", _LATE, f"write ! {word}"))
                    at += 1
                if at >= count:
                    raise BadWords(start, "FW001", f"{word} needs a value")
                core.append((word, words[at], negated, at))
                if word == "-p":
                    protocol = self._protocol(words[at], at)
                    out.protocol = (protocol, negated)
                at += 1
                negated = False
                continue
            if word in ("-m", "-j", "-g"):
                if at + 1 >= count:
                    raise BadWords(at, "FW001", f"{word} needs a name")
                name = words[at + 1]
                if word != "-m" and out.target:
                    raise BadWords(at, "FW001", f"the rule has a target already: {out.target}", "use two rules")
                if word == "-m":
                    open_.append((name, [], at))
                else:
                    out.target, out.goto = name, word == "-g"
                    known_target = TARGETS.get(name, {}) if word == "-j" else {}
                at += 2
                negated = False
                continue
            if word == "-f":
                if self.family is Family.V6:
                    raise BadWords(at, "FW001", "-f is for IPv4", "use -m frag")
                core.append(("-f", "", negated, at))
                at += 1
                negated = False
                continue
            if word == "-c" and at + 2 < count:
                at += 3
                continue
            if word in _IDLE:
                at += 1
                continue
            at, negated = self._option(words, at, negated, open_, known_target, target_options, protocol, out)
        if negated:
            raise BadWords(count - 1, "FW001", "nothing follows the `!`")
        self._finish(out, core, open_, target_options, words, chain)
        return out

    def _option(
        self,
        words: Words,
        at: int,
        negated: bool,
        open_: list[tuple[str, list[Option], int]],
        known_target: Mapping[str, int],
        target_options: list[Option],
        protocol: int | None,
        out: Scanned,
    ) -> tuple[int, bool]:
        """An option of a module or target: remember it with its words, and go on behind them."""
        word = words[at]
        start = at
        values: list[str] = []
        if "=" in word and word.startswith("--"):
            word, _, value = word.partition("=")
            values.append(value)
        place: list[Option] | None = None
        size = known_target.get(word)
        if size is not None:
            place = target_options
        else:
            for name, options, _ in reversed(open_):
                module = MATCHES.get(name)
                size = module.options.get(word) if module is not None else None
                if size is not None:
                    place = options
                    break
        if place is None and protocol in _IMPLICIT:
            name = _IMPLICIT[protocol]
            size = MATCHES[name].options.get(word)
            if size is not None:
                place = []
                open_.append((name, place, at))
        if place is None or size is None:
            return self._unknown(words, at, negated, open_, known_target, target_options, protocol, out)
        at += 1
        while len(values) < size and at < len(words):
            if words[at] == "!" and not values:
                negated = True
                out.warnings.append((at, "FW001", _LATE, f"write ! {word}"))
            else:
                values.append(words[at])
            at += 1
        if len(values) < size:
            raise BadWords(start, "FW001", f"{word} needs {size} words" if size > 1 else f"{word} needs a value")
        place.append((word, tuple(values), negated))
        return at, False

    def _unknown(
        self,
        words: Words,
        at: int,
        negated: bool,
        open_: list[tuple[str, list[Option], int]],
        known_target: Mapping[str, int],
        target_options: list[Option],
        protocol: int | None,
        out: Scanned,
    ) -> tuple[int, bool]:
        """An abbreviated option, an option of an unknown module, or a mistake."""
        word = words[at]
        tables = [known_target, *(MATCHES[n].options for n, _, _ in reversed(open_) if n in MATCHES)]
        if protocol in _IMPLICIT:
            tables.append(MATCHES[_IMPLICIT[protocol]].options)
        if word.startswith("--") and len(word) > 3:
            for table in tables:
                fitting = [name for name in table if name.startswith(word)]
                if fitting and word not in table:
                    full = (*words[:at], min(fitting, key=len), *words[at + 1 :])
                    return self._option(full, at, negated, open_, known_target, target_options, protocol, out)
        foreign = next((e for e in reversed(open_) if e[0] not in MATCHES), None)
        if word.startswith("-") and (foreign is not None or (out.target in RESERVED and out.target not in TARGETS)):
            end = at + 1
            while end < len(words) and not words[end].startswith("-") and words[end] != "!":
                end += 1
            (foreign[1] if foreign is not None else target_options).append((word, tuple(words[at + 1 : end]), negated))
            return end, False
        if word in ("--dport", "--sport", "--destination-port", "--source-port", "--dports", "--sports"):
            raise BadWords(at, "FW003", f"{word} needs a protocol with ports before it", "write -p tcp or -p udp first")
        if not word.startswith("-"):
            raise BadWords(at, "FW001", f"unexpected {word!r}")
        raise BadWords(at, "FW001", f"no match or target of this rule has the option {word}")

    def _abbreviated(
        self,
        word: str,
        open_: list[tuple[str, list[Option], int]],
        known_target: Mapping[str, int],
        protocol: int | None,
    ) -> str:
        """`--prot` and `--ju`: getopt_long(3) takes every beginning that only one option has."""
        tables = [known_target, *(MATCHES[n].options for n, _, _ in open_ if n in MATCHES)]
        if protocol in _IMPLICIT:
            tables.append(MATCHES[_IMPLICIT[protocol]].options)
        if len(word) < 4 or any(name.startswith(word.partition("=")[0]) for table in tables for name in table):
            return word
        fitting = {short for long, short in _LONG.items() if long.startswith(word)}
        return fitting.pop() if len(fitting) == 1 else word

    # ----- meaning -----------------------------------------------------------

    def _finish(
        self,
        out: Scanned,
        core: list[tuple[str, str, bool, int]],
        open_: list[tuple[str, list[Option], int]],
        target_options: list[Option],
        words: Words,
        chain: str,
    ) -> None:
        parts: list[Match] = []
        seen: set[str] = set()
        for option, text, negated, index in core:
            if option in seen:
                raise BadWords(index, "FW001", f"{option} can be given only once", "use one rule for each")
            seen.add(option)
            key = (option, text, negated)
            known = self._options.get(key)
            if known is None:
                known = self._core(option, text, negated, index, out)
                if not out.warnings:
                    self._options[key] = known
            if isinstance(known, Opaque):
                out.exact = False
            parts.append(known)
        for name, options, index in open_:
            if name == "comment" and len(options) == 1:
                out.comment = options[0][1][0]
                continue
            instance = (name, tuple(options))
            found = self._instances.get(instance)
            if found is None:
                try:
                    check_options(name, options, self.family)
                    found = self._instance(Instance(name, instance[1], self.family, self._sets), out, index)
                except Refused as problem:
                    raise BadWords(_where(words, index, options), problem.code, problem.message, problem.help) from None
                self._instances[instance] = found
            if not found[1]:
                out.exact = False
            parts.append(found[0])
        out.match = all_of(*parts) if len(parts) != 1 else parts[0]
        out.options = tuple(core)
        out.instances = tuple(name for name, _, _ in open_)
        if (out.target and not out.goto and out.target in TARGETS) or (
            out.target in RESERVED and not out.goto and out.target not in TARGETS
        ):
            self._effect(out, tuple(target_options), chain, words)
        elif out.target:
            if target_options:
                raise BadWords(len(words) - 1, "FW001", f"a jump to chain {out.target} takes no options")
            out.actions = ((), Goto(out.target) if out.goto else Jump(out.target))

    def _effect(self, out: Scanned, options: tuple[Option, ...], chain: str, words: Words) -> None:
        key = (out.target, options, chain if out.target == "NETMAP" else "")
        known = self._effects.get(key)
        if known is None:
            try:
                check_options(out.target, options, self.family)
                known = self._effects[key] = effect(Target(out.target, options, self.family, chain, self._sets))
            except Refused as problem:
                index = words.index("-j") if "-j" in words else 0
                raise BadWords(index, problem.code, problem.message, problem.help) from None
        out.actions, exact = known
        out.exact = out.exact and exact

    def _instance(self, instance: Instance, out: Scanned, index: int) -> tuple[Match, bool]:
        module = MATCHES.get(instance.name)
        if module is None:
            out.warnings.append(
                (index, "FW002", f"the match {instance.name!r} is not known; it may match any packet", "")
            )
        match = module.convert(instance) if module is not None and module.convert is not None else None
        if match is None:
            return unmodelled(instance.name, *instance.options), False
        return match, not any(isinstance(node, Opaque) for node in match_nodes(match))

    def _core(self, option: str, text: str, negated: bool, index: int, out: Scanned) -> Match:
        if option == "-f":
            rest = "! -f" if negated else "-f"
            return Opaque("iptables", rest, "fragment-offset")
        if option == "-p":
            number = self._protocol(text, index)
            if number == 0:
                if negated:
                    raise BadWords(index, "FW009", "`! -p all` matches nothing")
                return ALWAYS
            match: Match = FieldIn(Field.PROTOCOL, IntervalSet.of(number))
            return Not(match) if negated else match
        if option in ("-i", "-o"):
            return self._iface(option, text, negated, index, out)
        return self._addresses(option, text, negated, index, out)

    def _protocol(self, text: str, index: int) -> int:
        if text in self._protocols:
            known = self._protocols[text]
        else:
            low = text.lower()
            known = 0 if low == "all" else int(text) if text.isdigit() and int(text) < 256 else PROTOCOLS.get(low)
            self._protocols[text] = known
        if known is None:
            raise BadWords(index, "FW001", f"{text!r} is no protocol")
        return known

    def _iface(self, option: str, text: str, negated: bool, index: int, out: Scanned) -> Match:
        if not text:
            raise BadWords(index, "FW001", "the interface name is empty", "leave the option out")
        if len(text.removesuffix("+")) > 15:
            raise BadWords(index, "FW020", f"the interface name {text!r} is longer than 15 characters")
        if text == "+":
            if negated:
                out.warnings.append((index, "FW009", "`! -i +` matches no packet", "remove the rule"))
            values = IfaceSet(prefixes=frozenset({""}))
        elif text.endswith("+"):
            values = IfaceSet(prefixes=frozenset({text[:-1]}))
        else:
            values = IfaceSet(frozenset({text}))
        match = FieldIn(Field.IIF if option == "-i" else Field.OIF, values)
        return Not(match) if negated else match

    def _addresses(self, option: str, text: str, negated: bool, index: int, out: Scanned) -> Match:
        run = self._plain(text)
        field = Field.SADDR if option == "-s" else Field.DADDR
        if run is not None:
            values = IntervalSet.trusted((run,))
            match: Match = FieldIn(field, AddressSet(values) if self.family is Family.V4 else AddressSet(EMPTY, values))
            return Not(match) if negated else match
        items = text.split(",")
        if negated and len(items) > 1:
            raise BadWords(
                index, "FW001", "`!` is not allowed with several addresses", "use one rule per address, or -m iprange"
            )
        runs: list[tuple[int, int]] = []
        others: list[Match] = []
        for item in items:
            found = self._address(item.strip(), field, index, out)
            if isinstance(found, tuple):
                runs.append(found)
            else:
                others.append(found)
        parts: list[Match] = list(others)
        if runs:
            parts.insert(0, FieldIn(field, AddressSet.of_family(self.family, IntervalSet(runs))))
        match = any_of(*parts)
        if negated and runs == [(0, (1 << self.family.bits) - 1)]:
            out.warnings.append((index, "FW009", f"`! {option} {text}` matches no packet", "remove the rule"))
        return negate(match) if negated else match

    def _plain(self, text: str) -> tuple[int, int] | None:
        """The run of `a.b.c.d/len` without host bits, the form that iptables-save prints; None for any other."""
        if self.family is not Family.V4:
            return None
        address, _, mask = text.partition("/")
        octets = address.split(".")
        size = _SIZES.get(mask)
        if size is None or len(octets) != 4:
            return None
        try:
            a, b, c, d = octets
            low = _OCTETS[a] << 24 | _OCTETS[b] << 16 | _OCTETS[c] << 8 | _OCTETS[d]
        except KeyError:
            return None
        high = low | size
        return (low, high) if low & size == 0 and size != 0xFFFFFFFF else None

    def _address(self, text: str, field: Field, index: int, out: Scanned) -> tuple[int, int] | Match:
        address, slash, mask = text.partition("/")
        bits = self.family.bits
        parsed = parse_address(address)
        if parsed is None and slash and number(mask) == 0 and _HOST.fullmatch(address):
            return 0, (1 << bits) - 1  # `any/0`: iptables looks at no name before /0
        if parsed is None and self.family is Family.V4:
            short = old_address(address)
            parsed = (Family.V4, short) if short is not None else None
        if parsed is None:
            if not _HOST.fullmatch(address) or address.replace(".", "").isdigit():
                raise BadWords(index, "FW001", f"{text!r} is no address")
            out.warnings.append(
                (index, "FW002", f"the host name {text!r} is looked up when the rules are loaded", "write the address")
            )
            return Opaque("iptables", join_words(("-s" if field is Field.SADDR else "-d", text)), "host-name")
        if parsed[0] is not self.family:
            raise BadWords(
                index, "FW007", f"{text} is not an IPv{self.family.value} address", "put the rule into the other file"
            )
        if not slash:
            return parsed[1], parsed[1]
        length = mask_length(mask, self.family)
        if length is None:
            return self._masked(field, parsed[1], mask, text, index, out)
        run = prefix_run(parsed[1], length, bits)
        if run[0] != parsed[1]:
            code, what = ("FW013", "any address") if length == 0 else ("FW012", "the network")
            out.warnings.append(
                (index, code, f"{text} has host bits set: iptables reads it as {what}", "clear the host bits")
            )
        return run

    def _masked(self, field: Field, value: int, mask: str, text: str, index: int, out: Scanned) -> Match:
        parsed = parse_address(mask)
        if parsed is None or parsed[0] is not self.family:
            raise BadWords(index, "FW001", f"{mask!r} is no mask")
        out.warnings.append((index, "FW014", f"the mask of {text} is not contiguous", ""))
        return MaskedIn(field, parsed[1], IntervalSet.of(value & parsed[1]), self.family)


_IDLE = frozenset(
    {"-4", "-6", "--ipv4", "--ipv6", "-v", "--verbose", "-n", "--numeric", "-x", "--exact", "-w", "--wait"}
)
"""Options that say nothing about the rule."""


def _where(words: Words, index: int, options: list[Option]) -> int:
    """The word of the first option of an instance, or the `-m` itself."""
    for name, values, _ in options:
        for at in range(index, len(words)):
            if words[at] == name:
                return at + (1 if values else 0)
    return index


def has_ports(protocol: tuple[int, bool] | None) -> bool:
    """True when -p names a protocol that has ports."""
    return protocol is not None and not protocol[1] and protocol[0] in PORT_PROTOCOLS
