"""What fwc does not model but knows in both spellings of Linux: kept opaque, written in the target's words.

The pairs are those that the kernel judges alike (tests/kernel/test_convert.py). A proof compares the target's words with what is
read back, so a pair in this table is taken on trust: it holds only what one kernel function decides for both front ends.
"""

from __future__ import annotations

import dataclasses
import re

from fwc.convert import pairs, targets, tcp_options
from fwc.convert.place import Place, of_rule, places, tracked
from fwc.convert.proxies import socket_in_iptables, socket_in_nft, targeted
from fwc.convert.tcp_options import flag_in_iptables
from fwc.ir.match import AllOf, AnyOf, MaskedIn, Match, Not, Opaque, all_of, any_of
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import Action, OpaqueAction, OpaqueVerdict, Verdict
from fwc.net.hooks import Family

_PAIRS = tuple(
    (f"-m addrtype {bang}--{side}-type LOCAL --limit-iface-{way}", f"fib {side[0]}addr . {way[0]}if type {sign}local")
    for bang, sign in (("", ""), ("! ", "!= "))
    for side in ("src", "dst")
    for way in ("in", "out")
)
"""iptables' words and nft's: xt_addrtype.c and nft_fib_ipv4.c ask inet_dev_addr_type()."""
_TO_NFT, _TO_IPTABLES = dict(_PAIRS), {nft: iptables for iptables, nft in _PAIRS}
_ROUTING = re.compile(r"-m rt --rt-type (\d+)(?: --rt-segsleft (\d+))?")
_ROUTING_NFT = re.compile(r"rt (type|seg-left) (\d+)")
_FRAGMENT = "ip frag-off & 0x1fff != 0"
_WHOLE = "ip frag-off & 0x1fff == 0"


def respelled(ruleset: Ruleset, target: str) -> Ruleset:
    """The ruleset with the opaque parts that `target` has in its own words; others stay and are refused at their line."""
    families = tracked(ruleset)
    return dataclasses.replace(ruleset, tables=tuple(_table(t, target, families) for t in ruleset.tables))


def _table(table: Table, target: str, families: frozenset[Family]) -> Table:
    if table.family not in ("ip", "ip6", "inet") or target not in ("nftables", "iptables"):
        return table
    found = places(table, target, families)
    return dataclasses.replace(table, chains=tuple(_chain(c, found[c.name]) for c in table.chains))


def _chain(chain: Chain, place: Place) -> Chain:
    rules = targeted(chain.rules, place) if place.target == "iptables" else chain.rules
    return dataclasses.replace(chain, rules=tuple(_rule(r, of_rule(place, r)) for r in rules))


def _rule(rule: Rule, place: Place) -> Rule:
    match, verdict = _match(rule.match, place), _verdict(rule.verdict, place)
    actions = tuple(_action(action, place) for action in rule.actions)
    if match is rule.match and verdict is rule.verdict and actions == rule.actions:
        return rule
    return dataclasses.replace(rule, match=match, actions=actions, verdict=verdict)


def _match(match: Match, place: Place) -> Match:
    match match:
        case AllOf(parts) | AnyOf(parts):
            new = tuple(_match(part, place) for part in parts)
            if all(a is b for a, b in zip(new, parts, strict=True)):
                return match
            return all_of(*new) if isinstance(match, AllOf) else any_of(*new)
        case Not(Opaque() as inner):
            return _known(inner, place, True) or match
        case Not(inner):
            return Not(_match(inner, place))
        case Opaque():
            return _known(match, place, False) or match
        case MaskedIn() if place.target == "iptables":
            return flag_in_iptables(match, place) or match
        case _:
            return match


def _known(match: Opaque, place: Place, negated: bool) -> Match | None:
    old = {"ip": _opaque, "ip6": _opaque6}.get(place.family)
    found = old(match, place.target, negated) if old is not None else None
    if found is not None or negated:
        return found
    if match.dialect == "iptables" and place.target == "nftables":
        return pairs.in_nft(match, place) or tcp_options.in_nft(match, place) or socket_in_nft(match, place)
    if match.dialect == "nft" and place.target == "iptables":
        return (
            pairs.in_iptables(match, place) or tcp_options.in_iptables(match, place) or socket_in_iptables(match, place)
        )
    return None


def _opaque6(match: Opaque, target: str, negated: bool) -> Match | None:
    """Routing headers; IPv6 knows no broadcast, and its two front ends look routes up differently."""
    if negated:
        return None
    if match.dialect == "iptables" and target == "nftables":
        found = _ROUTING.fullmatch(match.text)
        if found is None:
            return None
        kind = Opaque("nft", f"rt type {found[1]}", "rt type")
        return all_of(kind, Opaque("nft", f"rt seg-left {found[2]}", "rt seg-left")) if found[2] else kind
    if match.dialect == "nft" and target == "iptables":
        found = _ROUTING_NFT.fullmatch(match.text)
        if found is not None:
            option = "--rt-type" if found[1] == "type" else "--rt-segsleft"
            return Opaque("iptables", f"-m rt {option} {found[2]}", "rt")
    return None


def _opaque(match: Opaque, target: str, negated: bool) -> Match | None:
    if match.dialect == "iptables" and target == "nftables":
        if match.text in ("-f", "! -f"):
            return Opaque("nft", _FRAGMENT if (match.text == "-f") is not negated else _WHOLE, "ip frag-off")
        text = _TO_NFT.get(match.text)
        if text is not None and not negated:
            return Opaque("nft", text, text.rsplit(" ", 1)[0].removesuffix(" !="))
    if match.dialect == "nft" and target == "iptables":
        if match.text in (_FRAGMENT, _WHOLE):
            return Opaque("iptables", "-f" if (match.text == _FRAGMENT) is not negated else "! -f", "fragment-offset")
        if match.text in _TO_IPTABLES and not negated:
            text = _TO_IPTABLES[match.text]
            return Opaque("iptables", text, text.split()[1])
    return None


def _verdict(verdict: Verdict, place: Place) -> Verdict:
    if isinstance(verdict, OpaqueVerdict):
        if (verdict.dialect, verdict.text, place.target) == ("iptables", "-j MASQUERADE --random-fully", "nftables"):
            return OpaqueVerdict("nft", "masquerade fully-random", "nat", True)
        if (verdict.dialect, verdict.text, place.target) == ("nft", "masquerade fully-random", "iptables"):
            return OpaqueVerdict("iptables", "-j MASQUERADE --random-fully", "MASQUERADE")
        if (verdict.dialect, place.target) == ("iptables", "nftables"):
            return targets.queue_in_nft(verdict) or verdict
        if (verdict.dialect, place.target) == ("nft", "iptables"):
            return targets.queue_in_iptables(verdict) or verdict
    return verdict


def _action(action: Action, place: Place) -> Action:
    if isinstance(action, OpaqueAction):
        if (action.dialect, place.target) == ("iptables", "nftables"):
            return targets.in_nft(action, place) or action
        if (action.dialect, place.target) == ("nft", "iptables"):
            return targets.in_iptables(action, place) or action
    return action
