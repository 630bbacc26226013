"""pf's states as netfilter has them.

A leg (a crossing of an interface, in or out) passes every packet of a state without asking a rule. A state belongs to
one leg and to both directions of the connection: what makes one coming in lets later packets in and the answers out,
by the same interface. A forwarded connection therefore has two, and a rule with `no state`, or pf's pass at the end
of the rules, makes none. netfilter has one entry for all of it, so each state is a bit of the connection's mark, and
the direction tells which of them a leg asks for.
"""

from __future__ import annotations

import dataclasses

from fwc.convert.pf.legs import OwnAddress
from fwc.convert.pf.tags import INWARD_TAG, OUTWARD_TAG, Tags
from fwc.ir.match import (
    ALWAYS,
    CtState,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Opaque,
    all_of,
    state_in,
)
from fwc.ir.model import Chain, Role, Rule, Ruleset
from fwc.ir.verdict import (
    ACCEPT,
    CONTINUE,
    DROP,
    Action,
    Goto,
    OpaqueAction,
    Reject,
    RejectKind,
    SetField,
)
from fwc.ir.walk import map_rules
from fwc.net.intervals import IntervalSet
from fwc.records import Record

INWARD, OUTWARD, ANSWERED, REDIRECTED, WITH_OPTIONS = 1, 2, 4, 32, 3
"""Bits of a connection's mark: pf has a state that lets its first direction in (and answers out); one that lets its
first direction out (and answers in); its packet is refused with an answer, which pf sends without asking a rule; an
rdr rule took it. The first two, so many places to the left, say that the state has `allow-opts`."""

OPTIONS = "ip_options"
"""The chain that tests the options of what passes."""

_TCP, _UDP = FieldIn(Field.PROTOCOL, IntervalSet.of(6)), FieldIn(Field.PROTOCOL, IntervalSet.of(17))


class Words(Record):
    """What fwc does not model and the target has words for."""

    original: Match
    reply: Match
    options: tuple[Match, ...]
    own: OwnAddress


def _opaque(dialect: str, kind: str, text: str) -> Opaque:
    return Opaque(dialect, text, kind)


def _own_nft(side: Field, way: str, negated: bool) -> Match:
    lookup = f"fib {side.value} . {way[0]}if type"
    return _opaque("nft", lookup, f"{lookup} {'!= ' if negated else ''}local")


def _own_iptables(side: Field, way: str, negated: bool) -> Match:
    name = "src" if side is Field.SADDR else "dst"
    return _opaque(
        "iptables", "addrtype", f"-m addrtype {'! ' if negated else ''}--{name}-type LOCAL --limit-iface-{way}"
    )


NFT = Words(
    _opaque("nft", "ct direction", "ct direction original"),
    _opaque("nft", "ct direction", "ct direction reply"),
    (_opaque("nft", "ip hdrlength", "ip hdrlength > 5"), _opaque("nft", "exthdr rt", "exthdr rt exists")),
    _own_nft,
)
_IPTABLES_DIRECTION = (
    _opaque("iptables", "conntrack", "-m conntrack --ctdir ORIGINAL"),
    _opaque("iptables", "conntrack", "-m conntrack --ctdir REPLY"),
)
IPTABLES = Words(
    *_IPTABLES_DIRECTION, (_opaque("iptables", "u32", "-m u32 --u32 0x0>>0x18&0xf=0x6:0xf"),), _own_iptables
)
IP6TABLES = Words(
    *_IPTABLES_DIRECTION,
    (_opaque("iptables", "ipv6header", "-m ipv6header --header ipv6-route --soft"),),
    _own_iptables,
)


def bit(number: int) -> Match:
    return MaskedIn(Field.CT_MARK, number, IntervalSet.of(number))


def _set(match: Match, value: int, mask: int = 0) -> Rule:
    return Rule(match, (SetField(Field.CT_MARK, value, mask or value),), CONTINUE, role=Role.IMPORTED)


def bits(way: str, words: Words) -> tuple[tuple[Match, int], ...]:
    """For each direction of the connection the state that the leg asks for, and makes: never the one that another leg
    makes."""
    first, second = (INWARD, OUTWARD) if way == "in" else (OUTWARD, INWARD)
    return (words.original, first), (words.reply, second)


REGISTERS = {INWARD: INWARD_TAG, OUTWARD: OUTWARD_TAG}
"""Where a state's tag stands."""


def tracked() -> list[Rule]:
    """The same where every packet that passes makes its states: what conntrack knows, they let by."""
    return [
        Rule(state_in(CtState.ESTABLISHED, CtState.RELATED), (), Goto(OPTIONS), role=Role.ESTABLISHED),
    ]


def keep(direction: Match, state: int, options: bool, tags: Tags, tag: str) -> Rule:
    """Makes a state; with `options` one that lets packets with IP options by. It remembers the packet's tag."""
    value = state | state << WITH_OPTIONS if options else state
    if not tags.leaving:
        return _set(direction, value)
    register = REGISTERS[state]
    return _set(direction, value | tags.value(tag, register), value | tags.mask(register))


def remember(words: Words, tags: Tags, tag: str) -> Rule:
    """The tag of a packet that passes coming in without a state, for the nat rules that ask for it."""
    return _set(words.original, tags.value(tag, INWARD_TAG), tags.mask(INWARD_TAG))


def redirected(words: Words) -> Match:
    """First packets that an rdr rule took: these make a state whatever rule passes them, even where the new
    destination is the old one."""
    return all_of(words.original, bit(REDIRECTED))


def without_options(words: Words) -> list[Rule]:
    """What pf does with IP options and routing headers behind every pass: only `allow-opts` lets them by."""
    return [Rule(match, (), DROP, role=Role.IMPORTED) for match in words.options]


def answer_name(kind: RejectKind) -> str:
    return "refuse" if kind is RejectKind.DEFAULT else f"refuse_{kind.replace('-', '_')}"


def answering(kind: RejectKind, marked: bool) -> Chain:
    """The chain of what is refused with an answer. `block return` answers tcp and udp, and drops the rest."""
    new = state_in(CtState.NEW)
    front = [_set(new, ANSWERED)] if marked else []
    if kind is RejectKind.DEFAULT:
        rules = [
            Rule(_TCP, (), Reject(RejectKind.TCP_RESET), role=Role.IMPORTED),
            Rule(_UDP, (), Reject(RejectKind.PORT_UNREACHABLE), role=Role.IMPORTED),
        ]
    else:
        rules = [Rule(_TCP if kind is RejectKind.TCP_RESET else ALWAYS, (), Reject(kind), role=Role.IMPORTED)]
    ends = [] if rules[-1].match == ALWAYS else [Rule(ALWAYS, (), DROP, role=Role.IMPORTED)]
    return Chain(answer_name(kind), (*front, *rules, *ends), comment="pf sends its answers without asking a rule")


def answers_pass() -> Rule:
    """In the output hook: the answer to a refused packet, which carries that packet's connection."""
    return Rule(all_of(state_in(CtState.RELATED), bit(ANSWERED)), (), ACCEPT, role=Role.IMPORTED)


def apart(ruleset: Ruleset) -> Ruleset:
    """The ruleset for a comparison with another of its kind. No packet tests a bit that it set before on its way: the
    legs of one direction ask for, and make, different states, and of what makes one nothing comes back to the same
    leg. So writing the mark says what is done, and nothing of what later conditions see."""

    def effect(action: Action) -> Action:
        if isinstance(action, SetField) and action.field is Field.CT_MARK:
            return OpaqueAction("", f"ct mark {action.value:#x}/{action.mask:#x}", "ct mark")
        return action

    return map_rules(ruleset, lambda r: (dataclasses.replace(r, actions=tuple(effect(a) for a in r.actions)),))
