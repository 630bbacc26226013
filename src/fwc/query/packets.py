"""The packets that a question about an imported ruleset speaks of, per hook."""

from __future__ import annotations

from fwc.errors import UsageError
from fwc.ir.match import Field, FieldIn, Match, all_of, any_of
from fwc.net.addresses import AddressSet, parse_address, prefix_run
from fwc.net.hooks import Family, Hook
from fwc.net.interfaces import IfaceSet
from fwc.net.intervals import IntervalSet, Run
from fwc.net.ports import parse_ports
from fwc.net.protocols import ICMPV6, PORT_PROTOCOLS, PROTOCOLS
from fwc.query.question import Question
from fwc.source import utf8

IFACE_LETTERS = 15
"""Longest name of an interface on Linux and macOS."""

_FILTER = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)


def packets_of(question: Question) -> tuple[tuple[Hook, Match], ...]:
    """The condition at each hook that such a packet can pass. Raises UsageError.

    An address may be ours or another machine's: the text of a ruleset does not tell, so both ways are answered.
    """
    source, from_hooks = _endpoint(question.source, Field.SADDR, Field.IIF)
    destination, to_hooks = _endpoint(question.destination, Field.DADDR, Field.OIF)
    traffic = _traffic(question.traffic)
    hooks = [hook for hook in _FILTER if hook in from_hooks and hook in to_hooks]
    if not hooks:
        raise UsageError(f"no packet goes from {question.source} to {question.destination} through a filter hook")
    return tuple((hook, all_of(source, destination, traffic)) for hook in hooks)


def _endpoint(text: str, address: Field, iface: Field) -> tuple[Match, tuple[Hook, ...]]:
    """The condition, and the hooks that packets from (or to) it pass."""
    outwards = address is Field.DADDR
    if text == "any":
        return all_of(), _FILTER
    if text == "self":
        return all_of(), (Hook.INPUT,) if outwards else (Hook.OUTPUT,)
    words = text.split(",")
    runs = [_address_run(word) for word in words]
    found = [run for run in runs if run is not None]
    if len(found) == len(words):
        v4 = IntervalSet([run for family, run in found if family is Family.V4])
        v6 = IntervalSet([run for family, run in found if family is Family.V6])
        return FieldIn(address, AddressSet(v4, v6)), _FILTER if outwards else (Hook.INPUT, Hook.FORWARD)
    if found:
        raise UsageError(f"{text!r} mixes addresses and interfaces: ask about one kind at a time")
    for word in words:
        _check_iface(word)
    hooks = (Hook.FORWARD, Hook.OUTPUT) if outwards else (Hook.INPUT, Hook.FORWARD)
    return FieldIn(iface, IfaceSet.of(words)), hooks


def _address_run(word: str) -> tuple[Family, Run] | None:
    """A single address, a prefix or a range."""
    low, dash, high = word.partition("-")
    first, last = parse_address(low), parse_address(high)
    if dash and first and last and first[0] is last[0]:
        if first[1] > last[1]:
            raise UsageError(f"the range {word} runs backwards")
        return first[0], (first[1], last[1])
    text, slash, length = word.partition("/")
    parsed = parse_address(text)
    if parsed is None:
        return None
    family, value = parsed
    if not slash:
        return family, (value, value)
    if not (length.isascii() and length.isdigit() and len(length) <= 3 and int(length) <= family.bits):
        raise UsageError(f"{word!r} is no network: the length is 0 to {family.bits}")
    return family, prefix_run(value, int(length), family.bits)


def _check_iface(word: str) -> None:
    if not word or len(utf8(word)) > IFACE_LETTERS or "/" in word or ":" in word:
        raise UsageError(f"{word!r} is neither an address nor the name of an interface")


def _traffic(text: str) -> Match:
    """`tcp 22`, `udp 53,123`, `tcp 8000-8010`, `icmp`, `ping`, a protocol's name or number; parts joined by `and`."""
    if text in ("", "any"):
        return all_of()
    return any_of(*(_one(part.split()) for part in text.split(" and ")))


def _one(words: list[str]) -> Match:
    match words:
        case ["ping"]:
            return any_of(FieldIn(Field.ICMP, IntervalSet.of(8 << 8)), FieldIn(Field.ICMPV6, IntervalSet.of(128 << 8)))
        case ["proto", name] | [name]:
            return FieldIn(Field.PROTOCOL, IntervalSet.of(_protocol(name)))
        case [name, ports]:
            number = _protocol(name)
            if number not in PORT_PROTOCOLS:
                raise UsageError(f"{name} has no ports")
            runs = [parse_ports(word) for word in ports.split(",")]
            found = [run for run in runs if run is not None]
            if len(found) != len(runs):
                raise UsageError(f"{ports!r} is no list of ports: write `22`, `80,443` or `8000-8010`")
            return all_of(FieldIn(Field.PROTOCOL, IntervalSet.of(number)), FieldIn(Field.DPORT, IntervalSet(found)))
        case _:
            raise UsageError(f"{' '.join(words)!r} is no traffic: write `tcp 22`, `udp 53 and tcp 53`, `icmp`, `ping`")


def _protocol(name: str) -> int:
    number = ICMPV6 if name == "icmp6" else PROTOCOLS.get(name)
    if number is None and name.isascii() and name.isdigit() and len(name) <= 3 and int(name) <= 255:
        number = int(name)
    if number is None:
        raise UsageError(f"{name!r} is no protocol; in a ruleset services have no names: write `tcp 22`")
    return number
