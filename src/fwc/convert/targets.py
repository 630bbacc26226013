"""Targets of iptables that fwc keeps as text, and the statements of nft that the kernel carries out alike."""

from __future__ import annotations

import re

from fwc.convert.pairs import ECN
from fwc.convert.place import Place
from fwc.ir.verdict import OpaqueAction, OpaqueVerdict
from fwc.net.hooks import PRIORITY_MANGLE, PRIORITY_RAW, Hook

_QUEUE = re.compile(r"queue(?: flags ([a-z,]+))?(?: (?:num|to) (\d+)(?:-(\d+))?)?(?: ((?:bypass|fanout|,)+))?")
_FLAGS = {"--queue-bypass": "bypass", "--queue-cpu-fanout": "fanout"}
_ALL = frozenset(Hook)
_ECN_SET = re.compile(r"-j TOS --set-tos 0x0?([0-3])/0x0?3")
_ECN_SET_NFT = re.compile(r"ip6? ecn set (\S+)")


def queue_in_nft(verdict: OpaqueVerdict) -> OpaqueVerdict | None:
    """NFQUEUE: nfqueue_tg_v3() in xt_NFQUEUE.c and nft_queue_eval() choose alike, by nfqueue_hash() or by the CPU."""
    words = verdict.text.split()
    if words[:2] != ["-j", "NFQUEUE"]:
        return None
    low, high, flags, rest = 0, 0, [], words[2:]
    while rest:
        option, rest = rest[0], rest[1:]
        if option in _FLAGS:
            flags.append(_FLAGS[option])
            continue
        found = re.fullmatch(r"(\d+)(?::(\d+))?", rest[0]) if rest else None
        if option not in ("--queue-num", "--queue-balance") or found is None:
            return None
        low, rest = int(found[1]), rest[1:]
        high = int(found[2] or found[1])
    if not low <= high <= 0xFFFF:
        return None
    named = f" flags {','.join(sorted(flags))}" if flags else ""
    return OpaqueVerdict("nft", f"queue{named} to {low}" + (f"-{high}" if low < high else ""), "queue", True)


def queue_in_iptables(verdict: OpaqueVerdict) -> OpaqueVerdict | None:
    found = _QUEUE.fullmatch(verdict.text)
    if found is None:
        return None
    flags = set((found[1] or found[4] or "").split(",")) - {""}
    low, high = int(found[2] or 0), int(found[3] or found[2] or 0)
    if not flags <= {"bypass", "fanout"} or not low <= high <= 0xFFFF or ("fanout" in flags and low == high):
        return None
    numbers = f"--queue-num {low}" if low == high else f"--queue-balance {low}:{high}"
    options = [option for option, flag in _FLAGS.items() if flag in flags]
    return OpaqueVerdict("iptables", " ".join(("-j NFQUEUE", numbers, *options)), "NFQUEUE", True)


def in_nft(action: OpaqueAction, place: Place) -> OpaqueAction | None:
    """TRACE sets the packet's nf_trace, as nft_meta_set_eval() does; TOS writes the two bits of congestion notification."""
    if action.text == "-j TRACE":
        return OpaqueAction("nft", "meta nftrace set 1", "meta nftrace")
    if (found := _ECN_SET.fullmatch(action.text)) is not None:
        return OpaqueAction("nft", f"{place.family} ecn set {ECN[found[1]]}", f"{place.family} ecn")
    return None


def in_iptables(action: OpaqueAction, place: Place) -> OpaqueAction | None:
    """Each stands in one table of iptables only."""
    if action.text in ("meta nftrace set 1", "nftrace set 1") and place.inside(_ALL, PRIORITY_RAW):
        return OpaqueAction("iptables", "-j TRACE", "TRACE")
    if (
        place.family != "inet"
        and (found := _ECN_SET_NFT.fullmatch(action.text)) is not None
        and place.inside(_ALL, PRIORITY_MANGLE)
    ):
        value = next((number for number, name in ECN.items() if found[1] in (number, name)), None)
        if value is not None:
            return OpaqueAction("iptables", f"-j TOS --set-tos 0x{value}/0x3", "TOS")
    return None
