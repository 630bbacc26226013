"""Rulesets as an expert writes them by hand: what the compiled ones are measured against."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.packets import Flow, Load

TRACKED_NFT = "ct state vmap { established : accept, related : accept, invalid : drop }"
TRACKED_IPTABLES = [
    "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -m conntrack --ctstate INVALID -j DROP",
]


def text(address: int) -> str:
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def nft(body: str, declarations: str = "") -> Load:
    chain = f"chain f {{ type filter hook forward priority 0; policy accept; {TRACKED_NFT}\n{body}\n}}"
    return [(["nft", "-f", "-"], f"table inet hand {{\n{declarations}\n{chain}\n}}\n")]


def iptables(rules: Sequence[str], chains: Sequence[str] = (), variant: str = "legacy") -> Load:
    head = [":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", *(f":{c} - [0:0]" for c in chains)]
    lines = ["*filter", *head, *TRACKED_IPTABLES, *rules, "COMMIT", ""]
    return [([f"iptables-{variant}-restore"], "\n".join(lines))]


def nft_set(flows: Sequence[Flow]) -> Load:
    elements = ", ".join(f"{text(a)} . {p}" for a, p in flows)
    declaration = f"set s {{ type ipv4_addr . inet_service; elements = {{ {elements} }} }}"
    return nft('iifname "eth0" oifname "eth1" ip saddr . tcp dport @s accept', declaration)


def nft_list(flows: Sequence[Flow]) -> Load:
    return nft("\n".join(f"ip saddr {text(a)} tcp dport {p} accept" for a, p in flows))


def ipset(flows: Sequence[Flow], variant: str = "legacy") -> Load:
    lines = ["create s hash:ip,port maxelem 1000000", *(f"add s {text(a)},tcp:{p}" for a, p in flows), ""]
    rule = "-A FORWARD -i eth0 -o eth1 -m set --match-set s src,dst -j ACCEPT"
    return [(["ipset", "restore"], "\n".join(lines)), *iptables([rule], (), variant)]


def iptables_list(flows: Sequence[Flow]) -> Load:
    return iptables([f"-A FORWARD -s {text(a)} -p tcp -m tcp --dport {p} -j ACCEPT" for a, p in flows])


def iptables_halves(flows: Sequence[Flow], variant: str = "legacy") -> Load:
    """Chains that halve the addresses bit by bit, four rules at the end."""
    chains: list[str] = []
    rules: list[str] = []

    def node(own: list[Flow], bit: int, depth: int) -> str:
        name = f"t{len(chains)}"
        chains.append(name)
        while bit >= 0 and len({a >> bit & 1 for a, _ in own}) < 2:
            bit -= 1
        if len(own) <= 4 or bit < 0 or depth == 12:
            rules.extend(f"-A {name} -s {text(a)} -p tcp -m tcp --dport {p} -j ACCEPT" for a, p in own)
            return name
        for half in ([f for f in own if not f[0] >> bit & 1], [f for f in own if f[0] >> bit & 1]):
            low = half[0][0] >> bit << bit
            rules.append(f"-A {name} -s {text(low)}/{32 - bit} -g {node(half, bit - 1, depth + 1)}")
        return name

    root = node(sorted(flows), 31, 0)
    return iptables([f"-A FORWARD -i eth0 -o eth1 -g {root}", *rules], chains, variant)
