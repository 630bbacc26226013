"""One rule as its match, actions and verdict."""

from __future__ import annotations

import re

from fwc.dialects.iptables.extensions import MATCHES, TARGETS
from fwc.dialects.iptables.lexer import join_words
from fwc.dialects.iptables.match_rows import Instance, Option, Refused, mask_length, unmodelled
from fwc.dialects.iptables.names import RESERVED
from fwc.dialects.iptables.numbers import number, old_address
from fwc.dialects.iptables.requirements import check_options
from fwc.dialects.iptables.rule_words import BadWords, RuleWords, protocol_number
from fwc.dialects.iptables.setlines import SetNames
from fwc.dialects.iptables.target_rows import Effect, Target, effect
from fwc.dialects.iptables.tree import Words
from fwc.ir.match import ALWAYS, Field, FieldIn, MaskedIn, Match, Not, Opaque, all_of, any_of, negate
from fwc.ir.verdict import CONTINUE, Goto, Jump
from fwc.ir.walk import match_nodes
from fwc.net.addresses import AddressSet, parse_address, prefix_run
from fwc.net.hooks import Family
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import EMPTY, IntervalSet
from fwc.passes.conjunctions import PORT_PROTOCOLS

_LATE = "iptables since 1.4.3 refuses a `!` behind its option"
_OCTETS = {str(i): i for i in range(256)}
_SIZES = {"": 0} | {str(i): (1 << (32 - i)) - 1 for i in range(33)}
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


class Scanned:
    """One rule, taken apart. `warnings` are (index, code, message, help); `exact` is False when something is opaque. `words` are
    those that it was made of."""

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
        "words",
    )

    def __init__(self, words: Words = ()) -> None:
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
        self.words = words

    def may_be_shared(self) -> bool:
        """Whether rules with other `-s` and `-d` at their beginning, and the same words behind these, say the same otherwise."""
        return self.target != "NETMAP" and all(option not in ("-s", "-d") for option, _, _, _ in self.options)


class Scanner:
    """Scans rules of one table and family; equal words are understood once."""

    def __init__(self, family: Family, sets: SetNames | None = None) -> None:
        self.family = family
        self._sets = sets
        self._options: dict[tuple[str, str, bool], Match] = {}
        self._instances: dict[tuple[str, tuple[Option, ...]], tuple[Match, bool]] = {}
        self._effects: dict[tuple[str, tuple[Option, ...], str], tuple[Effect, bool]] = {}
        self._plain_addresses: dict[Words, tuple[Match, ...]] = {}

    def addresses(self, words: Words) -> tuple[Match, ...]:
        """The conditions of the `-s` and `-d` that a rule begins with, one for every two words, as far as nothing has to be said
        of them."""
        known = self._plain_addresses
        pair = words[:2]
        first = known.get(pair)
        if first is None:
            first = known[pair] = self._address_alone(pair)
        if not first:
            return ()
        pair = words[2:4]
        second = known.get(pair)
        if second is None:
            second = known[pair] = self._address_alone(pair)
        return (*first, *second) if second and pair[0] != words[0] else first

    def _address_alone(self, pair: Words) -> tuple[Match, ...]:
        if len(pair) < 2 or pair[0] not in ("-s", "-d"):
            return ()
        option, text = pair
        probe = Scanned()
        try:
            match = self._addresses(option, text, False, 0, probe)
        except BadWords:
            return ()
        if probe.warnings or not isinstance(match, FieldIn):
            return ()
        return (self._options.setdefault((option, text, False), match),)

    def scan(self, words: Words, chain: str, start: int = 0) -> Scanned:
        """The rule without the first `start` words, which `addresses` has read. Raises `BadWords`."""
        out = Scanned(words)
        if len(words) == start + 2 and words[start] == "-j" and not _is_target(words[-1]):
            out.target = words[-1]
            out.actions = ((), Jump(out.target))
            return out
        given = RuleWords(words, self.family, start)
        out.warnings.extend((at, "FW001", _LATE, f"write ! {option}") for at, option in given.late)
        out.target, out.goto, out.protocol = given.target, given.goto, given.protocol
        out.options = tuple(given.core)
        parts = [*self._core_parts(given, set(words[:start:2]), out), *self._match_parts(given, words, out)]
        out.match = all_of(*parts) if len(parts) != 1 else parts[0]
        out.instances = tuple(name for name, _, _ in given.matches)
        if out.target and not out.goto and _is_target(out.target):
            self._effect(out, tuple(given.target_options), chain, words)
        elif out.target:
            if given.target_options:
                raise BadWords(len(words) - 1, "FW001", f"a jump to chain {out.target} takes no options")
            out.actions = ((), Goto(out.target) if out.goto else Jump(out.target))
        return out

    def _core_parts(self, given: RuleWords, seen: set[str], out: Scanned) -> list[Match]:
        parts: list[Match] = []
        for option, text, negated, index in given.core:
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
        return parts

    def _match_parts(self, given: RuleWords, words: Words, out: Scanned) -> list[Match]:
        parts: list[Match] = []
        for name, options, index in given.matches:
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
        return parts

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
            number = protocol_number(text, index)
            if number == 0:
                if negated:
                    raise BadWords(index, "FW009", "`! -p all` matches nothing")
                return ALWAYS
            match: Match = FieldIn(Field.PROTOCOL, IntervalSet.of(number))
            return Not(match) if negated else match
        if option in ("-i", "-o"):
            return self._iface(option, text, negated, index, out)
        return self._addresses(option, text, negated, index, out)

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


def _is_target(name: str) -> bool:
    return name in TARGETS or name in RESERVED


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
