"""Matches and targets that the kernel takes only at some hooks, in some tables or for some protocols (FW005).

A user chain counts where a builtin chain leads to it. Source: the `.hooks`, `.table` and `.proto` of net/netfilter/xt_*.c and
net/ipv4/netfilter/ipt_*.c, and their check functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fwc.diagnostics import Diagnostic, error
from fwc.dialects.iptables.builtin import BUILTIN
from fwc.dialects.iptables.scan import Scanned
from fwc.dialects.iptables.tree import RuleLine, TableBlock

_IN, _OUT = frozenset({"PREROUTING", "INPUT"}), frozenset({"OUTPUT", "POSTROUTING"})
_ALL = _IN | _OUT | {"FORWARD"}
_TCP, _TRANSPORT = frozenset({6}), frozenset({6, 17, 132, 33})

TABLE_ONLY = {
    "SNAT": "nat", "DNAT": "nat", "MASQUERADE": "nat", "REDIRECT": "nat", "NETMAP": "nat", "CT": "raw", "NOTRACK": "raw",
    "REJECT": "filter", "DSCP": "mangle", "TTL": "mangle", "HL": "mangle", "TOS": "mangle", "TPROXY": "mangle",
    "ECN": "mangle", "CHECKSUM": "mangle",
}  # fmt: skip
"""Targets that one table has; the kernel takes them in no other."""

_HOOKS: dict[str, frozenset[str]] = {
    "-m owner": _OUT,
    "-m mac": _IN | {"FORWARD"},
    "-m rpfilter": frozenset({"PREROUTING"}),
    "-m socket": _IN,
    "-j MASQUERADE": frozenset({"POSTROUTING"}),
    "-j SNAT": frozenset({"POSTROUTING", "INPUT"}),
    "-j DNAT": frozenset({"PREROUTING", "OUTPUT"}),
    "-j REDIRECT": frozenset({"PREROUTING", "OUTPUT"}),
    "-j TPROXY": frozenset({"PREROUTING"}),
    "-j CLASSIFY": _OUT | {"FORWARD"},
    "-j SYNPROXY": frozenset({"INPUT", "FORWARD"}),
    "-j REJECT": frozenset({"INPUT", "FORWARD", "OUTPUT"}),
}
_TABLES = {"-m rpfilter": ("raw", "mangle")}
_PROTOCOLS = {"-j ECN": _TCP, "-j SYNPROXY": _TCP, "-m tcpmss": _TCP, "-j TPROXY": frozenset({6, 17})}


def check_hooks(
    block: TableBlock,
    lines: Mapping[str, Sequence[tuple[RuleLine, Scanned]]],
    calls: Mapping[str, Mapping[str, RuleLine]],
    found: list[Diagnostic],
) -> dict[str, frozenset[str]]:
    """Rules of `block`, by chain, that the kernel refuses where they stand. `calls` says which chain leads to which.

    Gives for each chain the builtin chains that lead to it.
    """
    hooks = _reached(block.name, calls)
    for chain, body in lines.items():
        for line, scanned in body:
            problem = _problem(block.name, hooks.get(chain, frozenset()), scanned, line)
            if problem:
                found.append(error("FW005", problem, line.span, help="move the rule, or leave the condition out"))
    return hooks


def _reached(table: str, calls: Mapping[str, Mapping[str, RuleLine]]) -> dict[str, frozenset[str]]:
    """For each chain the builtin chains that lead to it."""
    out: dict[str, frozenset[str]] = {}
    for builtin in BUILTIN.get(table, ()):
        todo, seen = [builtin], {builtin}
        while todo:
            name = todo.pop()
            out[name] = out.get(name, frozenset()) | {builtin}
            fresh = [callee for callee in calls.get(name, {}) if callee not in seen]
            seen.update(fresh)
            todo.extend(fresh)
    return out


def _problem(table: str, hooks: frozenset[str], scanned: Scanned, line: RuleLine) -> str:
    names = [f"-m {name}" for name in scanned.instances]
    if scanned.target and not scanned.goto and TABLE_ONLY.get(scanned.target, table) == table:
        names.append(f"-j {scanned.target}")
    words = line.words
    for name in names:
        wrong = hooks - _hooks(name, words)
        if wrong:
            return f"{name} cannot be used in {' and '.join(sorted(wrong))}"
        if hooks and table not in _TABLES.get(name, (table,)):
            return f"{name} works in the tables {' and '.join(_TABLES[name])} only"
        wanted = _protocols(name, words)
        given = scanned.protocol
        if wanted and (given is None or given[1] or given[0] not in wanted):
            return f"{name} needs a protocol: -p tcp" + (" or udp" if 17 in wanted else "")
    return ""


def _hooks(name: str, words: Sequence[str]) -> frozenset[str]:
    if name == "-m policy":
        outward = "--dir" in words[:-1] and words[words.index("--dir") + 1] == "out"
        inward = "--dir" in words[:-1] and not outward
        if words.count("--dir") > 1:
            return _ALL
        return _OUT | {"FORWARD"} if outward else _IN | {"FORWARD"} if inward else _ALL
    if name == "-j TCPMSS" and "--clamp-mss-to-pmtu" in words:
        return _OUT | {"FORWARD"}
    return _HOOKS.get(name, _ALL)


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
