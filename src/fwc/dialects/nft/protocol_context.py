"""What the statements of a rule tell nft of the packet's protocols, and what it refuses without knowing them
(proto_ctx_update() in src/proto.c, stmt_evaluate_nat(), _reject() and _tproxy() in src/evaluate.c of nftables 1.0.6)."""

from __future__ import annotations

from collections.abc import Iterator

from fwc.dialects.nft import tree as t
from fwc.dialects.nft.lift_values import Wrong

_NETWORKS = {"ip": "ip", "ip6": "ip6", "icmp": "ip", "igmp": "ip", "icmpv6": "ip6"}
"""Headers that exist in one network protocol only."""
_TRANSPORTS = frozenset(("tcp", "udp", "udplite", "sctp", "dccp", "th"))
_VERSIONS = {"ipv4": "ip", "ipv6": "ip6", "ip": "ip", "ip6": "ip6"}
_NUMBERED = frozenset(("meta l4proto", "l4proto", "ip protocol", "ip6 nexthdr"))
_OF_BOTH = frozenset(f"ct {way} {side}" for way in ("original", "reply") for side in ("saddr", "daddr")) | {
    "rt nexthop"
}
"""Addresses whose network protocol their name does not say."""


def needs_context(node: t.Statement) -> bool:
    """Whether `Known` has something to say of the statement: of most rules it has not."""
    if isinstance(node, t.Compare | t.Vmap):
        left = node.left if isinstance(node, t.Compare) else node.key
        if isinstance(left, t.Selector):
            return left.text in _OF_BOTH or left.text == "meta nfproto"
        return isinstance(left, t.Concat)
    return isinstance(node, t.RejectWith | t.Nat) or (isinstance(node, t.Foreign) and node.kind == "tproxy")


class Known:
    """What is known before a statement of a rule in a table of `family`. `network` is ip, ip6 or empty where nothing tells."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.network = family if family in ("ip", "ip6") else ""
        self.transport = False

    def learn(self, node: t.Statement) -> None:
        """Take in what a condition or a map says. Raises Wrong where nft cannot tell what the condition asks for."""
        if isinstance(node, t.Compare):
            for selector in _selectors(node.left):
                self._selector(selector)
            if isinstance(node.left, t.Selector) and node.op in ("", "=="):
                self._value(node.left.text, node.right)
        elif isinstance(node, t.Vmap | t.Update):
            for selector in _selectors(node.key):
                self._selector(selector)
        elif not isinstance(node, t.Counter | t.LogTo | t.Limit | t.NoTracking):
            self.network = self.network or "?"  # what is not looked into may tell
            self.transport = True

    def _selector(self, text: str) -> None:
        if text in _OF_BOTH and self.family == "inet" and not self.network:
            side = text.split()[-1]
            help = f"write `{text.rsplit(' ', 1)[0]} ip {side}` or `{text.rsplit(' ', 1)[0]} ip6 {side}`"
            raise Wrong("FW001", f"in a table of the family inet `{text}` does not say of which network protocol", help)
        if text == "meta nfproto" and self.family != "inet":
            help = "leave it out, or write `meta protocol ip` in a table of the family bridge or netdev"
            raise Wrong("FW001", f"`meta nfproto` is refused in a table of the family {self.family}", help)
        words = text.removeprefix("ct original ").removeprefix("ct reply ").split()
        self.network = self.network or _NETWORKS.get(words[0], "")
        self.transport = self.transport or words[0] in _TRANSPORTS or text in _NUMBERED

    def _value(self, left: str, right: t.Expr) -> None:
        word = right.text if isinstance(right, t.Word) else "?"
        if left in ("meta nfproto", "meta protocol", "ether type"):
            self.network = self.network or _VERSIONS.get(word, "?")

    # ----- statements that need it -------------------------------------------

    def answered(self, node: t.RejectWith) -> None:
        """An ICMP error is of the packet's own network protocol."""
        kind = node.kind.split(" ")[0]
        other = {"icmp": "ip6", "icmpv6": "ip"}.get(kind, "")
        if other and self.network == other:
            name = {"ip": "IPv4", "ip6": "IPv6"}[other]
            raise Wrong(
                "FW001", f"{kind} does not answer a packet of {name}, which this rule asks for", "write `icmpx`"
            )

    def translated(self, node: t.Nat) -> None:
        named = node.family or node.kind == "redirect"  # which has a port alone
        if self.family == "inet" and node.address is not None and not named and not self.network:
            help = f"write `{node.kind} ip to` or `{node.kind} ip6 to`"
            raise Wrong(
                "FW001", f"in a table of the family inet `{node.kind}` with an address has to say of which family", help
            )

    def proxied(self, text: str) -> None:
        """`tproxy [ip|ip6] to ADDRESS:PORT`."""
        words = text.split()
        if not self.transport:
            help = "write `meta l4proto tcp` or `tcp dport PORT` before it"
            raise Wrong("FW001", "`tproxy` needs a condition on the transport protocol before it", help)
        named = words[1] if len(words) > 1 and words[1] in ("ip", "ip6") else ""
        if named and self.network in ("ip", "ip6") and named != self.network:
            raise Wrong("FW001", f"`tproxy {named}` stands behind a condition of {self.network}")
        at = words.index("to") + 1 if "to" in words else len(words)
        if self.family == "inet" and not named and at < len(words) and words[at][0] != ":":
            text = "in a table of the family inet `tproxy` with an address has to say of which family"
            raise Wrong("FW001", text, "write `tproxy ip to` or `tproxy ip6 to`")


def _selectors(node: t.Expr) -> Iterator[str]:
    if isinstance(node, t.Selector):
        yield node.text
    elif isinstance(node, t.Concat):
        for part in node.parts:
            yield from _selectors(part)
    elif isinstance(node, t.Operation):
        yield from _selectors(node.left)
        yield from _selectors(node.right)
    elif isinstance(node, t.Mapped):
        yield from _selectors(node.key)
