"""Where iptables takes a match or target: the hooks, the tables, and the builtin chains with `-i` and `-o`.

Source: the `.hooks` and `.table` of net/netfilter/xt_*.c and net/ipv4/netfilter/ipt_*.c, and their check functions; a user chain
counts where a builtin chain leads to it. For the check functions (here: the options) iptables-nft looks at builtin chains only,
iptables-legacy at all: what stands here loads with both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fwc.dialects.iptables.builtin import CHAIN_OF_HOOK
from fwc.net.hooks import Hook

_INPUT, _FORWARD = frozenset({Hook.INPUT}), frozenset({Hook.FORWARD})
_BEFORE_ROUTING, _AFTER_ROUTING = frozenset({Hook.PREROUTING}), frozenset({Hook.POSTROUTING})
_SENT = frozenset({Hook.OUTPUT, Hook.POSTROUTING})
_WITH_ENTRY, _WITH_EXIT = _BEFORE_ROUTING | _INPUT | _FORWARD, _SENT | _FORWARD
_ALL = _WITH_ENTRY | _WITH_EXIT

INTERFACES: Mapping[str, frozenset[Hook]] = {"-i": _WITH_ENTRY, "-o": _WITH_EXIT}
"""The builtin chains in which a rule may ask for the interface; in other chains it asks in vain."""

HOOKS: Mapping[str, frozenset[Hook]] = {
    "-m owner": _SENT,
    "-m mac": _WITH_ENTRY,
    "-m rpfilter": _BEFORE_ROUTING,
    "-m socket": _BEFORE_ROUTING | _INPUT,
    "-m cgroup": _INPUT | _SENT,
    "-m realm": _INPUT | _WITH_EXIT,
    "-j MASQUERADE": _AFTER_ROUTING,
    "-j SNAT": _AFTER_ROUTING | _INPUT,
    "-j DNAT": _BEFORE_ROUTING | {Hook.OUTPUT},
    "-j REDIRECT": _BEFORE_ROUTING | {Hook.OUTPUT},
    "-j TPROXY": _BEFORE_ROUTING,
    "-j SNPT": _AFTER_ROUTING | _INPUT,
    "-j DNPT": _BEFORE_ROUTING | {Hook.OUTPUT},
    "-j CLASSIFY": _WITH_EXIT,
    "-j SYNPROXY": _INPUT | _FORWARD,
    "-j REJECT": _INPUT | _FORWARD | {Hook.OUTPUT},
}
"""The hooks of a match or target that has not all of them."""

OPTIONS: Mapping[str, Mapping[str, frozenset[Hook]]] = {
    "-m policy": {"--dir in": _WITH_ENTRY, "--dir out": _WITH_EXIT},
    "-m addrtype": {"--limit-iface-in": _WITH_ENTRY, "--limit-iface-out": _WITH_EXIT},
    "-m devgroup": {"--src-group": _WITH_ENTRY, "--dst-group": _WITH_EXIT},
    "-j TCPMSS": {"--clamp-mss-to-pmtu": _WITH_EXIT},
}
"""And those of their options."""

TABLES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("-j SNAT", "-j DNAT", "-j MASQUERADE", "-j REDIRECT", "-j NETMAP"), ("nat",)),
    **dict.fromkeys(("-j CT", "-j NOTRACK"), ("raw",)),
    **dict.fromkeys(("-j DSCP", "-j TTL", "-j HL", "-j TOS", "-j TPROXY", "-j ECN", "-j CHECKSUM"), ("mangle",)),
    **dict.fromkeys(("-j TCPOPTSTRIP", "-j SNPT", "-j DNPT"), ("mangle",)),
    **dict.fromkeys(("-j SECMARK", "-j CONNSECMARK"), ("mangle", "security")),
    "-j REJECT": ("filter",),
    "-m rpfilter": ("raw", "mangle"),
}
"""The tables of a match or target that has not all of them."""


def taken_at(name: str, words: Sequence[str] = ()) -> frozenset[Hook]:
    """The hooks at which a rule of these words may have `-m MATCH` or `-j TARGET`."""
    hooks = HOOKS.get(name, _ALL)
    for option, its_hooks in OPTIONS.get(name, {}).items():
        option, _, value = option.partition(" ")
        if any(word == option and value in ("", *words[at + 1 : at + 2]) for at, word in enumerate(words)):
            hooks &= its_hooks
    return hooks


def misplaced(name: str, words: Sequence[str], table: str, hooks: frozenset[Hook]) -> str:
    """Why a rule of these words, which has the match or target, cannot stand there; empty where it can."""
    wrong = hooks - taken_at(name, words)
    if wrong:
        return f"{name} cannot be used in {chains_text(wrong)}"
    if hooks and table not in TABLES.get(name, (table,)):
        return f"{name} works in {tables_text(name)} only"
    return ""


def chains_text(hooks: Iterable[Hook]) -> str:
    """`INPUT, FORWARD and OUTPUT`."""
    wanted = frozenset(hooks)
    return _listed([chain for hook, chain in CHAIN_OF_HOOK.items() if hook in wanted])


def tables_text(name: str) -> str:
    """`table nat`, `the tables raw and mangle`: those of a match or target in `TABLES`."""
    tables = TABLES[name]
    return f"table {tables[0]}" if len(tables) == 1 else f"the tables {_listed(tables)}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)
