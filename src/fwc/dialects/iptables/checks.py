"""What iptables refuses to load although it parses, or loads and never matches (FW0xx)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from fwc.diagnostics import Diagnostic, Label, error, warning
from fwc.dialects.iptables.builtin import BUILTIN, HOOK_OF_CHAIN
from fwc.dialects.iptables.hook_checks import check_hooks
from fwc.dialects.iptables.hooks import INTERFACES, TABLES, tables_text
from fwc.dialects.iptables.names import CHAIN_LENGTH, RESERVED
from fwc.dialects.iptables.scan import Scanned, has_ports
from fwc.dialects.iptables.targets import PREFIX_LENGTH
from fwc.dialects.iptables.tree import ChainLine, RuleLine, TableBlock
from fwc.ir.graph import cycles
from fwc.ir.model import Rule
from fwc.net.hooks import Family
from fwc.source import utf8

Complain = Callable[[RuleLine, int | None, str, str, str, bool], None]
Item = tuple[RuleLine, Rule, Scanned | None]


def check_rule(block: TableBlock, family: Family, line: RuleLine, scanned: Scanned, complain: Complain) -> None:
    """Mistakes that one rule shows."""
    chain, words = line.chain, line.words
    hook = HOOK_OF_CHAIN.get(chain)
    if hook is not None:
        for option, _, _, index in scanned.options:
            if option in INTERFACES and hook not in INTERFACES[option]:
                complain(line, index - 1, "FW004", f"{option} cannot be used in chain {chain}", "remove it", True)
    protocol = scanned.protocol
    if protocol is not None and not protocol[1]:
        if protocol[0] == 58 and family is Family.V4:
            complain(line, None, "FW008", "ICMPv6 does not occur in IPv4: the rule never matches", "use -p icmp", True)
        elif protocol[0] == 1 and family is Family.V6:
            complain(
                line,
                None,
                "FW008",
                "ICMP for IPv4 does not occur in IPv6: the rule never matches",
                "use -p ipv6-icmp",
                True,
            )
    for name in scanned.instances:
        needs_ports = name == "multiport" and not has_ports(protocol)
        other = name in ("tcp", "udp") and (protocol is None or protocol != ({"tcp": 6, "udp": 17}[name], False))
        if needs_ports or other:
            complain(
                line,
                None,
                "FW003",
                f"the match {name} needs its protocol",
                f"write -p {name if other else 'tcp'}",
                True,
            )
    if scanned.target:
        _check_target(block, line, scanned, complain)
    if "--log-prefix" in words and words.index("--log-prefix") + 1 < len(words):
        at = words.index("--log-prefix") + 1
        if len(utf8(words[at])) > PREFIX_LENGTH:
            text = f"the log prefix is cut to {PREFIX_LENGTH} characters"
            complain(line, at, "FW021", text, "shorten it", False)


def _check_target(block: TableBlock, line: RuleLine, scanned: Scanned, complain: Complain) -> None:
    name, words = scanned.target, line.words
    if scanned.goto or name not in RESERVED:
        return
    at = words.index(name) if name in words else None
    tables = TABLES.get(f"-j {name}")
    if tables is not None and block.name not in tables:
        text = f"{name} works in {tables_text(f'-j {name}')} only"
        complain(line, at, "FW005", text, f"move the rule to *{tables[0]}", True)
        return
    if name == "DROP" and block.name == "nat":
        complain(line, at, "FW005", "the nat table cannot drop packets", "move the rule to *filter", True)
    tcp = scanned.protocol == (6, False)
    if name == "REJECT" and ("tcp-reset" in words or "tcp-rst" in words) and not tcp:
        complain(line, at, "FW006", "a TCP reset needs -p tcp", "write -p tcp", True)
    if name == "TCPMSS" and "--tcp-flags" not in words and "--syn" not in words and "--tcp-flag" not in words:
        complain(line, at, "FW026", "TCPMSS needs -p tcp --tcp-flags SYN,RST SYN", "add it", True)


def check_chains(
    block: TableBlock,
    policies: Mapping[str, ChainLine | None],
    bodies: Mapping[str, Sequence[Item]],
    found: list[Diagnostic],
) -> None:
    """Mistakes that need all chains of the table: names, policies, jumps and cycles."""
    builtin = BUILTIN.get(block.name, ())
    for name, chain in policies.items():
        if chain is not None:
            _check_policy(name, chain, name in builtin, found)
    graph: dict[str, dict[str, RuleLine]] = {name: {} for name in bodies}
    for name, body in bodies.items():
        calls = graph[name]
        for line, _, scanned in body:
            target = scanned.target if scanned is not None else ""
            if scanned is None or not target or target in calls:
                continue
            if target in RESERVED and not scanned.goto and target not in builtin:
                continue
            if target in builtin:
                found.append(
                    error(
                        "FW017",
                        f"{target} is a builtin chain: no rule can jump there",
                        line.span,
                        help="use a user chain",
                    )
                )
            elif target not in policies:
                text = f"there is no chain {target!r} in table {block.name} and no target of that name"
                found.append(error("FW015", text, line.span, help=f"declare it: `:{target} - [0:0]`"))
            else:
                calls[target] = line
    hooks = check_hooks(block, bodies, graph, found)
    for path in cycles(graph):
        line = graph[path[-2]][path[-1]]
        labels = [Label(s, "") for a, b in pairwise(path[:-1]) if (s := graph[a][b].span) is not None]
        text = f"the jumps {' -> '.join(path)} are a circle"
        make = error if hooks.get(path[0]) else warning  # the kernel follows the jumps from the builtin chains only
        found.append(make("FW016", text, line.span, help="remove one of them", secondary=labels))


def _check_policy(name: str, chain: ChainLine, is_builtin: bool, found: list[Diagnostic]) -> None:
    if name.startswith("-"):
        found.append(error("FW001", "the name of a chain cannot begin with `-`", chain.span))
    if not is_builtin and name in RESERVED:
        found.append(error("FW001", f"{name} is the name of a target", chain.span, help="call the chain otherwise"))
    if is_builtin and chain.policy not in ("ACCEPT", "DROP"):
        text = f"the policy of {name} is {chain.policy!r}, but only ACCEPT and DROP are possible"
        found.append(error("FW019", text, chain.span, help="use DROP and a last rule with REJECT"))
    if not is_builtin and chain.policy in ("ACCEPT", "DROP", "REJECT"):
        text = f"{name} is a user chain: its policy {chain.policy} is ignored"
        found.append(error("FW018", text, chain.span, help=f"write `:{name} - [0:0]` and end the chain with a rule"))
    if not is_builtin and len(utf8(name)) > CHAIN_LENGTH:
        found.append(
            error(
                "FW020",
                f"the chain name {name!r} is longer than {CHAIN_LENGTH} characters",
                chain.span,
                help="shorten it",
            )
        )
