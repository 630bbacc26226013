"""Generated identifiers: chain, ipset and hashlimit names within the limits of iptables."""

from __future__ import annotations

from hashlib import sha256

from fwc.source import utf8

CHAIN_LENGTH = 28
"""XT_EXTENSION_MAXNAMELEN 29 with its NUL; iptables refuses more."""
SET_LENGTH = 31
"""IPSET_MAXNAMELEN 32 with its NUL."""
HASHLIMIT_LENGTH = 15
"""Revision 1 of the match has IFNAMSIZ; later ones take 255, but 15 loads everywhere."""

_RESERVED = """
ACCEPT DROP RETURN QUEUE INPUT OUTPUT FORWARD PREROUTING POSTROUTING AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK
CONNSECMARK CT DNAT DNPT DSCP ECN HL HMARK IDLETIMER LED LOG MARK MASQUERADE MIRROR NETMAP NFLOG NFQUEUE NOTRACK
RATEEST REDIRECT REJECT ROUTE SAME SECMARK SET SNAT SNPT SYNPROXY TARPIT TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE
TTL ULOG
"""
RESERVED = frozenset(_RESERVED.split())
"""Names that `-j` takes for a target, and builtin chains."""


def clean(text: str) -> str:
    """The text with everything but ASCII letters, digits and `_` as `_`, beginning with a letter or digit."""
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in text).strip("_")
    return kept or "chain"


def cut(text: str, limit: int, salt: str = "") -> str:
    """The text, or its beginning with a 4-digit hexadecimal mark of the whole when it is too long."""
    if len(text) <= limit and not salt:
        return text
    mark = sha256(utf8(f"{text}\0{salt}")).hexdigest()[:4]
    return f"{text[: limit - 5]}_{mark}"


class Names:
    """Unique names of one name space, in the order in which they are asked for."""

    def __init__(self, limit: int, taken: frozenset[str] = RESERVED) -> None:
        self._limit = limit
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def exact(self, name: str) -> None:
        """Reserve a name as it is."""
        self._taken.add(name)

    def make(self, wish: str) -> str:
        """A name like `wish` that nobody has: cut when too long, numbered when taken."""
        base = cut(wish, self._limit)
        name = base
        while name in self._taken:
            number = self._next.get(base, 1) + 1
            self._next[base] = number
            name = cut(f"{base}_{number}", self._limit)
        self._taken.add(name)
        return name
