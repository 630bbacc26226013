"""What fwc does not model but knows in both spellings of Linux: kept opaque, written in the target's words.

The pairs are those that the kernel judges alike (tests/kernel/test_convert.py). A proof compares the target's words with what is
read back, so a pair in this table is taken on trust: it holds only what one kernel function decides for both front ends.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from fwc.ir.match import AllOf, AnyOf, Match, Not, Opaque, all_of
from fwc.ir.model import Chain, Rule, Ruleset, Table
from fwc.ir.verdict import OpaqueVerdict, Verdict

Known = Callable[[Opaque, bool], Match | None]
"""An opaque condition, negated or not, in the target's words; None where there are none."""

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
    return dataclasses.replace(ruleset, tables=tuple(_table(t, target) for t in ruleset.tables))


def _table(table: Table, target: str) -> Table:
    opaque = {"ip": _opaque, "ip6": _opaque6}.get(table.family)
    if opaque is None:
        return table

    def known(match: Opaque, negated: bool) -> Match | None:
        return opaque(match, target, negated)

    return dataclasses.replace(table, chains=tuple(_chain(c, target, known) for c in table.chains))


def _chain(chain: Chain, target: str, known: Known) -> Chain:
    return dataclasses.replace(chain, rules=tuple(_rule(r, target, known) for r in chain.rules))


def _rule(rule: Rule, target: str, known: Known) -> Rule:
    match, verdict = _match(rule.match, known), _verdict(rule.verdict, target)
    if match is rule.match and verdict is rule.verdict:
        return rule
    return dataclasses.replace(rule, match=match, verdict=verdict)


def _match(match: Match, known: Known) -> Match:
    match match:
        case AllOf(parts) | AnyOf(parts):
            new = tuple(_match(part, known) for part in parts)
            return match if all(a is b for a, b in zip(new, parts, strict=True)) else type(match)(new)
        case Not(Opaque() as inner):
            return known(inner, True) or match
        case Not(inner):
            return Not(_match(inner, known))
        case Opaque():
            return known(match, False) or match
        case _:
            return match


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


def _verdict(verdict: Verdict, target: str) -> Verdict:
    if isinstance(verdict, OpaqueVerdict):
        if (verdict.dialect, verdict.text, target) == ("iptables", "-j MASQUERADE --random-fully", "nftables"):
            return OpaqueVerdict("nft", "masquerade fully-random", "nat", True)
        if (verdict.dialect, verdict.text, target) == ("nft", "masquerade fully-random", "iptables"):
            return OpaqueVerdict("iptables", "-j MASQUERADE --random-fully", "MASQUERADE")
    return verdict
