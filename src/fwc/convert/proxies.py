"""Transparent proxies: sockets of this machine that take packets for other addresses.

`TPROXY` of iptables drops what has no such socket; nft's `tproxy` goes on to the next rule, and what stands behind it is done
for the others. Both look the socket up in nf_tproxy_ipv4.c and nf_tproxy_ipv6.c (tproxy_tg4() in xt_TPROXY.c and
nft_tproxy_eval_v4()).
`-m socket` and `socket` ask nf_sk_lookup_slow_v4() and _v6(); a wildcard is a full socket that is bound to no address, which
`-m socket` does not take without --nowildcard (socket_match() in xt_socket.c, nft_socket_eval()). iptables puts packets in pieces
together for both; of nft's two only `tproxy` does.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from itertools import permutations

from fwc.convert.chains import Away, Call
from fwc.convert.pair_values import number
from fwc.convert.place import Place, of_rule
from fwc.ir.match import ALWAYS, Always, Field, FieldIn, Match, Not, Opaque, all_of, family_is
from fwc.ir.model import Rule
from fwc.ir.verdict import DROP, Drop, OpaqueVerdict
from fwc.ir.walk import conjuncts
from fwc.net.addresses import format_address, parse_address
from fwc.net.hooks import PRIORITY_MANGLE, Family, Hook
from fwc.net.intervals import IntervalSet
from fwc.net.protocols import TCP, UDP
from fwc.records import Record

# ----- sockets ---------------------------------------------------------------

_ANY_SOCKET = "socket transparent <= 1"
_TRANSPARENT = "socket transparent 1"
_WILDCARD = "socket wildcard 1"
_HOOKS = frozenset({Hook.PREROUTING, Hook.INPUT})


def socket_in_nft(match: Opaque, place: Place) -> Match | None:
    """`-m socket` in nft's words, None where there are none."""
    options = match.text.split()
    if options[:2] != ["-m", "socket"] or not place.joined:
        return None
    if not set(options[2:]) <= {"--transparent", "--nowildcard"}:
        return None
    found = Opaque("nft", _TRANSPARENT if "--transparent" in options else _ANY_SOCKET, "socket transparent")
    if "--nowildcard" in options:
        return found
    return all_of(found, Not(Opaque("nft", _WILDCARD, "socket wildcard")))


def socket_in_iptables(match: Opaque, place: Place) -> Match | None:
    """`socket` in the words of iptables, which takes them before routing and on input only."""
    if not place.joined or not place.bases or any(base.hook not in _HOOKS for base in place.bases):
        return None
    any_socket = _socket(" --nowildcard")
    if match.text in (_ANY_SOCKET, "socket transparent { 0, 1 }"):
        return any_socket
    if match.text == _TRANSPARENT:
        return _socket(" --transparent --nowildcard")
    if match.text == "socket transparent 0":
        return all_of(any_socket, Not(_socket(" --transparent --nowildcard")))
    return all_of(any_socket, Not(_socket(""))) if match.text == _WILDCARD else None


def _socket(options: str) -> Opaque:
    return Opaque("iptables", f"-m socket{options}", "socket")


# ----- redirection to them ---------------------------------------------------

_STATEMENT = re.compile(
    r"tproxy(?: ip6?)? to (\[[0-9a-fA-F:]+\]|[0-9.]+)?(?::(\d+))?(?: (?:meta )?mark set (.+?))?(?: counter)? accept"
)
_MARK = re.compile(r"(?:(?:meta )?mark)?(?: ?& ?(\w+))?(?: ?([|^]) ?(\w+))?")
_ALL_BITS = 0xFFFFFFFF


class Proxy(Record):
    """`address` 0 is the address of the interface on which the packet came, `port` 0 the packet's own. The mark becomes
    `(old & ~mask) ^ mark`."""

    address: int
    port: int
    mark: int
    mask: int


def proxied(rule: Rule) -> Call | None:
    """A rule with TPROXY as a chain that drops what has no socket."""
    verdict = rule.verdict
    if not isinstance(verdict, OpaqueVerdict) or (verdict.dialect, verdict.kind) != ("iptables", "TPROXY"):
        return None
    family = Family.V6 if ":" in verdict.text else Family.V4
    proxy = _read_target(verdict.text.split(), family)
    protocol = [p for p in conjuncts(rule.match) if isinstance(p, FieldIn) and p.field is Field.PROTOCOL]
    if proxy is None or not protocol:
        return None
    taken = OpaqueVerdict("nft", _statement(proxy, family), "tproxy")

    def inside(away: Away) -> tuple[Rule, ...]:
        origin = rule.origin
        return Rule(all_of(*protocol), (), taken, origin=origin), Rule(ALWAYS, (), DROP, origin=origin)

    return Call(rule.match, inside, "proxy")


def _read_target(words: Sequence[str], family: Family) -> Proxy | None:
    given = dict(zip(words[2::2], words[3::2], strict=False))
    if len(words) % 2 or not given.keys() <= {"--on-port", "--on-ip", "--tproxy-mark"}:
        return None
    address = parse_address(given.get("--on-ip", "0.0.0.0"))
    value, slash, mask = given.get("--tproxy-mark", "0/0").partition("/")
    port = _number(given.get("--on-port", ""))
    mark, bits = _number(value), _number(mask) if slash else _ALL_BITS
    if address is None or port is None or mark is None or bits is None or not (address[1] or port):
        return None
    return Proxy(address[1], port, mark, bits)


def _statement(proxy: Proxy, family: Family) -> str:
    to = ""
    if proxy.address:
        to = format_address(family, proxy.address)
        to = f"[{to}]" if family is Family.V6 else to
    to += f":{proxy.port}" if proxy.port else ""
    if (proxy.mark, proxy.mask) == (0, 0):
        return f"tproxy to {to} accept"
    if proxy.mask == _ALL_BITS:
        return f"tproxy to {to} meta mark set 0x{proxy.mark:x} accept"
    return f"tproxy to {to} meta mark set meta mark & 0x{proxy.mask ^ _ALL_BITS:x} ^ 0x{proxy.mark:x} accept"


def targeted(rules: tuple[Rule, ...], place: Place) -> tuple[Rule, ...]:
    """The rules of a chain with `tproxy` as TPROXY, where the next rule drops what has no socket."""
    out = list(rules)
    for at, rule in enumerate(rules):
        if (
            isinstance(rule.verdict, OpaqueVerdict)
            and rule.verdict.kind == "tproxy"
            and _dropped(rule, rules[at + 1 :])
        ):
            target = _target(rule.verdict.text, of_rule(place, rule))
            out[at] = rule if target is None else dataclasses.replace(rule, verdict=target)
    return tuple(out)


def _dropped(rule: Rule, behind: Sequence[Rule]) -> bool:
    """Whether the next rule that packets of this one meet drops them all."""
    asked = set(conjuncts(rule.match))
    rest = next((each for each in behind if not _other_family(asked, each)), None)
    if rest is None or not isinstance(rest.verdict, Drop) or rest.actions:
        return False
    return isinstance(rest.match, Always) or set(conjuncts(rest.match)) <= asked


def _other_family(asked: set[Match], rule: Rule) -> bool:
    theirs = set(conjuncts(rule.match))
    return any(family_is(a) in asked and family_is(b) in theirs for a, b in permutations(Family, 2))


def _target(text: str, place: Place) -> OpaqueVerdict | None:
    found = _STATEMENT.fullmatch(text)
    if found is None or not place.inside(frozenset({Hook.PREROUTING}), PRIORITY_MANGLE):
        return None
    if place.protocols is None or not place.protocols <= IntervalSet.of(TCP, UDP):
        return None
    address = parse_address(found[1].strip("[]")) if found[1] else None
    change = _change(found[3]) if found[3] else (0, 0)
    if change is None or (found[1] and address is None):
        return None
    words = f"-j TPROXY --on-port {found[2] or 0}"
    if address is not None:
        words += f" --on-ip {format_address(*address)}"
    return OpaqueVerdict("iptables", f"{words} --tproxy-mark 0x{change[0]:x}/0x{change[1]:x}", "TPROXY", True)


def _change(text: str) -> tuple[int, int] | None:
    """Value and mask of a number, or of the mark with bits cleared and others set or turned over."""
    if (value := _number(text)) is not None:
        return value, _ALL_BITS
    found = _MARK.fullmatch(text)
    keep, bits = (_number(found[1] or "0xffffffff"), _number(found[3] or "0")) if found is not None else (None, None)
    if found is None or keep is None or bits is None or "mark" not in text:
        return None
    mask = keep ^ _ALL_BITS
    return (bits, mask | bits) if found[2] == "|" else (bits, mask)


def _number(text: str) -> int | None:
    found = number(text)
    return found if found is not None and found <= _ALL_BITS else None
