"""pf's states as netfilter has them.

A leg (a crossing of an interface, in or out) passes every packet of a state without asking a rule. A state belongs to
one leg and to both directions of the connection: what makes one coming in lets later packets in and the answers out,
by the same interface. A forwarded connection therefore has two, and a rule with `no state`, or pf's pass at the end
of the rules, makes none. netfilter has one entry for all of it, so each state is a bit of the connection's mark, and
the direction tells which of them a leg asks for.
"""

from __future__ import annotations

import dataclasses

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
    RETURN,
    Action,
    Goto,
    OpaqueAction,
    Reject,
    RejectKind,
    SetField,
)
from fwc.ir.walk import map_rules
from fwc.net.intervals import IntervalSet
from fwc.records import record

INWARD, OUTWARD, ANSWERED, WITH_OPTIONS = 1, 2, 4, 3
"""Bits of a connection's mark: pf has a state that lets its first direction in (and answers out); one that lets its
first direction out (and answers in); its packet is refused with an answer, which pf sends without asking a rule. The
first two, so many places to the left, say that the state has `allow-opts`."""

OPTIONS = "ip_options"
"""The chain that tests the options of what passes."""

_TCP, _UDP = FieldIn(Field.PROTOCOL, IntervalSet.of(6)), FieldIn(Field.PROTOCOL, IntervalSet.of(17))


@record
class Words:
    """What fwc does not model and the target has words for."""

    original: Match
    reply: Match
    options: tuple[Match, ...]


def _opaque(dialect: str, kind: str, text: str) -> Opaque:
    return Opaque(dialect, text, kind)


NFT = Words(
    _opaque("nft", "ct direction", "ct direction original"),
    _opaque("nft", "ct direction", "ct direction reply"),
    (_opaque("nft", "ip hdrlength", "ip hdrlength > 5"), _opaque("nft", "exthdr rt", "exthdr rt exists")),
)
_IPTABLES_DIRECTION = (
    _opaque("iptables", "conntrack", "-m conntrack --ctdir ORIGINAL"),
    _opaque("iptables", "conntrack", "-m conntrack --ctdir REPLY"),
)
IPTABLES = Words(*_IPTABLES_DIRECTION, (_opaque("iptables", "u32", "-m u32 --u32 0x0>>0x18&0xf=0x6:0xf"),))
IP6TABLES = Words(
    *_IPTABLES_DIRECTION, (_opaque("iptables", "ipv6header", "-m ipv6header --header ipv6-route --soft"),)
)


def bit(number: int) -> Match:
    return MaskedIn(Field.CT_MARK, number, IntervalSet.of(number))


def _set(match: Match, number: int) -> Rule:
    return Rule(match, (SetField(Field.CT_MARK, number, number),), CONTINUE, role=Role.IMPORTED)


def known(way: str, words: Words, options: bool) -> list[Rule]:
    """The packets that a state of this leg lets by, on to the test of their options; with `options` some states let
    these by."""
    out = []
    for direction, number in _bits(way, words):
        if options:
            with_options = number | number << WITH_OPTIONS
            out.append(Rule(all_of(direction, bit(with_options)), (), RETURN, role=Role.ESTABLISHED))
        out.append(Rule(all_of(direction, bit(number)), (), Goto(OPTIONS), role=Role.ESTABLISHED))
    return out


def _bits(way: str, words: Words) -> tuple[tuple[Match, int], ...]:
    """For each direction of the connection the state that the leg asks for, and makes: never the one that another leg
    makes."""
    first, second = (INWARD, OUTWARD) if way == "in" else (OUTWARD, INWARD)
    return (words.original, first), (words.reply, second)


def tracked() -> list[Rule]:
    """The same where every packet that passes makes its states: what conntrack knows, they let by."""
    return [
        Rule(state_in(CtState.ESTABLISHED, CtState.RELATED), (), Goto(OPTIONS), role=Role.ESTABLISHED),
    ]


def keeping(way: str, words: Words, options: bool) -> Chain:
    """The chain of what makes a state on this leg; with `options` for rules that let packets with IP options by."""
    rules = [
        _set(direction, number | number << WITH_OPTIONS if options else number)
        for direction, number in _bits(way, words)
    ]
    if not options:
        rules.append(Rule(ALWAYS, (), Goto(OPTIONS), role=Role.IMPORTED))
    return Chain(keep_name(way, options), tuple(rules), comment=f"pf keeps a state of what passes {way}")


def keep_name(way: str, options: bool) -> str:
    return f"keep_{way}_options" if options else f"keep_{way}"


def options_chain(words: Words) -> Chain:
    """What pf does with IP options and routing headers behind every pass: only `allow-opts` lets them by."""
    drops = [Rule(match, (), DROP, role=Role.IMPORTED) for match in words.options]
    return Chain(OPTIONS, tuple(drops), comment="pf drops IP options and routing headers unless a rule has allow-opts")


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
