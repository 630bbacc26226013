"""Matches and targets of a file where the kernel does not take them (`hooks`), or without the protocol that they need (FW005).

Source for the protocols: the `.proto` of net/netfilter/xt_*.c and net/ipv4/netfilter/ipt_*.c, and their check functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fwc.diagnostics import Diagnostic, error
from fwc.dialects.iptables.builtin import BUILTIN, HOOK_OF_CHAIN
from fwc.dialects.iptables.hooks import TABLES, misplaced
from fwc.dialects.iptables.names import RESERVED
from fwc.dialects.iptables.scan import Scanned
from fwc.dialects.iptables.tree import RuleLine, TableBlock
from fwc.ir.graph import sources
from fwc.ir.model import Rule

_TCP, _TRANSPORT = frozenset({6}), frozenset({6, 17, 132, 33})
_PROTOCOLS = {"-j ECN": _TCP, "-j SYNPROXY": _TCP, "-m tcpmss": _TCP, "-j TPROXY": frozenset({6, 17})}


def check_hooks(
    block: TableBlock,
    bodies: Mapping[str, Sequence[tuple[RuleLine, Rule, Scanned | None]]],
    calls: Mapping[str, Mapping[str, RuleLine]],
    found: list[Diagnostic],
) -> dict[str, frozenset[str]]:
    """Rules of `block`, by chain, that the kernel refuses where they stand. `calls` says which chain leads to which.

    Gives for each chain the builtin chains that lead to it.
    """
    hooks = sources(calls, BUILTIN.get(block.name, ()))
    known: dict[frozenset[str], dict[int, str]] = {}  # many rules share what they say beside addresses
    for chain, body in bodies.items():
        leading = hooks.get(chain, frozenset())
        problems = known.setdefault(leading, {})
        for line, _, scanned in body:
            if scanned is None:
                continue
            problem = problems.get(id(scanned))
            if problem is None:
                problem = problems[id(scanned)] = _problem(block.name, leading, scanned)
            if problem:
                found.append(error("FW005", problem, line.span, help="move the rule, or leave the condition out"))
    return hooks


def _problem(table: str, chains: frozenset[str], scanned: Scanned) -> str:
    if not scanned.instances and (scanned.goto or scanned.target not in RESERVED):
        return ""
    names = [f"-m {name}" for name in scanned.instances]
    target = f"-j {scanned.target}"
    if scanned.target and not scanned.goto and table in TABLES.get(target, (table,)):
        names.append(target)
    words = scanned.words
    hooks = frozenset(HOOK_OF_CHAIN[chain] for chain in chains)
    for name in names:
        problem = misplaced(name, words, table, hooks)
        if problem:
            return problem
        wanted = _protocols(name, words)
        given = scanned.protocol
        if wanted and (given is None or given[1] or given[0] not in wanted):
            return f"{name} needs a protocol: -p tcp" + (" or udp" if 17 in wanted else "")
    return ""


def _protocols(name: str, words: Sequence[str]) -> frozenset[int]:
    if name == "-m ecn":
        return _TCP if "--ecn-tcp-cwr" in words or "--ecn-tcp-ece" in words else frozenset()
    if name in ("-j MASQUERADE", "-j REDIRECT"):
        return _TRANSPORT if "--to-ports" in words or "--to-port" in words else frozenset()
    if name in ("-j SNAT", "-j DNAT"):
        return _TRANSPORT if any(_has_port(word) for word in words) else frozenset()
    if name == "-j CT" and "--helper" in words:
        return _TRANSPORT
    return _PROTOCOLS.get(name, frozenset())


def _has_port(word: str) -> bool:
    """`1.2.3.4:80`, `:80`, `[::1]:80`, but not `::1`."""
    host, colon, port = word.rpartition(":")
    return (
        bool(colon) and port[:1].isdigit() and (host == "" or host.endswith("]") or ("." in host and ":" not in host))
    )
